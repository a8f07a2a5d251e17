"""Train several networks at once, as one module: one by one, small networks leave a GPU idle."""

import time
from collections.abc import Callable, Sequence

from torch import nn

from aenbench.errors import InvalidArgumentError
from aenbench.tasks.images import LabeledImages
from aenbench.training.fit import accuracies, derive_seed, train_passes
from aenbench.training.history import Pass
from aenbench.training.trial import Trained, Training, train

CHUNK = 64
"""Networks that are trained at once. Not tuned on a GPU: see docs/gpu.md."""

Stack = Callable[[Sequence[nn.Module]], nn.Module | None]
"""Networks as one module, of images (batch, ...) to logits (K, batch, classes); None for some that do not go together.

An optimizer that treats every value by itself then makes of each what it would make of it alone. The module has a
method `unstack()`, which writes the values back.
"""


def train_side_by_side(
    trainings: Sequence[Training],
    stack: Stack,
    learn: LabeledImages,
    choose_by: LabeledImages,
    follow: LabeledImages | None = None,
) -> list[Trained]:
    """Train the networks of a search at once, on the same images in the same order; one by one if they do not stack.

    Args:
        trainings: children that differ in nothing but their networks.
        stack: makes one module of them.
        learn: the images to learn from.
        choose_by: the images on which the accuracies after each pass are measured.
        follow: more images to measure them on, for the record only.

    Returns:
        What `train` gives for each, up to rounding; the processor time is shared out evenly.

    Raises:
        InvalidArgumentError: they differ in seed, recipe, device or augmentation, or are no children.
        TrainingError: the mean loss of a pass is not finite, or larger than `MAX_LOSS`.
    """
    shared = {(each.candidate.augmentation, each.recipe, each.seed, each.role, each.device) for each in trainings}
    if len(shared) != 1 or trainings[0].role != "child":
        raise InvalidArgumentError(f"Expected children of one seed, recipe and device, got {len(shared)} kinds.")
    ((augmentation, recipe, _, role, device),) = shared
    seed, started, started_wall = derive_seed(trainings[0].seed, role), time.process_time(), time.perf_counter()
    networks = [each.candidate.build(seed).to(device.torch) for each in trainings]
    together = stack(networks)
    if together is None:
        return [train(each, learn, choose_by, follow) for each in trainings]
    learn = learn.first(recipe.images).to(device.torch)
    choose_by = choose_by.first(recipe.chosen_by).to(device.torch)
    optimiser, following = recipe.optimiser_of(together), 0.0
    reached, followed, losses, rates = [], [], [], []
    with device.in_use():
        for loss in train_passes(together, learn, recipe, optimiser, seed, augmentation):
            losses.append(loss.tolist())
            rates.append(float(optimiser.param_groups[0]["lr"]))
            reached.append(accuracies(together, choose_by, recipe.evaluation_batch).tolist())
            if follow is not None:
                before = time.process_time()
                followed.append(accuracies(together, follow).tolist())
                following += time.process_time() - before
    together.unstack()  # type: ignore[operator]
    seconds = (time.process_time() - started - following) / len(networks)
    wall = (time.perf_counter() - started_wall) / len(networks)
    return [
        Trained(
            network,
            tuple(row[k] for row in reached),
            tuple(row[k] for row in followed),
            seconds,
            wall,
            tuple(Pass(loss[k], row[k], rate) for loss, row, rate in zip(losses, reached, rates, strict=True)),
        )
        for k, network in enumerate(networks)
    ]
