"""A task's images as tensors, and who may see which part of them.

Protocol `standard`: the search and every choice see training images and the validation split (the documented tail of
`train`); the test split is loaded by its own function, once, after all choices are made. Protocol `paper` keeps the
released code's way: choices are made on the first 1,000 test images, and the score is reported on those.
"""

import os
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from aenbench.errors import InvalidArgumentError
from aenbench.models import Protocol
from gdatasets.arrays import Arrays
from gdatasets.load import load_arrays
from gdatasets.specs import configuration, dataset_spec

PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)

PAPER_TEST_IMAGES = 1_000
_PAPER_NORMALISATION = (0.1307, 0.3081)  # MNIST's, which the released code uses for every dataset
_NORMALISATION = {  # mean and standard deviation of the source's training pixels, scaled to 0..1
    "mnist": (0.1307, 0.3081),
    "fashion-mnist": (0.2860, 0.3530),
    "digits": (0.2238, 0.3488),
}


@dataclass(frozen=True)
class Task:
    """What is to be learnt, and under which rules.

    Attributes:
        dataset: a dataset of gdatasets, such as `g-mnist`.
        configuration: one of its configurations, such as `aug2`.
        protocol: `standard` or `paper`.

    Raises:
        UnknownNameError: no such dataset or configuration.
        InvalidArgumentError: no such protocol.
    """

    dataset: str
    configuration: str
    protocol: Protocol = "standard"

    def __post_init__(self) -> None:
        dataset_spec(self.dataset)
        configuration(self.configuration)
        if self.protocol not in PROTOCOLS:
            raise InvalidArgumentError(f'Unknown protocol "{self.protocol}". Choose from: {", ".join(PROTOCOLS)}.')

    @property
    def classes(self) -> int:
        return len(dataset_spec(self.dataset).source.classes)

    @property
    def test_images(self) -> int:
        """How many images the score rests on."""
        available = dataset_spec(self.dataset).source.samples["test"]
        return min(available, PAPER_TEST_IMAGES) if self.protocol == "paper" else available


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Normalised images float32 (n, 1, 28, 28) and class numbers int64 (n,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> "LabelledImages":
        return LabelledImages(self.images[:count], self.labels[:count])


Root = str | os.PathLike[str] | None


def load_training(task: Task, root: Root = None) -> tuple[LabelledImages, LabelledImages]:
    """The images to learn from and the images to choose by.

    Under `standard` these are the head and the tail of the training split. Under `paper` they are the whole training
    split and the first 1,000 test images.
    """
    arrays = load_arrays(task.dataset, task.configuration, "train", root)
    images = _tensors(arrays, task)
    if task.protocol == "paper":
        return images, load_test(task, root)
    tail = len(images) - dataset_spec(task.dataset).validation
    return images.first(tail), LabelledImages(images.images[tail:], images.labels[tail:])


def load_test(task: Task, root: Root = None) -> LabelledImages:
    """The test images that the score rests on."""
    return _tensors(load_arrays(task.dataset, task.configuration, "test", root), task).first(task.test_images)


def _tensors(arrays: Arrays, task: Task) -> LabelledImages:
    source = dataset_spec(task.dataset).source_name
    mean, deviation = _PAPER_NORMALISATION if task.protocol == "paper" else _NORMALISATION[source]
    pixels = torch.from_numpy(arrays.images.astype(np.float32)).div_(255).sub_(mean).div_(deviation)
    return LabelledImages(pixels.unsqueeze(1), torch.from_numpy(arrays.labels))
