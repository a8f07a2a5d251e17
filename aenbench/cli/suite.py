"""The command `aenbench suite`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aenbench.cli.options import AddressOption, ExecutorOption, QuietOption, RootOption, WorkersOption
from aenbench.errors import InvalidArgumentError
from gdatasets.cli.output import say, warn
from gdatasets.cli.progress import duration
from gdatasets.visible_text import visible

if TYPE_CHECKING:
    from aenbench.runs.suite_plan import Cell

_UPPER = " Runs with other numbers of images take about as many steps as with the method's own; very few take less."


def suite(
    tasks: Annotated[
        str, typer.Option(help="core, all, or the tasks of suite.toml that fit a pattern such as 'g-mnist/*'.")
    ] = "core",
    methods: Annotated[str, typer.Option(help="Methods of suite.toml, such as mlp,cnn; by default all.")] = "",
    train_images: Annotated[
        str,
        typer.Option(
            metavar="N,...",
            help="Numbers of training images, such as 100,1000,10000: run the methods with each of them, on the open "
            "track, in place of their own recipe.",
        ),
    ] = "",
    status: Annotated[
        bool, typer.Option("--status", help="Run nothing; show what is done and what is missing.")
    ] = False,
    folder: Annotated[Path, typer.Option("--dir", help="The folder that holds suite.toml and the entries.")] = Path(
        "leaderboards"
    ),
    root: RootOption = None,
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run what is missing of methods on tasks, then regenerate the leaderboard; resumes.

    Prints the plan first, with its cost as estimated from entries of the same method. Runs that fail are listed at the
    end, and so are entries that cannot be read or have too few seeds, which are left as they are; the others finish,
    and the exit code is 1.
    """
    from aenbench.cli.leaderboard import leaderboard
    from aenbench.cli.progress import progress_report
    from aenbench.execution.executors import executor_from
    from aenbench.leaderboard.untrusted.text import printable
    from aenbench.runs.suite_file import SUITE_FILE, read_suite
    from aenbench.runs.suite_plan import plan_suite
    from aenbench.runs.suite_run import run_suite

    chosen = [name for name in methods.split(",") if name]
    planned = read_suite(folder / SUITE_FILE)
    cells = plan_suite(planned, folder, tasks, chosen, root, _numbers(train_images), only_shown=status, told=say)
    _show(cells)
    if status:
        return
    with executor_from(executor, workers, address) as where, progress_report(quiet) as report:
        failures = run_suite(
            cells, folder, report, where, lambda cell, what: say(f"{cell.task} {cell.label}: {printable(what, 500)}")
        )
    for cell, why in failures:
        warn(f"{cell.task} {cell.label} {'was not run' if cell.problem else 'failed'}: {printable(why, 1_000)}")
    try:
        if any(cell.is_done for cell in cells):
            leaderboard(folder, check=False, form=None, tasks=None, root=root)
    finally:
        if failures:
            raise typer.Exit(1)


def _numbers(text: str) -> list[int]:
    """The numbers between commas; raises InvalidArgumentError for what is none."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if not re.fullmatch("[1-9][0-9]{0,8}", part):
            raise InvalidArgumentError(f'Expected numbers of images such as 100,1000, got "{visible(part, 60)}".')
    return [int(part) for part in parts]


def _show(cells: "Sequence[Cell]") -> None:
    """A line for each task, and what is missing in all."""
    for task in dict.fromkeys(cell.task for cell in cells):
        here = [cell for cell in cells if cell.task == task]
        done = [cell.label for cell in here if cell.is_done]
        left = [_cost(cell) for cell in here if cell.is_missing]
        wrong = [cell.label for cell in here if cell.problem]
        named = (("done", done), ("missing", left), ("to be replaced", wrong))
        parts = [f"{said} {', '.join(names)}" for said, names in named if names]
        say(f"{task}: {'; '.join(parts)}")
    broken = [cell for cell in cells if cell.problem]
    for cell in broken:
        say(f"{cell.task} {cell.label}: {cell.problem}; {cell.remedy}")
    missing = [cell for cell in cells if cell.is_missing]
    known = [cell.seconds for cell in missing if cell.seconds is not None]
    unknown = len(missing) - len(known)
    say(
        f"{len(cells) - len(missing) - len(broken)} of {len(cells)} entries are there"
        + (f", {len(broken)} to be replaced" if broken else "")
        + f". The others: {sum(known) / 3600:,.1f} hours of "
        f"one core for {len(known)}, ~ by entries on other datasets or without augmentation"
        + (f"; not known for {unknown}." if unknown else ".")
        + (_UPPER if any(cell.options.train_images for cell in missing) else "")
    )


def _cost(cell: "Cell") -> str:
    cost = "?" if cell.seconds is None else f"{'' if cell.exact else '~'}{duration(cell.seconds)}"
    return f"{cell.label} {cost}{' (started)' if cell.is_started else ''}"
