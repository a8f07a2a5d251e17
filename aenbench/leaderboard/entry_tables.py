"""Tables that an entry may hold, `trials.csv` and `history.csv`: rows that are counted from 1 for each seed."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from aenbench.leaderboard.entry_folder import read_file
from aenbench.leaderboard.untrusted.files import shown
from aenbench.leaderboard.untrusted.rows import read_rows, whole

_MAX_NUMBER = 10**9

T = TypeVar("T")


def read_by_seed(
    folder: Path,
    name: str,
    columns: Sequence[str],
    most: int,
    make: Callable[[Sequence[T], Sequence[str]], T],
    expected: str,
) -> dict[int, list[T]]:
    """The rows of each seed, in order; nothing where the entry has no such file.

    Args:
        folder: of the entry.
        name: of the file.
        columns: its header: the seed, the number of the row in it, and others.
        most: rows that it may have.
        make: gives a row from the seed's rows before it and the values of the other columns; raises ValueError for
            values that nobody writes.
        expected: of the other columns, in words, for the error.

    Raises:
        EntryError: the file is too large or malformed.
    """
    if not os.path.lexists(folder / name):
        return {}
    found: dict[int, list[T]] = {}
    number_of = columns[1]

    def add(row: Sequence[str]) -> None:
        seed, number, *others = row
        rows = found.setdefault(whole("seed", seed, 1 << 53), [])
        if whole(number_of, number, _MAX_NUMBER) != len(rows) + 1:
            raise ValueError(f"{number_of} {number}, expected {len(rows) + 1}")
        rows.append(make(rows, others))

    told = f"in each row finite numbers, {expected}, and {number_of}s counted from 1 in each seed"
    read_rows(read_file(folder, name), shown(folder, name), columns, most, add, told)
    return found
