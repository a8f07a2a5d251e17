"""Which process is this, and does it still live: what a lock that outlasts `kill -9` must know.

psutil reads the process table of Linux, macOS and Windows. It cannot tell one boot from another, nor one container's
process numbers from another's; on Linux the kernel says both. Elsewhere a start time is one of the calendar, which no
later boot repeats, and containers that share a host's name and network card count as one machine.
"""

import os
import platform
import uuid
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_TICKS_PER_S = 100
_ENDED = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)  # a zombie is gone too: only its parent has not noticed yet


class Process(NamedTuple):
    """A process, told apart from every other one, also from a later one with the same number.

    Attributes:
        machine: this machine; on Linux also its boot, and its namespace of process numbers (containers have their own).
        pid: its number there.
        started: its start in hundredths of a second: since the boot on Linux, since 1970 elsewhere.
    """

    machine: str
    pid: int
    started: int

    @property
    def is_local(self) -> bool:
        """Whether `is_alive` can tell: it ran on this machine, on Linux since its last boot."""
        return self.machine == _machine()

    @property
    def is_alive(self) -> bool:
        """Whether a local process still runs."""
        return self.started == _started(self.pid)


def this_process() -> Process:
    """The process that asks."""
    pid = os.getpid()
    started = _started(pid)
    assert started is not None
    return Process(_machine(), pid, started)


def _machine() -> str:
    with suppress(OSError):
        return f"{_BOOT_ID.read_text().strip()} {_PID_NAMESPACE.readlink()}"
    return f"{platform.node()} {uuid.getnode():012x}"


def _started(pid: int) -> int | None:
    """When a process started; None if it has ended."""
    try:
        process = psutil.Process(pid)
        with suppress(psutil.AccessDenied):  # somebody else's
            if process.status() in _ENDED:
                return None
        return round(_TICKS_PER_S * (process.create_time() - _epoch()))
    except (psutil.NoSuchProcess, ValueError):
        return None


def _epoch() -> float:
    """What start times count from. Since the boot where psutil counts so: a change of the clock then moves nothing."""
    return psutil.boot_time() if psutil.LINUX else 0.0
