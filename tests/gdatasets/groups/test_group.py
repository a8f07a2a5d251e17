import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdatasets import ACTIONS, Group
from gdatasets.errors import InvalidArgumentError
from gdatasets.groups.group import parse_group

SWAP_COLUMNS = [1, 0, 2, 4, 3, 5]  # on 2 x 3
SWAP_ROWS = [3, 4, 5, 0, 1, 2]


@st.composite
def generators(draw):
    shape = draw(st.sampled_from([(1,), (5,), (6,), (2, 3), (3, 2), (1, 4), (2, 2)]))
    n = int(np.prod(shape))
    rows = draw(st.lists(st.permutations(range(n)), max_size=3))
    return np.array(rows, dtype=np.int64).reshape(len(rows), n), shape


@settings(deadline=None, max_examples=60)
@given(generators())
def test_elements_of_a_random_group_are_closed_and_counted_by_its_order(drawn):
    rows, shape = drawn
    group = Group.from_permutations(rows, shape)
    elements = group.elements()
    found = {element.tobytes() for element in elements}
    assert len(found) == len(elements) == group.order
    assert all(element[row].tobytes() in found for element in elements for row in rows)
    assert all(row in group for row in rows)


@settings(deadline=None, max_examples=60)
@given(generators())
def test_orbits_and_fixed_points_are_those_of_the_elements(drawn):
    group = Group.from_permutations(*drawn)
    elements = group.elements()
    for point in range(group.degree):
        reached = np.unique(elements[:, point])
        assert np.array_equal(np.flatnonzero(group.orbits == group.orbits[point]), reached)
        assert (point in group.fixed_points) == (len(reached) == 1)


def test_generators_keep_the_order_in_which_they_are_given():
    group = Group(["hflip", "rotation"], size=8)
    assert group.actions == group.names == ("hflip", "rotation")
    assert np.array_equal(group.permutations[0], Group(["hflip"], size=8).permutations[0])
    assert np.array_equal(group.permutations[1], Group(["rotation"], size=8).permutations[0])
    assert parse_group("vflip,hflip", 4).actions == ("vflip", "hflip")


def test_groups_are_equal_iff_their_generators_are_and_as_sets_by_their_permutation_group():
    one, other = Group(["hflip", "rotation"], size=8), Group(["rotation", "hflip"], size=8)
    assert one == Group(["hflip", "rotation", "hflip"], size=8)
    assert hash(one) == hash(Group(["hflip", "rotation"], size=8))
    assert one != other
    assert one.permutation_group == other.permutation_group
    assert one.closure == other.closure


def test_a_group_of_permutations_is_the_group_of_the_actions_that_give_them():
    actions = Group(["hflip", "rotation"], size=6)
    own = Group.from_permutations(dict(zip(actions.names, actions.permutations, strict=True)), shape=(6, 6))
    assert own == actions
    assert own.actions == ()
    assert own.closure == actions.closure == ("rotation", "hflip", "vflip")


def test_a_group_on_a_rectangle_names_its_own_generators():
    group = Group.from_permutations({"columns": SWAP_COLUMNS, "rows": SWAP_ROWS}, shape=(2, 3))
    assert (group.order, group.closure, group.is_square) == (4, ("columns", "rows"), False)
    assert np.array([4, 3, 5, 1, 0, 2]) in group
    assert np.arange(6)[::-1] not in group
    with pytest.raises(InvalidArgumentError, match="no one size"):
        _ = group.size


def test_a_vector_needs_no_shape():
    group = Group.from_permutations([[1, 2, 0]])
    assert (group.shape, group.order, group.names) == ((3,), 3, ("generator 0",))


@pytest.mark.parametrize("none", [[], {}, np.zeros((0, 6), dtype=int)])
def test_no_generators_are_the_trivial_group(none):
    group = Group.from_permutations(none, shape=(2, 3))
    assert (group.order, len(group), group.degree) == (1, 0, 6)


def test_a_group_is_frozen_and_can_be_pickled():
    group = Group.from_permutations({"rows": SWAP_ROWS}, shape=(2, 3))
    assert group.order == 2
    assert pickle.loads(pickle.dumps(group)) == group
    with pytest.raises(ValueError, match="read-only"):
        group.permutations[0, 0] = 1
    with pytest.raises(AttributeError):
        group.step = 2


@pytest.mark.parametrize(
    ("rows", "shape", "why"),
    [
        ([[0, 0, 1]], None, "Row 0 is not a permutation"),
        ([[0, 1, 2], [0, 1, 3]], None, "Row 1 is not a permutation"),
        ([[0.0, 1.0]], None, "float64"),
        ([[0, 1, 2], [1, 0]], None, "differ in length"),
        ([[1, 0, 2]], (2, 2), r"3 points cannot act on the shape \(2, 2\) of 4"),
        ([0, 1, 2], None, r"\(generators, points\)"),
        ({"a": [0, 1], "b": [0, 1, 2]}, None, '"b": expected'),
        ({"a": [1, 1]}, None, '"a" is not a permutation'),
        ({"a": [0.5, 1.0]}, None, '"a": expected a permutation as integers'),
        ([[0, 1]], (2, -1), "positive integers"),
        ([[0, 1]], (1, 1, 2), "positive integers"),
        (np.zeros((1_001, 2), dtype=int), None, "at most 1,000 generators"),
    ],
)
def test_what_is_no_group_is_refused_in_one_line(rows, shape, why):
    with pytest.raises(InvalidArgumentError, match=why) as caught:
        Group.from_permutations(rows, shape)
    assert "\n" not in str(caught.value)


def test_a_text_is_no_list_of_actions():
    with pytest.raises(InvalidArgumentError, match="parse_group"):
        Group("hflip", size=4)


def test_every_action_is_in_the_closure_of_all():
    assert Group(ACTIONS, size=4).closure == ACTIONS
