"""Processes that work for another one, and end with it."""

import multiprocessing
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from multiprocessing.context import BaseContext

_SHARED = ("torch", "aenbench", "gdatasets")
_LONGEST_FOLDER = 70  # bytes; the server listens on a socket some 35 below, whose path may have 107


def worker_context() -> BaseContext:
    """How workers are started: on Linux as forks of a server that has imported what they need, elsewhere from nothing.

    The server imports what this process has of PyTorch, aenbench and gdatasets at its first worker: once, not once a
    worker, and all share its memory. It does nothing else, so no Python thread and no GPU is lost in a fork; PyArrow's
    jemalloc and OpenBLAS renew their own threads. On macOS the system's own libraries do not survive forks.
    """
    if sys.platform != "linux" or len(os.fsencode(tempfile.gettempdir())) > _LONGEST_FOLDER:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(sorted(name for name in sys.modules if name.partition(".")[0] in _SHARED))
    return context


def adopt_environment(variables: dict[str, str]) -> None:
    """Give a worker the environment of its parent as it is now, not as it was when the server began."""
    os.environ.clear()
    os.environ.update(variables)


def end_with_parent() -> None:
    """Let this process end when its parent is gone, however the parent ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        end_after(parent.join)


def end_after(event: Callable[[], object]) -> None:
    """Let this process end, whatever it is at, as soon as a call returns that waits for something."""

    def watch() -> None:
        event()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
