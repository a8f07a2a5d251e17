"""Parquet files that a stranger may have written: decoded in a process of its own, within bounds on what comes out.

A file of some kilobytes can unpack to gigabytes, and pyarrow cannot stop within a page. So it is decoded by
`parquet_worker.py`, which imports pyarrow alone, under a limit of its address space. The limit is the system's
(`RLIMIT_AS`) and holds on Linux; elsewhere the process is the same without it, and what remains are the bounds on rows,
values and bytes that are checked before they are written out.
"""

import json
import os
import subprocess
import sys
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
    command = [sys.executable, "-I", str(_WORKER), json.dumps({**asdict(limits), "memory": limits.memory})]
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}  # glibc would reserve 64 MiB of addresses for each thread
    with subprocess.Popen(
        command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as worker:
        assert worker.stdout is not None
        try:
            try:
                stream = pa.ipc.open_stream(worker.stdout)
            except (pa.ArrowException, OSError) as error:
                raise _failure(worker, error) from error
            yield stream.schema, _batches(stream, worker)
        finally:
            worker.kill()


def _batches(stream: pa.ipc.RecordBatchStreamReader, worker: subprocess.Popen[bytes]) -> Iterator[pa.RecordBatch]:
    try:
        yield from stream
    except (pa.ArrowException, OSError) as error:
        raise _failure(worker, error) from error
    if worker.wait(_GRACE_S):
        raise _failure(worker, None)


def _failure(worker: subprocess.Popen[bytes], error: Exception | None) -> ParquetError:
    """Why a worker ended too early."""
    assert worker.stderr is not None
    try:
        code = worker.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        code = worker.wait()
    said = worker.stderr.read(2_000).decode("utf-8", "replace").strip()
    if code == parquet_worker.REFUSED:
        return ParquetError(said)
    if code in (0, parquet_worker.OUT_OF_MEMORY) or code < 0 or "MemoryError" in said or "bad_alloc" in said:
        return ParquetError("it unpacks to far more than its rows can need")
    return ParquetError((said or str(error)).splitlines()[-1])
