"""The matrix of methods and tasks, and the curves over training images, as the page's data: shares as `payload` has."""

from collections.abc import Iterable
from typing import Any

from aenbench.leaderboard.matrix import TITLE, Matrix
from aenbench.leaderboard.training_marks import TrainingMarks
from aenbench.leaderboard.training_sizes import SizeComparison, area_cell


def matrix_data(matrix: Matrix | None, marks: TrainingMarks | None) -> dict[str, Any] | None:
    """Lines are [method, tasks on which it leads, tasks, cells]; a cell is [accuracy, mark], or 0 where it is empty."""
    if matrix is None:
        return None
    return {
        "title": TITLE,
        "note": matrix.note,
        "marks": marks.sentence if marks else "",
        "tasks": [task.split(" / ") for task in matrix.tasks],
        "lines": [
            [
                line.method,
                line.leading,
                line.entries,
                [0 if cell is None else [_share(cell.accuracy), cell.mark] for cell in line.cells],
            ]
            for line in matrix.lines
        ],
    }


def sizes_data(found: SizeComparison) -> dict[str, Any]:
    """Methods are [name, area in words, [[entry, accuracy, low, high] of each size]]."""
    return {
        "note": found.note,
        "sizes": list(found.efficiency.sizes),
        "methods": [
            [
                method,
                area_cell(found, method),
                [
                    [row.entry.name, *_shares((row.score.mean, row.score.low, row.score.high))]
                    for row in (found.rows[method][size] for size in found.efficiency.sizes)
                ],
            ]
            for method in found.efficiency.areas
        ],
    }


def _shares(shares: Iterable[float]) -> list[float]:
    return [_share(share) for share in shares]


def _share(share: float) -> float:
    return round(round(100 * share, 2) / 100, 4)
