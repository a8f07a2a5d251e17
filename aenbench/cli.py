"""The command `aenbench`. Heavy imports wait until a command needs them, so that `--help` answers at once."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from aenbench.errors import EntryError, InvalidArgumentError, known_name
from aenbench.options import AddressOption, ExecutorOption, QuietOption, RootOption, WorkersOption
from aenbench.paper.command import reproduce_paper
from gdatasets.command import UsageError, run_command
from gdatasets.errors import SourceError

if TYPE_CHECKING:
    from aenbench.leaderboard import Entry
    from aenbench.scoring import Score

app = typer.Typer(
    help="Equivariant networks, searched, trained and scored on the G- datasets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class EntryByDefault(TyperGroup):
    """Commands of which `entry` need not be named: `reproduce FOLDER` is `reproduce entry FOLDER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["entry", *args]
        return super().parse_args(ctx, args)


reproductions = typer.Typer(cls=EntryByDefault, no_args_is_help=True)
reproductions.command("paper")(reproduce_paper)
app.add_typer(reproductions, name="reproduce", help="Make an entry (`reproduce FOLDER`) or the paper's results again.")


def main() -> None:
    """Run the command; a user's mistake ends in one line and exit code 2, a failed verification in 1."""
    run_command(app, "aenbench", "Interrupted; run the same command again: what is finished is kept.")


def _notice(message: str) -> None:
    sys.stderr.write(f"{message}\n")


@app.callback()
def _aenbench() -> None:
    """Equivariant networks, searched, trained and scored on the G- datasets."""


@app.command()
def run(
    baseline: Annotated[
        str | None, typer.Option(help="mlp, full, single, single:<action>, aen, gcnn:<group> or gcnn-aen.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Your own network, package.module:name: an nn.Module class, or a function that makes one."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the entry, with --model; by default from the network's.")] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="dense or gcnn, with --model: whose final training it gets. By default dense."),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="g-mnist, mnist-rot, cifar10, ..., or a folder or .zip of class folders; `aenbench datasets` lists "
            "them. By default G-MNIST where its source is at hand."
        ),
    ] = None,
    config: Annotated[
        str | None, typer.Option(help="A configuration; `gdatasets list` shows all. By default aug2, or the only one.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="standard or paper.")] = "standard",
    budget: Annotated[str, typer.Option(help="quick or standard.")] = "standard",
    seeds: Annotated[int, typer.Option(help="Independent repetitions.")] = 3,
    augment: Annotated[
        str, typer.Option(help="Augment the training images: rotate,hflip,vflip,translate,scale,shear or some of them.")
    ] = "",
    size: Annotated[str, typer.Option(help="small or large: the size of gcnn:<group>.")] = "small",
    root: RootOption = None,
    out: Annotated[Path, typer.Option(help="Entries go to OUT/<dataset>/<config>/<entry>.")] = Path("runs"),
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    keep_logits: Annotated[
        bool, typer.Option("--keep-logits", help="Keep the test images' logits in the entry, for its calibration.")
    ] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace an entry of the same name.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Search, train and score a baseline, or train and score a network of your own, and write its entry."""
    from aenbench.data import Images
    from aenbench.executors import executor_from
    from aenbench.experiment import run as run_plan
    from aenbench.leaderboard import rescore
    from aenbench.reporting import progress_report
    from aenbench.run_options import RunOptions

    options = RunOptions(
        baseline, model, name, recipe, dataset, config, protocol, budget, seeds, augment, size, keep_logits
    )
    plan = options.plan(root)
    Images(plan.task, root)  # a wrong name ends here, before anything is fetched
    if dataset is None:
        plan = replace(plan, task=replace(plan.task, dataset=_default_dataset(root)))
    command = "aenbench " + shlex.join(sys.argv[1:])
    with executor_from(executor, workers, address) as where, progress_report(quiet) as report:
        folder = run_plan(plan, out, command, report, where, overwrite)
    entry, result, differences = rescore(folder.resolve(), root)
    if differences:
        raise EntryError(f"{folder}: {'; '.join(differences)}.")
    _show(entry, result)
    typer.echo(f"Entry: {folder}")


def _parse_run(arguments: Sequence[str]) -> Mapping[str, Any]:
    """The options of a recorded `aenbench run`, read as the command reads them, and nothing done."""
    command: Any = typer.main.get_command(app)
    known = command.commands["run"]
    if "--help" in arguments:
        raise EntryError("The recorded command only shows help.")
    try:
        options: Mapping[str, Any] = known.make_context("run", list(arguments)).params
    except UsageError as error:
        raise EntryError(f"The recorded command cannot be read: {error.format_message()}") from error  # type: ignore[attr-defined]
    return options


@reproductions.command("entry")
def reproduce_entry(
    folder: Annotated[Path, typer.Argument(help="An entry's folder.")],
    root: RootOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Keep the second run there, and go on there; by default a temporary folder.")
    ] = None,
    trust_model: Annotated[
        bool, typer.Option("--trust-model", help="Import and run the code that the entry's --model names.")
    ] = False,
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run an entry's recorded command again and put what it gives beside the entry; exit code 1 if they disagree."""
    from tempfile import TemporaryDirectory

    from aenbench.executors import executor_from
    from aenbench.leaderboard import rescore
    from aenbench.reporting import progress_report
    from aenbench.reproduction import recorded_plan
    from aenbench.reproduction import reproduce as run_again

    entry, _, differences = rescore(folder, root)
    if differences:
        raise EntryError(f"{folder}: {'; '.join(differences)}.")
    plan = recorded_plan(entry, _parse_run, root)
    if entry.origin == "model":
        _ask_for_trust(entry.method, trust_model)
    with ExitStack() as stack:
        where = stack.enter_context(executor_from(executor, workers, address))
        report = stack.enter_context(progress_report(quiet))
        beside = out or Path(stack.enter_context(TemporaryDirectory(prefix="aenbench-")))
        agreement = run_again(folder, plan, beside, report, where)
    typer.echo(f"{entry.name}: {agreement}.")
    if not agreement.within:
        sys.stderr.write(f"{folder} was not reproduced, and nothing was recorded.\n")
        raise typer.Exit(1)
    typer.echo(f"Recorded in {folder / 'reproduction.json'}")


def _ask_for_trust(model: str, is_trusted: bool) -> None:
    """Say whose code would run; importing it is running it."""
    from aenbench.imports import locate_module

    place = locate_module(model)
    _notice(f"This imports and runs {model}, found in {place or 'no file'}.")
    if not is_trusted:
        raise EntryError(f"Read the code of {model}; if it may run on this machine, give --trust-model.")


@app.command()
def tabulate(
    dataset: Annotated[str, typer.Option(help="As of `aenbench run`.")],
    config: Annotated[str | None, typer.Option(help="By default aug2, or the only one.")] = None,
    protocol: Annotated[str, typer.Option(help="standard or paper.")] = "standard",
    space: Annotated[str, typer.Option(help="aen: the twelve actions; gcnn: groups, augmentations, size.")] = "aen",
    seeds: Annotated[int, typer.Option(help="Trainings of each network.")] = 3,
    root: RootOption = None,
    out: Annotated[Path, typer.Option(help="The table goes to OUT/<dataset>/<config>.")] = Path("tables"),
    store: Annotated[
        Path | None, typer.Option(help="File of finished trainings, which other processes may share.")
    ] = None,
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    quiet: QuietOption = False,
) -> None:
    """Train every distinct network of a space and write a table; goes on where it ended, and from fewer seeds."""
    from aenbench.data import PROTOCOLS, Task
    from aenbench.datasets import default_configuration
    from aenbench.executors import executor_from
    from aenbench.experiment import Step
    from aenbench.reporting import progress_report
    from aenbench.search.table import SPACES
    from aenbench.tabulate import TablePlan
    from aenbench.tabulate import tabulate as make_table

    chosen = config or default_configuration(dataset)
    task = Task(dataset, chosen, known_name("protocol", protocol, PROTOCOLS))
    plan = TablePlan(task, known_name("space", space, SPACES), seeds, root)
    trials = store or out / f".{plan.images.dataset.name}-{chosen}-{space}-{protocol}.trials"
    with executor_from(executor, workers, address) as where, progress_report(quiet) as report:
        path = make_table(plan, out, trials, where, lambda done, total: report(Step(None, "trainings", done, total)))
    typer.echo(f"Table: {path}")


@app.command()
def tables(
    folder: Annotated[Path, typer.Option("--dir", help="The folder that holds the tables.")] = Path(
        "leaderboards/tables"
    ),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 when a table is damaged or the card outdated.")
    ] = False,
) -> None:
    """Read all of a folder's tables, with their digests, and regenerate their card, README.md."""
    from aenbench.search.table_card import check_tables, write_card

    if not check:
        typer.echo(f"Wrote {write_card(folder)}")
        return
    count, problems = check_tables(folder)
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{count} {'table' if count == 1 else 'tables'} verified; README.md of {folder} is up to date.")


@app.command()
def search(
    table: Annotated[Path, typer.Option(help="A .parquet file of `aenbench tabulate`, or a folder of them.")],
    compare: Annotated[
        str, typer.Option(help="Algorithms: dqn, random, evolution, greedy, exhaustive, or package.module:function.")
    ] = "dqn,random,evolution,greedy",
    runs: Annotated[int, typer.Option(help="Repetitions of each algorithm.")] = 500,
    runs_of: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=N", help="Repetitions of one algorithm, such as dqn=30; can be given for several."),
    ] = None,
    networks: Annotated[int, typer.Option(help="Distinct networks that each run may train.")] = 200,
    until_best: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Of these algorithms end a run once it has the highest value of the table: the same regret, sooner.",
        ),
    ] = "",
    out: Annotated[Path, typer.Option(help="Folder for the tables and the picture.")] = Path("comparison"),
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    quiet: QuietOption = False,
) -> None:
    """Judge search algorithms on a table, or on a folder's: which really differ; goes on where it was interrupted."""
    from aenbench.comparing import ComparisonPlan, compare_algorithms, named_of, repetitions
    from aenbench.executors import executor_from
    from aenbench.reporting import progress_report

    names = compare.split(",")
    plan = ComparisonPlan(table, repetitions(names, runs, runs_of or []), networks, named_of(names, until_best))
    with executor_from(executor, workers, address) as where, progress_report(quiet) as report:
        compare_algorithms(plan, out, where, report)
    typer.echo(f"Comparison: {out}")


@app.command()
def analyze(
    source: Annotated[Path, typer.Argument(help="A table (.parquet), or the folder of an entry that searched.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables and the picture.")] = Path("analysis"),
) -> None:
    """Say how much of the variance of accuracy each factor of a search space explains, alone and in pairs."""
    from aenbench.analysis import analyze as decompose
    from aenbench.analysis import table_values
    from aenbench.comparing import title_of
    from aenbench.findings import read_trials, write_analysis
    from aenbench.leaderboard import read_description
    from aenbench.search.space import AENSpace, GCNNSpace
    from aenbench.search.table_file import read_table

    if source.is_dir():
        entry, values = read_description(source), read_trials(source)
        space = (GCNNSpace if entry.method == "gcnn-aen" else AENSpace)(entry.protocol, image_size=entry.image_size)
        result = decompose(space, values)
        title = f"{entry.dataset} {entry.dataset_version} / {entry.configuration}, {entry.protocol}, {entry.method}"
    else:
        table = read_table(source)
        result, title = decompose(table.space, table_values(table)), title_of(table.info)
    write_analysis(result, out, title)
    typer.echo(f"Analysis: {out}")


@app.command()
def datasets(root: RootOption = None) -> None:
    """List the datasets that a run can take, and which of them are on this machine."""
    from aenbench.datasets import NAMED
    from gdatasets.sources import source_is_local
    from gdatasets.specs import DATASETS

    local = {name: source_is_local(spec.source_name, root) for name, spec in DATASETS.items()}
    local |= {name: about.is_local(root) for name, about in NAMED.items()}
    samples = {name: spec.source.samples for name, spec in DATASETS.items()}
    samples |= {name: dict(about.samples) for name, about in NAMED.items()}
    for name, here in local.items():
        sizes = " / ".join(f"{samples[name][split]:,}" for split in ("train", "test"))
        typer.echo(f"{name:16} {sizes:18} {'on this machine' if here else 'to be fetched'}")
    typer.echo("\nAny folder or .zip file of class folders, train/CLASS/image and test/CLASS/image, by its path.")


def _default_dataset(root: Path | None) -> str:
    """G-MNIST when its source is present or can be fetched, otherwise G-Digits, and says so."""
    from gdatasets.sources import load_source, source_is_local

    if not source_is_local("mnist", root):
        _notice("MNIST is not on this machine; trying to fetch it.")
    try:
        load_source("mnist", "train", root)
    except SourceError as error:
        if source_is_local("mnist", root):
            raise
        _notice(f"{error} Using G-Digits instead, which needs no download; --dataset chooses another.")
        return "g-digits"
    return "g-mnist"


def _show(entry: "Entry", result: "Score") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from aenbench.leaderboard import cost_cells, format_accuracy, format_networks

    seeds = f"{len(entry.seeds)} seed{'s' if len(entry.seeds) > 1 else ''}"
    table = Table(
        title=f"{entry.dataset} {entry.dataset_version} / {entry.configuration}, protocol {entry.protocol}, {seeds}",
        caption="accuracy with its 95 % interval; networks: trained by the search; means over seeds",
        show_header=False,
    )
    cells = {
        "entry": entry.name,
        "accuracy, %": format_accuracy(result),
        **dict(zip(("parameters", "networks", "search + training, s"), cost_cells(entry), strict=True)),
        "network": format_networks(entry).replace("; ", "\n"),
    }
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for heading, cell in cells.items():
        table.add_row(heading, escape(cell))
    Console().print(table)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="An entry's folder, or one that holds entries.")],
    root: RootOption = None,
) -> None:
    """Recompute every score from the stored predictions; exit code 1 on any difference."""
    from aenbench.leaderboard import verify as verify_entries
    from aenbench.leaderboard.text import printable

    folders, problems = verify_entries(folder, root)
    for problem in problems:
        sys.stderr.write(f"{printable(problem, 2_000)}\n")
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{len(folders)} {'entry' if len(folders) == 1 else 'entries'} verified.")


@app.command()
def leaderboard(
    folder: Annotated[Path, typer.Option("--dir", help="The folder that holds the entries.")] = Path("leaderboards"),
    check: Annotated[bool, typer.Option(help="Write nothing; exit code 1 when a file is not up to date.")] = False,
    root: RootOption = None,
) -> None:
    """Regenerate README.md, index.html, entry.schema.json, and answers.json of images that cannot be fetched."""
    from aenbench.leaderboard import drifted, write_generated

    if not check:
        typer.echo(f"Wrote {', '.join(map(str, write_generated(folder, root)))}")
        return
    stale = drifted(folder, root)
    for path in stale:
        sys.stderr.write(f"{path} is not what its entries give; run `aenbench leaderboard`.\n")
    if stale:
        raise typer.Exit(1)
    typer.echo(f"README.md, index.html, entry.schema.json and the answer sheets of {folder} are up to date.")


@app.command()
def template(
    out: Annotated[Path | None, typer.Option(help="A new file for it; by default it is printed.")] = None,
) -> None:
    """Write a filled and commented entry.yaml, for `aenbench submit`."""
    from aenbench.leaderboard.submission import TEMPLATE, write_template

    if out is None:
        typer.echo(TEMPLATE, nl=False)
    else:
        write_template(out)
        typer.echo(f"Wrote {out}; edit it, then: aenbench submit --predictions preds.npz --meta {out}")


@app.command()
def submit(
    predictions: Annotated[
        Path,
        typer.Option(
            help="A .npz file that holds predictions (seeds, images), integers, or logits (seeds, images, classes), "
            "floats; test images in dataset order."
        ),
    ],
    meta: Annotated[Path, typer.Option(help="What you know of it: entry.yaml, as `aenbench template` explains it.")],
    moved: Annotated[
        Path | None,
        typer.Option(help="A .npz file that holds moved (seeds, 12, images), predictions for moved test images."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The entry goes to OUT/<dataset>/<config>/<entry>.")] = Path("leaderboards"),
    root: RootOption = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an entry of the same name.")] = False,
) -> None:
    """Score predictions that were made elsewhere, and write their entry."""
    from aenbench.leaderboard import rescore
    from aenbench.leaderboard.submission import submit as submit_entry

    folder = submit_entry(predictions, meta, out, root, overwrite, moved)
    entry, result, differences = rescore(folder, root)
    if differences:
        raise EntryError(f"{folder}: {'; '.join(differences)}.")
    _show(entry, result)
    typer.echo(f"Entry: {folder}")


@app.command()
def check(
    model: Annotated[str, typer.Argument(help="Import path of a module or a factory: package.module:name.")],
    group: Annotated[str, typer.Option(help="d4, c4, v4, ...; actions such as rotation,hflip; or twelve bits.")] = "d4",
    size: Annotated[int, typer.Option(help="Pixels along one side of the images.")] = 28,
    step: Annotated[int, typer.Option(help="Pixels that htrans and vtrans roll by.")] = 4,
    elements: Annotated[bool, typer.Option("--elements", help="Every element, not only the generators.")] = False,
) -> None:
    """Measure how far a network's outputs are from invariant under a group; exit code 1 when they are not."""
    from aenbench.imports import load_module
    from aenbench.nn import check_equivariance
    from gdatasets.groups import parse_group

    named = parse_group(group, size, step)
    try:
        report = check_equivariance(load_module(model), named, elements="all" if elements else "generators")
    except RuntimeError as error:  # what torch raises for a batch that does not fit
        why = str(error).splitlines()[0]
        raise InvalidArgumentError(
            f"{model} cannot be called on a batch (4, 1, {size}, {size}): {why}. Give its --size."
        ) from error
    for name, size_of_error in report.errors.items():
        typer.echo(f"{'differs' if name in report.failing else 'holds':8} {name}  error {size_of_error:.3g}")
    if not report.passed:
        failing = f"{len(report.failing)} of {len(report.errors)}"
        sys.stderr.write(f"{model} is not invariant under {failing} elements (tolerance {report.tolerance:.3g}).\n")
        raise typer.Exit(1)
    typer.echo(f"{model} is invariant under {group} (order {named.order}), tolerance {report.tolerance:.3g}.")
