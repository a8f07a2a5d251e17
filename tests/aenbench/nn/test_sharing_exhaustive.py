"""Every one of the 4,096 sets of actions, against the enumerated group and against Burnside's lemma."""

import numpy as np
import pytest

from aenbench.nn.sharing import parameter_sharing
from gdatasets.groups.actions import ACTIONS, actions_from_bits
from gdatasets.groups.group import Group
from gdatasets.groups.permutation_groups import count_orbits_by_burnside, enumerate_elements

STATES = [format(number, f"0{len(ACTIONS)}b") for number in range(2 ** len(ACTIONS))]
LIMIT = 20_000
WEIGHTS = np.random.Generator(np.random.PCG64(0)).integers(1, 2**40, 64)

# By step: with 4 the groups on 8x8 have at most 192 elements, with 2 at most 12,288.
SETS = pytest.mark.parametrize(
    ("step", "states"),
    [
        pytest.param(4, STATES[::16], id="step4-some"),
        pytest.param(4, STATES, id="step4-all", marks=pytest.mark.slow),
        pytest.param(2, STATES[::8] + STATES[-8:], id="step2-some", marks=pytest.mark.slow),
    ],
)


def brute_force(elements, degree):
    """The smallest pair that some element of the group takes each pair to, int32 (degree, degree)."""
    smallest = np.full((degree, degree), degree**2, dtype=np.int32)
    for element in elements.astype(np.int32):
        np.minimum(smallest, element[:, None] * np.int32(degree) + element, out=smallest)
    return np.unique(smallest, return_inverse=True)[1].reshape(degree, degree)


def known_by_elements(group, known):
    """The brute-force sharing, computed once for each distinct set of elements."""
    elements = enumerate_elements(group.permutations, LIMIT)
    key = (len(elements), np.sort(elements @ WEIGHTS).tobytes())
    if key not in known:
        known[key] = brute_force(elements, group.size**2)
    return known[key]


@SETS
def test_sharing_of_8x8_to_8x8_is_that_of_the_enumerated_group_for_every_set(step, states):
    known = {}
    for bits in states:
        group = Group(actions_from_bits(bits), 8, step)
        labels, count = parameter_sharing(group.permutations, group.permutations)
        np.testing.assert_array_equal(labels, known_by_elements(group, known), err_msg=bits)
        assert count == int(labels.max()) + 1
    assert len(known) > 10


def test_enumeration_tells_apart_what_differs():
    known = {}
    one, other = (known_by_elements(Group((name,), 8), known) for name in ("hflip", "vflip"))
    assert not np.array_equal(one, other)


@SETS
def test_number_of_orbits_of_8x8_to_4x4_is_burnsides_for_every_set(step, states):
    for bits in states:
        actions = actions_from_bits(bits)
        into, out = Group(actions, 8, step).permutations, Group(actions, 4, step // 2).permutations
        _, count = parameter_sharing(into, out)
        assert count == count_orbits_by_burnside(into, out, limit=LIMIT), bits
