"""Search spaces: which states are one network, and what each says is trained."""

from itertools import product

import pytest
import torch

from aenbench.models.aen import AENSpace
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.space import SearchSpace
from aenbench.nn.square_groups import SQUARE_GROUPS, SquareGroup
from aenbench.tasks.task import TaskShape
from aenbench.training.augmentation import AUGMENTATIONS
from gdatasets.groups.actions import ACTIONS
from gdatasets.groups.group import Group

GCNN = GCNNSpace(TaskShape("standard", 10))


def states(space: SearchSpace) -> list[str]:
    return ["".join(bits) for bits in product("01", repeat=space.bits)]


def test_ten_bits_hold_768_networks() -> None:
    assert len(GCNN.networks) == len({GCNN.canonical(state) for state in states(GCNN)}) == 768
    assert set(GCNN.networks) == {GCNN.canonical(state) for state in states(GCNN)}


def test_a_canonical_state_is_its_own() -> None:
    for space in (GCNN, AENSpace()):
        assert all(space.canonical(state) == state for state in space.networks)


def test_one_network_is_one_candidate() -> None:
    for state in states(GCNN):
        assert GCNN.candidate(state) == GCNN.candidate(GCNN.canonical(state))
    assert len({GCNN.candidate(state) for state in GCNN.networks}) == 768


@pytest.mark.parametrize("code", ["".join(bits) for bits in product("01", repeat=3)])
def test_group_bits_name_the_group_that_they_generate(code: str) -> None:
    """The order and the moves of the group, from the generators alone, on a grid of 4 x 4."""
    generators = [name for name, bit in zip(ACTIONS, code, strict=False) if bit == "1"]
    generated = Group(generators, 4, 1)
    group = SquareGroup(GCNN.candidate(code + "0000000").architecture.group)
    assert group.order == generated.order
    assert {tuple(row) for row in group.pixels(4, 4)} == {tuple(element) for element in generated.elements()}


def test_the_bits_after_the_group_are_augmentations_and_size() -> None:
    for place, name in enumerate(AUGMENTATIONS):
        state = "000" + "".join("1" if k == place else "0" for k in range(6)) + "0"
        assert GCNN.candidate(state).augmentation.names == (name,)
    assert GCNN.candidate("0000000001").architecture.large
    assert not GCNN.candidate("1110000000").architecture.large


@pytest.mark.parametrize("space", [GCNNSpace(TaskShape("paper", 4, 32, 3)), AENSpace(TaskShape("standard", 4, 32, 3))])
def test_networks_fit_the_images(space: SearchSpace) -> None:
    images = torch.randn(2, 3, 32, 32)
    for state in (space.start, "1" * space.bits, "1" + "0" * (space.bits - 1)):
        assert space.candidate(state).build(0)(images).shape == (2, 4)


def test_every_group_of_the_space_is_known() -> None:
    assert {GCNN.candidate(state).architecture.group for state in GCNN.networks} < set(SQUARE_GROUPS)
