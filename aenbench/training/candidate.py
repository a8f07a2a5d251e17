"""What is trained: an architecture, and how its training images are augmented."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import nn

from aenbench.training.augmentation import Augmentation


class Network(Protocol):
    """A network without its weights: an autoequivariant, a group convolutional, or a user's own one."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What an entry says of it."""

    def build(self, generator: torch.Generator) -> nn.Module:
        """The network, with initial weights drawn from the generator."""


class CountedNetwork(Network, Protocol):
    """A network whose parameters are counted without building it."""

    @property
    def parameter_count(self) -> int:
        """Free parameters of the network."""


@dataclass(frozen=True)
class Candidate:
    """A network before it is built and trained.

    Attributes:
        architecture: the network.
        augmentation: of the training images.
    """

    architecture: Network
    augmentation: Augmentation = field(default_factory=Augmentation)

    def build(self, seed: int) -> nn.Module:
        """The network, with initial weights drawn from the seed, on the CPU."""
        return self.architecture.build(torch.Generator().manual_seed(seed))

    @property
    def facts(self) -> Mapping[str, Any]:
        """What an entry says of it."""
        return {**self.architecture.facts, "augmentations": self.augmentation.names}
