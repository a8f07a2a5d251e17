"""Balanced parts of a space: every factor, every pair, and within each group."""

from itertools import combinations

import numpy as np
import pytest

from aenbench.errors import InvalidArgumentError
from aenbench.models.aen import AENSpace
from aenbench.models.fraction import FRACTIONS, balanced_fraction
from aenbench.models.gcnn import GCNNSpace

SPACE = GCNNSpace()
GROUPS = ("000", "100", "010", "001", "011", "111")


def levels(networks: int) -> np.ndarray:
    """(networks, 8): the group's number, then the seven bits."""
    return np.array([[GROUPS.index(s[:3]), *map(int, s[3:])] for s in balanced_fraction(SPACE, networks)])


def counts(rows: np.ndarray) -> set[int]:
    """How often the combinations of levels occur."""
    return set(np.unique(rows, axis=0, return_counts=True)[1].tolist())


@pytest.mark.parametrize("networks", FRACTIONS)
def test_every_pair_of_factors_is_balanced(networks: int) -> None:
    rows = levels(networks)
    assert len(rows) == networks == len(set(balanced_fraction(SPACE, networks)))
    for a, b in combinations(range(8), 2):
        combined = rows[:, [a, b]]
        assert len(np.unique(combined, axis=0)) == (12 if a == 0 else 4)
        assert counts(combined) == {networks // (12 if a == 0 else 4)}


def test_in_every_group_of_96_each_three_factors_are_balanced_unless_they_are_a_word() -> None:
    rows = levels(96)
    for group in range(6):
        own = rows[rows[:, 0] == group, 1:]
        assert len(own) == 16
        for chosen in combinations(range(7), 3):  # resolution IV: no word has fewer than four factors
            assert counts(own[:, chosen]) == {2}
        assert any(len(np.unique(own[:, chosen], axis=0)) == 8 for chosen in combinations(range(7), 4))  # such words


def test_the_groups_of_96_have_different_networks() -> None:
    rows = levels(96)
    parts = [frozenset(map(tuple, rows[rows[:, 0] == group, 1:].tolist())) for group in range(6)]
    assert all(not a & b for a, b in combinations(parts, 2))


def test_a_random_part_is_not_balanced() -> None:
    rows = np.array([[GROUPS.index(s[:3]), *map(int, s[3:])] for s in SPACE.networks])
    drawn = rows[np.random.default_rng(0).permutation(len(rows))[:96]]
    assert any(len(counts(drawn[:, pair])) > 1 for pair in combinations(range(8), 2))


@pytest.mark.parametrize(("space", "networks"), [(SPACE, 95), (SPACE, 0), (AENSpace(), 96)])
def test_other_parts_are_refused(space: GCNNSpace | AENSpace, networks: int) -> None:
    with pytest.raises(InvalidArgumentError, match="choose 24 or 96 networks of a space such as gcnn"):
        balanced_fraction(space, networks)
