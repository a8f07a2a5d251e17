"""Equal output variance at initialization, whatever the orbit sizes."""

import pytest
import torch

from aenbench.models.aen import Architecture, distinct_architectures
from aenbench.nn import EquivariantLinear
from aenbench.nn.representations import grid, trivial
from aenbench.tasks.task import TaskShape
from gdatasets.groups.actions import ACTIONS


def variance_ratio(layer):
    """Mean square output over draws of the weights and of white inputs, relative to what `nn.Linear` has."""
    generator = torch.Generator().manual_seed(0)
    (sizes,) = torch.autograd.grad(layer.expanded_weight().sum(), layer.weight)  # of the orbits
    independent = float(sizes.sum() ** 2 / sizes.square().sum())  # few large orbits vary most from draw to draw
    draws = min(3000, max(80, round(12_000 / independent)))  # 80: inputs that share a weight add up, and vary too
    total = 0.0
    for x in torch.randn(draws, 4, layer.in_features, generator=generator):
        layer.reset_parameters(generator)
        total += float(layer(x).detach().square().mean())
    n = layer.in_features
    return total / draws / (1 / 3 + 1 / (3 * n))  # nn.Linear: n weights and a bias, each of variance 1 / 3n


def variance_ratios(architecture, initialization="fan_in"):
    (size, step), (hidden, hidden_step), _ = architecture.grids
    units = grid(architecture.actions, hidden, hidden_step, architecture.hidden_channels)
    image = grid(architecture.actions, size, step)
    return [
        variance_ratio(EquivariantLinear(into, units, initialization=initialization, joint=True))
        for into in (image, units)
    ]


def test_reference_is_what_a_plain_layer_has():
    plain = EquivariantLinear(trivial(0, 200), trivial(0, 100))
    assert variance_ratio(plain) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("protocol", ["standard", "paper"])
@pytest.mark.parametrize("actions", [("rotation", "hflip"), ("htrans", "vtrans"), ACTIONS], ids=",".join)
def test_output_variance_is_that_of_a_plain_layer(actions, protocol):
    assert variance_ratios(Architecture(actions, TaskShape(protocol))) == pytest.approx([1, 1], abs=0.1)


def test_scale_set_by_the_number_of_orbits_is_far_from_it():
    assert min(variance_ratios(Architecture(ACTIONS), "orbits")) > 5
    assert max(variance_ratios(Architecture(()), "orbits")) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_output_variance_is_that_of_a_plain_layer_for_every_distinct_architecture(protocol):
    ratios = {each.bits: variance_ratios(each) for each in distinct_architectures(TaskShape(protocol))}
    assert not {bits: pair for bits, pair in ratios.items() if not all(0.9 < ratio < 1.1 for ratio in pair)}
