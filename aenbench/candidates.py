"""What is trained: an architecture, and how its training images are augmented."""

from dataclasses import dataclass, field

import torch
from torch import nn

from aenbench.augmentation import Augmentation
from aenbench.gcnn import GCNNArchitecture
from aenbench.models import Architecture


@dataclass(frozen=True)
class Candidate:
    """A network before it is built and trained.

    Attributes:
        architecture: an autoequivariant or a group convolutional network.
        augmentation: of the training images.
    """

    architecture: Architecture | GCNNArchitecture
    augmentation: Augmentation = field(default_factory=Augmentation)

    def build(self, seed: int) -> nn.Module:
        """The network, with initial weights drawn from the seed, on the CPU."""
        return self.architecture.build(torch.Generator().manual_seed(seed))
