"""Asking whether a server is there, in bounded time."""

import queue
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

REACH_TIMEOUT_S = 6.0
"""Seconds within which one server must answer; otherwise the network counts as absent."""
STALL_TIMEOUT_S = 20.0
"""Seconds without a byte after which a running download is given up."""


def any_reachable(urls: tuple[str, ...]) -> bool:
    """Whether any address answers in time; asked in threads, since name look-ups have no time-out of their own."""
    answers: queue.Queue[bool] = queue.Queue()
    for url in urls:
        threading.Thread(target=lambda url=url: answers.put(_answers(url)), daemon=True).start()
    deadline = time.monotonic() + REACH_TIMEOUT_S
    try:
        return any(answers.get(timeout=max(0.0, deadline - time.monotonic())) for _ in urls)
    except queue.Empty:
        return False


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=REACH_TIMEOUT_S):
            return True
    except urllib.error.HTTPError:
        return True  # a server that says no is a server that is there
    except OSError:
        return False


@contextmanager
def socket_timeout(seconds: float = STALL_TIMEOUT_S) -> Iterator[None]:
    """torchvision opens its connections without a time-out; this gives them one while it downloads."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
