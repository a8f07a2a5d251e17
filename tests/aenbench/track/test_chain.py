"""Orders and membership within a budget, against sympy and against lists of all elements."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aenbench.track.chain import Chain
from gdatasets import Group
from gdatasets.groups.actions import ACTIONS
from gdatasets.groups.permutation_groups import PermutationGroup

DEGREE = 7

permutations = st.lists(st.permutations(range(DEGREE)), min_size=0, max_size=3).map(
    lambda rows: np.array(rows, dtype=np.int64).reshape(-1, DEGREE)
)


@settings(max_examples=60, deadline=None)
@given(permutations, st.lists(st.permutations(range(DEGREE)), min_size=1, max_size=5))
def test_order_and_membership_are_those_of_all_elements(generators: np.ndarray, others: list[list[int]]) -> None:
    chain, elements = Chain(generators), PermutationGroup(generators).elements()
    assert chain.is_complete
    assert chain.order == len(elements)
    assert chain.contain(elements).all()
    known = {row.tobytes() for row in elements}
    asked = np.array(others, dtype=np.int64)
    assert chain.contain(asked).tolist() == [row.tobytes() in known for row in asked]


@pytest.mark.parametrize(
    "names",
    [("rotation", "hflip", "htrans", "vtrans"), ("htrans", "scramble3", "scramble4", "scramble7"), ("scramble1",)],
    ids="-".join,
)
def test_orders_on_images_are_those_of_sympy(names: tuple[str, ...]) -> None:
    group = Group(names, 28)
    assert Chain(group.permutations).order == group.order


def test_the_group_of_all_actions_is_within_the_budget() -> None:
    chain = Chain(Group(ACTIONS, 28).permutations)
    assert chain.is_complete
    assert chain.order > 10**11


def test_where_the_budget_ends_the_order_is_a_lower_bound_and_what_is_affirmed_is_true() -> None:
    generator = np.random.default_rng(0)
    swaps = np.array([[1, 0, *range(2, 60)], [*range(1, 60), 0]])  # all permutations of 60 points
    chain = Chain(swaps, budget=20_000)
    assert not chain.is_complete
    assert 1 < chain.order < math.factorial(60)
    few = Chain(swaps[1:])
    assert few.order == 60
    assert few.contain(np.array([np.roll(np.arange(60), 7)])).all()
    assert not few.contain(np.array([generator.permutation(60)])).any()


def test_permutations_made_to_be_hard_end_within_the_budget() -> None:
    generator = np.random.default_rng(0)
    hard = np.array([generator.permutation(784) for _ in range(64)])
    assert not Chain(hard, budget=100_000).is_complete
