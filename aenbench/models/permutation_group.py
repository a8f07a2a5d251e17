"""The dense network of any permutation group of the pixels: two equivariant layers and a free head.

Named actions also act on the hidden grids, which are those of the autoequivariant networks. Permutations of the input
alone act on nothing but copies of the input grid: each hidden layer is one copy (size * size units, twice those of the
autoequivariant network's under protocol `standard`; a part of a copy would be no representation).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from aenbench.models.aen import Architecture
from aenbench.nn.linear import EquivariantLinear
from aenbench.nn.representations import direct_sum, trivial
from gdatasets.groups.group import Group


@dataclass(frozen=True)
class PermutationGroupArchitecture:
    """A dense network that is equivariant to a group.

    Attributes:
        image: how the image moves.
        hidden: how one channel of the hidden layers moves, the same generators.
        hidden_channels: of both hidden layers.
        joint: whether the generators may satisfy other relations on the hidden grids.
        classes: outputs of the head.
        channels: image channels, all moved alike.
    """

    image: Group
    hidden: Group
    hidden_channels: int = 1
    joint: bool = False
    classes: int = 10
    channels: int = 1

    @property
    def facts(self) -> Mapping[str, Any]:
        """The entry's method names the group."""
        return {}

    def build(self, generator: torch.Generator) -> nn.Module:
        """The network, with initial weights drawn from the generator."""
        return PermutationGroupNetwork(self, generator)


def group_architecture(group: Group, free: Architecture) -> PermutationGroupArchitecture:
    """The network of a group on images, instead of the plain network `free`.

    Raises:
        InvalidArgumentError: an action cannot act on the hidden grids.
    """
    shape = (free.shape.classes, free.shape.channels)
    if not group.actions and len(group):
        return PermutationGroupArchitecture(group, group, 1, False, *shape)
    hidden = Group(group.actions, *free.grids[1])
    return PermutationGroupArchitecture(group, hidden, free.hidden_channels, free.protocol.joint, *shape)


class PermutationGroupNetwork(nn.Module):
    """The module of a `PermutationGroupArchitecture`: logits (batch, classes) of images (batch, channels, h, w).

    Biases are tied by orbit and come before the ReLU; fan-in initialization.

    Args:
        architecture: what to build.
        generator: source of the initial weights, drawn layer by layer, on the CPU.
    """

    def __init__(self, architecture: PermutationGroupArchitecture, generator: torch.Generator) -> None:
        super().__init__()
        image = direct_sum(*[architecture.image] * architecture.channels)
        units = direct_sum(*[architecture.hidden] * architecture.hidden_channels)
        self.first = EquivariantLinear(image, units, joint=architecture.joint, generator=generator)
        self.second = EquivariantLinear(units, units, joint=architecture.joint, generator=generator)
        self.head = EquivariantLinear(trivial(0, units.shape[1]), trivial(0, architecture.classes), generator=generator)

    def features(self, images: Tensor) -> Tensor:
        """The second hidden layer, (batch, hidden units); it moves as the hidden grid does."""
        return torch.relu(self.second(torch.relu(self.first(images.flatten(1)))))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits
