"""Accuracy over seeds, and the intervals of shares and means."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import InvalidArgumentError
from aenbench.statistics.intervals import t_half_width, wilson_interval


@dataclass(frozen=True)
class Scored:
    """A score over seeds; of accuracy, shares 0..1.

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


def score(predictions: NDArray[np.uint8], labels: NDArray[np.int64]) -> Scored:
    """Score class predictions (seeds, n) against labels (n,).

    Raises:
        InvalidArgumentError: the shapes do not fit, or there is nothing to score.
    """
    check_shape(predictions, labels)
    right = (predictions == labels).sum(axis=1)
    per_seed = tuple(float(count) / len(labels) for count in right)
    if len(per_seed) == 1:
        low, high = wilson_interval(int(right[0]), len(labels))
        return Scored(per_seed, per_seed[0], low, high)
    mean = float(np.mean(per_seed))
    half = t_half_width(per_seed)
    return Scored(per_seed, mean, max(0.0, mean - half), min(1.0, mean + half))


def check_shape(predictions: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
    """Raise `InvalidArgumentError` unless predictions are (seeds, n) for labels (n,), neither of them empty."""
    if predictions.ndim != 2 or predictions.shape[1:] != labels.shape or 0 in predictions.shape:
        raise InvalidArgumentError(
            f"Expected predictions of shape (seeds, {len(labels)}) with at least one seed, got {predictions.shape}."
        )
