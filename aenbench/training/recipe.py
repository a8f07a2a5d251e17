"""How a network is trained, as a frozen value."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from aenbench.errors import InvalidArgumentError

_MOMENTUM = 0.9

MAX_PASSES = 500
"""The most passes that a dataset gets for having few images.

G-Digits, the smallest of the published datasets, gets 440 under `standard`, so no published result changes. Without a
bound, 12 images of a user's own were passed 9,091 times under `quick`, long after a network knows them by heart.
"""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: on cross-entropy, a fixed number of images, no schedule.

    Attributes:
        images: training images used; the first so many of the split.
        epochs: passes over that many images. Where the split is smaller, it is passed proportionally more often, up to
            `MAX_PASSES` times, so that the number of optimiser steps does not depend on the size of the dataset.
        batch: images a step.
        learning_rate: of the optimiser.
        optimiser: `adam`, or `sgd` with momentum .9.
        chosen_by: images that the accuracy after each pass is measured on, the first so many; None for all.
        evaluation_batch: images a forward pass without gradients: it changes the speed, and the last bit of logits.
    """

    images: int
    epochs: int
    batch: int = 64
    learning_rate: float = 1e-3
    optimiser: Literal["adam", "sgd"] = "adam"
    chosen_by: int | None = None
    evaluation_batch: int = 1_000

    def passes(self, available: int) -> int:
        """Passes over so many available images."""
        if available < 1:
            raise InvalidArgumentError("There are no training images.")
        proportional = round(self.epochs * self.images / min(available, self.images))
        return max(1, min(proportional, max(MAX_PASSES, self.epochs)))

    def optimiser_of(self, model: nn.Module) -> torch.optim.Optimizer:
        if self.optimiser == "adam":
            return torch.optim.Adam(model.parameters(), lr=self.learning_rate, fused=True)
        return torch.optim.SGD(model.parameters(), lr=self.learning_rate, momentum=_MOMENTUM, fused=True)
