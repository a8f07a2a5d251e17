"""Commands about searches: `tabulate`, `tables`, `search`, `analyze`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aenbench.cli.options import (
    AddressOption,
    DeviceOption,
    ExecutorOption,
    FamilyOption,
    QuietOption,
    RootOption,
    WorkersOption,
)
from aenbench.errors import InvalidArgumentError
from gdatasets.cli.output import say, warn

if TYPE_CHECKING:
    from aenbench.tables.table import Table
    from aenbench.training.trial import Role


def tabulate(
    dataset: Annotated[str, typer.Option(help="A dataset, as in `aenbench run`.")],
    config: Annotated[str | None, typer.Option(help="A configuration; by default aug2, or the only one.")] = None,
    protocol: Annotated[str, typer.Option(help="standard or paper.")] = "standard",
    space: Annotated[
        str,
        typer.Option(
            help="aen: the twelve actions; gcnn: groups, augmentations, size; or your own, package.module:family."
        ),
    ] = "aen",
    seeds: Annotated[int, typer.Option(help="Trainings of each network.")] = 3,
    fraction: Annotated[
        int | None,
        typer.Option(help="Train a balanced part of so many networks of gcnn: 24 or 96. By default all networks."),
    ] = None,
    final: Annotated[
        bool, typer.Option("--final", help="Train each network to convergence, as `aenbench run` trains its final one.")
    ] = False,
    precision: Annotated[
        str | None, typer.Option(help="float32 or bfloat16 (autocast); by default that of the space's budget.")
    ] = None,
    test_images: Annotated[
        int | None,
        typer.Option(help="Follow the accuracy on so many test images, spread over the split; by default on all."),
    ] = None,
    root: RootOption = None,
    out: Annotated[Path, typer.Option(help="The table goes to OUT/<dataset>/<config>.")] = Path("tables"),
    store: Annotated[
        Path | None, typer.Option(help="File of finished trainings, which other processes may share.")
    ] = None,
    device: DeviceOption = "cpu",
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    quiet: QuietOption = False,
) -> None:
    """Train every distinct network of a space, or a part, and write a table; resumes, and can add seeds."""
    from aenbench.cli.progress import progress_report
    from aenbench.errors import known_name
    from aenbench.execution.device import Device
    from aenbench.execution.executors import executor_from
    from aenbench.models.registry import find_space
    from aenbench.runs.progress import Step
    from aenbench.tables.build import TablePlan
    from aenbench.tables.build import tabulate as make_table
    from aenbench.tables.parquet import variant
    from aenbench.tasks.datasets import as_typed, default_configuration
    from aenbench.tasks.protocol import PROTOCOLS
    from aenbench.tasks.task import Task
    from aenbench.training.recipe import PRECISIONS, slow_precision

    dataset, trained_on = as_typed(dataset), Device.parse(device)
    trained_on.check(executor)
    family = find_space(space).name
    chosen = config or default_configuration(dataset, root)
    task = Task(dataset, chosen, PROTOCOLS[protocol])
    chosen_precision = None if precision is None else known_name("precision", precision, PRECISIONS)
    role: Role = "final" if final else "child"
    plan = TablePlan(task, family, seeds, root, trained_on, fraction, chosen_precision, test_images, role)
    if notice := slow_precision(plan.recipe, trained_on):
        warn(notice)
    trials = store or out / f".{plan.images.dataset.name}-{chosen}-{family}-{protocol}{variant(None, role)}.trials"
    with executor_from(executor, workers, address, trained_on) as where, progress_report(quiet) as report:
        path = make_table(plan, out, trials, where, lambda done, total: report(Step(None, "trainings", done, total)))
    say(f"Table: {path}")


def tables(
    folder: Annotated[Path, typer.Option("--dir", help="The folder that holds the tables.")] = Path(
        "leaderboards/tables"
    ),
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit code 1 if a table is damaged or the card is out of date."),
    ] = False,
    effects: Annotated[
        bool,
        typer.Option(
            "--effects", help="Ask each table's images about its moves; the searches discover and guided need this."
        ),
    ] = False,
    converge: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Train N networks of each table, spread over its ranks, as `aenbench run` trains its final one, and "
            "say whether the table ranks as that does; resumes.",
        ),
    ] = None,
    root: RootOption = None,
    workers: WorkersOption = None,
    quiet: QuietOption = False,
) -> None:
    """Read all of a folder's tables, with their digests, and regenerate their card, README.md."""
    asked = {"--check": check, "--effects": effects, "--converge": converge is not None}
    if len(given := [option for option, is_given in asked.items() if is_given]) > 1:
        raise InvalidArgumentError(f"Give one of {', '.join(asked)}, not {' and '.join(given)}.")
    from aenbench.tables.card import check_tables, find_tables, write_card
    from aenbench.tables.effects import measure_effects, write_effects

    if effects:
        for file, table in find_tables(folder).items():
            say(f"Wrote {write_effects(measure_effects(table, root), folder / file)}")
        return
    if converge is not None:
        short = {file: table for file, table in find_tables(folder).items() if table.info.role == "child"}
        for file, table in short.items():
            _converge(table, folder / file, converge, root, workers, quiet)
        return
    if not check:
        say(f"Wrote {write_card(folder)}")
        return
    count, problems = check_tables(folder)
    for problem in problems:
        warn(problem)
    if problems:
        raise typer.Exit(1)
    say(f"{count} {'table' if count == 1 else 'tables'} verified; README.md of {folder} is up to date.")


