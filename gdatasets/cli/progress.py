"""Progress of long work, of both commands: bars with the time left on a terminal, plain lines in a log, or nothing."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from gdatasets.cli.output import warn
from gdatasets.visible_text import visible

_LINE_EVERY_S = 10.0


class Update(Protocol):
    """Shows how far some work has come."""

    def __call__(self, what: str, done: int, total: int, note: str = "", /) -> None:
        """Say that `done` of `total` parts of a work of this name are finished."""


@contextmanager
def shown(quiet: bool = False) -> Iterator[Update]:
    """An `Update` that writes to standard error while the block runs."""
    if quiet:
        yield lambda _what, _done, _total, _note="": None
    elif sys.stderr.isatty():
        with _bars() as update:
            yield update
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def update(what: str, done: int, total: int, note: str = "", /) -> None:
            what, note = visible(what), visible(note)
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total, note=note)
            bars.update(tasks[what], completed=done, total=total, note=note)

        yield update


def _lines() -> Update:
    last = time.monotonic()

    def update(what: str, done: int, total: int, note: str = "", /) -> None:
        nonlocal last
        if done >= total or time.monotonic() - last >= _LINE_EVERY_S:
            last = time.monotonic()
            warn(f"{what}: {done:,} of {total:,}{f', {note}' if note else ''}")

    return update
