"""Ctrl-C, of both programs: one line and exit code 130, from the first moments on."""

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

INTERRUPTED = 130
KEPT = "Interrupted; run the same command again: what is finished is kept."


def answer_interrupts(program: str) -> None:
    """From here on SIGINT ends this process with one line and 130, until `begin_work`. Nothing has begun to be kept."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        os.write(2, f"{program}: {KEPT}\n".encode())
        os._exit(INTERRUPTED)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # one who ignores it goes on ignoring it
        signal.signal(signal.SIGINT, leave)
        sys.unraisablehook = _pass_on


def begin_work() -> None:
    """From here on SIGINT raises KeyboardInterrupt, so that what was begun is cleaned up."""
    if getattr(signal.getsignal(signal.SIGINT), "__module__", "") == __name__:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _pass_on(ignored: Any) -> None:
    """An interrupt that fell into a callback, as importing has many, would be lost there: it comes again."""
    if ignored.exc_type is KeyboardInterrupt:
        threading.Timer(0.02, _interrupt).start()
    else:
        sys.__unraisablehook__(ignored)


def _interrupt() -> None:
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # which wakes it, too
    else:
        signal.raise_signal(signal.SIGINT)
