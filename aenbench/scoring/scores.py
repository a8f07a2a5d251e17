"""Scores as values: the tables and the page's data iterate over `SCORES`, and name none of them.

To build one in takes its line here. `SCORES.register("mine", Score(...))` adds one of your own for this process: it is
a column of the tables that `aenbench.leaderboard.render` makes there, and a number of the page's data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import InvalidArgumentError
from aenbench.scoring.accuracy import Scored, score
from aenbench.scoring.breakdown import Moved
from aenbench.scoring.calibration import Logits, calibrate
from aenbench.statistics.intervals import t_half_width
from gdatasets.registry import Registry


@dataclass(frozen=True, eq=False)
class Evidence:
    """What an entry is scored by.

    Attributes:
        predictions: uint8 (seeds, n).
        labels: int64 (n,).
        logits: (seeds, n, classes); None where the entry keeps none.
        moved: predictions for moved test images; None where the entry keeps none.
    """

    predictions: NDArray[np.uint8]
    labels: NDArray[np.int64]
    logits: Logits | None = None
    moved: Moved | None = None


@dataclass(frozen=True)
class Score:
    """A score: what it is called, how it is computed and how it is shown.

    Attributes:
        title: heading of its column, with the unit.
        function: of the evidence; None where that does not hold what the score needs.
        factor: what values are multiplied by when they are shown; 100 for shares in percent.
        digits: after the decimal point.
        higher_is_better: whether more is better.
        in_tables: whether it is a column of the tables.
    """

    title: str
    function: Callable[[Evidence], Scored | None]
    factor: float = 100.0
    digits: int = 2
    higher_is_better: bool = True
    in_tables: bool = True

    def show(self, scored: Scored | None) -> str:
        """Such as `61.20 [60.85, 61.55]`; a dash where there is no value."""
        if scored is None:
            return "-"
        mean, low, high = (f"{self.factor * each:.{self.digits}f}" for each in (scored.mean, scored.low, scored.high))
        return f"{mean} [{low}, {high}]"


def over_seeds(values: NDArray[np.floating[Any]]) -> Scored:
    """One value a seed, with Student's 95 % interval of the mean; of a single seed, which has none, the value itself.

    Args:
        values: float (seeds,).
    """
    per_seed, mean = tuple(map(float, values)), float(np.mean(values))
    half = t_half_width(per_seed) if len(per_seed) > 1 else 0.0
    return Scored(per_seed, mean, mean - half, mean + half)


def _calibration_error(evidence: Evidence) -> Scored | None:
    if evidence.logits is None:
        return None
    errors = []
    for logits, predictions in zip(evidence.logits, evidence.predictions, strict=True):
        calibration = calibrate(logits[None], predictions[None], evidence.labels, logits.shape[-1])
        errors.append(calibration.expected_calibration_error)
    return over_seeds(np.array(errors))


def _invariance(evidence: Evidence) -> Scored | None:
    """Share of test images whose prediction survives a move, over all moves."""
    if evidence.moved is None:
        return None
    moved = evidence.moved.predictions  # (seeds, moves, images)
    unmoved = evidence.predictions[:, None, : moved.shape[2]]
    return over_seeds((moved == unmoved).mean(axis=(1, 2)))


def _check(name: str, value: Any) -> Score:
    if not isinstance(value, Score):
        raise InvalidArgumentError(f'Expected "{name}" to be an aenbench Score, got {type(value).__name__}.')
    return value


ACCURACY = Score("accuracy, %", lambda evidence: score(evidence.predictions, evidence.labels))

SCORES: Registry[Score] = Registry(
    "score",
    {
        "accuracy": ACCURACY,
        "calibration-error": Score(
            "calibration error, %", _calibration_error, higher_is_better=False, in_tables=False
        ),  # the page shows it with its diagram
        "invariance": Score("invariance, %", _invariance, in_tables=False),  # the page shows it move by move
    },
    _check,
)


def tabled() -> dict[str, Score]:
    """The scores that are columns of the tables, by name."""
    return {name: each for name, each in SCORES.items() if each.in_tables}
