from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.groups.actions import ACTIONS
from gdatasets.groups.group import NAMED_GROUPS, Group, parse_group
from gdatasets.groups.permutation_groups import (
    PermutationGroup,
    check_permutations,
    count_orbits_by_burnside,
    orbit_labels,
)

PAIRS = [actions for size in (0, 1, 2) for actions in combinations(ACTIONS, size)]


@st.composite
def generators(draw, degree=None):
    degree = draw(st.integers(1, 6)) if degree is None else degree
    rows = draw(st.lists(st.permutations(range(degree)), max_size=3))
    return np.array(rows, dtype=int).reshape(len(rows), degree)


@pytest.mark.parametrize("actions", PAIRS, ids=",".join)
def test_order_and_membership_are_those_of_the_enumerated_group_for_every_pair(actions):
    group = Group(actions, 4, 2)
    elements = group.elements()
    assert group.order == len(elements)
    assert all(element in group for element in elements)
    inside = {element.tobytes() for element in elements}
    for name in ACTIONS:
        assert (Group((name,), 4, 2).permutations[0] in group) == (
            Group((name,), 4, 2).permutations[0].tobytes() in inside
        )


@pytest.mark.parametrize("actions", PAIRS, ids=",".join)
def test_elements_are_closed_under_products_and_inverses(actions):
    elements = Group(actions, 4, 2).elements()
    inside = {element.tobytes() for element in elements}
    assert all(one[other].tobytes() in inside for one in elements for other in elements[:20])
    assert all(np.argsort(element).tobytes() in inside for element in elements)


@given(generators())
@settings(max_examples=60, deadline=None)
def test_orbits_and_fixed_points_are_those_of_the_elements(rows):
    group = PermutationGroup(rows)
    elements = group.elements()
    _, expected = np.unique(elements.min(axis=0), return_inverse=True)
    np.testing.assert_array_equal(group.orbits, expected)
    np.testing.assert_array_equal(group.fixed_points, np.flatnonzero((elements == np.arange(group.degree)).all(axis=0)))


@given(st.integers(1, 5).flatmap(lambda degree: st.tuples(generators(degree), generators(degree))))
@settings(max_examples=60, deadline=None)
def test_canonical_generators_name_the_group(pair):
    one, other = map(PermutationGroup, pair)
    same = {e.tobytes() for e in one.elements()} == {e.tobytes() for e in other.elements()}
    assert (one == other) == same == (one.fingerprint == other.fingerprint)
    again = PermutationGroup(one.canonical_generators)
    assert again == one
    assert hash(again) == hash(one)


def test_rotation_with_either_flip_is_one_group():
    one, other = Group(("rotation", "hflip"), 8), Group(("rotation", "vflip"), 8)
    assert one.permutation_group == other.permutation_group
    assert one.permutation_group.fingerprint == other.permutation_group.fingerprint
    assert one.closure == other.closure == ("rotation", "hflip", "vflip")
    assert one.closure != Group(("hflip", "vflip"), 8).closure


def test_identity_ignores_the_order_and_repetition_of_generators():
    rows = Group(("htrans", "vtrans", "scramble4"), 8, 2).permutations
    fingerprint = PermutationGroup(rows).fingerprint
    assert PermutationGroup(rows[::-1]).fingerprint == fingerprint
    assert PermutationGroup(np.concatenate([rows, rows[:1][:, rows[1]]])).fingerprint == fingerprint


def test_closure_generates_the_same_group_for_every_set_on_a_small_grid():
    identities = {}
    for number in range(0, 4096, 7):
        group = Group([name for k, name in enumerate(ACTIONS) if number >> k & 1], 4, 1)
        closure = group.closure
        assert identities.setdefault(closure, group.order) == group.order
        assert set(group.actions) <= set(closure)


def test_groups_too_large_to_enumerate_have_exact_orders():
    group = Group(ACTIONS, 14, 2)
    assert group.order == 157_840_048_128
    assert group.closure == ACTIONS
    with pytest.raises(InvalidArgumentError, match="more than 1,000 elements"):
        group.elements(limit=1_000)
    assert np.roll(np.arange(196), 1) not in group


@given(generators())
@settings(max_examples=60, deadline=None)
def test_burnside_counts_the_orbits(rows):
    assert count_orbits_by_burnside(rows) == orbit_labels(rows).max() + 1


def test_burnside_needs_one_list_of_generators():
    with pytest.raises(InvalidArgumentError, match=r"got \[1, 2\]"):
        count_orbits_by_burnside(Group(("hflip",), 4).permutations, Group(("hflip", "vflip"), 4).permutations)


def test_burnside_limit_is_respected():
    with pytest.raises(InvalidArgumentError, match="more than 10 elements"):
        count_orbits_by_burnside(Group(ACTIONS, 8).permutations, limit=10)


@pytest.mark.parametrize("rows", [[[0, 0, 1]], [[1, 2, 3]], [[-1, 0, 1]]])
def test_rows_that_are_no_permutations_are_named(rows):
    with pytest.raises(InvalidArgumentError, match=r"Row 1 is not a permutation of 0\.\.2"):
        check_permutations([[0, 1, 2], *rows])


def test_groups_are_written_by_name_by_actions_or_by_bits():
    assert parse_group("d4", 8) == parse_group("rotation, hflip", 8) == parse_group("110000000000", 8)
    assert parse_group("hflip, rotation", 8).names == ("hflip", "rotation")
    orders = {name: parse_group(name, 28).order for name in ("trivial", "c4", "v4", "d4", "roll", "d4-roll")}
    assert orders == {"trivial": 1, "c4": 4, "v4": 4, "d4": 8, "roll": 49, "d4-roll": 392}
    assert set(orders) < set(NAMED_GROUPS)
    with pytest.raises(UnknownNameError, match=r'Unknown group "d5"\. Choose from: trivial, c4'):
        parse_group("d5", 8)
