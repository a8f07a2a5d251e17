"""What the best networks of a space have in common, and what each level of a factor gains in the mean.

Variance says which factor matters over all networks. A claim about *high-performing* networks is about those at the
top: here each factor's levels among the best tenth are compared with those among all, by a permutation test.

Networks that differ in augmentations only are one *block*: of one seed, they begin with the same weights. What these
happen to do is common to the block and no effect of its group or size. So augmentations are permuted within blocks, and
groups and sizes as whole blocks; the gain of a group has the interval that its blocks give.
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
        at_most: share of the permutations with so few or fewer; not adjusted for the number of levels.
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
    10,000 permutations of networks or blocks, the observed order counted among them. Gains are least squares over main
    effects, with Student's t: over networks, each one's mean over its seeds, or over blocks.

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
    blocks = _Blocks.of(factors, codes)
    raw, levels = {}, {}
    for place, factor in enumerate(factors):
        best, networks = blocks.permuted(place, is_best, np.random.default_rng([seed, place]))
        statistics = _statistic(best, networks * is_best.mean())
        raw[factor.name] = float((statistics >= statistics[0] - 1e-9).mean())
        levels[factor.name] = [
            (
                name,
                int(networks[level, 0]),
                int(best[level, 0]),
                best_count * int(networks[level, 0]) / len(states),
                float((best[level] <= best[level, 0]).mean()),
            )
            for level, name in enumerate(factor.levels or factor.codes)
        ]
    adjusted = dict(zip(raw, holm(list(raw.values())), strict=True))
    gains = _gains(factors, codes, means, blocks)
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


def _codes(states: Sequence[str], lengths: Sequence[int]) -> list[list[str]]:
    """The level of every state, factor by factor."""
    ends = np.cumsum([0, *lengths])
    return [[state[ends[k] : ends[k + 1]] for state in states] for k in range(len(lengths))]


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Networks that differ in augmentations only; all are one block where no factor is an augmentation.

    Attributes:
        factors: of the space.
        levels: number of each factor's level, (factors, networks).
        of_network: number of each network's block, (networks,).
        places: of the factors by which blocks differ.
    """

    factors: tuple[Factor, ...]
    levels: NDArray[np.int64]
    of_network: NDArray[np.int64]
    places: tuple[int, ...]

    @classmethod
    def of(cls, factors: Sequence[Factor], codes: Sequence[Sequence[str]]) -> "_Blocks":
        levels = np.array([[f.codes.index(code) for code in own] for f, own in zip(factors, codes, strict=True)])
        is_augmented = any(factor.family == "augmentation" for factor in factors)
        places = tuple(k for k, factor in enumerate(factors) if is_augmented and factor.family != "augmentation")
        return cls(tuple(factors), levels, _numbered(levels[list(places)]), places)

    def permuted(
        self, place: int, is_best: NDArray[np.bool_], generator: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each level of a factor, how many of the best and of all networks have it: (levels, permutations + 1) each.

        The first column is what was observed.
        """
        count = len(self.factors[place].codes)
        if place not in self.places:
            drawn = np.tile(is_best, (_PERMUTATIONS + 1, 1))
            for block in range(self.of_network.max() + 1):
                members = self.of_network == block
                drawn[1:, members] = generator.permuted(drawn[1:, members], axis=1)
            has_level = self.levels[place] == np.arange(count)[:, None]
            return has_level @ drawn.T.astype(np.int64), np.tile(has_level.sum(axis=1)[:, None], _PERMUTATIONS + 1)
        others = [k for k in self.places if k != place]
        strata = _numbered(self.levels[others])
        best, every = np.zeros((2, count, _PERMUTATIONS + 1), dtype=np.int64)
        for stratum in range(strata.max() + 1):
            order = np.tile(np.arange(count), (_PERMUTATIONS + 1, 1))
            order[1:] = generator.permuted(order[1:], axis=1)
            for total, counted in ((best, is_best), (every, np.ones_like(is_best))):
                total += np.bincount(self.levels[place][(strata == stratum) & counted], minlength=count)[order.T]
        return best, every

    def half_widths(self, place: int, residuals: Floats) -> Floats | None:
        """Half the interval of each level's gain over the first one, from how blocks differ; None of too few blocks."""
        from scipy.stats import t

        if place not in self.places:
            return None
        freedom = self.of_network.max() - sum(len(self.factors[k].codes) - 1 for k in self.places)
        members = np.bincount(self.of_network)
        deviations = np.bincount(self.of_network, residuals) / members
        blocks = np.array(
            [len(set(self.of_network[self.levels[place] == level])) for level in range(len(self.factors[place].codes))]
        )
        if freedom < 1 or not blocks.all():
            return np.full(len(blocks) - 1, np.inf)
        variance = float((deviations**2).sum()) / freedom
        half: Floats = t.ppf((1 + _CONFIDENCE) / 2, freedom) * np.sqrt(variance * (1 / blocks[1:] + 1 / blocks[0]))
        return half


def _numbered(levels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Columns that are equal have equal numbers, from 0: int64 (columns,)."""
    if not len(levels):
        return np.zeros(levels.shape[1], dtype=np.int64)
    numbers: NDArray[np.int64] = np.unique(levels, axis=1, return_inverse=True)[1].reshape(-1)
    return numbers


def _statistic(counts: NDArray[np.int64], expected: Floats) -> Floats:
    """Of counts (levels, permutations), against those expected of each level."""
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(expected > 0, (counts - expected) ** 2 / expected, 0.0)
    statistic: Floats = parts.sum(axis=0)
    return statistic


def _gains(
    factors: Sequence[Factor], codes: Sequence[Sequence[str]], means: Floats, blocks: _Blocks
) -> list[list[tuple[float | None, float | None, float | None]]]:
    """Of each level of each factor: gain, low and high; nothing where they cannot be told apart."""
    nothing = (None, None, None)
    columns = _main_columns(factors, codes)
    fitted = _least_squares(columns, means)
    if fitted is None:
        return [[nothing for _ in factor.codes] for factor in factors]
    gains, halves = fitted
    found: list[list[tuple[float | None, float | None, float | None]]] = []
    first = 1  # after the column of ones
    for place, factor in enumerate(factors):
        own = slice(first, first := first + len(factor.codes) - 1)
        half = blocks.half_widths(place, means - columns @ gains)
        rows = zip(gains[own].tolist(), (halves[own] if half is None else half).tolist(), strict=True)
        found.append([nothing, *((gain, *_interval(gain, width)) for gain, width in rows)])
    return found


def _interval(gain: float, half: float) -> tuple[float | None, float | None]:
    return (gain - half, gain + half) if np.isfinite(half) else (None, None)
