"""The commands `reproduce`: an entry's recorded command, run again."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from aenbench.cli.options import AddressOption, ExecutorOption, QuietOption, RootOption, WorkersOption
from aenbench.cli.run import run
from aenbench.errors import EntryError
from gdatasets.cli.exit_codes import UsageError
from gdatasets.cli.output import say, warn


class EntryByDefault(TyperGroup):
    """Commands of which `entry` need not be named: `reproduce FOLDER` is `reproduce entry FOLDER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["entry", *args]
        return super().parse_args(ctx, args)


reproductions = typer.Typer(cls=EntryByDefault, no_args_is_help=True)
_recorded = typer.Typer(add_completion=False)
_recorded.command()(run)


def parse_run(arguments: Sequence[str]) -> Mapping[str, Any]:
    """The options of a recorded `aenbench run`, read as the command reads them, and nothing done."""
    if "--help" in arguments:
        raise EntryError("The recorded command only shows help.")
    try:
        options: Mapping[str, Any] = typer.main.get_command(_recorded).make_context("run", list(arguments)).params
    except UsageError as error:
        raise EntryError(f"The recorded command cannot be read: {error.format_message()}") from error  # type: ignore[attr-defined]
    return options


@reproductions.command("entry", epilog="Example: aenbench reproduce leaderboards/g-mnist/aug2/mlp")
def reproduce_entry(
    folder: Annotated[Path, typer.Argument(help="An entry's folder.")],
    root: RootOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the second run; kept, and resumed. By default a temporary folder.")
    ] = None,
    trust_model: Annotated[
        bool,
        typer.Option("--trust-model", help="Import and run the code that its --model or --baseline names."),
    ] = False,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE",
            help="cpu, cuda or auto; by default the entry's kind of device. Another one rounds differently.",
        ),
    ] = None,
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run an entry's recorded command again and compare the result with the entry; exit code 1 if they disagree."""
    from tempfile import TemporaryDirectory

    from aenbench.cli.progress import progress_report
    from aenbench.execution.device import Device
    from aenbench.execution.executors import executor_from
    from aenbench.leaderboard.rescoring import rescore
    from aenbench.runs.rerun import recorded_plan
    from aenbench.runs.rerun import reproduce as run_again
    from aenbench.training.recipe import slow_precision

    entry, _, differences = rescore(folder, root)
    if differences:
        raise EntryError(f"{folder}: {'; '.join(differences)}.")
    if entry.origin == "model":
        _ask_for_trust(entry.method, trust_model)
    plan = recorded_plan(entry, parse_run, root, None if device is None else Device.parse(device))
    plan.device.check(executor)
    if notice := slow_precision(plan.spent.final, plan.device, can_choose=False):
        warn(notice)
    with ExitStack() as stack:
        where = stack.enter_context(executor_from(executor, workers, address, plan.device))
        report = stack.enter_context(progress_report(quiet))
        beside = out or Path(stack.enter_context(TemporaryDirectory(prefix="aenbench-")))
        agreement = run_again(folder, plan, beside, report, where)
    say(f"{entry.name}: {agreement}.")
    if not agreement.within:
        warn(f"{folder} was not reproduced, and nothing was recorded.")
        raise typer.Exit(1)
    say(f"Recorded in {folder / 'reproduction.json'}")


def _ask_for_trust(model: str, is_trusted: bool) -> None:
    """Say whose code would run; importing it is running it."""
    from gdatasets.user_code import locate_module

    place = locate_module(model)
    warn(f"This imports and runs {model}, found in {place or 'no file'}.")
    if not is_trusted:
        raise EntryError(f"Read the code of {model}; if it may run on this machine, give --trust-model.")
