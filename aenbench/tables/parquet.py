"""Tables on disk and on the Hub: one Parquet file each, a row a network.

<base>/
├── README.md                                       the card, generated (`aenbench.tables.card`)
└── <dataset>/<configuration>/<space>-<protocol>.parquet           of a part of N networks <space>-<protocol>-N.parquet;
                                                       of networks trained to convergence <space>-<protocol>[-N]-final

The schema's metadata hold `aenbench-table` (`TableInfo` as JSON) and `content_sha256` (`Table.content_sha256`).
"""

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError

from aenbench.errors import TableError
from aenbench.tables.table import VERSION, Table, TableInfo
from aenbench.tasks.protocol import Protocol
from aenbench.training.trial import Role
from gdatasets.errors import HubError
from gdatasets.files import make_folder, read_whole, write_whole
from gdatasets.folder.untrusted_parquet import ParquetLimits, open_parquet
from gdatasets.hub.client import Hub

TABLES = Path("leaderboards") / "tables"
"""Where tables are looked for first, from the working directory."""
HUB_REPOSITORY = "aen/tables"
MAX_FILE_BYTES = 16 << 20
MAX_CONTENT_BYTES = 48 << 20  # unpacked

_INFO, _DIGEST = b"aenbench-table", b"content_sha256"
_MAX_INFO_BYTES = 64 << 10
_STATE_BYTES = 64  # what the name of a state may take
_LIMITS = ParquetLimits(rows=2**12, bytes=MAX_CONTENT_BYTES, value_bytes=_STATE_BYTES, batch_rows=2**8)
COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "network": (pa.string(), "canonical state, one character 0 or 1 for each bit of the space"),
    "states": (pa.list_(pa.string()), "all states that are this network"),
    "parameters": (pa.int64(), "free parameters"),
    "validation": (
        pa.list_(pa.list_(pa.float64())),
        "accuracy 0..1 on the images to choose by, for each seed after each epoch",
    ),
    "test": (
        pa.list_(pa.list_(pa.float64())),
        "accuracy 0..1 on the test images, for each seed after each epoch; for judging only",
    ),
    "seconds": (pa.list_(pa.float64()), "CPU seconds on one thread of training and validation, for each seed"),
}
"""Of each column, its type and what it holds."""


def table_path(
    base: Path,
    dataset: str,
    configuration: str,
    space: str,
    protocol: Protocol | str,
    fraction: int | None = None,
    role: Role = "child",
) -> Path:
    """Where a table belongs below a folder."""
    return base / dataset / configuration / f"{space}-{protocol}{variant(fraction, role)}.parquet"


def variant(fraction: int | None, role: Role) -> str:
    """What ends the name of a table of a part of a space, or of final trainings, such as `-24-final`."""
    return ("" if fraction is None else f"-{fraction}") + ("" if role == "child" else f"-{role}")


def load_table(
    dataset: str,
    configuration: str,
    protocol: Protocol | str = "standard",
    space: str = "aen",
    path: Path | str | None = None,
    fraction: int | None = None,
    role: Role = "child",
) -> Table:
    """Load a table from the nearest place that has it.

    Args:
        dataset: such as `g-mnist`.
        configuration: such as `aug2`.
        protocol: `standard` or `paper`.
        space: the name of a model family: `aen` or `gcnn`, or one that is registered.
        path: the table's file, or a folder of tables, and no other place; by default `leaderboards/tables` in the
            working directory, then the Hub at this version of the tables.
        fraction: the networks of a balanced part of the space, such as 96; None for the table of all networks.
        role: `final` for the table of networks trained to convergence, as `tabulate --final` makes it.

    Raises:
        TableError: it is nowhere, damaged, or the table of something else.
        HubError: the Hub is there, but failed.
    """
    base = TABLES if path is None else Path(path)
    asked = table_path(Path(), dataset, configuration, space, protocol, fraction, role)
    file = base if base.suffix == ".parquet" else base / asked
    if path is None and not file.is_file():
        file = _from_hub(file)
    table = read_table(file)
    if (home := home_of(table)) != asked:
        holds, wanted = home.with_suffix("").as_posix(), asked.with_suffix("").as_posix()
        raise TableError(f"{file} holds the table {holds}, not {wanted}; name another file.")
    return table


def home_of(table: Table) -> Path:
    """Where a table belongs, from the folder of all tables."""
    info = table.info
    named = info.dataset, info.configuration, info.space, info.protocol
    return table_path(Path(), *named, info.fraction, info.role)


