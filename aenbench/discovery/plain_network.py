"""A small convolutional network that knows no symmetry, and the halves of a sample that it learns from and is asked on.

It is the same for every method that trains one, so that methods differ in what they ask and not in their networks.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aenbench.discovery.sample import Sample
from aenbench.errors import InvalidArgumentError
from aenbench.tasks.images import LabeledImages
from aenbench.training.recipe import MAX_PASSES, Recipe

BATCH = 64
_CHANNELS, _DENSE = (16, 32), 64


@dataclass(frozen=True, eq=False)
class Halves:
    """A sample in two; images of one cluster are in one half.

    Attributes:
        learn: what a network learns from.
        ask: what it is asked on.
        clusters: int64, of the latter.
        classes: number of classes.
    """

    learn: LabeledImages
    ask: LabeledImages
    clusters: NDArray[np.int64]
    classes: int

    @property
    def chance(self) -> float:
        """Share of the largest class among the images to be asked on."""
        return float(torch.bincount(self.ask.labels).max()) / len(self.ask)

    def recipe(self, steps: int) -> Recipe:
        """Passes over the images to learn from that make about so many steps, however many images there are."""
        passes = max(1, min(MAX_PASSES, round(steps * BATCH / len(self.learn))))
        return Recipe(len(self.learn), passes, BATCH)


def halve(sample: Sample, generator: np.random.Generator) -> Halves:
    """Halves of a sample, drawn at random, with pixels of mean 0 and deviation 1 in each channel.

    Raises:
        InvalidArgumentError: there is only one class, of which nothing can be learned, or only one cluster.
    """
    labels = np.unique(sample.labels, return_inverse=True)[1].astype(np.int64)
    if labels.max() == 0:
        raise InvalidArgumentError(
            f"A network needs two classes to learn from, got {len(sample):,} images of one; use --method kernel."
        )
    groups = generator.permutation(np.unique(sample.clusters))
    is_learned = np.isin(sample.clusters, groups[: len(groups) // 2])
    if len(groups) < 2 or len(np.unique(labels[is_learned])) <= int(labels.max()):
        raise InvalidArgumentError(
            f"Half of {len(groups):,} clusters of images do not show every class; give more images of other clusters."
        )
    pixels = np.ascontiguousarray(sample.images.transpose(0, 3, 1, 2), dtype=np.float32)
    axes = (0, 2, 3)
    pixels -= pixels.mean(axis=axes, keepdims=True, dtype=np.float64).astype(np.float32)
    pixels /= np.maximum(pixels.std(axis=axes, keepdims=True, dtype=np.float64), 1e-6).astype(np.float32)
    black = (0.0,) * sample.channels  # what is outside an image; nothing here looks there
    learn, ask = (
        LabeledImages(torch.from_numpy(pixels[part]), torch.from_numpy(labels[part]), black)
        for part in (is_learned, ~is_learned)
    )
    return Halves(learn, ask, sample.clusters[~is_learned], int(labels.max()) + 1)


def build_plain_network(images: Tensor, classes: int, seed: int) -> nn.Module:
    """Two 3 x 3 convolutions of stride 2 and a dense layer: it maps images (n, channels, rows, columns) to logits."""
    with torch.random.fork_rng(devices=[]):  # layers draw from the global generator; this leaves it as it was
        torch.manual_seed(seed)
        channels, rows, columns = images.shape[1:]
        first, second = _CHANNELS
        places = -(-rows // 4) * -(-columns // 4)
        return nn.Sequential(
            nn.Conv2d(channels, first, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(second * places, _DENSE),
            nn.ReLU(),
            nn.Linear(_DENSE, classes),
        )


def move_images(images: Tensor, rows: Tensor) -> Tensor:
    """Images whose pixels are gathered.

    Args:
        images: (n, channels, rows, columns).
        rows: gather indices, int64 (n, rows * columns), one permutation for each image, or (1, rows * columns).
    """
    flat = images.flatten(2)
    return flat.gather(2, rows[:, None].expand(flat.shape)).view(images.shape)


def as_indices(permutations: Mapping[str, NDArray[np.int64]]) -> dict[str, Tensor]:
    """Gather indices as tensors, int64 (1, points) by name."""
    return {name: torch.from_numpy(row.copy())[None] for name, row in permutations.items()}
