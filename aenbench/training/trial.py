"""Train a candidate: load the task's images, fit, judge."""

import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from aenbench.tasks.images import Images, LabelledImages
from aenbench.tasks.task import Task
from aenbench.training.candidate import Candidate
from aenbench.training.fit import accuracy, count_parameters, derive_seed, fit
from aenbench.training.recipe import Recipe


def train_candidate(
    candidate: Candidate, task: Task, root: Path | None, recipe: Recipe, seed: int
) -> dict[str, object]:
    """Train one network and keep its best epoch by the images to choose by, as the final training of a run does.

    Returns:
        `accuracies`, after each epoch, on the images to choose by (under `paper`: 1,000 test images); `unseen`, of the
        kept epoch, on the test images that nothing was chosen by (under `paper`: the other ones; None if there are
        none); `parameters`; `seconds` of processor time.
    """
    train_on, choose_by, unseen = load(task, root)
    seed, started = derive_seed(seed, "final"), time.process_time()
    model, augmentation = candidate.build(seed), candidate.augmentation
    fitted = fit(model, train_on, choose_by, recipe, seed, keep_best=True, augmentation=augmentation)
    seconds = time.process_time() - started
    return {
        "accuracies": list(fitted.accuracies),
        "unseen": accuracy(model, unseen, recipe.evaluation_batch) if len(unseen) else None,
        "parameters": count_parameters(model),
        "seconds": round(seconds, 3),
    }


@lru_cache(maxsize=1)
def load(task: Task, root: Path | None) -> tuple[LabelledImages, LabelledImages, LabelledImages]:
    """Images to learn from, to choose by and to judge on; once a process for all trainings of a task in a row."""
    images = Images(task, root)
    return *images.training(), images.unseen()


@dataclass(frozen=True, eq=False)
class Parts:
    """The images that the trainings of a task use, and no others.

    Attributes:
        train: to learn from.
        choose_by: to validate on.
        test: to judge on; None where those are the images to choose by.
    """

    train: LabelledImages
    choose_by: LabelledImages
    test: LabelledImages | None


@lru_cache(maxsize=1)
def load_parts(task: Task, root: Path | None, recipe: Recipe) -> Parts:
    """Load a task's images, once a process for all its networks."""
    images = Images(task, root)
    train, choose_by = images.training()
    test = None if task.protocol.chooses_on_test else images.test()
    return Parts(_copied(train.first(recipe.images)), _copied(choose_by.first(recipe.chosen_by)), test)


def _copied(part: LabelledImages) -> LabelledImages:
    """A part that does not hold on to the whole."""
    return LabelledImages(part.images.clone(), part.labels.clone(), part.black)
