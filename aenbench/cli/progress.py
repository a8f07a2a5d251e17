"""Shows the progress of a run, as `gdatasets.cli.progress` does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gdatasets.cli.progress import shown

if TYPE_CHECKING:
    from aenbench.runs.progress import Report


@contextmanager
def progress_report(quiet: bool) -> "Iterator[Report]":
    """A function to report progress to, for as long as the context lasts."""
    with shown(quiet) as update:
        yield lambda step: update(
            step.stage if step.seed is None else f"seed {step.seed} {step.stage}", step.done, step.total, step.note
        )
