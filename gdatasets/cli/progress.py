"""Progress of long work: a bar on a terminal, plain lines in a log, nothing when quiet."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gdatasets.folder.build import Progress

_LINE_EVERY_S = 10.0


@contextmanager
def shown(quiet: bool = False) -> Iterator[Progress]:
    """A `Progress` that shows itself on standard error while the block runs."""
    if quiet:
        yield lambda _what, _done, _total: None
    elif sys.stderr.isatty():
        with _bar() as progress:
            yield progress
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks = {}

        def update(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield update


def _lines() -> Progress:
    last = time.monotonic()

    def update(what: str, done: int, total: int) -> None:
        nonlocal last
        if done >= total or time.monotonic() - last >= _LINE_EVERY_S:
            last = time.monotonic()
            sys.stderr.write(f"{what}: {done:,} of {total:,}\n")
            sys.stderr.flush()

    return update
