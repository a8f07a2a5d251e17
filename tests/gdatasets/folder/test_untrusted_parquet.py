"""Files of a few kilobytes that unpack to gigabytes are refused, in little memory and time."""

import io
import resource
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gdatasets.folder import untrusted_parquet
from gdatasets.folder.shards import schema
from gdatasets.folder.untrusted_parquet import (
    ParquetError,
    ParquetLimits,
    StartedWorker,
    WorkerServer,
    open_parquet,
)

LIMITS = ParquetLimits(rows=4_096, bytes=8 << 20, value_bytes=4_096)


@pytest.fixture(scope="module")
def server() -> Iterator[WorkerServer]:
    if sys.platform != "linux":
        pytest.skip("workers are forked on Linux only")
    own = WorkerServer()
    yield own
    own.end()


@pytest.fixture(params=["started", "forked"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a worker begins; the other way is no help if one fails."""
    begin = StartedWorker if request.param == "started" else request.getfixturevalue("server").fork
    monkeypatch.setattr(untrusted_parquet, "_begin", begin)
    return str(request.param)


def written(table: pa.Table, path: Path, **options: object) -> Path:
    pq.write_table(table, path, compression="zstd", compression_level=19, **options)
    return path


def take(path: Path, limits: ParquetLimits = LIMITS) -> pa.Table:
    with path.open("rb") as file, open_parquet(file, limits) as (found, batches):
        return pa.Table.from_batches(batches, found)


def images(values: pa.Array) -> pa.Array:
    paths = pa.nulls(len(values), pa.string())
    return pa.StructArray.from_arrays([values, paths], names=["bytes", "path"])


BOMBS: dict[str, Callable[[Path], Path]] = {
    "one long value, named by every row": lambda path: written(
        pa.table({"a": pa.DictionaryArray.from_arrays(np.zeros(4_096, np.int32), pa.array(["x" * (1 << 20)]))}),
        path,
    ),
    "the same inside a structure": lambda path: written(
        pa.table({"image": images(pa.array([b"x" * (1 << 20)] * 512))}), path
    ),
    "many long values": lambda path: written(
        pa.table({"a": pa.array([b"x" * 4_000] * 4_096)}), path, use_dictionary=False
    ),
    "more rows than a file may have": lambda path: written(pa.table({"a": np.zeros(10_000_000, np.int8)}), path),
    "one row with a hundred million numbers": lambda path: written(
        pa.table({"a": pa.ListArray.from_arrays([0, 100_000_000], pa.array(np.zeros(100_000_000, np.int8)))}), path
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused(name: str, tmp_path: Path) -> None:
    path = BOMBS[name](tmp_path / "bomb.parquet")
    assert path.stat().st_size < 100_000
    with pytest.raises(ParquetError, match=r"unpacks to|a value has|rows in"):
        take(path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits an address space")
def test_a_bomb_takes_little_memory_and_time(tmp_path: Path, way: str) -> None:
    path = BOMBS["one row with a hundred million numbers"](tmp_path / "bomb.parquet")
    code = """
import psutil, resource, sys, time
from gdatasets.folder import untrusted_parquet
from gdatasets.folder.untrusted_parquet import ParquetError, ParquetLimits, StartedWorker, open_parquet
forked = sys.argv[2] == "forked"
untrusted_parquet._begin = untrusted_parquet._SERVER.fork if forked else StartedWorker
try:
    with open(sys.argv[1], "rb") as file, open_parquet(file, ParquetLimits(4_096, 8 << 20, 4_096)) as (_, batches):
        list(batches)
except ParquetError:
    if forked:
        server = psutil.Process(untrusted_parquet._SERVER.pid)
        while server.children():  # what it has collected counts
            time.sleep(0.01)
        untrusted_parquet._SERVER.end()
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
    started = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", code, path, way], capture_output=True, text=True, check=True)
    assert 1 << 14 < int(ended.stdout) < 1 << 20, "kilobytes"
    assert time.monotonic() - started < 60
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY, "this process has no limit"


def test_what_is_within_the_limits_comes_as_it_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "number": rng.normal(size=2_500),
            "word": pa.array(["a", None, "bc"] * 833 + ["d"]),
            "lists": pa.array([[1, 2], [], None, [3]] * 625),
            "words": pa.array([["a"], ["b", "c"], [], None] * 625),
            "image": images(pa.array([rng.bytes(100) for _ in range(2_500)])),
        }
    ).replace_schema_metadata({"what": "a test"})
    found = take(written(table, tmp_path / "table.parquet", row_group_size=700))
    assert found.equals(table)
    assert found.schema.metadata == table.schema.metadata


