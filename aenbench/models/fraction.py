"""A balanced part of a space: few networks from which the effect of every factor can be told.

For factors of which one has six levels and seven have two, as those of `gcnn` (6 groups, 6 augmentations, 1 size):

- 96 networks: to each group its own half of a half of a half of the 128 combinations of the seven, a regular fraction
  2^(7-3) of resolution IV (Box and Hunter, Technometrics 3, 1961): in every group each of the seven, and each pair of
  them, is balanced. The six groups have six of its eight cosets, so what is confounded differs between groups.
- 24 networks: four to each group. Each pair of factors is balanced over all of them (an orthogonal array of strength
  two; Hedayat, Sloane and Stufken, Orthogonal Arrays, 1999), but not in each group.
"""

from itertools import product

from aenbench.errors import InvalidArgumentError
from aenbench.models.registry import factors_of
from aenbench.models.space import SearchSpace

FRACTIONS = (24, 96)
"""Numbers of networks that a balanced part can have."""

_LEVELS, _TWO_LEVELS = 6, 7
_WORDS = (0b0001, 0b0010, 0b0100, 0b1000, 0b0111, 0b1110, 0b1101)
"""Of each factor with two levels, the bits of a run whose sum is its level: E = ABC, F = BCD, G = ACD."""
_COSETS = (1, 2, 3, 4, 5, 6)
"""Of each group, which of E, F and G are exchanged."""
_CHARACTERS = (
    (-2, 1, -2, 2, -1, 1),
    (2, -2, -2, 2, 1, 2),
    (1, -2, -1, 3, 2, -2),
    (1, 2, -2, 1, -3, -1),
    (-3, 3, -3, -3, 2, -3),
    (-3, -3, -3, -1, -3, 3),
    (1, -1, -1, -3, -2, 1),
)
"""Of each factor with two levels and each group: the bits of a run whose sum is its level, exchanged where negative.

Found by a random search for words of which every two agree as often as they differ."""


def balanced_fraction(space: SearchSpace, networks: int) -> tuple[str, ...]:
    """Canonical states of a balanced part of a space, in the order of the space.

    Args:
        space: has one factor of six levels and seven of two.
        networks: one of `FRACTIONS`.

    Raises:
        InvalidArgumentError: there is no such part.
    """
    factors = factors_of(space)
    counts = [len(factor.codes) for factor in factors]
    if networks not in FRACTIONS or sorted(counts) != [2] * _TWO_LEVELS + [_LEVELS]:
        raise InvalidArgumentError(
            f"There is no balanced part of {networks} networks of a space with factors of {counts} levels; choose "
            f"{' or '.join(map(str, FRACTIONS))} networks of a space such as gcnn, or all networks."
        )
    large = counts.index(_LEVELS)
    states = set()
    for level, run in product(range(_LEVELS), range(networks // _LEVELS)):
        levels = _levels_of_96(level, run) if networks == 96 else _levels_of_24(level, run)
        levels.insert(large, level)
        states.add(space.canonical("".join(factor.codes[at] for factor, at in zip(factors, levels, strict=True))))
    return tuple(state for state in space.networks if state in states)


def networks_of(space: SearchSpace, fraction: int | None) -> tuple[str, ...]:
    """All networks of a space, or a balanced part of so many; raises as `balanced_fraction` does."""
    return space.networks if fraction is None else balanced_fraction(space, fraction)


def _levels_of_96(level: int, run: int) -> list[int]:
    exchanged = [0, 0, 0, 0, *(_COSETS[level] >> bit & 1 for bit in range(3))]
    return [_sum(run & word) ^ flip for word, flip in zip(_WORDS, exchanged, strict=True)]


def _levels_of_24(level: int, run: int) -> list[int]:
    return [_sum(run & abs(words[level])) ^ (words[level] < 0) for words in _CHARACTERS]


def _sum(bits: int) -> int:
    return bits.bit_count() & 1
