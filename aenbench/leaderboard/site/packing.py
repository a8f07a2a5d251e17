"""The page's data in few bytes and without loss: names once for all rows, numbers that follow from others left out.

`page.js` unpacks it. A table is {"columns": [...], "rows": [...]}; what a row does not have is null.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aenbench.leaderboard.search_curves import Point
from aenbench.scoring import Part


def table(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Records as a table; the columns are in the order in which they first appear."""
    columns = list(dict.fromkeys(name for record in records for name in record))
    return {"columns": columns, "rows": [[record.get(name) for name in columns] for record in records]}


def pack_curves(curves: Mapping[int, Sequence[Point]]) -> list[list[Any]]:
    """[[seed, points], ...]: the values alone where every point is there, else [number, value, best so far] of each."""
    return [[seed, _packed(points)] for seed, points in curves.items()]


def _packed(points: Sequence[Point]) -> list[Any]:
    if [point.number for point in points] == list(range(1, len(points) + 1)):
        return [round(point.value, 4) for point in points]
    return [[point.number, round(point.value, 4), round(point.best, 4)] for point in points]


def part_heads(parts: Iterable[Part]) -> list[list[Any]]:
    """[name, images] of each part: the same for all entries of a task, so its task holds them."""
    return [[part.name, part.images] for part in parts]


def pack_parts(parts: Sequence[Part], heads: Sequence[Sequence[Any]] | None) -> list[list[Any]]:
    """[share, low, high] of each part where these are the heads, else [name, images, share, low, high]."""
    shares = [[_share(each) for each in (part.share, part.low, part.high)] for part in parts]
    own = part_heads(parts)
    return shares if own == heads else [[*head, *values] for head, values in zip(own, shares, strict=True)]


def _share(share: float) -> float:
    """A share whose percentage has one decimal."""
    return round(round(100 * share, 1) / 100, 3)
