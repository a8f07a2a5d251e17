from itertools import combinations

import pytest
import torch
from torch import nn

from aenbench.errors import InvalidArgumentError
from aenbench.nn import EquivariantLinear, assert_equivariant, check_equivariance
from aenbench.nn.representations import direct_sum, grid, trivial
from gdatasets.groups.actions import ACTIONS

PAIRS = [actions for size in (1, 2) for actions in combinations(ACTIONS, size)]


def layer_of(actions, **options):
    seed = torch.Generator().manual_seed(0)
    return EquivariantLinear(grid(actions, 8, 2), grid(actions, 4, 1, channels=2), generator=seed, **options)


@pytest.mark.parametrize("actions", PAIRS, ids=",".join)
def test_layer_commutes_with_every_pair_of_actions(actions):
    layer = layer_of(actions, dtype=torch.float64)
    assert_equivariant(layer, grid(actions, 8, 2), grid(actions, 4, 1, channels=2))


def test_untied_layer_does_not_commute():
    report = check_equivariance(nn.Linear(64, 32), grid(("hflip",), 8), grid(("hflip",), 4, channels=2))
    assert report.failing == ("generator 0",)
    assert report.error > 0.1


def test_invariant_head_sends_every_element_to_the_same_output():
    actions = ("rotation", "hflip")
    head = EquivariantLinear(grid(actions, 6), trivial(2, 3), dtype=torch.float64)
    assert_equivariant(head, grid(actions, 6), elements="all")
    assert head.bias.numel() == 3


def test_layer_between_direct_sums_of_grids_and_trivial_units_commutes():
    actions = ("rotation", "vtrans")
    into = direct_sum(grid(actions, 6, 2), trivial(2, 3), grid(actions, 4, 2))
    out = direct_sum(trivial(2, 2), grid(actions, 4, 2))
    layer = EquivariantLinear(into, out, dtype=torch.float64)
    assert_equivariant(layer, into, out, elements="all")


def test_state_dict_holds_the_free_parameters_only():
    layer = layer_of(("rotation", "hflip"))
    assert {name: value.numel() for name, value in layer.state_dict().items()} == {
        "weight": layer.orbits,
        "bias": layer.bias.numel(),
    }


def test_without_generators_the_layer_is_a_plain_linear_layer():
    layer, plain = layer_of(()), nn.Linear(64, 32)
    plain.load_state_dict({"weight": layer.weight.view(32, 64), "bias": layer.bias})
    x = torch.randn(5, 64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(layer(x), plain(x))


def test_initial_values_depend_on_the_generator_alone():
    torch.manual_seed(5)
    one = layer_of(("rotation",)).weight
    torch.manual_seed(6)
    torch.testing.assert_close(layer_of(("rotation",)).weight, one, rtol=0, atol=0)


def test_orbit_initialization_is_the_released_scale():
    free = EquivariantLinear(trivial(0, 784), trivial(0, 400), initialization="orbits")
    assert float(free.weight.detach().std()) == pytest.approx(0.001, rel=0.05)


def test_unknown_initialization_is_an_error():
    with pytest.raises(InvalidArgumentError, match=r'"xavier". Choose from: fan_in, orbits'):
        layer_of((), initialization="xavier")
