"""Progress of a run's seeds, reported across processes."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.managers import SyncManager
from typing import Any, NamedTuple

from aenbench.execution.executors import Executor, RayExecutor, end_with_parent


class Step(NamedTuple):
    """How far one seed has come; or all of them, where it is None."""

    seed: int | None
    stage: str
    done: int
    total: int
    note: str = ""


Report = Callable[[Step], None]


@contextmanager
def across_processes(report: Report, executor: Executor) -> Iterator[Report]:
    """The report, in a form that the executor's workers can call; Ray's, which may be elsewhere, report nothing."""
    if isinstance(executor, RayExecutor):
        yield _silent
        return
    if executor.workers == 1:
        yield report
        return
    manager = SyncManager(ctx=multiprocessing.get_context("spawn"))
    manager.start(end_with_parent)
    with manager:
        steps = manager.Queue()
        listener = threading.Thread(target=_forward, args=(steps, report), daemon=True)
        listener.start()
        try:
            yield steps.put
        finally:
            steps.put(None)
            listener.join()


def _forward(steps: Any, report: Report) -> None:
    while (step := steps.get()) is not None:
        report(step)


def _silent(step: Step) -> None:
    """Report to nobody."""