def _converge(table: "Table", path: Path, count: int, root: Path | None, workers: int | None, quiet: bool) -> None:
    """Train the networks that are not trained yet, and say how far the two orders agree."""
    from aenbench.cli.progress import progress_report
    from aenbench.execution.device import CPU
    from aenbench.execution.executors import executor_from
    from aenbench.runs.progress import Step
    from aenbench.tables.converged import agreement, converge, final_recipe, is_current, read_converged, write_converged
    from aenbench.training.recipe import slow_precision

    found = read_converged(path)
    if found is None or not is_current(found, table, count):
        if notice := slow_precision(final_recipe(table), CPU, can_choose=False):
            warn(notice)
        store = path.with_suffix(".converged.trials")
        with executor_from("local", workers, None) as where, progress_report(quiet) as report:
            found = converge(
                table,
                count,
                store,
                where,
                lambda done, total: report(Step(None, "trainings", done, total)),
                root,
                known=found,
            )
        say(f"Wrote {write_converged(found, path)}")
        store.unlink(missing_ok=True)
    told = agreement(table, found)
    say(
        f"{table.info.dataset} / {table.info.configuration}: Kendall's tau {told.tau:.2f} [{told.low:.2f}, "
        f"{told.high:.2f}], regret of choosing by the table {told.regret:.2f} points; {told.networks} networks, "
        f"{told.seeds} seeds."
    )


def search(
    table: Annotated[Path, typer.Option(help="A .parquet file of `aenbench tabulate`, or a folder of them.")],
    compare: Annotated[
        str,
        typer.Option(
            help="Algorithms: dqn, random, evolution, greedy, exhaustive, discover, guided, or package.module:function."
        ),
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
            help="End runs of these algorithms once they have the highest value of the table: the same regret, sooner.",
        ),
    ] = "",
    at: Annotated[
        str, typer.Option(metavar="N,N,...", help="Compare after this many networks; 0 is before any was trained.")
    ] = "25,50,100,200",
    space: FamilyOption = None,
    out: Annotated[Path, typer.Option(help="Folder for the tables and the picture.")] = Path("comparison"),
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    quiet: QuietOption = False,
) -> None:
    """Judge search algorithms on a table, or on a folder's: which really differ; resumes where it was interrupted."""
    from aenbench.cli.progress import progress_report
    from aenbench.comparison.plan import ComparisonPlan, compare_algorithms, named_of, numbers_of, repetitions
    from aenbench.execution.executors import executor_from
    from aenbench.models.registry import find_space

    if space:
        find_space(space)
    names = compare.split(",")
    done, until = repetitions(names, runs, runs_of or []), named_of(names, until_best)
    plan = ComparisonPlan(table, done, networks, until, numbers_of(at))
    with executor_from(executor, workers, address) as where, progress_report(quiet) as report:
        compare_algorithms(plan, out, where, report)
    say(f"Comparison: {out}")


def analyze(
    source: Annotated[Path, typer.Argument(help="A table (.parquet), or the folder of an entry that searched.")],
    space: FamilyOption = None,
    out: Annotated[Path, typer.Option(help="Folder for the tables and the picture.")] = Path("analysis"),
) -> None:
    """Say how much of the variance of accuracy each factor of a search space explains, alone and in pairs."""
    from aenbench.analysis.anova import analyze as decompose
    from aenbench.analysis.report import analyze_table, read_trials, write_analysis
    from aenbench.leaderboard.entry_folder import read_description
    from aenbench.models.registry import family_with, find_space, space_of
    from aenbench.tables.parquet import read_table
    from aenbench.tasks.task import TaskShape

    family = find_space(space) if space else None
    if source.is_dir():
        entry, values = read_description(source), read_trials(source)
        known = family or family_with(entry.method)
        shape = TaskShape(entry.task.protocol, image_size=entry.image_size)
        title = f"{entry.dataset} {entry.dataset_version} / {entry.configuration}, {entry.protocol}, {entry.method}"
        write_analysis(decompose(space_of(known.name)(shape), values), out, title)
    else:
        analyze_table(read_table(source), out)
    say(f"Analysis: {out}")
