"""Progress of long work, of both commands: bars with the time left on a terminal, plain lines in a log, or nothing."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from gdatasets.cli.output import warn
from gdatasets.visible_text import visible

_LINE_EVERY_S = 10.0
_SPEED_OVER_S = 3_600.0  # by default rich looks at the last 30 s, in which slow work ends no part: no time left


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
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=_SPEED_OVER_S) as bars:
        tasks: dict[str, TaskID] = {}

        def update(what: str, done: int, total: int, note: str = "", /) -> None:
            what, note = visible(what), visible(note)
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total, note=note)
            bars.update(tasks[what], completed=done, total=total, note=note)

        yield update


def _lines() -> Update:
    last = time.monotonic()
    first: dict[str, tuple[float, int]] = {}

    def update(what: str, done: int, total: int, note: str = "", /) -> None:
        nonlocal last
        now = time.monotonic()
        since, before = first.setdefault(what, (now, done))
        if done >= total or now - last >= _LINE_EVERY_S:
            last = now
            left = duration((total - done) * (now - since) / (done - before)) if before < done < total else ""
            parts = [f"{done:,} of {total:,}", *([note] if note else []), *([f"about {left} left"] if left else [])]
            warn(f"{what}: {', '.join(parts)}")

    return update


def duration(seconds: float) -> str:
    """In the largest unit of which there are two or more: `95 s`, `12 min`, `3 h`, `4 days`."""
    for unit, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"
