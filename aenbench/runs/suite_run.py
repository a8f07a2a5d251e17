"""A suite at work: every entry that is missing is made by `aenbench.runs.run`, which resumes what was interrupted."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aenbench.execution.executors import Executor
from aenbench.runs.progress import Report
from aenbench.runs.run import run
from aenbench.runs.suite_plan import Cell
from gdatasets.errors import GDatasetsError, OutputError
from gdatasets.files import locked

RUN_BYTES = 32 << 20
"""Bytes that a run may take on disk, more than any has: its entry, and meanwhile its store and checkpoints."""


def check_disk(cells: Sequence[Cell], base: Path) -> None:
    """Fail before any work is done where the disk cannot hold what is missing.

    Raises:
        OutputError: it cannot.
    """
    place = next(folder for folder in (base, *base.absolute().parents) if folder.exists())
    need, free = RUN_BYTES * sum(cell.is_missing for cell in cells), shutil.disk_usage(place).free
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

    What lies where an entry belongs and is none, or one of too few seeds, may be somebody's: it is left as it is.

    Args:
        cells: as `plan_suite` gives them.
        base: the folder of the entries.
        report: of the progress of a run.
        executor: where the seeds of a run work.
        told: called with each run that begins, `runs`, and each that failed, why.

    Returns:
        The runs that failed, or were not begun because something else lies there, and why, in one line.

    Raises:
        OutputError: the disk cannot hold the plan.
        BusyError: another suite is at work on this folder.
    """
    failures: list[tuple[Cell, str]] = []
    with _alone(base):
        check_disk(cells, base)
        for cell in cells:
            if problem := cell.problem:
                failures.append((cell, f"{problem}; {cell.remedy}"))
            if not cell.is_missing:
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
    with locked(beside, base, "--dir"):
        try:
            yield
        finally:
            shutil.rmtree(beside, ignore_errors=True)
