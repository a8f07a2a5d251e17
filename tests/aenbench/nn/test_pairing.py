import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aenbench.errors import InvalidArgumentError
from aenbench.nn import EquivariantLinear, assert_equivariant, check_equivariance, parameter_sharing
from aenbench.nn.representations import direct_sum, grid, trivial
from gdatasets import Group

TYPED = Group(["hflip", "rotation"], size=8)
BY_HAND = np.stack([Group([name], size=8).permutations[0] for name in ("hflip", "rotation")])


def test_outputs_in_typed_order_are_paired_with_the_generators_as_typed():
    assert parameter_sharing(TYPED.permutations, BY_HAND)[1] == 528
    assert parameter_sharing(TYPED, BY_HAND)[1] == 528


def test_wrong_pairing_is_an_error_and_shares_more_when_joint():
    with pytest.raises(InvalidArgumentError, match="order 4 on the outputs, which does not divide its order 2"):
        parameter_sharing(TYPED, BY_HAND[::-1])
    assert parameter_sharing(TYPED, BY_HAND[::-1], joint=True)[1] == 272
    layer = EquivariantLinear(TYPED, BY_HAND[::-1], joint=True, dtype=torch.float64)
    assert check_equivariance(layer, TYPED, BY_HAND[::-1], joint=True).passed  # equivariant, but to a larger group


def test_names_pair_whatever_their_order():
    swapped = Group(["rotation", "hflip"], size=8)
    mapping = {"rotation": swapped.permutations[0], "hflip": swapped.permutations[1]}
    for outputs in (swapped, mapping):
        layer = EquivariantLinear(TYPED, outputs, dtype=torch.float64)
        assert layer.orbits == 528
        assert_equivariant(layer, TYPED, outputs, elements="all")
        assert_equivariant(layer, TYPED, BY_HAND)
    assert not check_equivariance(torch.nn.Linear(64, 64), TYPED, mapping).passed


def test_a_missing_name_is_an_error_that_says_it():
    with pytest.raises(InvalidArgumentError, match="The outputs have no generator hflip"):
        EquivariantLinear(TYPED, Group(["rotation"], size=8))
    with pytest.raises(InvalidArgumentError, match="The inputs have no generator vflip"):
        check_equivariance(torch.nn.Identity(), TYPED, Group(["hflip", "rotation", "vflip"], size=8))


def test_trivial_outputs_are_outputs_of_every_group():
    head = EquivariantLinear(TYPED, trivial(2, 3), dtype=torch.float64)
    assert_equivariant(head, TYPED, elements="all")
    report = check_equivariance(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3)), TYPED)
    assert report.failing == ("hflip", "rotation")


def test_relations_that_hold_on_the_inputs_alone_are_an_error():
    into = {"a": [1, 0, 2, 3], "b": [0, 1, 3, 2]}  # they commute: order 4
    out = {"a": [1, 0, 2], "b": [0, 2, 1]}  # of the same orders, but S3
    with pytest.raises(InvalidArgumentError, match="moves outputs but no input"):
        parameter_sharing(into, out)
    assert parameter_sharing(into, out, joint=True)[1] < 12


def test_relations_that_hold_on_the_outputs_alone_are_a_homomorphism():
    s3, sign = {"a": [1, 0, 2], "b": [0, 2, 1]}, {"a": [1, 0], "b": [1, 0]}
    layer = EquivariantLinear(s3, sign, dtype=torch.float64)
    assert_equivariant(layer, s3, sign, elements="all")
    with pytest.raises(InvalidArgumentError, match="moves outputs but no input"):
        EquivariantLinear(sign, s3)


def test_the_rolls_of_the_paper_have_different_orders_and_need_joint():
    sides = grid(("htrans",), 28), grid(("htrans",), 20)
    with pytest.raises(InvalidArgumentError, match="order 5 on the outputs, which does not divide its order 7"):
        parameter_sharing(*sides)
    assert parameter_sharing(*sides, joint=True)[1] > 0


@st.composite
def random_groups(draw):
    shape = draw(st.sampled_from([(3,), (5,), (2, 3), (3, 2), (2, 2)]))
    rows = draw(st.lists(st.permutations(range(int(np.prod(shape)))), min_size=1, max_size=3))
    return Group.from_permutations({f"g{k}": row for k, row in enumerate(rows)}, shape)


@settings(deadline=None, max_examples=40)
@given(random_groups())
def test_layers_of_a_random_group_on_a_rectangle_or_vector_commute_with_every_element(group):
    seed = torch.Generator().manual_seed(0)
    layer = EquivariantLinear(group, group, generator=seed, dtype=torch.float64)
    wide = EquivariantLinear(group, direct_sum(group, group), generator=seed, dtype=torch.float64)
    x = torch.randn(4, group.degree, dtype=torch.float64, generator=seed)
    assert_equivariant(layer, group, group, inputs=x, elements="all")
    assert_equivariant(wide, group, direct_sum(group, group), inputs=x, elements="all")
    free = torch.nn.Linear(group.degree, group.degree, dtype=torch.float64)
    torch.nn.init.normal_(free.weight, generator=seed)
    assert check_equivariance(free, group, group, inputs=x).passed == (group.order == 1)


@settings(deadline=None, max_examples=40)
@given(random_groups())
def test_a_pair_is_refused_iff_the_joint_group_is_larger_than_that_of_the_inputs(group):
    other = np.roll(group.permutations, 1, axis=0)
    joint = Group.from_permutations(np.concatenate([group.permutations, other + group.degree], axis=1))
    if joint.order == group.order:
        parameter_sharing(group, other)
        return
    with pytest.raises(InvalidArgumentError):
        parameter_sharing(group, other)
