"""What departures from the released code change, one at a time: the effects in docs/deviations.md.

python benchmarks/deviations.py networks --root ../shared/data        group convolutional networks, C4, on MNIST-rot
python benchmarks/deviations.py normalization --root ../shared/data   of Fashion-MNIST's pixels

Each network is trained with three seeds under protocol `paper`, and judged on test images that chose nothing. The
first takes about ten minutes of a core, the second one.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from aenbench.models.aen import AEN_FAMILY, Architecture
from aenbench.models.gcnn import GCNN, GCNN_FAMILY, GCNNArchitecture
from aenbench.nn.batchnorm import GroupBatchNorm2d
from aenbench.nn.linear import EquivariantLinear
from aenbench.nn.pooling import InvariantPooling
from aenbench.nn.representations import trivial
from aenbench.statistics.intervals import estimate, points_cell
from aenbench.tasks.images import Images, LabeledImages
from aenbench.tasks.protocol import PAPER
from aenbench.tasks.task import Task, TaskShape
from aenbench.training.augmentation import Augmentation
from aenbench.training.fit import accuracy, derive_seed, fit
from aenbench.training.recipe import Optimiser, Recipe

SEEDS = 3
JUDGED_ON = 10_000
GROUP = "c4"
MNIST, FASHION = (0.1307, 0.3081), (0.2860, 0.3530)  # mean and deviation of the unmoved training pixels


class Wide(GCNNArchitecture):
    """Protocol `paper`, with the channels of `standard`, which bring parameters closest to the plain network's."""

    @property
    def width(self) -> int:
        return GCNNArchitecture(self.group).width


def pooled(network: GCNN, generator: torch.Generator) -> None:
    """Let the head read features pooled over the group."""
    of = network.architecture
    network.invariants = InvariantPooling(of.group, of.feature_size)
    inputs = of.width * of.feature_size**2
    network.head[1] = EquivariantLinear(trivial(0, inputs), trivial(0, 100), generator=generator)


def normed(network: GCNN, generator: torch.Generator) -> None:  # noqa: ARG001
    """A batch norm after each convolution."""
    network.norms = nn.ModuleList(GroupBatchNorm2d(network.architecture.width) for _ in network.convolutions)


def as_is(network: GCNN, generator: torch.Generator) -> None:
    """Change nothing."""


Change = Callable[[GCNN, torch.Generator], None]
VARIANTS: Mapping[str, tuple[type[GCNNArchitecture], Change, Optimiser, bool]] = {
    "as released, SGD": (GCNNArchitecture, as_is, "sgd", True),
    "Adam": (GCNNArchitecture, as_is, "adam", True),
    "Adam, dropout off after the first test": (GCNNArchitecture, as_is, "adam", False),
    "Adam, features pooled over the group": (GCNNArchitecture, pooled, "adam", True),
    "the same, channels by parameters": (Wide, pooled, "adam", True),
    "Adam, batch norm": (GCNNArchitecture, normed, "adam", True),
}


def train_network(name: str, images: Images, recipe: Recipe, seed: int) -> float:
    """Accuracy on images that chose nothing."""
    described, change, optimiser, keeps_dropout = VARIANTS[name]
    generator = torch.Generator().manual_seed(derive_seed(seed, "weights"))
    network = GCNN(described(GROUP, shape=TaskShape(PAPER)), generator)
    change(network, generator)
    train, choose_by = images.training()

    def after_pass(*_: object) -> None:
        if not keeps_dropout:
            for module in network.modules():
                if isinstance(module, nn.Dropout):
                    module.p = 0.0

    recipe = replace(recipe, optimiser=optimiser)
    fit(network, train, choose_by, recipe, seed, keep_best=True, on_pass=after_pass, augmentation=Augmentation())
    return accuracy(network, images.unseen().first(JUDGED_ON), recipe.evaluation_batch)


def compare_networks(root: Path | None) -> None:
    images, recipe = Images(Task("mnist-rot", "any-angle", PAPER), root), GCNN_FAMILY.budget(PAPER, "standard").child
    table({name: [train_network(name, images, recipe, seed) for seed in range(SEEDS)] for name in VARIANTS}, "Adam")


def renormalized(images: LabeledImages) -> LabeledImages:
    """From MNIST's mean and deviation to Fashion-MNIST's."""
    pixels = images.images * MNIST[1] + MNIST[0]
    return LabeledImages((pixels - FASHION[0]) / FASHION[1], images.labels, (-FASHION[0] / FASHION[1],))


def compare_normalizations(root: Path | None) -> None:
    recipe = AEN_FAMILY.budget(PAPER, "standard").final
    for configuration in ("none", "aug2"):
        images = Images(Task("g-fashion-mnist", configuration, PAPER), root)
        parts = (*images.training(), images.unseen())
        found: dict[str, list[float]] = {}
        for name, (train, choose_by, unseen) in {"MNIST's": parts, "its own": tuple(map(renormalized, parts))}.items():
            for seed in range(SEEDS):
                network = Architecture((), TaskShape(PAPER)).build(
                    torch.Generator().manual_seed(derive_seed(seed, "weights"))
                )
                fit(network, train, choose_by, recipe, seed, keep_best=True)
                found.setdefault(name, []).append(accuracy(network, unseen))
        print(f"{configuration}:")
        table(found, "MNIST's")


def table(found: Mapping[str, list[float]], base: str) -> None:
    """Mean accuracies, and the differences from one of them with 95 % intervals over seeds."""
    for name, values in found.items():
        gain = 100 * (np.array(values) - np.array(found[base]))
        print(f"{name:40} {100 * np.mean(values):6.2f} %   {points_cell(estimate(gain))}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("networks", "normalization"))
    parser.add_argument("--root", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    {"networks": compare_networks, "normalization": compare_normalizations}[arguments.what](arguments.root)


if __name__ == "__main__":
    main()
