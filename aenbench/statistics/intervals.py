"""Confidence intervals of means and shares."""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95


_NORMAL_QUANTILE = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


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
    center = (shares + weight / 2) / (1 + weight)
    half = np.sqrt(weight * shares * (1 - shares) + weight**2 / 4) / (1 + weight)
    return np.maximum(center - half, 0.0), np.minimum(center + half, 1.0)


def t_half_width(values: tuple[float, ...]) -> float:
    """Half the width of the 95 % interval of the mean of independent values (Student's t)."""
    from scipy.stats import t

    quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return quantile * float(np.std(values, ddof=1)) / float(np.sqrt(len(values)))


_PERMUTATIONS = 100_000


_BATCH = 10_000


NOTHING = "–"


Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A mean over seeds with its 95 % interval (Student's t), which a single seed does not have."""

    mean: float
    low: float | None
    high: float | None


def estimate(values: Floats) -> Estimate:
    """The mean of one value a seed, (seeds,)."""
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean, None, None)
    half = t_half_width(tuple(values.tolist()))
    return Estimate(mean, mean - half, mean + half)


def points_cell(of: Estimate) -> str:
    """An estimate of a difference in percentage points, such as `+1.20 [+0.40, +2.00]`; a dash for NaN."""
    if np.isnan(of.mean):
        return NOTHING
    return f"{of.mean:+.2f}" if of.low is None else f"{of.mean:+.2f} [{of.low:+.2f}, {of.high:+.2f}]"


def percent_cell(of: Estimate) -> str:
    """An estimate in percent, such as `71.2 [70.4, 72.0]`; a dash for NaN."""
    if np.isnan(of.mean):
        return NOTHING
    return f"{of.mean:.1f}" if of.low is None else f"{of.mean:.1f} [{of.low:.1f}, {of.high:.1f}]"


def share_cell(value: float) -> str:
    """A share in a CSV file; empty for NaN."""
    return "" if np.isnan(value) else f"{value:.6f}"


def diagonal_p(matrix: Floats, seed: int = 0) -> float:
    """How likely the diagonal of a square matrix is to be as high if its rows were in a random order.

    A permutation test with the sum of the diagonal, one-sided, by random permutations; never zero.
    """
    generator, size = np.random.default_rng(seed), len(matrix)
    observed, as_high = np.trace(matrix), 1
    for _ in range(_PERMUTATIONS // _BATCH):
        rows = generator.permuted(np.tile(np.arange(size), (_BATCH, 1)), axis=1)
        as_high += int((matrix[rows, np.arange(size)].sum(axis=1) >= observed - 1e-12).sum())
    return as_high / (_PERMUTATIONS + 1)
