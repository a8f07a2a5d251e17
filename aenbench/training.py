"""Fit and evaluate any `nn.Module` that maps images to logits; it knows nothing of groups or searches."""

import copy
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aenbench.data import LabelledImages
from aenbench.errors import InvalidArgumentError


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: Adam on cross-entropy, a fixed number of images, no schedule.

    Attributes:
        images: training images used; the first so many of the split.
        epochs: passes over that many images. Where the split is smaller, it is passed proportionally more often, so
            that the number of optimiser steps does not depend on the size of the dataset.
        batch: images a step.
        learning_rate: of Adam.
    """

    images: int
    epochs: int
    batch: int = 64
    learning_rate: float = 1e-3

    def passes(self, available: int) -> int:
        """Passes over the images at hand."""
        if available < 1:
            raise InvalidArgumentError("There are no training images.")
        return max(1, round(self.epochs * self.images / min(available, self.images)))


@dataclass(frozen=True)
class Fit:
    """What training showed.

    Attributes:
        accuracies: share of right answers on the images to choose by, after each pass.
        losses: mean training cross-entropy in nats, during each pass.
    """

    accuracies: tuple[float, ...]
    losses: tuple[float, ...]


def derive_seed(seed: int, *purpose: str) -> int:
    """A seed for one purpose, so that no two uses of a run's seed draw the same numbers."""
    text = "/".join((str(seed), *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: small networks are fastest so, one process a core, and results repeat exactly."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fit(
    model: nn.Module,
    train: LabelledImages,
    choose_by: LabelledImages,
    recipe: Recipe,
    seed: int,
    keep_best: bool = False,
    on_pass: Callable[[int, int], None] | None = None,
) -> Fit:
    """Train a model in place.

    Args:
        model: maps float32 (batch, 1, 28, 28) to logits (batch, classes).
        train: only its first `recipe.images` are used.
        choose_by: images on which the accuracy after each pass is measured.
        recipe: the budget.
        seed: of the order of the images.
        keep_best: leave the model with the parameters of the pass with the best accuracy, the first of equals;
            otherwise with the last.
        on_pass: called with (passes done, passes in all).
    """
    train = train.first(recipe.images)
    passes = recipe.passes(len(train))
    generator = torch.Generator().manual_seed(derive_seed(seed, "order"))
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, fused=True)
    accuracies: list[float] = []
    losses: list[float] = []
    best = copy.deepcopy(model.state_dict()) if keep_best else None
    for number in range(passes):
        losses.append(_train_once(model, train, optimiser, recipe.batch, generator))
        accuracies.append(accuracy(model, choose_by))
        if best is not None and accuracies[-1] > max(accuracies[:-1], default=-1.0):
            best = copy.deepcopy(model.state_dict())
        if on_pass is not None:
            on_pass(number + 1, passes)
    if best is not None:
        model.load_state_dict(best)
    return Fit(tuple(accuracies), tuple(losses))


def _train_once(
    model: nn.Module,
    train: LabelledImages,
    optimiser: torch.optim.Optimizer,
    batch: int,
    generator: torch.Generator,
) -> float:
    model.train()
    order = torch.randperm(len(train), generator=generator)
    total = 0.0
    for chosen in torch.split(order, batch):
        logits = model(train.images[chosen])  # (batch, classes)
        loss = nn.functional.cross_entropy(logits, train.labels[chosen])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += loss.item() * len(chosen)
    return total / len(train)


@torch.inference_mode()
def predict(model: nn.Module, images: Tensor, batch: int = 1_000) -> Tensor:
    """The most likely class of each image, int64 (n,); the model is left in the mode it was in."""
    training = model.training
    model.eval()
    predictions = torch.cat([model(part).argmax(dim=1) for part in torch.split(images, batch)])
    model.train(training)
    return predictions


def accuracy(model: nn.Module, data: LabelledImages) -> float:
    """Share of right answers, 0..1."""
    return float((predict(model, data.images) == data.labels).double().mean())


def count_parameters(model: nn.Module) -> int:
    """Free (trainable) parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