def _from_hub(missing: Path) -> Path:
    """The file that should be there, out of the Hub's cache on this machine or from the Hub."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import RepositoryNotFoundError

    hub, tag, name = Hub(HUB_REPOSITORY), f"v{VERSION}", missing.relative_to(TABLES).as_posix()
    cached = try_to_load_from_cache(HUB_REPOSITORY, name, revision=tag, repo_type="dataset")
    if isinstance(cached, str):
        return Path(cached)
    make = "make it with `aenbench tabulate`"
    if not hub.is_reachable():
        raise TableError(f"{missing} does not exist, and the Hub cannot be reached ({hub.url}); go online, or {make}.")
    try:
        return hub.download(name, tag)
    except RepositoryNotFoundError as error:
        raise TableError(f"{missing} does not exist, nor {hub.repo} on the Hub ({hub.url}); {make}.") from error
    except HubError as error:
        raise HubError(f"{missing} does not exist. {error} Or {make}.") from error


def write_table(table: Table, path: Path) -> None:
    """Write a table's file, whole or not at all; raises `OutputError` where that is impossible."""
    make_folder(path.parent)
    write_whole(path, encode_table(table))


def encode_table(table: Table) -> bytes:
    """A table's file."""
    columns: dict[str, Any] = {
        "network": table.networks,
        "states": table.states,
        **{name: getattr(table, name).tolist() for name in ("parameters", "validation", "test", "seconds")},
    }
    described = [
        pa.field(name, kind, nullable=False, metadata={"description": text}) for name, (kind, text) in COLUMNS.items()
    ]
    metadata = {_INFO: table.info.model_dump_json(), _DIGEST: table.content_sha256}
    arrow = pa.table(
        {name: pa.array(columns[name], type=kind) for name, (kind, _) in COLUMNS.items()},
        schema=pa.schema(described, metadata=metadata),
    )
    stream = io.BytesIO()
    pq.write_table(arrow, stream, compression="zstd", compression_level=19)
    return stream.getvalue()


def read_table(path: Path) -> Table:
    """Read a table's file and check all of it: columns, sizes, states, values, digest.

    Raises:
        TableError: it is missing, too large, no table, or was changed.
    """
    try:
        content = read_whole(path, MAX_FILE_BYTES)
    except OSError as error:
        raise TableError(f"{path} cannot be read ({error.strerror}); make it with `aenbench tabulate`.") from error
    try:
        table, digest = _decode(content)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise TableError(f"{path} is not a table ({reason}); fetch it again, or rebuild it.") from error
    if table.content_sha256 != digest:
        raise TableError(f"{path} was changed: its content_sha256 differs; fetch it again, or rebuild it.")
    return table


def _decode(content: bytes) -> tuple[Table, str]:
    """The table in a file, and the digest that it names."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        with open_parquet(file, _LIMITS) as (schema, batches):
            info, digest = _described(schema)
            columns = pa.Table.from_batches(batches, schema)
    shape = (columns.num_rows, len(info.seeds), info.epochs)
    rows, seeds, epochs = shape
    most = 8 * (2 * rows + rows * seeds * (2 * epochs + 3)) + 2**12 * _STATE_BYTES
    if not rows or columns.nbytes > most:
        raise TableError(f"{columns.nbytes:,} bytes in {rows:,} rows; no table has so many")
    table = Table(
        info=info,
        networks=tuple(_flat(columns["network"]).to_pylist()),
        states=_states(columns["states"]),
        parameters=_numbers(columns["parameters"], shape[:1]),
        validation=_numbers(columns["validation"], shape),
        test=_numbers(columns["test"], shape),
        seconds=_numbers(columns["seconds"], shape[:2]),
    )
    return table, digest


def _described(schema: pa.Schema) -> tuple[TableInfo, str]:
    """What the schema's metadata say, if its columns are those of a table."""
    if [(field.name, field.type) for field in schema] != [(name, kind) for name, (kind, _) in COLUMNS.items()]:
        raise TableError(f"expected the columns {', '.join(COLUMNS)} with their types")
    metadata = schema.metadata or {}
    if not {_INFO, _DIGEST} <= set(metadata) or len(metadata[_INFO]) > _MAX_INFO_BYTES:
        raise TableError("its metadata have no valid `aenbench-table`")
    try:
        return TableInfo.model_validate_json(metadata[_INFO]), metadata[_DIGEST].decode("ascii")
    except ValidationError as error:
        first = error.errors()[0]
        raise TableError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error


def _flat(column: pa.ChunkedArray) -> pa.Array:
    array = pa.concat_arrays(column.chunks)
    if array.null_count:
        raise TableError("a value is missing")
    return array


def _states(column: pa.ChunkedArray) -> tuple[tuple[str, ...], ...]:
    lists = _flat(column)
    if lists.flatten().null_count:
        raise TableError("a state is missing")
    return tuple(tuple(states) for states in lists.to_pylist())


def _numbers(column: pa.ChunkedArray, shape: tuple[int, ...]) -> NDArray[Any]:
    """A column of numbers, or of lists of them that are all equally long, as an array of this shape."""
    array = _flat(column)
    for length in shape[1:]:
        if pc.any(pc.not_equal(pc.list_value_length(array), length)).as_py():
            raise TableError(f"expected lists of {length}")
        array = array.flatten()
        if array.null_count:
            raise TableError("a value is missing")
    return np.array(array).reshape(shape)
