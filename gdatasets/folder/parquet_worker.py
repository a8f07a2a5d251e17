"""Reads Parquet files that nobody vouches for, each in a process of its own; `untrusted_parquet` runs it.

    python -I parquet_worker.py LIMITS < file.parquet > arrow.stream
    python -I parquet_worker.py serve                                    (standard input is a socket)

Nothing but pyarrow is imported. pyarrow decodes whole pages, and a page of a few bytes may hold gigabytes, so the
address space is limited first, where the system can do that. Byte columns are read as dictionaries, whose values are
measured before they are written out.

`serve` imports pyarrow once and forks for each file. It reads no file itself, so every file still has a new process.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import traceback
from typing import Any, BinaryIO

REFUSED, OUT_OF_MEMORY = 3, 4
REQUEST_BYTES = 4_096  # of the limits as JSON


def main() -> int:
    """Begin as the command line says; the exit code says how it ended."""
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # what it frees is free
    sys.modules["numpy"] = None  # type: ignore[assignment]  # pyarrow can do without it, and starts in .6 of the time
    if sys.argv[1] == "serve":
        return serve(socket.socket(fileno=os.dup(0)))
    return read_one(json.loads(sys.argv[1]))


def serve(requests: socket.socket) -> int:
    """For each request fork a process that reads one file, until the last holder of the other end has closed it.

    A request has the limits as JSON and four descriptors: the file, where the Arrow stream and the error go, and a
    socket that receives the process's number and its exit code. A process that dies sends no code.
    """
    import pyarrow.compute
    import pyarrow.parquet  # noqa: F401

    signal.signal(signal.SIGCHLD, lambda *_: reap())
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 4)
        if not message:
            return 0
        if os.fork() == 0:
            requests.close()  # other files are none of its business
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            status = socket.socket(fileno=descriptors[3])
            status.send(str(os.getpid()).encode())
            code = 1
            try:
                for number, descriptor in enumerate(descriptors[:3]):
                    os.dup2(descriptor, number)
                code = read_one(json.loads(message))
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                with contextlib.suppress(OSError):
                    status.send(str(code).encode())
                os._exit(code)
        for descriptor in descriptors:
            os.close(descriptor)


def reap() -> None:
    """Collect every child that has ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def read_one(limits: dict[str, int]) -> int:
    """Write the file's schema and batches to standard output as an Arrow stream; the exit code says how it ended."""
    limit_address_space(limits["memory"])
    try:
        import pyarrow as pa

        try:
            with open(0, "rb", closefd=False) as source, open(1, "wb", closefd=False) as target:
                convert(source, target, limits)
        except (pa.ArrowException, OSError, ValueError) as error:
            if isinstance(error, pa.ArrowMemoryError):
                raise MemoryError from error
            sys.stderr.write(str(error).splitlines()[0] if str(error) else type(error).__name__)
            return REFUSED
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


def limit_address_space(size: int) -> None:
    """Let allocations beyond so many bytes fail; systems without such limits have none."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    except (ImportError, OSError, ValueError):
        pass


def convert(source: BinaryIO, target: BinaryIO, limits: dict[str, int]) -> None:
    """Read, measure, write; raises ValueError for what is beyond the limits."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    options = {"thrift_string_size_limit": 1 << 20, "thrift_container_size_limit": 1 << 16}
    with pq.ParquetFile(source, **options) as plain:
        wanted, metadata = plain.schema_arrow, plain.metadata
        if metadata.num_rows > limits["rows"] or metadata.num_row_groups > limits["rows"] + 1:
            raise ValueError(f"it has {metadata.num_rows:,} rows in {metadata.num_row_groups:,} groups")
        columns = [metadata.schema.column(number) for number in range(metadata.num_columns)]
    binary = [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]
    source.seek(0)
    rows = size = 0
    with (
        pq.ParquetFile(source, read_dictionary=binary, **options) as file,
        pa.ipc.new_stream(target, wanted) as stream,
    ):
        for batch in (
            batch
            for group in range(metadata.num_row_groups)  # dictionaries in structures do not span groups
            for batch in file.iter_batches(limits["batch_rows"], [group], use_threads=False)
        ):
            rows += batch.num_rows
            size += sum(measure(column, limits["value_bytes"]) for column in batch.columns)
            if rows > limits["rows"] or size > limits["bytes"]:
                raise ValueError(f"it unpacks to more than {limits['bytes']:,} bytes or {limits['rows']:,} rows")
            stream.write_batch(
                pa.RecordBatch.from_arrays(
                    [dense(column, field.type) for column, field in zip(batch.columns, wanted, strict=True)],
                    schema=wanted,
                )
            )


def measure(array: Any, value_bytes: int) -> int:
    """The bytes that an array takes once its dictionaries are written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(array.dictionary)
        longest = pc.max(lengths).as_py() or 0
        if longest > value_bytes:
            raise ValueError(f"a value has {longest:,} bytes")
        return 8 * len(array) + (pc.sum(lengths.take(array.indices)).as_py() or 0)
    if pa.types.is_struct(kind):
        return sum(measure(array.field(number), value_bytes) for number in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return 8 * len(array) + measure(array.flatten(), value_bytes)
    if pa.types.is_primitive(kind) or pa.types.is_null(kind):
        return 8 * len(array)
    raise ValueError(f"a column of type {kind} is not expected")


def dense(array: Any, kind: Any) -> Any:
    """The array with its dictionaries written out."""
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        return array.dictionary_decode().cast(kind)
    if pa.types.is_struct(kind):
        fields = [dense(array.field(number), kind.field(number).type) for number in range(kind.num_fields)]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=array.is_null())
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(array.offsets, dense(array.values, kind.value_type), kind, mask=array.is_null())
    return array


if __name__ == "__main__":
    sys.exit(main())
