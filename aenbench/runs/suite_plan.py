"""A suite: methods on tasks, what of it is there, what the rest will cost, and how it is run.

`leaderboards/suite.toml` names the tasks and the methods. A suite is a list of runs like any other: each entry that is
missing is made by `aenbench.runs.run`, which resumes what was interrupted.
"""

import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from aenbench.errors import EntryError, InvalidArgumentError, known_name
from aenbench.execution.executors import Executor
from aenbench.leaderboard.entry import Strict
from aenbench.leaderboard.entry_folder import ENTRY_FILE, entry_folder
from aenbench.leaderboard.untrusted.files import open_bounded, read_bounded
from aenbench.leaderboard.untrusted.text import printable
from aenbench.runs.options import RunOptions
from aenbench.runs.plan import Plan
from aenbench.runs.progress import Report
from aenbench.runs.run import run
from aenbench.runs.suite_costs import expected, measure
from gdatasets.errors import GDatasetsError, OutputError, UnknownNameError
from gdatasets.files import locked

SUITE_FILE = "suite.toml"
CORE, ALL = "core", "all"
RUN_BYTES = 32 << 20
"""Bytes that a run may take on disk, more than any has: its entry, and meanwhile its store and checkpoints."""

_MAX_SUITE_BYTES = 1 << 20
_GIVEN = frozenset({"dataset", "config", "seeds"})
_OPTIONS = tuple(each.name for each in fields(RunOptions) if each.name not in _GIVEN)

TaskName = Annotated[str, Field(pattern="^[a-z0-9._-]{1,100}/[a-z0-9._-]{1,100}$")]
MethodName = Annotated[str, Field(pattern="^[a-z0-9._:+-]{1,100}$")]
Option = Annotated[str, Field(max_length=200)] | bool | int | float


class Suite(Strict):
    """The content of `suite.toml`."""

    schema_version: Literal[1]
    seeds: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 3
    core: Annotated[tuple[TaskName, ...], Field(min_length=1)]
    more: tuple[TaskName, ...] = ()
    methods: Annotated[dict[MethodName, dict[str, Option]], Field(min_length=1)]

    def tasks(self, chosen: str) -> list[str]:
        """The tasks of `core`, of `all`, or those that fit a pattern such as `g-mnist/*`, in order.

        Raises:
            UnknownNameError: none fits.
        """
        every = list(dict.fromkeys((*self.core, *self.more)))
        if chosen in (CORE, ALL):
            return list(dict.fromkeys(self.core)) if chosen == CORE else every
        if found := [task for task in every if fnmatchcase(task, chosen)]:
            return found
        raise UnknownNameError("task", chosen, [CORE, ALL, *every])


