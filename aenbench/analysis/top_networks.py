"""What the best networks of a space have in common, and what each level of a factor gains in the mean.

Variance says which factor matters over all networks. A claim about *high-performing* networks is about those at the
top: here each factor's levels among the best tenth are compared with those among all, by a permutation test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aenbench.analysis.design import Floats
from aenbench.errors import InvalidArgumentError
from aenbench.models.registry import factors_of
from aenbench.models.space import Factor, SearchSpace
from aenbench.statistics.hypothesis_tests import holm

BEST = 0.1
"""Share of the networks that count as the best."""
MIN_NETWORKS = 20
_PERMUTATIONS = 10_000
_CONFIDENCE = 0.95
_MATCHING = {"rotate": "quarter turn", "hflip": "left-right flip", "vflip": "top-bottom flip"}
"""Augmentations, and the move of the square that a group may have in their stead."""


@dataclass(frozen=True)
class Level:
    """One level of a factor.

    Attributes:
        name: such as `c4`, or `with` and `without`.
        networks: how many have it.
        best: how many of the best have it.
        expected: of so many best ones, drawn at random.
        at_most: probability of so few or fewer by chance (hypergeometric); not adjusted for the number of levels.
        gain: mean accuracy with it less that with the factor's first level, 0..1, the other factors alike; None for the
            first level.
        low, high: 95 % interval of the gain; None where nothing tells it.
    """

    name: str
    networks: int
    best: int
    expected: float
    at_most: float
    gain: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class FactorAtTheTop:
    """A factor among the best networks.

    Attributes:
        name, family: of the factor.
        levels: in its order.
        p_value: of the hypothesis that the best networks have its levels as all networks do, adjusted for the number of
            factors (Holm).
    """

    name: str
    family: str
    levels: tuple[Level, ...]
    p_value: float


@dataclass(frozen=True)
class Top:
    """The best networks.

    Attributes:
        best: how many count as the best: a tenth, and those equal to the last of them.
        networks: how many there are values of.
        factors: in the order of the space.
    """

    best: int
    networks: int
    factors: tuple[FactorAtTheTop, ...]

    @property
    def telling(self) -> tuple[FactorAtTheTop, ...]:
        """The factors in which the best networks differ from all, at a level of .05, the lowest p-value first."""
        found = [factor for factor in self.factors if factor.p_value <= 1 - _CONFIDENCE]
        return tuple(sorted(found, key=lambda factor: factor.p_value))


def top_networks(space: SearchSpace, values: Mapping[str, Sequence[float]], seed: int = 0) -> Top:
    """Compare the best tenth of some networks with all of them.

    The statistic of a factor is the sum over its levels of (best - expected)^2 / expected; its p-value is that of
    10,000 permutations of the networks, the observed order counted among them. Gains are least squares over main
    effects, with Student's t: over networks, each one's mean over its seeds.

    Args:
        space: says the factors.
        values: accuracies 0..1 of canonical states, one for each training seed.
        seed: of the permutations.

    Raises:
        InvalidArgumentError: fewer than 20 networks.
    """
    if len(values) < MIN_NETWORKS:
        raise InvalidArgumentError(f"Expected at least {MIN_NETWORKS} networks to tell the best of, got {len(values)}.")
    states = sorted(values)
    means = np.array([np.mean(values[state]) for state in states])
    wanted = round(BEST * len(states))
    is_best = means >= np.sort(means)[-wanted]
    best_count = int(is_best.sum())
    factors = factors_of(space)
    codes = _codes(states, [len(factor.codes[0]) for factor in factors])
    permuted = _permutations(is_best, seed)
    raw, levels = {}, {}
    for factor, own in zip(factors, codes, strict=True):
        indicators = np.array([[code == each for code in own] for each in factor.codes], dtype=np.float64)
        counts = indicators.sum(axis=1).astype(int).tolist()
        statistics = _statistic(indicators @ permuted, indicators.sum(axis=1) * is_best.mean())
        raw[factor.name] = float((statistics >= statistics[0] - 1e-9).mean())
        levels[factor.name] = [
            (
                name,
                every,
                best,
                best_count * every / len(states),
                _at_most(best, len(states), every, best_count),
            )
            for name, every, best in zip(
                factor.levels or factor.codes, counts, (indicators @ is_best).astype(int).tolist(), strict=True
            )
        ]
    adjusted = dict(zip(raw, holm(list(raw.values())), strict=True))
    gains = _gains(factors, codes, means)
    return Top(
        best=best_count,
        networks=len(states),
        factors=tuple(
            FactorAtTheTop(
                factor.name,
                factor.family,
                tuple(Level(*level, *gain) for level, gain in zip(levels[factor.name], own, strict=True)),
                adjusted[factor.name],
            )
            for factor, own in zip(factors, gains, strict=True)
        ),
    )


@dataclass(frozen=True)
class Match:
    """An augmentation, where the group has its move and where it has not.

    Attributes:
        augmentation: its name.
        move: of the group.
        with_move, without: mean gain of accuracy by the augmentation, 0..1.
        difference: the first less the second.
        low, high: 95 % interval of the difference, over networks.
    """

    augmentation: str
    move: str
    with_move: float
    without: float
    difference: float
    low: float
    high: float


def matches(space: SearchSpace, values: Mapping[str, Sequence[float]]) -> tuple[Match, ...]:
    """Whether an augmentation gains less where the group already has its move; empty without augmentations.

    Least squares of main effects and this one interaction, with Student's t; an augmentation is left out where some
    combination of levels has no network.
    """
    states = sorted(values)
    means = np.array([np.mean(values[state]) for state in states])
    factors = factors_of(space)
    columns = _main_columns(factors, _codes(states, [len(factor.codes[0]) for factor in factors]))
    first = {factor.name: 1 + sum(len(each.codes) - 1 for each in factors[:k]) for k, factor in enumerate(factors)}
    found = []
    for augmentation in (factor.name for factor in factors if factor.family == "augmentation"):
        if (move := _MATCHING.get(augmentation)) is None:
            continue
        has_move = np.array([move in space.moves_of(state) for state in states], dtype=np.float64)
        own = first[augmentation]
        fitted = _least_squares(np.column_stack([columns, columns[:, own] * has_move]), means)
        if fitted is not None:
            gains, halves = fitted
            without, difference, half = float(gains[own]), float(gains[-1]), float(halves[-1])
            between = difference - half, difference + half
            found.append(Match(augmentation, move, without + difference, without, difference, *between))
    return tuple(found)


def _main_columns(factors: Sequence[Factor], codes: Sequence[Sequence[str]]) -> Floats:
    """A column of ones, and of each factor one for each level but the first: (networks, columns)."""
    columns = [np.ones(len(codes[0]))]
    for factor, own in zip(factors, codes, strict=True):
        columns += [np.array([code == each for code in own], dtype=np.float64) for each in factor.codes[1:]]
    return np.stack(columns, axis=1)


def _least_squares(matrix: Floats, means: Floats) -> tuple[Floats, Floats] | None:
    """Coefficients and half widths of their intervals; None where they cannot be told apart."""
    from scipy.stats import t

    freedom = len(means) - matrix.shape[1]
    if freedom < 1 or np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        return None
    inverse = np.linalg.inv(matrix.T @ matrix)
    gains: Floats = inverse @ matrix.T @ means
    residual = float(((means - matrix @ gains) ** 2).sum()) / freedom
    return gains, float(t.ppf((1 + _CONFIDENCE) / 2, freedom)) * np.sqrt(residual * inverse.diagonal())


def _at_most(best: int, networks: int, with_level: int, best_networks: int) -> float:
    from scipy.stats import hypergeom

    return float(hypergeom.cdf(best, networks, with_level, best_networks))


def _codes(states: Sequence[str], lengths: Sequence[int]) -> list[list[str]]:
    """The level of every state, factor by factor."""
    ends = np.cumsum([0, *lengths])
    return [[state[ends[k] : ends[k + 1]] for state in states] for k in range(len(lengths))]


def _permutations(is_best: NDArray[np.bool_], seed: int) -> Floats:
    """Which networks are the best, (networks, permutations + 1): first as it is, then permuted."""
    generator = np.random.default_rng(seed)
    drawn = generator.permuted(np.tile(is_best, (_PERMUTATIONS, 1)), axis=1)
    return np.vstack([is_best, drawn]).T.astype(np.float64)


def _statistic(counts: Floats, expected: Floats) -> Floats:
    """Of counts (levels, permutations), against those expected of each level."""
    there = expected > 0
    statistic: Floats = ((counts[there] - expected[there, None]) ** 2 / expected[there, None]).sum(axis=0)
    return statistic


def _gains(
    factors: Sequence[Factor], codes: Sequence[Sequence[str]], means: Floats
) -> list[list[tuple[float | None, float | None, float | None]]]:
    """Of each level of each factor: gain, low and high; nothing where they cannot be told apart."""
    nothing = (None, None, None)
    fitted = _least_squares(_main_columns(factors, codes), means)
    if fitted is None:
        return [[nothing for _ in factor.codes] for factor in factors]
    rows = iter(zip(*(fitted[0], fitted[0] - fitted[1], fitted[0] + fitted[1]), strict=True))
    next(rows)  # of the column of ones
    return [[nothing, *(_floats(next(rows)) for _ in factor.codes[1:])] for factor in factors]


def _floats(row: tuple[float, float, float]) -> tuple[float, float, float]:
    return float(row[0]), float(row[1]), float(row[2])
