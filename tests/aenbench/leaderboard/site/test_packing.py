"""The page's data are packed without loss: what is left out follows from what is there."""

from aenbench.leaderboard.search_curves import MAX_POINTS, Point, curves
from aenbench.leaderboard.site.packing import pack_curves, pack_parts, part_heads, table
from aenbench.scoring import Part

PARTS = (Part("on", 10, 0.5, 0.25, 0.75), Part("off", 20, 0.123456, 0.1, 0.2))


def unpacked(curve: list) -> list[list[float]]:
    """As `points` of overview.js."""
    found, best = [], 0.0
    for number, point in enumerate(curve, start=1):
        if isinstance(point, list):
            found.append(point)
        else:
            best = max(best, point)
            found.append([number, point, best])
    return found


def test_a_table_gives_its_records_again() -> None:
    records = [{"a": 1, "b": [2]}, {"a": 3, "c": "x"}]
    packed = table(records)
    assert packed == {"columns": ["a", "b", "c"], "rows": [[1, [2], None], [3, None, "x"]]}
    again = [dict(zip(packed["columns"], row, strict=True)) for row in packed["rows"]]
    assert [{name: value for name, value in row.items() if value is not None} for row in again] == records
    assert table([]) == {"columns": [], "rows": []}


def test_short_curves_lose_their_numbers_and_long_ones_keep_them() -> None:
    short = [Point(1, 0.5, 0.5), Point(2, 0.25, 0.5), Point(3, 0.75, 0.75)]
    [[seed, packed]] = pack_curves({7: short})
    assert (seed, packed) == (7, [0.5, 0.25, 0.75])
    assert unpacked(packed) == [list(point) for point in short]
    long = curves({0: [0.5, *[0.1] * (2 * MAX_POINTS)]})  # thinned: the best is at a point that may be left out
    [[_, packed]] = pack_curves(long)
    assert all(isinstance(point, list) for point in packed)
    assert unpacked(packed) == [list(point) for point in long[0]]


def test_parts_name_what_their_task_does_not() -> None:
    heads = part_heads(PARTS)
    assert heads == [["on", 10], ["off", 20]]
    assert pack_parts(PARTS, heads) == [[0.5, 0.25, 0.75], [0.123, 0.1, 0.2]]
    for other in (None, heads[::-1], [["on", 10], ["off", 21]], heads[:1]):
        assert pack_parts(PARTS, other) == [["on", 10, 0.5, 0.25, 0.75], ["off", 20, 0.123, 0.1, 0.2]]