def test_the_columns_of_a_shard_come_with_their_types(tmp_path: Path) -> None:
    table = schema(("0", "1")).empty_table()
    assert take(written(table, tmp_path / "shard.parquet")).schema.equals(table.schema, check_metadata=True)


def test_every_prefix_and_many_byte_changes_are_refused_or_read(tmp_path: Path) -> None:
    """Damage ends in one kind of error, and never in a broken process here."""
    content = bytearray(written(pa.table({"a": [1, 2], "b": ["x", "y"]}), tmp_path / "whole.parquet").read_bytes())
    rng = np.random.default_rng(1)
    damaged = [bytes(content[:length]) for length in (0, 3, 12, len(content) // 2, len(content) - 1)]
    for position in rng.choice(len(content), 8, replace=False):
        changed = bytearray(content)
        changed[position] ^= 0xFF
        damaged.append(bytes(changed))
    footer = struct.pack("<I", 1 << 30) + b"PAR1"
    damaged.append(bytes(content[:-8]) + footer)
    refused = 0
    for number, each in enumerate(damaged):
        path = tmp_path / f"{number}.parquet"
        path.write_bytes(each)
        try:
            take(path)
        except ParquetError as error:
            refused += "\n" not in str(error)
    assert refused >= 6


def test_a_reader_that_stops_early_leaves_no_process(tmp_path: Path) -> None:
    path = written(pa.table({"a": np.arange(4_000)}), tmp_path / "table.parquet")
    with path.open("rb") as file, open_parquet(file, LIMITS) as (_, batches):
        assert next(batches).num_rows == 1_000


def test_bytes_in_memory_are_not_a_file() -> None:
    with pytest.raises(io.UnsupportedOperation), open_parquet(io.BytesIO(b"PAR1"), LIMITS):
        pass


@pytest.mark.parametrize("way", ["forked"], indirect=True)
def test_a_server_that_was_killed_is_started_again(tmp_path: Path, server: WorkerServer) -> None:
    path = written(pa.table({"a": [1, 2]}), tmp_path / "table.parquet")
    assert take(path).num_rows == 2
    if server.pid is not None:
        psutil.Process(server.pid).kill()
    assert take(path).num_rows == 2


def test_where_no_server_starts_a_worker_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.undo()
    monkeypatch.setattr(WorkerServer, "_start", refuse)
    monkeypatch.setattr(untrusted_parquet, "_SERVER", WorkerServer())
    assert take(written(pa.table({"a": [1, 2]}), tmp_path / "table.parquet")).num_rows == 2


def test_workers_leave_no_descriptor_and_no_process(tmp_path: Path) -> None:
    """Read whole, left early, refused, and from several threads at once."""
    process = psutil.Process()
    whole = written(pa.table({"a": np.arange(4_000)}), tmp_path / "table.parquet")
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1")

    def use(_: int) -> int:
        with pytest.raises(ParquetError):
            take(damaged)
        with whole.open("rb") as file, open_parquet(file, LIMITS) as (_, batches):
            next(batches)
        return int(take(whole).num_rows)

    use(0)  # a server may start
    before, others = process.num_fds(), set(process.children(recursive=True))
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(use, range(8))) == [4_000] * 8
    assert process.num_fds() == before
    deadline = time.monotonic() + 60
    while set(process.children(recursive=True)) - others:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("way", ["forked"], indirect=True)
def test_every_file_has_a_process_of_its_own(tmp_path: Path, server: WorkerServer) -> None:
    path, limits, workers = written(pa.table({"a": [1]}), tmp_path / "table.parquet"), '{"memory": 1e9}', set()
    for _ in range(3):
        with path.open("rb") as file:
            worker = server.fork(file, limits)
            workers.add(worker.pid)
            worker.end()
    assert len(workers) == 3
    assert server.pid not in workers
