"""Parquet files that a stranger may have written: decoded in a process of its own, within bounds on what comes out.

A file of some kilobytes can unpack to gigabytes, and pyarrow cannot stop within a page. So it is decoded by
`parquet_worker.py`, which imports pyarrow alone, under a limit of its address space. The limit is the system's
(`RLIMIT_AS`) and holds on Linux; elsewhere the process is the same without it, and what remains are the bounds on rows,
values and bytes that are checked before they are written out.

Python and pyarrow take about .15 processor seconds to start, more than a shard of a few hundred images takes to decode.
So on Linux the processes are forks of one that has imported pyarrow and reads nothing itself; elsewhere, and where that
one cannot be reached, each starts from nothing.
"""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from gdatasets.errors import GDatasetsError
from gdatasets.folder import parquet_worker

_WORKER = Path(parquet_worker.__file__)
_BASE_BYTES = 512 << 20  # the address space of Python and pyarrow before they read anything, and half as much again
_GRACE_S = 10
_STATUS_BYTES = 16


class ParquetError(GDatasetsError, ValueError):
    """A file that is no Parquet file, is damaged, or holds more than it may; why, without the file's name."""


@dataclass(frozen=True)
class ParquetLimits:
    """What a file may hold; more is refused.

    Attributes:
        rows: of the whole file.
        bytes: of all its values, once decoded.
        value_bytes: of the longest byte string.
        batch_rows: rows that are decoded at a time.
    """

    rows: int
    bytes: int
    value_bytes: int
    batch_rows: int = 1_000

    @property
    def memory(self) -> int:
        """Bytes of address space: the base, and a few copies of a batch."""
        share = self.bytes * min(1, self.batch_rows / max(1, self.rows))
        return _BASE_BYTES + (64 << 20) + 4 * int(share)


@contextmanager
def open_parquet(file: BinaryIO, limits: ParquetLimits) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """The schema and the record batches of a Parquet file.

    Args:
        file: a real file (it has a descriptor), at its start.
        limits: what it may hold.

    Raises:
        ParquetError: it is no Parquet file, is damaged, or holds more than the limits; also while batches are taken.
    """
    worker = _begin(file, json.dumps({**asdict(limits), "memory": limits.memory}))
    try:
        try:
            stream = pa.ipc.open_stream(worker.stdout)
        except (pa.ArrowException, OSError) as error:
            raise _failure(worker, error) from error
        yield stream.schema, _batches(stream, worker)
    finally:
        worker.end()


class StartedWorker:
    """A process for one file that starts from nothing.

    Attributes:
        stdout: the file's schema and batches as an Arrow stream.
        stderr: why the file is refused.
    """

    def __init__(self, file: BinaryIO, limits: str) -> None:
        command = [sys.executable, "-I", str(_WORKER), limits]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=file, stdout=pipe, stderr=pipe, env=_environment())
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self.stdout, self.stderr = self._process.stdout, self._process.stderr

    def wait(self) -> int:
        """The exit code, negative if it died; after some seconds it is killed."""
        try:
            return self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def end(self) -> None:
        """Kill it if it still runs."""
        with self._process:
            self._process.kill()


class ForkedWorker:
    """The same as a fork of a server.

    Attributes:
        pid: of the process.

    Raises:
        OSError: the server has ended.
    """

    def __init__(self, file: BinaryIO, limits: str, server: socket.socket) -> None:
        self._code: int | None = None
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as its:
            self.stdout, out = _pipe(ours, its)
            self.stderr, err = _pipe(ours, its)
            self._status, its_status = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.enter_context(self._status)
            its.enter_context(its_status)
            socket.send_fds(server, [limits.encode()], [file.fileno(), out, err, its_status.fileno()])
            its.close()
            number = self._status.recv(_STATUS_BYTES)
            if not number:
                raise ConnectionResetError
            self.pid = int(number)
            self._open = ours.pop_all()

    def wait(self) -> int:
        if self._code is None:
            self._status.settimeout(_GRACE_S)
            with contextlib.suppress(TimeoutError):
                self._code = int(self._status.recv(_STATUS_BYTES) or -signal.SIGKILL)
        return self._kill() if self._code is None else self._code

    def end(self) -> None:
        if self._code is None:
            self._status.setblocking(False)
            try:
                self._status.recv(_STATUS_BYTES)
            except BlockingIOError:
                self._kill()
        self._open.close()

    def _kill(self) -> int:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._code = -signal.SIGKILL
        return self._code


Worker = StartedWorker | ForkedWorker


class WorkerServer:
    """The process whose forks are workers; it starts with the first, and again if it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    def fork(self, file: BinaryIO, limits: str) -> ForkedWorker:
        """Raises OSError: it cannot be started."""
        for _ in range(2):
            with self._lock:
                requests = self._requests or self._start()
            with contextlib.suppress(ConnectionError):
                return ForkedWorker(file, limits, requests)
            self.end()
        raise ConnectionResetError

    def _start(self) -> socket.socket:
        self._requests, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            command = [sys.executable, "-I", str(_WORKER), "serve"]
            null = subprocess.DEVNULL
            self._process = subprocess.Popen(command, stdin=its.fileno(), stdout=null, stderr=null, env=_environment())
        return self._requests

    @property
    def pid(self) -> int | None:
        """Of the process; None before it starts."""
        return None if self._process is None else self._process.pid

    def end(self) -> None:
        """Stop the server; forks of it that are at work go on."""
        with self._lock:
            if self._requests is not None:
                self._requests.close()
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            self._requests = self._process = None


_SERVER = WorkerServer()
atexit.register(_SERVER.end)


def _begin(file: BinaryIO, limits: str) -> Worker:
    file.fileno()  # bytes in memory are no file
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return _SERVER.fork(file, limits)
    return StartedWorker(file, limits)


def _environment() -> dict[str, str]:
    return {**os.environ, "MALLOC_ARENA_MAX": "1"}  # glibc would reserve 64 MiB of addresses for each thread


def _pipe(ours: contextlib.ExitStack, its: contextlib.ExitStack) -> tuple[BinaryIO, int]:
    reading, writing = os.pipe()
    its.callback(os.close, writing)
    return ours.enter_context(os.fdopen(reading, "rb")), writing


def _batches(stream: pa.ipc.RecordBatchStreamReader, worker: Worker) -> Iterator[pa.RecordBatch]:
    try:
        yield from stream
    except (pa.ArrowException, OSError) as error:
        raise _failure(worker, error) from error
    if worker.wait():
        raise _failure(worker, None)


def _failure(worker: Worker, error: Exception | None) -> ParquetError:
    """Why a worker ended too early."""
    code = worker.wait()
    said = worker.stderr.read(2_000).decode("utf-8", "replace").strip()
    if code == parquet_worker.REFUSED:
        return ParquetError(said)
    if code in (0, parquet_worker.OUT_OF_MEMORY) or code < 0 or "MemoryError" in said or "bad_alloc" in said:
        return ParquetError("it unpacks to far more than its rows can need")
    return ParquetError((said or str(error)).splitlines()[-1])
