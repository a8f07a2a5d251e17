"""Processes that work for another one, and end with it."""

import multiprocessing
import os
import threading
from collections.abc import Callable


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
