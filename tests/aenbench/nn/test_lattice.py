import numpy as np
import pytest

from aenbench.nn.lattice import SharingLattice, sharing_lattice
from aenbench.paper.sharing_oracles import refines
from gdatasets.groups.actions import actions_from_bits, bits_from_actions


@pytest.fixture(scope="module")
def small():
    return SharingLattice(((8, 4), (4, 2)))


def test_every_state_has_the_sharing_of_its_class(small):
    rng = np.random.Generator(np.random.PCG64(0))
    for number in rng.choice(4096, 60, replace=False):
        bits = format(number, "012b")
        named = small.classes[bits]
        for labels, expected in zip(
            small.sharing(actions_from_bits(bits)), small.sharing(actions_from_bits(named)), strict=True
        ):
            np.testing.assert_array_equal(labels, expected)


@pytest.mark.slow
def test_distinct_networks_are_those_that_differ_in_sharing(small):
    keys = {tuple(labels.tobytes() for labels in small.sharing(actions_from_bits(bits))) for bits in small.classes}
    assert len(keys) == len(small.distinct) == len(set(small.classes.values()))


def test_classes_are_closed_under_union_and_named_by_their_largest_state(small):
    members = {}
    for bits, named in small.classes.items():
        members.setdefault(named, []).append(set(actions_from_bits(bits)))
    for named, states in members.items():
        assert set().union(*states) == set(actions_from_bits(named))
        assert small.classes[named] == named


def test_one_network_refines_another_iff_its_closure_is_smaller(small):
    sharings = {closed: small.sharing(closed) for closed in small.distinct}
    for one in small.distinct:
        for other in small.distinct:
            finer = all(refines(a, b) for a, b in zip(sharings[one], sharings[other], strict=True))
            assert finer == (set(one) <= set(other))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("grids", "networks"),
    [(((20, 4), (20, 4)), 216), (((28, 4), (20, 4), (20, 4)), 216), (((28, 4), (14, 2), (14, 2)), 215)],
)
def test_the_papers_and_the_standard_grids_have_known_numbers_of_networks(grids, networks):
    lattice = sharing_lattice(grids)
    assert len(lattice.distinct) == networks
    assert set(lattice.classes.values()) == {bits_from_actions(actions) for actions in lattice.distinct}
