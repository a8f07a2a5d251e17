"""`results.json` and `results.parquet`: the rows of a board as files, the same in both.

JSON is what `aenbench.load_leaderboard` reads: it needs no library and cannot unpack to more than it is. Parquet is for
other programs; its schema's metadata hold `aenbench-results`, the JSON without the rows.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from aenbench.errors import EntryError
from aenbench.leaderboard.entry import Sha256, Strict
from aenbench.leaderboard.results import SCHEMA_VERSION, Column, Results, Value, columns
from aenbench.leaderboard.untrusted.files import open_bounded, read_bounded
from aenbench.leaderboard.untrusted.json_yaml import parse_json
from aenbench.leaderboard.untrusted.text import plain_text, printable
from gdatasets.files import reading

if TYPE_CHECKING:
    import pyarrow as pa

RESULTS_JSON = "results.json"
RESULTS_PARQUET = "results.parquet"
MAX_RESULTS_BYTES = 64 << 20

_MAX_ROWS = 1 << 17
_ABOUT = b"aenbench-results"


class _File(Strict):
    """The content of `results.json`."""

    schema_version: Literal[1]
    columns: dict[str, str]
    entries: dict[str, Sha256]
    reviews: str
    rows: Annotated[tuple[dict[str, Any], ...], Field(max_length=_MAX_ROWS)]


def _about(results: Results) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "columns": {each.name: each.text for each in columns()},
        "entries": dict(results.entries),
        "reviews": results.reviews,
    }


def encode_json(results: Results) -> bytes:
    """The content of `results.json`, a row a line; equal results give equal bytes."""
    about = json.dumps(_about(results), indent=1, ensure_ascii=False, allow_nan=False)
    rows = (json.dumps(dict(row), ensure_ascii=False, allow_nan=False) for row in results.rows)
    lines = ",\n  ".join(rows)
    return f'{about.removesuffix("}").rstrip()},\n "rows": [\n  {lines}\n ]\n}}\n'.encode()


def read_json(path: Path) -> Results:
    """Read a `results.json`.

    Raises:
        EntryError: it cannot be read, is too large or malformed, or has other columns or kinds of values.
    """
    where = printable(path, 1_000)
    with open_bounded(path, MAX_RESULTS_BYTES) as stream:
        content = parse_json(read_bounded(stream, MAX_RESULTS_BYTES, where), _File, where)
    expected = {each.name: each for each in columns()}
    if list(content.columns) != list(expected):
        raise EntryError(f"{where}: expected the columns {', '.join(expected)}; run `aenbench leaderboard`.")
    for number, row in enumerate(content.rows):
        if list(row) != list(expected):
            raise EntryError(f"{where}: rows.{number} has other columns; run `aenbench leaderboard`.")
        for name, value in row.items():
            _check(value, expected[name], f"{where}: rows.{number}.{printable(name)}")
    return Results(content.rows, content.entries, content.reviews)


def _check(value: object, column: Column, where: str) -> None:
    if value is None and column.may_be_missing:
        return
    kind = column.kind
    kinds: tuple[type, ...] = (int, float) if kind is float else (kind,)
    if type(value) not in kinds or (type(value) is int and abs(value) >= 1 << 53):
        raise EntryError(f"{where}: expected {kind.__name__}, got {printable(value, 60)}.")
    if isinstance(value, str):
        try:
            plain_text(value)
        except ValueError as error:
            raise EntryError(f"{where}: {error}.") from error


def encode_parquet(results: Results) -> bytes:
    """The content of `results.parquet`; equal results give equal bytes with one version of pyarrow."""
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(_arrow(results), stream, compression="zstd")
    return stream.getvalue()


def _arrow(results: Results) -> "pa.Table":
    import pyarrow as pa

    kinds: Mapping[type, Any] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    fields = [
        pa.field(each.name, kinds[each.kind], each.may_be_missing, {"description": each.text}) for each in columns()
    ]
    values: dict[str, list[Value]] = {field.name: [row[field.name] for row in results.rows] for field in fields}
    return pa.table(values, schema=pa.schema(fields, {_ABOUT: json.dumps(_about(results))}))


def parquet_holds(path: Path, content: bytes) -> bool:
    """Whether a file that anybody may have written holds the same table as this content of a `results.parquet`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from gdatasets.folder.untrusted_parquet import ParquetError, ParquetLimits, open_parquet

    expected = pq.read_table(io.BytesIO(content))
    limits = ParquetLimits(rows=_MAX_ROWS, bytes=MAX_RESULTS_BYTES, value_bytes=1 << 16)
    try:
        with reading(path, MAX_RESULTS_BYTES) as file, open_parquet(file, limits) as (schema, batches):
            return bool(pa.Table.from_batches(batches, schema).equals(expected, check_metadata=True))
    except (ParquetError, OSError, pa.ArrowException):
        return False
