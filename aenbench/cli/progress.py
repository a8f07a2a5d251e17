"""Shows the progress of a run: bars on a terminal, plain lines in a log, or nothing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aenbench.runs.progress import Report, Step

_LINES_A_STAGE = 5


@contextmanager
def progress_report(quiet: bool) -> "Iterator[Report]":
    """A function to report progress to, for as long as the context lasts."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bars() as report:
            yield report
    else:
        yield _Lines().report


@contextmanager
def _bars() -> "Iterator[Report]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        known: dict[tuple[int | None, str], TaskID] = {}

        def report(step: "Step") -> None:
            key = (step.seed, step.stage)
            if key not in known:
                known[key] = bars.add_task(_label(step), total=step.total, note=step.note)
            bars.update(known[key], completed=step.done, total=step.total, note=step.note)

        yield report


class _Lines:
    """A few lines for each stage of each seed, whatever its length."""

    def __init__(self) -> None:
        self._said: dict[tuple[int | None, str], int] = {}

    def report(self, step: "Step") -> None:
        part = _LINES_A_STAGE * step.done // max(step.total, 1)
        if part > self._said.get((step.seed, step.stage), 0):
            self._said[step.seed, step.stage] = part
            note = f", {step.note}" if step.note else ""
            sys.stderr.write(f"{_label(step)} {step.done}/{step.total}{note}\n")
            sys.stderr.flush()


def _label(step: "Step") -> str:
    return step.stage if step.seed is None else f"seed {step.seed}: {step.stage}"
