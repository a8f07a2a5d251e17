"""Training never leaves the equivariant networks: gradients of tied weights are tied."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from aenbench.models.aen import Architecture, build_aen
from aenbench.nn import check_equivariance
from aenbench.nn.representations import grid
from aenbench.tasks.task import TaskShape
from gdatasets.groups.actions import ACTIONS
from gdatasets.groups.group import Group


def train(network, steps, dtype):
    seed = torch.Generator().manual_seed(0)
    images = torch.randn(640, 784, generator=seed, dtype=torch.float64).to(dtype)
    labels = torch.randint(0, 10, (640,), generator=seed)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    for step in range(steps):
        batch = torch.arange(64) + 64 * (step % 10)
        optimiser.zero_grad()
        F.cross_entropy(network(images[batch]), labels[batch]).backward()
        optimiser.step()


class Features(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return self.network.features(images)


def check_trained(architecture, actions, steps, dtype, tolerance):
    network = build_aen(architecture, 0).to(dtype)
    start = network.first.weight.detach().clone()
    train(network, steps, dtype)
    assert not torch.equal(network.first.weight, start)
    images = torch.randn(20, 784, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
    assert network.features(images).std(dim=0).max() > 1e-3  # dead units would commute with everything
    (size, step), (hidden, hidden_step), _ = architecture.grids
    out = grid(actions, hidden, hidden_step, architecture.hidden_channels)
    joint = architecture.protocol.joint
    return check_equivariance(Features(network), Group(actions, size, step), out, joint=joint, tolerance=tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_network_still_commutes_after_some_steps(dtype):
    tolerance = {torch.float32: 1e-5, torch.float64: 1e-12}[dtype]
    actions = ("rotation", "hflip")
    assert check_trained(Architecture(actions), actions, 20, dtype, tolerance).passed


def test_plain_network_does_not_commute_after_some_steps():
    assert not check_trained(Architecture(()), ("rotation",), 20, torch.float32, 1e-2).passed


# The paper's network of all twelve actions is not among them: it dies in training, and zero commutes with everything.
_TRAINED = [
    ("standard", ("rotation", "hflip")),
    ("standard", ("htrans", "vtrans")),
    ("standard", ACTIONS),
    ("paper", ("rotation", "hflip")),
    ("paper", ("htrans", "vtrans")),
    ("paper", ("scramble1", "scramble4")),
]


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "actions"), _TRAINED, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)], ids=str)
def test_network_still_commutes_after_1000_steps(protocol, actions, dtype, tolerance):
    report = check_trained(Architecture(actions, TaskShape(protocol)), actions, 1000, dtype, tolerance)
    assert report.passed, report.errors
