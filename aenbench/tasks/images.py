"""A task's images as tensors, and who may see which part of them.

Protocol `standard`: the search and every choice see training images and the validation split (the documented tail of
`train`); the test split is loaded by its own function, once, after all choices are made. Protocol `paper` keeps the
released code's way: choices are made on 1,000 test images, and the score is reported on those. They are the first
1,000, but for splits in the order of their classes, where these would be of a few classes: `Images.reported`.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aenbench.tasks.datasets import Dataset, open_dataset
from aenbench.tasks.task import Root, Task, TaskShape
from gdatasets.sources.source import SourceArrays

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_NORMALISATION = {  # mean and standard deviation of the unmoved training pixels, scaled to 0..1
    "g-mnist": (0.1307, 0.3081),
    "g-fashion-mnist": (0.2860, 0.3530),
    "g-digits": (0.2238, 0.3488),
}


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """Normalized images float32 (n, channels, size, size) and class numbers int64 (n,).

    Attributes:
        black: what a pixel of value 0 is after normalization, for each channel.
    """

    images: "Tensor"
    labels: "Tensor"
    black: tuple[float, ...] = (0.0,)

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, start: int, stop: int | None = None) -> "LabeledImages":
        return LabeledImages(self.images[start:stop], self.labels[start:stop], self.black)

    def to(self, device: "torch.device") -> "LabeledImages":
        """The same on a device; itself where it is there."""
        if self.images.device == device and self.labels.device == device:
            return self
        return LabeledImages(self.images.to(device), self.labels.to(device), self.black)

    def first(self, count: int | None) -> "LabeledImages":
        """The first so many; all of them for None."""
        return self if count is None else self.part(0, count)

    def spread(self, count: int | None) -> "LabeledImages":
        """As many as `first` gives, at equal distances over all of them: of every class, whatever their order."""
        if count is None or count >= len(self):
            return self
        return self.at(_spread(len(self), count))

    def at(self, numbers: NDArray[np.int64]) -> "LabeledImages":
        """Those with these numbers, ascending."""
        return LabeledImages(self.images[numbers], self.labels[numbers], self.black)


@dataclass(frozen=True)
class Images:
    """The images of a task, found and named, read when asked for.

    Attributes:
        task: what they are for.
        root: a folder to look for them in first.
        found: the dataset, where it was found already.

    Raises:
        UnknownNameError: no such dataset or configuration.
        SourceError: a folder or .zip file of the user's own that cannot be read.
    """

    task: Task
    root: Root = None
    found: Dataset | None = None

    def __post_init__(self) -> None:
        _ = self.dataset

    @cached_property
    def dataset(self) -> Dataset:
        return self.found or open_dataset(self.task.dataset, self.task.configuration, self.root)

    @property
    def classes(self) -> int:
        return len(self.dataset.classes)

    @property
    def channels(self) -> int:
        return (*self.dataset.image_shape, 1)[2]

    @property
    def size(self) -> int:
        """Pixels along one side."""
        return self.dataset.image_shape[0]

    @property
    def shape(self) -> TaskShape:
        """What a network must fit."""
        return TaskShape(self.task.protocol, self.classes, self.size, self.channels)

    @property
    def test_images(self) -> int:
        """How many images the score rests on."""
        available = self.dataset.samples["test"]
        return min(available, self.task.protocol.reported_images or available)

    @property
    def images_to_learn(self) -> int:
        """How many images there are to learn from; nothing is read."""
        return self._learned_from(self.dataset.samples["train"])

    @cached_property
    def reported(self) -> NDArray[np.int64]:
        """Numbers of the test images that the score rests on, ascending.

        All of them; under `paper` the first 1,000. Where the test split is in the order of its classes (class folders,
        EMNIST letters) the first 1,000 are of a few classes (of EMNIST letters: A and B), so there they are 1,000 at
        equal distances.
        """
        if self.test_images < self.dataset.samples["test"]:
            labels = self.dataset.read("test").labels
            if (labels[:-1] <= labels[1:]).all():
                return _spread(len(labels), self.test_images)
        return np.arange(self.test_images)

    def training(self) -> tuple[LabeledImages, LabeledImages]:
        """The images to learn from and the images to choose by.

        Under `standard` these are the head and the tail of the training split. Under `paper` they are the whole
        training split and the test images that are `reported`.
        """
        arrays = self.dataset.read("train")
        images = self._tensors(arrays, self._normalization(arrays))
        if self.task.protocol.chooses_on_test:
            return images, self.test()
        head = self._learned_from(len(images))
        return images.part(0, head), images.part(head)

    def test(self) -> LabeledImages:
        """The test images that the score rests on."""
        images = self._tensors(self.dataset.read("test"), self._normalization())
        return images if self.test_images == len(images) else images.at(self.reported)

    def unseen(self) -> LabeledImages:
        """The test images that no choice may see: all under `standard`, under `paper` those that are not `reported`."""
        images = self._tensors(self.dataset.read("test"), self._normalization())
        if not self.task.protocol.chooses_on_test:
            return images
        return images.at(np.setdiff1d(np.arange(len(images)), self.reported))

    def test_labels(self) -> NDArray[np.int64]:
        """The labels of those."""
        return self.dataset.read("test").labels[self.reported]

    @property
    def normalization(self) -> "Normalization":
        """Of the pixels of every split."""
        return self._normalization()

    def _learned_from(self, samples: int) -> int:
        return samples if self.task.protocol.chooses_on_test else samples - self.dataset.validation

    def _normalization(self, train: SourceArrays | None = None) -> "Normalization":
        """By fixed numbers for G- datasets, otherwise by the images that are learned from."""
        if self.dataset.name in _NORMALISATION:
            mean, deviation = self.task.protocol.normalization or _NORMALISATION[self.dataset.name]
            return Normalization((mean,) * self.channels, (deviation,) * self.channels)
        if train is None:
            return _measured(self)
        return measure(train.images[: self._learned_from(len(train.labels))])

    @staticmethod
    def _tensors(arrays: SourceArrays, by: "Normalization") -> LabeledImages:
        import torch  # what only asks which images there are does without it

        return LabeledImages(by.apply(arrays.images), torch.from_numpy(arrays.labels.copy()), by.black)


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation of each channel, of pixels scaled to 0..1."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @property
    def black(self) -> tuple[float, ...]:
        return tuple(-mean / deviation for mean, deviation in zip(self.mean, self.deviation, strict=True))

    def apply(self, images: NDArray[np.uint8]) -> "Tensor":
        """Images uint8 (n, h, w) or (n, h, w, channels) as networks take them, float32 (n, channels, h, w)."""
        import torch

        channels_first = (images if images.ndim == 4 else images[..., None]).transpose(0, 3, 1, 2)
        pixels = torch.from_numpy(np.ascontiguousarray(channels_first, dtype=np.float32)).div_(255)
        mean, deviation = (torch.tensor(values).view(1, -1, 1, 1) for values in (self.mean, self.deviation))
        return pixels.sub_(mean).div_(deviation)


def _spread(available: int, count: int) -> NDArray[np.int64]:
    """So many of the numbers below `available`, at equal distances, ascending."""
    return np.arange(count) * available // count


def measure(images: NDArray[np.uint8]) -> Normalization:
    """Mean and standard deviation of each channel of images uint8 (n, h, w) or (n, h, w, channels).

    Computed from the counts of the 256 gray levels, so that it does not depend on the order of the images.
    """
    flat = images.reshape(-1, images.shape[3] if images.ndim == 4 else 1)
    levels = np.arange(256) / 255
    means, deviations = [], []
    for channel in flat.T:
        shares = np.bincount(channel, minlength=256) / len(channel)
        mean = float(shares @ levels)
        means.append(mean)
        deviations.append(max(float(np.sqrt(shares @ (levels - mean) ** 2)), 1 / 255))  # a blank channel stays finite
    return Normalization(tuple(means), tuple(deviations))


@lru_cache(maxsize=8)
def _measured(images: Images) -> Normalization:
    return images._normalization(images.dataset.read("train"))


def load_training(task: Task, root: Root = None) -> tuple[LabeledImages, LabeledImages]:
    """The images to learn from and the images to choose by; see `Images.training`."""
    return Images(task, root).training()


def load_test(task: Task, root: Root = None) -> LabeledImages:
    """The test images that the score rests on."""
    return Images(task, root).test()
