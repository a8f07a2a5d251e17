import copy

import pytest
import torch
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.models.aen import Architecture, build_aen
from aenbench.models.stacked import StackedNetworks
from aenbench.tasks.task import TaskShape
from gdatasets.groups.actions import ACTIONS

SETS = [(), ("rotation", "hflip"), ("htrans", "vtrans"), ACTIONS, ("scramble4",), ("htrans",), (), ("htrans", "vtrans")]


def networks_of(protocol, dtype=torch.float64):
    return [build_aen(Architecture(actions, TaskShape(protocol)), k).to(dtype) for k, actions in enumerate(SETS)]


def train(forward, parameters, images, labels, steps):
    """`steps` Adam steps on the sum of the networks' mean losses; forward gives logits (K, batch, classes)."""
    optimiser = torch.optim.Adam(parameters, 1e-3)
    for step in range(steps):
        optimiser.zero_grad()
        logits = forward(images[step])
        losses = F.cross_entropy(logits.flatten(0, 1), labels[step].repeat(len(logits)), reduction="sum")
        (losses / len(labels[step])).backward()
        optimiser.step()


@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_networks_side_by_side_become_what_they_become_one_by_one(protocol):
    seed = torch.Generator().manual_seed(0)
    images = torch.randn(5, 16, 1, 28, 28, generator=seed, dtype=torch.float64)
    labels = torch.randint(0, 10, (5, 16), generator=seed)
    alone = networks_of(protocol)
    stacked = StackedNetworks(copy.deepcopy(alone))
    for network in alone:
        train(lambda x, network=network: network(x)[None], network.parameters(), images, labels, 5)
    train(stacked, stacked.parameters(), images, labels, 5)
    for one, other in zip(alone, stacked.unstack(), strict=True):
        for name, values in one.state_dict().items():
            torch.testing.assert_close(other.state_dict()[name], values, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_each_network_may_have_a_batch_of_its_own(protocol):
    networks = networks_of(protocol)
    images = torch.randn(len(SETS), 3, 784, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    logits = StackedNetworks(networks)(images)
    for k, network in enumerate(networks):
        torch.testing.assert_close(logits[k], network(images[k]))


def test_changing_one_network_leaves_the_others_alone():
    stacked = StackedNetworks(networks_of("standard"))
    stacked(torch.randn(2, 784, dtype=torch.float64))[3].sum().backward()
    touched = [bool(part.any()) for part in torch.split(stacked.first.weight.grad, stacked.first.weight_sizes)]
    assert touched == [k == 3 for k in range(len(SETS))]


def test_networks_that_differ_in_size_do_not_stack():
    with pytest.raises(InvalidArgumentError, match="one protocol and size"):
        StackedNetworks([build_aen(Architecture(()), 0), build_aen(Architecture((), TaskShape("paper")), 0)])
