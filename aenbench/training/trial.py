"""Train a candidate: the one function behind every trial of a search, every row of a table and every final training."""

import time
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from torch import nn

from aenbench.execution.device import CPU, Device
from aenbench.tasks.images import Images, LabeledImages
from aenbench.tasks.task import Task
from aenbench.training.candidate import Candidate
from aenbench.training.checkpoint import Checkpoint
from aenbench.training.fit import accuracy, count_parameters, derive_seed, fit
from aenbench.training.history import OnPass, Pass
from aenbench.training.recipe import Recipe

Role = Literal["child", "final"]


@dataclass(frozen=True)
class Training:
    """What is to be trained.

    Attributes:
        candidate: the network and its augmentation.
        recipe: the budget.
        seed: of the run.
        role: `child`, one of the networks that a search compares, which keeps its last pass; or `final`, the chosen
            network, which keeps its best pass by the images to choose by. Each draws its own random numbers.
        device: where it is trained, and where the trained network is then.
    """

    candidate: Candidate
    recipe: Recipe
    seed: int
    role: Role
    device: Device = CPU


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training gave.

    Attributes:
        model: the trained network.
        accuracies: share of right answers on the images to choose by, after each pass.
        followed: the same on the images that were followed; empty where there were none.
        seconds: processor time of building, training and choosing, in this process; following is not counted, nor is
            what a GPU computes meanwhile.
        wall_seconds: of all passes, also of those before an interruption.
        history: loss, accuracy and learning rate of each pass.
    """

    model: nn.Module
    accuracies: tuple[float, ...]
    followed: tuple[float, ...]
    seconds: float
    wall_seconds: float
    history: tuple[Pass, ...]

    @property
    def parameters(self) -> int:
        """Free parameters."""
        return count_parameters(self.model)


def train(
    training: Training,
    learn: LabeledImages,
    choose_by: LabeledImages,
    follow: LabeledImages | None = None,
    on_pass: OnPass | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train one network.

    Args:
        training: what is trained.
        learn: the images to learn from.
        choose_by: the images on which the accuracy after each pass is measured.
        follow: more images to measure it on, for the record only: nothing in the training depends on them.
        on_pass: called with (passes done, passes in all, loss and accuracy and learning rate of the last one).
        checkpoint: where the state after a pass is kept; it holds nothing of the images that are followed.
    """
    seed, candidate = derive_seed(training.seed, training.role), training.candidate
    followed: list[float] = []
    following = 0.0

    def after(done: int, total: int, passed: Pass) -> None:
        nonlocal following
        if follow is not None:
            before = time.process_time()
            followed.append(accuracy(model, follow))
            following += time.process_time() - before
        if on_pass is not None:
            on_pass(done, total, passed)

    started = time.process_time()
    model = candidate.build(seed).to(training.device.torch)
    with training.device.in_use():
        fitted = fit(
            model,
            learn,
            choose_by,
            training.recipe,
            seed,
            keep_best=training.role == "final",
            on_pass=after,
            augmentation=candidate.augmentation,
            checkpoint=checkpoint,
        )
    seconds = time.process_time() - started - following
    return Trained(model, fitted.accuracies, tuple(followed), seconds, fitted.wall_seconds, fitted.history)


@dataclass(frozen=True, eq=False)
class TrialImages:
    """The images that the trainings of a task use; those to judge on are read when they are asked for.

    Attributes:
        learn: to learn from.
        choose_by: to choose by.
        images: where the others come from.
    """

    learn: LabeledImages
    choose_by: LabeledImages
    images: Images

    @cached_property
    def test(self) -> LabeledImages | None:
        """The test images that the score rests on; None where those are the images to choose by."""
        return None if self.images.task.protocol.chooses_on_test else self.images.test()

    @cached_property
    def unseen(self) -> LabeledImages:
        """The test images that no choice may see."""
        return self.images.unseen()


@lru_cache(maxsize=1)
def load_images(task: Task, root: Path | None, recipe: Recipe | None = None) -> TrialImages:
    """Load a task's images, once a process for all trainings of the task in a row.

    Args:
        task: what is learned.
        root: a folder to look for the images in first.
        recipe: keep no more images than it uses, so that workers need less memory.
    """
    images = Images(task, root)
    learn, choose_by = images.training()
    if recipe is not None:
        learn, choose_by = _first(learn, recipe.images), _first(choose_by, recipe.chosen_by)
    return TrialImages(learn, choose_by, images)


def _first(part: LabeledImages, count: int | None) -> LabeledImages:
    """The first so many, which do not hold on to the whole."""
    if count is None or count >= len(part):
        return part
    first = part.first(count)
    return LabeledImages(first.images.clone(), first.labels.clone(), first.black)


def train_final(candidate: Candidate, task: Task, root: Path | None, recipe: Recipe, seed: int) -> dict[str, object]:
    """The final training of a run, as the result of a piece of work.

    Returns:
        `accuracies`, after each pass, on the images to choose by (under `paper`: 1,000 test images); `unseen`, of the
        kept pass, on the test images that nothing was chosen by (under `paper`: the other ones; None if there are
        none); `parameters`; `seconds` of processor time.
    """
    images = load_images(task, root)
    trained = train(Training(candidate, recipe, seed, "final"), images.learn, images.choose_by)
    unseen = images.unseen
    return {
        "accuracies": list(trained.accuracies),
        "unseen": accuracy(trained.model, unseen, recipe.evaluation_batch) if len(unseen) else None,
        "parameters": trained.parameters,
        "seconds": round(trained.seconds, 3),
    }
