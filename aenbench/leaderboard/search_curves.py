"""A search's progress, from the `trials.csv` of its entry: it is shown, and no score rests on it."""

import csv
import io
import math
import os
from pathlib import Path
from typing import NamedTuple

from aenbench.errors import EntryError
from aenbench.leaderboard.entry_folder import TRIALS_FILE, read_file
from aenbench.leaderboard.untrusted.text import printable

MAX_SEARCHES = 10
"""Seeds whose search is shown: the first ones."""

MAX_POINTS = 400
"""Of a search, that are shown; of longer ones every so-manieth, and always the last."""


class Point(NamedTuple):
    """Where a search stood: networks trained so far, the value 0..1 of the last one, and the best so far."""

    networks: int
    value: float
    best: float


def read_progress(folder: Path) -> dict[int, list[Point]]:
    """How each seed's search went; nothing where the entry has no `trials.csv`.

    Raises:
        EntryError: the file is too large or malformed.
    """
    path = folder / TRIALS_FILE
    if not os.path.lexists(path):
        return {}
    content = read_file(folder, TRIALS_FILE)
    values: dict[int, list[float]] = {}
    try:
        rows = csv.DictReader(io.StringIO(content.decode("utf-8")), strict=True)
        if missing := {"seed", "value"} - set(rows.fieldnames or ()):
            raise ValueError(f"it has no column {' and '.join(sorted(missing))}")
        for row in rows:
            values.setdefault(_number(row["seed"]), []).append(_share(row["value"]))
    except (ValueError, TypeError, csv.Error) as error:
        raise EntryError(
            f"{path} is malformed ({printable(repr(error))}); expected columns seed and value, the values 0..1."
        ) from error
    return {seed: _thinned(values[seed]) for seed in sorted(values)[:MAX_SEARCHES]}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 16):
        raise ValueError(f"seed {text[:20]}")
    return int(text)


def _share(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"value {text[:20]}")
    return value


def _thinned(values: list[float]) -> list[Point]:
    step = math.ceil(len(values) / MAX_POINTS)
    points, best = [], 0.0
    for network, value in enumerate(values, start=1):
        best = max(best, value)
        if network % step == 0 or network in (1, len(values)):
            points.append(Point(network, value, best))
    return points
