"""Which process is this, and does it still live: what a lock that outlasts `kill -9` must know. Reads Linux's /proc."""

import os
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_ENDED = frozenset("ZX")  # a zombie is gone too: only its parent has not noticed yet


class Process(NamedTuple):
    """A process, told apart from every other one, also from a later one with the same number.

    Attributes:
        machine: this boot of this machine, and its namespace of process numbers (containers have their own).
        pid: its number there.
        started: clock ticks from the boot to its start.
    """

    machine: str
    pid: int
    started: int

    @property
    def is_local(self) -> bool:
        """Whether `is_alive` can tell: it ran on this boot of this machine."""
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
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"


def _started(pid: int) -> int | None:
    """Clock ticks from the boot to the start of a process; None if it has ended. See proc(5), /proc/pid/stat."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before may hold anything; the third field is first here
    return None if fields[0] in _ENDED else int(fields[19])
