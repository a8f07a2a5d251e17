from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aenbench.errors import InvalidArgumentError
from aenbench.nn.sharing import parameter_sharing
from aenbench.paper.sharing_oracles import join_sharings, refines
from gdatasets.groups.actions import ACTIONS
from gdatasets.groups.group import Group
from gdatasets.groups.permutation_groups import enumerate_elements

PAIRS = [actions for size in (0, 1, 2) for actions in combinations(ACTIONS, size)]


def brute_force(into, out):
    """The smallest pair number in each orbit, over every element of the enumerated group; numbered by appearance."""
    n_in, n_out = into.shape[1], out.shape[1]
    elements = enumerate_elements(np.concatenate([into, out + n_in], axis=1))
    smallest = np.full((n_out, n_in), n_out * n_in)
    for element in elements:
        pairs = (element[n_in:, None] - n_in) * n_in + element[None, :n_in]
        smallest = np.minimum(smallest, pairs)
    _, labels = np.unique(smallest, return_inverse=True)
    return labels.reshape(n_out, n_in)


@pytest.mark.parametrize("actions", PAIRS, ids=",".join)
def test_sharing_is_that_of_the_enumerated_group_for_every_pair_of_actions(actions):
    into, out = Group(actions, 6, 2).permutations, Group(actions, 4, 2).permutations
    labels, count = parameter_sharing(into, out, joint=True)
    expected = brute_force(into, out)
    np.testing.assert_array_equal(labels, expected)
    assert count == expected.max() + 1


def permutations_of(degree, generators):
    rows = [st.permutations(range(degree)) for _ in range(generators)]
    return st.tuples(*rows).map(lambda rows: np.array(rows, dtype=int).reshape(generators, degree))


@st.composite
def actions_on_two_sides(draw, at_least=0):
    number = draw(st.integers(at_least, 4))
    return draw(permutations_of(draw(st.integers(1, 5)), number)), draw(
        permutations_of(draw(st.integers(1, 5)), number)
    )


@given(actions_on_two_sides())
@settings(max_examples=150, deadline=None)
def test_sharing_is_that_of_the_enumerated_group_for_any_permutations(sides):
    labels, _ = parameter_sharing(*sides, joint=True)
    np.testing.assert_array_equal(labels, brute_force(*sides))


@given(actions_on_two_sides(at_least=1))
@settings(max_examples=150, deadline=None)
def test_sharing_of_a_union_is_the_join_of_the_sharings(sides):
    singles = [parameter_sharing(into[None], out[None], joint=True)[0] for into, out in zip(*sides, strict=True)]
    together, count = parameter_sharing(*sides, joint=True)
    joined, joined_count = join_sharings(singles)
    np.testing.assert_array_equal(joined, together)
    assert joined_count == count
    assert all(refines(single, together) for single in singles)


def test_a_coarser_sharing_does_not_refine_a_finer_one():
    rotation = Group(("rotation",), 4).permutations
    finer, coarser = parameter_sharing(rotation[:0], rotation[:0])[0], parameter_sharing(rotation, rotation)[0]
    assert refines(finer, coarser)
    assert not refines(coarser, finer)


@pytest.mark.parametrize(("count", "dtype"), [(256, np.uint8), (257, np.uint16), (65_537, np.int32)])
def test_labels_take_the_smallest_dtype_that_holds_them(count, dtype):
    labels, orbits = parameter_sharing(np.empty((0, count), int), np.empty((0, 1), int))
    assert orbits == count
    assert labels.dtype == dtype


def test_numbers_of_generators_that_differ_are_an_error():
    with pytest.raises(InvalidArgumentError, match="got 1 and 2"):
        parameter_sharing(Group(("hflip",), 4).permutations, Group(("hflip", "vflip"), 4).permutations)
