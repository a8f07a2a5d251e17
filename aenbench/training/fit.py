"""Fit and evaluate any `nn.Module` that maps images to logits; it knows nothing of groups or searches."""

import copy
import hashlib
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from aenbench.errors import TrainingError
from aenbench.tasks.images import LabeledImages
from aenbench.training.augmentation import Augmentation
from aenbench.training.checkpoint import Checkpoint, Course
from aenbench.training.history import MAX_LOSS, OnPass, Pass
from aenbench.training.recipe import Recipe

_OR_FLOAT32 = ", or --precision float32"


@dataclass(frozen=True)
class Fit:
    """What training showed.

    Attributes:
        accuracies: share of right answers on the images to choose by, after each `Recipe.measured_every` passes.
        losses: mean training cross-entropy in nats, during those passes.
        rates: the learning rate at their end.
        wall_seconds: of all passes, also of those before an interruption.
    """

    accuracies: tuple[float, ...]
    losses: tuple[float, ...]
    rates: tuple[float, ...]
    wall_seconds: float

    @property
    def history(self) -> tuple[Pass, ...]:
        """The passes, as `history.csv` holds them."""
        return tuple(map(Pass, self.losses, self.accuracies, self.rates))


def derive_seed(seed: int, *purpose: str) -> int:
    """A seed for one purpose, so that no two uses of a run's seed draw the same numbers."""
    text = "/".join((str(seed), *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")


def fit(
    model: nn.Module,
    train: LabeledImages,
    choose_by: LabeledImages,
    recipe: Recipe,
    seed: int,
    keep_best: bool = False,
    on_pass: OnPass | None = None,
    augmentation: Augmentation | None = None,
    checkpoint: Checkpoint | None = None,
) -> Fit:
    """Train a model in place, on the device that it is on.

    The images go there once; their order and their augmentation are drawn on the CPU, so they are the same everywhere.

    Args:
        model: maps float32 (batch, channels, size, size) to logits (batch, classes).
        train: only its first `recipe.images` are used.
        choose_by: images on which the accuracy is measured, after each `recipe.measured_every` passes.
        recipe: the budget.
        seed: of the order of the images, of their augmentation and of dropout.
        keep_best: leave the model with the parameters of the best accuracy measured, the first of equals; otherwise
            with the last.
        on_pass: called at each measurement with (how many were made, how many there will be, what it found).
        augmentation: of the training images.
        checkpoint: where the state at a measurement is kept; training resumes from it.

    Raises:
        StoreError: the checkpoint is damaged, or of another plan.
        TrainingError: the mean loss of a pass is not finite, or larger than `MAX_LOSS`.
    """
    device = device_of(model)
    train, choose_by = train.first(recipe.images).to(device), choose_by.first(recipe.chosen_by).to(device)
    measurements, optimiser = recipe.measurements(len(train)), recipe.optimiser_of(model)
    course = Course(best=copy.deepcopy(model.state_dict()) if keep_best else None)
    if checkpoint is not None:
        checkpoint.restore(model, optimiser, course)
    started = time.perf_counter()
    for loss in train_passes(model, train, recipe, optimiser, seed, augmentation, len(course.accuracies)):
        reached = accuracy(model, choose_by, recipe.evaluation_batch)
        if course.best is not None and reached > max(course.accuracies, default=-1.0):
            course.best = copy.deepcopy(model.state_dict())
        course.losses.append(loss.item())
        course.accuracies.append(reached)
        course.rates.append(float(optimiser.param_groups[0]["lr"]))
        course.seconds += time.perf_counter() - started
        done = len(course.accuracies)
        if checkpoint is not None:
            checkpoint.save(model, optimiser, course, is_last=done == measurements)
        if on_pass is not None:
            on_pass(done, measurements, Pass(course.losses[-1], reached, course.rates[-1]))
        started = time.perf_counter()
    if course.best is not None:
        model.load_state_dict(course.best)
    return Fit(tuple(course.accuracies), tuple(course.losses), tuple(course.rates), course.seconds)


def train_passes(
    model: nn.Module,
    train: LabeledImages,
    recipe: Recipe,
    optimiser: torch.optim.Optimizer,
    seed: int,
    augmentation: Augmentation | None = None,
    done: int = 0,
) -> Iterator[Tensor]:
    """Make the passes of a recipe one after the other.

    Args:
        model: gives logits (batch, classes), or of K networks side by side (K, batch, classes).
        train: the images to learn from, all of which are used; on the model's device.
        recipe: the budget.
        optimiser: of the model.
        seed: as of `fit`.
        augmentation: of the training images.
        done: losses that were given before, whose passes are not made again.

    Yields:
        The mean loss of each `recipe.measured_every` passes, float64 (), or (K,).

    Raises:
        TrainingError: it is not finite, or larger than `MAX_LOSS`.
    """
    passes, steps = recipe.passes(len(train)), len(recipe.batches(torch.arange(len(train))))
    schedule, made = recipe.schedule_of(optimiser, passes * steps), min(passes, recipe.measured_every * done)
    _advance(schedule, steps * made)
    augmentation, augmentation_seed = augmentation or Augmentation(), derive_seed(seed, "augmentation")
    generator = torch.Generator().manual_seed(derive_seed(seed, "order"))
    since: list[Tensor] = []
    for number in range(passes):
        order = torch.randperm(len(train), generator=generator)
        if number < made:
            continue

        def augmented(images: Tensor, chosen: Tensor, epoch: int = number) -> Tensor:
            return augmentation.augment(images, chosen, epoch, augmentation_seed, train.black)

        with dropout_seeded(derive_seed(seed, "dropout", str(number)), train.labels.device):
            loss = _train_once(model, order, train, augmented, recipe, optimiser, schedule)
        if not (loss <= MAX_LOSS).all():  # nor is it where it is nan
            raise TrainingError(
                f"The loss of pass {number + 1} of {passes} is {loss.max().item():.3g}: the training diverged. Use a "
                f"lower learning rate than {recipe.learning_rate:g}"
                f"{_OR_FLOAT32 if recipe.precision == 'bfloat16' else ''}."
            )
        since.append(loss)
        if len(since) == recipe.measured_every or number + 1 == passes:
            yield torch.stack(since).mean(dim=0)
            since = []


def _train_once(
    model: nn.Module,
    order: Tensor,
    train: LabeledImages,
    augmented: Callable[[Tensor, Tensor], Tensor],
    recipe: Recipe,
    optimiser: torch.optim.Optimizer,
    schedule: LRScheduler | None,
) -> Tensor:
    """One pass over sample numbers, which are on the CPU; the mean loss, summed where the images are.

    Reading a loss at each step would make a GPU wait for it.
    """
    model.train()
    device = train.labels.device
    total = torch.zeros((), dtype=torch.float64, device=device)
    for numbers, chosen in zip(recipe.batches(order), recipe.batches(order.to(device)), strict=True):
        images = augmented(train.images[chosen], numbers)
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            logits = model(images)
        losses = _losses(logits, train.labels[chosen], recipe.label_smoothing)
        optimiser.zero_grad(set_to_none=True)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if schedule is not None:
            schedule.step()
        total = total + losses.detach().double() * len(numbers)
    return (total / len(order)).cpu()


def _losses(logits: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
    """Mean cross-entropy of logits (batch, classes), or of each network's, (K,), of (K, batch, classes)."""
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    if logits.dim() == 2:
        return nn.functional.cross_entropy(logits, labels, label_smoothing=label_smoothing)
    each = nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.repeat(len(logits)), reduction="none", label_smoothing=label_smoothing
    )
    return each.view(len(logits), -1).mean(dim=1)


def _advance(schedule: LRScheduler | None, steps: int) -> None:
    """Set a schedule to where it stands after so many steps; all of `Recipe` follow from the number of the step."""
    if schedule is not None and steps:
        schedule.last_epoch = steps - 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that the optimizer has made no step
            schedule.step()


@contextmanager
def dropout_seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Dropout draws from the global generator of its device; seed it for a while, and leave it as it was."""
    gpus = [torch.cuda.current_device() if device.index is None else device.index] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield


def device_of(model: nn.Module) -> torch.device:
    """Where a model's parameters are; the CPU, if it has none."""
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


@torch.inference_mode()
def compute_logits(model: nn.Module, images: Tensor, batch: int = 1_000) -> Tensor:
    """What a model gives for each image, (n, classes), on the CPU, in evaluation; it is left in the mode it was in.

    Of K networks side by side it is (K, n, classes). Images that are elsewhere go to the model's device batch by batch.
    """
    training, device = model.training, device_of(model)
    model.eval()
    logits = torch.cat([model(part.to(device)) for part in torch.split(images, batch)], dim=-2).cpu()
    model.train(training)
    return logits


def predict(model: nn.Module, images: Tensor, batch: int = 1_000) -> Tensor:
    """The most likely class of each image, int64 (n,), the first of equals, as of `compute_logits`."""
    return compute_logits(model, images, batch).argmax(dim=-1)


def accuracy(model: nn.Module, data: LabeledImages, batch: int = 1_000) -> float:
    """Share of right answers, 0..1."""
    return float(accuracies(model, data, batch))


def accuracies(model: nn.Module, data: LabeledImages, batch: int = 1_000) -> Tensor:
    """Share of right answers, float64 (); of K networks side by side (K,)."""
    return (predict(model, data.images, batch) == data.labels.cpu()).double().mean(dim=-1)


def count_parameters(model: nn.Module) -> int:
    """Free (trainable) parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
