"""How a network is trained, as a frozen value."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from aenbench.errors import InvalidArgumentError, known_name
from aenbench.execution.device import Device, Precision

Optimiser = Literal["adam", "adamw", "sgd"]
Schedule = Literal["constant", "one-cycle", "cosine"]
OPTIMIZERS: tuple[Optimiser, ...] = get_args(Optimiser)
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_MOMENTUM = 0.9
_WARM_UP = 0.05  # share of the steps, of the cosine schedule
_ALWAYS_STATED = ("images", "epochs", "batch", "learning_rate", "optimiser", "chosen_by", "evaluation_batch")

MAX_PASSES = 1_000
"""The most passes that a dataset gets for having few images.

G-Digits, the smallest of the published datasets, gets 880 under `standard`, so no published result changes. Without a
bound, 12 images of a user's own were passed 9,091 times under `quick`, long after a network knows them by heart.
"""


@dataclass(frozen=True, repr=False)
class Recipe:
    """How a network is trained on cross-entropy.

    Attributes:
        images: training images used, from the start of the split.
        epochs: passes over that many images. Where the split is smaller, it is passed proportionally more often, up to
            `MAX_PASSES` times, so that the number of optimizer steps does not depend on the size of the dataset.
        batch: images per step; a last batch of one image is joined to the one before, as one image has no variance.
        learning_rate: of the optimizer, the highest one of the schedule.
        optimiser: `adam`, `adamw` or `sgd`, the last with momentum .9.
        chosen_by: images that the accuracy after each pass is measured on, from the start; None for all.
        evaluation_batch: images per forward pass without gradients; it changes the speed, and the last bit of logits.
        schedule: of the learning rate, step by step. `constant`; `one-cycle`, as PyTorch's `OneCycleLR` (Smith and
            Topin, arXiv 1708.07120): up from a 25th over .3 of the steps, then down to almost 0, the momentum the
            other way; `cosine`: up from 0 over .05 of the steps, then half a cosine down to 0 (Loshchilov and Hutter,
            arXiv 1608.03983, without restarts).
        weight_decay: decoupled with `adamw`, else added to the gradient.
        label_smoothing: share of the target that is spread over all classes, 0 to below 1.
        precision: of the forward passes that are trained with: `bfloat16` is PyTorch's autocast. Weights, optimizer
            and predictions are float32 always.
        measured_every: so many passes are one row of the history: the accuracy is measured after them, and after the
            last one.

    Raises:
        InvalidArgumentError: an impossible value.
    """

    images: int
    epochs: int
    batch: int = 64
    learning_rate: float = 1e-3
    optimiser: Optimiser = "adam"
    chosen_by: int | None = None
    evaluation_batch: int = 1_000
    schedule: Schedule = "constant"
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    precision: Precision = "float32"
    measured_every: int = 1

    def __post_init__(self) -> None:
        for name in ("images", "epochs", "batch", "evaluation_batch", "measured_every"):
            if getattr(self, name) < 1:
                raise InvalidArgumentError(f"Expected {name} of at least 1, got {getattr(self, name)}.")
        for name, known in (("optimiser", Optimiser), ("schedule", Schedule), ("precision", Precision)):
            known_name(name, getattr(self, name), get_args(known))
        if not 0 < self.learning_rate < math.inf:
            raise InvalidArgumentError(f"Expected a learning rate above 0, got {self.learning_rate}.")
        if not 0 <= self.weight_decay < math.inf:
            raise InvalidArgumentError(f"Expected a weight decay of at least 0, got {self.weight_decay}.")
        if not 0 <= self.label_smoothing < 1:
            raise InvalidArgumentError(f"Expected a label smoothing from 0 to below 1, got {self.label_smoothing}.")

    @property
    def stated(self) -> Mapping[str, Any]:
        """The fields that tables and stores state: those that are newer only where they have another value.

        So recipes from before these fields existed keep their identity, and published tables their digest.
        """
        values = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return {name: value for name, (value, usual) in values.items() if name in _ALWAYS_STATED or value != usual}

    def __repr__(self) -> str:
        return f"Recipe({', '.join(f'{name}={value!r}' for name, value in self.stated.items())})"

    def passes(self, available: int) -> int:
        """Passes over so many available images."""
        if available < 1:
            raise InvalidArgumentError("There are no training images.")
        proportional = round(self.epochs * self.images / min(available, self.images))
        return max(1, min(proportional, max(MAX_PASSES, self.epochs)))

    def measurements(self, available: int) -> int:
        """How often the accuracy is measured in a training on so many available images."""
        return math.ceil(self.passes(available) / self.measured_every)

    def batches(self, order: Tensor) -> tuple[Tensor, ...]:
        """A pass over sample numbers, in this order."""
        parts = torch.split(order, self.batch)
        if len(parts) > 1 and len(parts[-1]) == 1:
            return *parts[:-2], torch.cat(parts[-2:])
        return tuple(parts)

    def smallest_batch(self, available: int) -> int:
        """Images of the smallest batch of a training on so many available images."""
        return min(map(len, self.batches(torch.arange(min(available, self.images)))))

    def optimiser_of(self, model: nn.Module) -> torch.optim.Optimizer:
        parameters, decay = model.parameters(), self.weight_decay
        if self.optimiser == "sgd":
            return torch.optim.SGD(
                parameters, lr=self.learning_rate, momentum=_MOMENTUM, weight_decay=decay, fused=True
            )
        kind = torch.optim.AdamW if self.optimiser == "adamw" else torch.optim.Adam
        return kind(parameters, lr=self.learning_rate, weight_decay=decay, fused=True)

    def schedule_of(self, optimiser: torch.optim.Optimizer, steps: int) -> LRScheduler | None:
        """What changes the learning rate after each of so many steps; None where it is constant."""
        if self.schedule == "one-cycle":
            return OneCycleLR(optimiser, self.learning_rate, total_steps=steps)
        return LambdaLR(optimiser, _cosine(steps)) if self.schedule == "cosine" else None


def convolutional_recipe(images: int, epochs: int, chosen_by: int | None = None) -> Recipe:
    """That of the convolutional families: AdamW, one cycle up to .01, weight decay .01, in bfloat16.

    It is that of the first run of P4CNN here (docs/recipes.md).
    """
    return Recipe(
        images,
        epochs,
        learning_rate=1e-2,
        optimiser="adamw",
        schedule="one-cycle",
        weight_decay=1e-2,
        precision="bfloat16",
        chosen_by=chosen_by,
        evaluation_batch=250,
    )


def has_fast_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16; where it does not, PyTorch imitates it many times slower.

    True, too, where PyTorch is too old to tell.
    """
    tell = getattr(torch.cpu, "get_capabilities", None)
    return tell is None or any(has for name, has in tell().items() if "bf16" in name)


def slow_precision(recipe: Recipe, device: Device, can_choose: bool = True) -> str | None:
    """What to say before a training in a precision that its device only imitates; None where there is nothing.

    Args:
        recipe: of the training.
        device: where it is done.
        can_choose: whether the command has an option `--precision`.
    """
    if recipe.precision != "bfloat16" or device.is_gpu or has_fast_bfloat16():
        return None
    instead = " --precision float32 is faster here." if can_choose else ""
    return f"This processor has no bfloat16 arithmetic: training is slow.{instead}"


def _cosine(steps: int) -> Callable[[int], float]:
    """The share of the learning rate at each step."""
    rising = max(1, round(_WARM_UP * steps))

    def share(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising))) / 2

    return share
