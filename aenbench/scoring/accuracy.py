"""Accuracy over seeds, and the intervals of shares and means."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import InvalidArgumentError

CONFIDENCE = 0.95
_NORMAL_QUANTILE = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Score:
    """Accuracy, as shares 0..1.

    Attributes:
        per_seed: of each seed's predictions.
        mean: over seeds.
        low, high: 95 % interval of the mean: Student's t over two or more seeds, Wilson's for a single one. The first
            says how much training again would change it, the second how much other test images would.
    """

    per_seed: tuple[float, ...]
    mean: float
    low: float
    high: float


def score(predictions: NDArray[np.uint8], labels: NDArray[np.int64]) -> Score:
    """Score class predictions (seeds, n) against labels (n,).

    Raises:
        InvalidArgumentError: the shapes do not fit, or there is nothing to score.
    """
    check_shape(predictions, labels)
    right = (predictions == labels).sum(axis=1)
    per_seed = tuple(float(count) / len(labels) for count in right)
    if len(per_seed) == 1:
        low, high = wilson_interval(int(right[0]), len(labels))
        return Score(per_seed, per_seed[0], low, high)
    mean = float(np.mean(per_seed))
    half = t_half_width(per_seed)
    return Score(per_seed, mean, max(0.0, mean - half), min(1.0, mean + half))


def check_shape(predictions: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    """Raise `InvalidArgumentError` unless predictions are (seeds, n) for labels (n,), neither of them empty."""
    if predictions.ndim != 2 or predictions.shape[1:] != labels.shape or 0 in predictions.shape:
        raise InvalidArgumentError(
            f"Expected predictions of shape (seeds, {len(labels)}) with at least one seed, got {predictions.shape}."
        )


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    low, high = wilson_intervals(np.array([right / total]), np.array([total]))
    return float(low[0]), float(high[0])


def wilson_intervals(
    shares: NDArray[np.float64], totals: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % intervals of many shares (Wilson, JASA 22, 1927).

    Args:
        shares: (k,), 0..1; means over seeds need not be whole counts of the images.
        totals: independent images that each rests on, (k,), at least 1.

    Returns:
        Lower and upper ends, each (k,).
    """
    weight = _NORMAL_QUANTILE**2 / totals
    centre = (shares + weight / 2) / (1 + weight)
    half = np.sqrt(weight * shares * (1 - shares) + weight**2 / 4) / (1 + weight)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def t_half_width(values: tuple[float, ...]) -> float:
    """Half the width of the 95 % interval of the mean of independent values (Student's t)."""
    from scipy.stats import t

    quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return quantile * float(np.std(values, ddof=1)) / float(np.sqrt(len(values)))
