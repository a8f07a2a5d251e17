"""Tables of a stranger as .csv files: a header that is stated, bounded rows, finite numbers within their bounds."""

import csv
import io
import math
from collections.abc import Callable, Sequence

from aenbench.errors import EntryError
from aenbench.leaderboard.untrusted.text import printable


def read_rows(
    content: bytes,
    where: str,
    columns: Sequence[str],
    most: int,
    add: Callable[[Sequence[str]], None],
    expected: str,
) -> None:
    """Give every row of a table to a function.

    Args:
        content: of the file, UTF-8.
        where: what errors call the file.
        columns: its header.
        most: rows that it may have.
        add: called with the values of each row, as many as there are columns; raises ValueError for a wrong one.
        expected: of the rows, in words, for the error.

    Raises:
        EntryError: the file is something else.
    """
    try:
        rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        header = tuple(next(rows, ()))
        if header != tuple(columns):
            raise ValueError(f"its columns are {','.join(header) or 'none'}")
        for number, row in enumerate(rows, start=2):
            if number > most + 1:
                raise ValueError(f"it has more than {most:,} rows")
            try:
                if len(row) != len(columns):
                    raise ValueError(f"{len(row)} of {len(columns)} values")
                add(row)
            except ValueError as error:
                raise ValueError(f"row {number:,}: {error}") from error
    except (ValueError, csv.Error) as error:
        raise EntryError(
            f"{where} is malformed ({printable(error)}); expected columns {','.join(columns)}, {expected}."
        ) from error


def whole(name: str, text: str, most: int) -> int:
    """A number from 0 to below `most`; raises ValueError for any other text."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 16 and int(text) < most):
        raise ValueError(f"{name} {text[:20]}")
    return int(text)


def real(name: str, text: str, least: float, most: float) -> float:
    """A finite number within bounds; raises ValueError for any other text."""
    try:
        value = float(text) if len(text) <= 40 else math.nan
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise ValueError(f"{name} {text[:20]}")
    return value
