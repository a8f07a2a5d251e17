"""Which entries of a task are really better than which, and the ranks that follow.

Entries are compared as methods: would one be better if both were trained again and tested on other images? Two things
vary, so the difference of two mean accuracies has two variances, which add up:

- images: entries share them, so the variance is that of each image's difference, over n. Every count of agreement and
  disagreement gets half an image (Agresti and Min, Statistics in Medicine 24, 2005), so that few prove nothing.
- training: the variance of an entry's accuracy over its seeds, over their number. Two to five seeds tell little of it,
  so it is drawn up to the mean variance of the task's entries, with the weight of `PRIOR_FREEDOM` degrees of freedom
  (as genes borrow from each other: Smyth, Statistical Applications in Genetics and Molecular Biology 3, 2004). It is
  never drawn down, and one entry that varies wildly says little of the others: its variance counts as `BOUND` times
  the median, and it borrows nothing (as outliers do in Phipson et al., Annals of Applied Statistics 10, 2016). An entry
  with a single seed has the plain mean alone. Where no entry was trained twice nothing can be told apart.

The two-sided p-value is Student's t with Satterthwaite's degrees of freedom, at most those of the mean variance,
corrected by Holm's method over all pairs of the task. `docs/ranks.md` has the formulas and the error rates measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import InvalidArgumentError
from aenbench.scoring import check_shape
from aenbench.statistics.hypothesis_tests import holm

LEVEL = 0.05
BOUND = 10  # times the median variance: more of an entry's does not count for the others
PRIOR_FREEDOM = 2  # other entries say as much about an entry's seed-to-seed variance as three seeds of its own

Floats = NDArray[np.float64]
Separations = NDArray[np.bool_]
_TIE = 1e-12  # difference of two shares that is rounding


@dataclass(frozen=True)
class Rank:
    """Where an entry stands in its task.

    Attributes:
        name: of the entry.
        rank: 1 + the number of entries that are significantly better.
        accuracy: mean over seeds, 0..1.
        tied: entries that cannot be told apart from it, in the order of the table. Being tied is not transitive: two
            entries tied with a third can differ.
    """

    name: str
    rank: int
    accuracy: float
    tied: tuple[str, ...]


def rank(entries: Sequence[tuple[str, NDArray[np.uint8]]], labels: NDArray[np.int64]) -> tuple[Rank, ...]:
    """Rank the entries of one task.

    Args:
        entries: names, each its own, and predictions (seeds, n) of the same n images; numbers of seeds may differ.
        labels: (n,).

    Returns:
        One for each entry, by rank, then accuracy, then name; the order of entries, seeds and images has no influence.

    Raises:
        InvalidArgumentError: a name appears twice or the shapes do not fit.
    """
    names = [name for name, _ in entries]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidArgumentError(f"Entry {twice} appears twice; rank each entry of a task once.")
    for _, predictions in entries:
        check_shape(predictions, labels)
    right = [predictions == labels for _, predictions in entries]
    accuracy = [float(np.mean(rows)) for rows in right]
    apart = separate(p_values(right))
    better = apart & np.less.outer(accuracy, accuracy)  # row is beaten by column
    ranks = 1 + better.sum(axis=1)
    order = sorted(range(len(names)), key=lambda row: (ranks[row], -accuracy[row], names[row]))
    return tuple(
        Rank(
            names[row],
            int(ranks[row]),
            accuracy[row],
            tuple(names[other] for other in order if other != row and not apart[row, other]),
        )
        for row in order
    )


def separate(p: Floats) -> Separations:
    """Which pairs of p-values (k, k), symmetric, stay below 5 % after Holm's correction over all pairs."""
    above = np.triu_indices(len(p), 1)
    apart = np.zeros(p.shape, dtype=bool)
    apart[above] = np.array(holm(p[above].tolist())) < LEVEL
    return apart | apart.T


