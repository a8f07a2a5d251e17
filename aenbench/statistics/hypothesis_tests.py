"""Statistics of repeated runs: a mean with its interval, and which of two algorithms is really better.

Runs come in strata: those that saw the same trainings. Nothing here compares a run with one of another stratum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_CONFIDENCE = 0.95
_PERMUTATIONS = 9_999
_TINY = 1e-12  # variance, of shares, that counts as none
_TIE = 1e-9


@dataclass(frozen=True, eq=False)
class Summary:
    """Many runs at several points, each (points,).

    Attributes:
        mean: over the runs of each training seed, then over training seeds.
        low, high: 95 % interval of that mean for runs on these same trainings (Student's t, stratified by training
            seed); NaN where a training seed has a single run, as for deterministic algorithms.
        fifth, ninety_fifth: percentiles of runs.
    """

    mean: Floats
    low: Floats
    high: Floats
    fifth: Floats
    ninety_fifth: Floats


def summarize(values: Floats, columns: Integers) -> Summary:
    """Summarise values (runs, points) of runs on the training seeds `columns` (runs,)."""
    from scipy.stats import t

    mean, error, freedom = _stratified(values, columns)
    half = np.full_like(mean, np.nan) if error is None else float(t.ppf((1 + _CONFIDENCE) / 2, freedom)) * error
    fifth, ninety_fifth = np.quantile(values, [0.05, 0.95], axis=0)
    return Summary(mean, np.maximum(mean - half, 0.0), mean + half, fifth, ninety_fifth)


def means(values: Floats, columns: Integers) -> Floats:
    """Mean of values (runs, points) in each stratum, (strata, points)."""
    return np.stack([values[columns == column].mean(axis=0) for column in np.unique(columns)])


def _stratified(values: Floats, columns: Integers) -> tuple[Floats, Floats | None, int]:
    """Mean over strata, its standard error (None where a stratum has a single run) and degrees of freedom."""
    mean: Floats = means(values, columns).mean(axis=0)
    strata = [values[columns == column] for column in np.unique(columns)]
    freedom = len(values) - len(strata)
    if min(map(len, strata)) < 2:
        return mean, None, freedom
    variances = [stratum.var(axis=0, ddof=1) / len(stratum) for stratum in strata]
    return mean, np.sqrt(np.sum(variances, axis=0)) / len(strata), freedom


def known_mean_test(values: Floats, columns: Integers, known: Floats) -> Floats:
    """Whether the mean of runs differs from a known number: p-values (points,), two-sided, by Student's t.

    Args:
        values: of runs, (runs, points).
        columns: the stratum of each run.
        known: (points,).

    Returns:
        NaN where a stratum has a single run.
    """
    from scipy.stats import t

    mean, error, freedom = _stratified(values, columns)
    if error is None:
        return np.full_like(mean, np.nan)
    gap = np.where(np.abs(mean - known) < _TIE, 0.0, np.abs(mean - known))
    return np.asarray(2 * t.sf(gap / np.maximum(error, np.sqrt(_TINY)), freedom))


def permutation_test(
    first: Floats, first_columns: Integers, second: Floats, second_columns: Integers, permutations: int = _PERMUTATIONS
) -> Floats:
    """Whether two algorithms differ: p-values (points,), two-sided, for their values (runs, points).

    The studentized difference of means (Chung and Romano, Annals of Statistics 41, 2013, so that unequal spreads do not
    pass for unequal means), the runs permuted between the two within each stratum.

    Args:
        first, second: values of their runs.
        first_columns, second_columns: the stratum of each run; both have the same ones.
        permutations: drawn at random, always the same; the smallest p-value is 1 / (permutations + 1).
    """
    generator = np.random.default_rng(0)
    columns = np.unique(np.concatenate([first_columns, second_columns]))
    gap = np.zeros((permutations + 1, first.shape[1]))  # the first row is what was observed
    variance = np.zeros_like(gap)
    for column in columns:
        ours, theirs = first[first_columns == column], second[second_columns == column]
        pooled = np.concatenate([ours, theirs])
        pooled = pooled - pooled.mean(axis=0)
        takes_part = np.zeros((permutations + 1, len(pooled)))
        takes_part[:, : len(ours)] = 1.0
        takes_part[1:] = generator.permuted(takes_part[1:], axis=1)
        mean, error = _mean_and_error(takes_part, pooled, len(ours))
        other_mean, other_error = _mean_and_error(1.0 - takes_part, pooled, len(theirs))
        gap += mean - other_mean
        variance += error + other_error
    statistic = np.abs(gap) / np.sqrt(np.maximum(variance, _TINY))
    extreme: Floats = (statistic[1:] >= statistic[0] - _TIE).sum(axis=0)
    return (1 + extreme) / (1 + permutations)


def _mean_and_error(takes_part: Floats, values: Floats, count: int) -> tuple[Floats, Floats]:
    """Mean of the chosen values and the variance of that mean, 0 for a single one, each (permutations, points)."""
    mean = takes_part @ values / count
    spread = np.maximum(takes_part @ values**2 / count - mean**2, 0.0)
    return mean, spread / max(count - 1, 1) * (count > 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm, Scandinavian Journal of Statistics 6, 1979), in the order given."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]
