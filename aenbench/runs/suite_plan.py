"""A suite: methods on tasks, what of it is there, what the rest will cost, and how it is run.

`leaderboards/suite.toml` names the tasks and the methods. A suite is a list of runs like any other: each entry that is
missing is made by `aenbench.runs.run`, which resumes what was interrupted.
"""

import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from aenbench.errors import EntryError, InvalidArgumentError, known_name
from aenbench.execution.executors import Executor
from aenbench.leaderboard.entry import Strict
from aenbench.leaderboard.entry_folder import ENTRY_FILE, entry_folder, find_entries, read_description
from aenbench.leaderboard.untrusted.files import open_bounded, read_bounded
from aenbench.leaderboard.untrusted.text import printable
from aenbench.runs.options import RunOptions
from aenbench.runs.plan import Plan
from aenbench.runs.progress import Report
from aenbench.runs.run import run
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
        exact: whether those are on the same dataset.
    """

    task: str
    method: str
    options: RunOptions
    plan: Plan
    folder: Path
    seconds: float | None
    exact: bool

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
    suite: Suite, base: Path, tasks: str = CORE, methods: Sequence[str] = (), root: Path | None = None
) -> list[Cell]:
    """Every run of some tasks and methods, whether it is there or not, by task.

    Args:
        suite: what there is to run.
        base: the folder of the entries.
        tasks: `core`, `all` or a pattern.
        methods: of the suite; all of them where none is named.
        root: a folder to look for the datasets' sources in first.

    Raises:
        UnknownNameError: no such task or method, or a name in the suite that does not exist.
        InvalidArgumentError: options of a method that do not go together, or two methods that make one entry.
    """
    chosen = [known_name("method", name, suite.methods) for name in methods] or list(suite.methods)
    measured = measure(base)
    cells = []
    for task in suite.tasks(tasks):
        dataset, _, config = task.partition("/")
        for method in chosen:
            given: Mapping[str, Any] = suite.methods[method]
            options = RunOptions(**{**given, "dataset": dataset, "config": config, "seeds": suite.seeds})
            plan = options.plan(root)
            seconds, exact = _expected(measured, dataset, plan.name)
            whole = None if seconds is None else seconds * suite.seeds
            folder = entry_folder(base, dataset, config, plan.name)
            cells.append(Cell(task, method, options, plan, folder, whole, exact))
    names = {(cell.task, cell.plan.name): cell.method for cell in cells}
    for cell in cells:
        if (other := names[cell.task, cell.plan.name]) != cell.method:
            raise InvalidArgumentError(
                f"Methods {cell.method} and {other} make one entry, {cell.plan.name}; remove one."
            )
    return cells


def measure(base: Path) -> dict[tuple[str, str], list[float]]:
    """Seconds a seed of the entries below a folder, as stated, by dataset and name; malformed ones are left out."""
    found: dict[tuple[str, str], list[float]] = {}
    try:
        folders = find_entries(base)
    except EntryError:
        return found
    for folder in folders:
        try:
            entry = read_description(folder)
        except EntryError:
            continue
        for seed in entry.seeds:
            if seed.training_seconds is not None:
                spent = seed.training_seconds + (seed.search_seconds or 0.0)
                found.setdefault((entry.dataset, entry.name), []).append(spent)
    return found


def _expected(
    measured: Mapping[tuple[str, str], Sequence[float]], dataset: str, name: str
) -> tuple[float | None, bool]:
    """Seconds a seed, and whether they were measured on this dataset; otherwise on others, or not at all."""
    if here := measured.get((dataset, name)):
        return float(np.mean(here)), True
    elsewhere = [value for (_, other), values in measured.items() if other == name for value in values]
    return (float(np.mean(elsewhere)), False) if elsewhere else (None, False)


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