def p_values(right: Sequence[Separations]) -> Floats:
    """P-value of each pair of entries before any correction, symmetric (k, k), 1 on the diagonal.

    Args:
        right: of each entry, whether each prediction is right, bool (seeds, n).
    """
    from scipy.stats import t

    if not right:
        return np.ones((0, 0))
    gap, of_images = _images(right)
    of_training, of_squares, most = _training(right)
    variance = of_images + of_training
    freedom = np.minimum(variance**2 / (of_images**2 / (right[0].shape[1] + 1) + of_squares), most)
    p: Floats = 2 * t.sf(np.abs(gap) / np.sqrt(variance), freedom)
    return np.where((np.abs(gap) < _TIE) | np.isnan(p), 1.0, p)


def _images(right: Sequence[Separations]) -> tuple[Floats, Floats]:
    """Differences of mean accuracy and their variance over images, each (k, k).

    All sums are of whole numbers below 2^53, hence exact in any order.
    """
    counts = np.stack([rows.sum(axis=0, dtype=np.float64) for rows in right])  # (k, n): seeds that got it right
    seeds = np.array([len(rows) for rows in right], dtype=np.float64)
    products = counts @ counts.T / np.outer(seeds, seeds)
    squares = np.diag(products)
    means = counts.sum(axis=1) / seeds
    images = counts.shape[1] + 2  # with half an image of each kind: right by both, by either one, by neither
    sums = np.subtract.outer(means, means)
    sums_of_squares = np.maximum(np.add.outer(squares, squares) - 2 * products, 0.0) + 1
    return sums / images, (sums_of_squares - sums**2 / images) / images**2


def _training(right: Sequence[Separations]) -> tuple[Floats, Floats, Floats]:
    """How the differences of mean accuracy vary over trainings.

    Returns:
        Their variance, NaN where no entry has two seeds; the sum of the squares of its two parts, each divided by its
        degrees of freedom; the degrees of freedom of all that was borrowed from, more than which a pair has not.
        Each (k, k).
    """
    seeds = np.array([len(rows) for rows in right], dtype=np.float64)
    totals = [rows.sum(axis=1, dtype=np.int64) for rows in right]
    own = np.array([_variance(of_seeds) for of_seeds in totals]) / right[0].shape[1] ** 2
    freedom = seeds - 1
    repeated = freedom > 0
    bound = BOUND * _typical(own[repeated], freedom[repeated])
    usual = repeated & ~(own > bound)
    plain, shared = (_mean(values[repeated]) for values in (own, np.minimum(own, bound)))
    of_all, of_usual = (_freedom_of_mean(own[chosen], freedom[chosen]) for chosen in (repeated, usual))
    drawn = np.maximum(own, (PRIOR_FREEDOM * shared + freedom * own) / (PRIOR_FREEDOM + freedom))
    of_means = np.where(repeated, drawn, plain) / seeds
    parts = of_means**2 / (np.where(repeated & ~usual, 0, PRIOR_FREEDOM) + freedom)
    once = np.logical_or.outer(~repeated, ~repeated)
    return np.add.outer(of_means, of_means), np.add.outer(parts, parts), np.where(once, of_all, of_usual)


# Their sums are rounded once, so that the order of entries has no influence.
def _mean(own: Floats) -> float:
    return fsum(own) / len(own) if len(own) else np.nan


def _freedom_of_mean(own: Floats, freedom: Floats) -> float:
    """Satterthwaite's degrees of freedom of the mean of variances."""
    of_squares = fsum(own**2 / freedom)
    return fsum(own) ** 2 / of_squares if of_squares else np.inf  # nothing varies: nothing to be unsure of


def _typical(own: Floats, freedom: Floats) -> float:
    """The median of variances, each divided by the median that its chi-squared law has; NaN without any."""
    from scipy.stats import chi2

    return float(np.median(own * freedom / chi2.median(freedom))) if len(own) else np.nan


def _variance(totals: NDArray[np.int64]) -> float:
    """Variance of whole numbers, exact until the last division; 0 for a single one."""
    count = len(totals)
    return float(count * np.sum(totals**2) - np.sum(totals) ** 2) / max(count * (count - 1), 1)