def read_suite(path: Path) -> Suite:
    """Read a `suite.toml`.

    Raises:
        EntryError: it cannot be read, or is malformed.
    """
    where = printable(path, 1_000)
    with open_bounded(path, _MAX_SUITE_BYTES) as stream:
        content = read_bounded(stream, _MAX_SUITE_BYTES, where)
    try:
        suite = Suite.model_validate(tomllib.loads(content.decode("utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise EntryError(f"{where}: {printable(field)}: {printable(first['msg'])}.") from error
    except (ValueError, RecursionError) as error:
        raise EntryError(f"{where}: {printable(error)}.") from error
    for name, options in suite.methods.items():
        for option in options:
            if option not in _OPTIONS:
                raise EntryError(
                    f"{where}: methods.{name}: {printable(option)} is no option; give {', '.join(_OPTIONS)}."
                )
    return suite


@dataclass(frozen=True)
class Cell:
    """A method on a task.

    Attributes:
        task: `<dataset>/<configuration>`.
        method: as the suite calls it.
        options: of the run.
        plan: of the run.
        folder: of its entry.
        seconds: that all its seeds will take on one core, from entries of the same method; None where there is none.
        exact: whether those are on the same dataset, with as many training images.
    """

    task: str
    method: str
    options: RunOptions
    plan: Plan
    folder: Path
    seconds: float | None
    exact: bool

    @property
    def label(self) -> str:
        """Of the method, and the number of training images where it was asked for: `mlp`, `mlp n100`."""
        images = self.options.train_images
        return self.method if images is None else f"{self.method} n{images}"

    @property
    def is_done(self) -> bool:
        """Whether its entry is there."""
        return (self.folder / ENTRY_FILE).is_file()

    @property
    def is_started(self) -> bool:
        """Whether an interrupted run of it can be resumed."""
        return self.folder.with_name(f".{self.folder.name}.trials").exists()

    @property
    def command(self) -> str:
        """The `aenbench run` that makes its entry."""
        return self.options.command


def plan_suite(
    suite: Suite,
    base: Path,
    tasks: str = CORE,
    methods: Sequence[str] = (),
    root: Path | None = None,
    train_images: Sequence[int] = (),
) -> list[Cell]:
    """Every run of some tasks and methods, whether it is there or not, by task.

    Args:
        suite: what there is to run.
        base: the folder of the entries.
        tasks: `core`, `all` or a pattern.
        methods: of the suite; all of them where none is named.
        root: a folder to look for the datasets' sources in first.
        train_images: numbers of training images: a run of the open track with each of them, in place of the one with
            the method's own recipe.

    Raises:
        UnknownNameError: no such task or method, or a name in the suite that does not exist.
        InvalidArgumentError: options of a method that do not go together, two methods that make one entry, or a number
            of training images that a task does not have, or that changes nothing.
        SourceError: numbers of training images are given, and a dataset is not on this machine.
    """
    chosen = [known_name("method", name, suite.methods) for name in methods] or list(suite.methods)
    sizes: list[int | None] = [*sorted(set(train_images))] or [None]
    measured = measure(base)
    cells = []
    for task in suite.tasks(tasks):
        dataset, _, config = task.partition("/")
        for method in chosen:
            given: Mapping[str, Any] = suite.methods[method]
            usual = RunOptions(**{**given, "dataset": dataset, "config": config, "seeds": suite.seeds})
            own, plain = usual.plan(root).name, replace(usual, augment="").plan(root).name
            for images in sizes:
                options = usual if images is None else replace(usual, train_images=images)
                plan = options.plan(root)
                name = own if images is None else _open_name(plan, images, f"{task} {method}")
                cost = expected(measured, dataset, name, own, plain)
                whole = None if cost.seconds is None else cost.seconds * suite.seeds
                folder = entry_folder(base, dataset, config, name)
                cells.append(Cell(task, method, options, plan, folder, whole, cost.exact))
    names = {cell.folder: cell.method for cell in cells}
    for cell in cells:
        if (other := names[cell.folder]) != cell.method:
            raise InvalidArgumentError(
                f"Methods {cell.method} and {other} make one entry, {cell.folder.name}; remove one."
            )
    return cells


def _open_name(plan: Plan, images: int, what: str) -> str:
    """The name of the entry of a plan with so many training images, where they change something."""
    try:
        name, recipe = plan.name, plan.open_recipe
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{what}: {error}") from error
    if recipe is None or recipe.images is None:
        raise InvalidArgumentError(
            f"{what}: {images:,} images are what its own recipe trains on; leave them out of --train-images."
        )
    return name


def check_disk(cells: Sequence[Cell], base: Path) -> None:
    """Fail before any work is done where the disk cannot hold what is missing.

    Raises:
        OutputError: it cannot.
    """
    place = next(folder for folder in (base, *base.absolute().parents) if folder.exists())
    need, free = RUN_BYTES * sum(not cell.is_done for cell in cells), shutil.disk_usage(place).free
    if need > free:
        raise OutputError(
            f"The plan may take {need / 1e9:,.2f} GB and {base} has {free / 1e9:,.2f} GB left; free space, or choose "
            "fewer --tasks or --methods."
        )


def run_suite(
    cells: Sequence[Cell],
    base: Path,
    report: Report,
    executor: Executor,
    told: Callable[[Cell, str], None],
) -> list[tuple[Cell, str]]:
    """Make every entry that is missing, one after the other; one that fails stops no other.

    Args:
        cells: as `plan_suite` gives them.
        base: the folder of the entries.
        report: of the progress of a run.
        executor: where the seeds of a run work.
        told: called with each run that begins, `runs`, and each that failed, why.

    Returns:
        The runs that failed, and why, in one line.

    Raises:
        OutputError: the disk cannot hold the plan.
        BusyError: another suite is at work on this folder.
    """
    failures: list[tuple[Cell, str]] = []
    with _alone(base):
        check_disk(cells, base)
        for cell in cells:
            if cell.is_done:
                continue
            told(cell, "runs")
            try:
                run(cell.plan, base, cell.command, report, executor)
            except GDatasetsError as error:
                failures.append((cell, str(error)))
            except Exception as error:  # a defect that one run finds stops no other
                failures.append((cell, f"{type(error).__name__}: {error}; please report this."))
            else:
                continue
            told(cell, f"failed: {failures[-1][1]}")
    return failures


@contextmanager
def _alone(base: Path) -> Iterator[None]:
    beside = base / ".suite.running"
    with locked(beside, base):
        try:
            yield
        finally:
            shutil.rmtree(beside, ignore_errors=True)
