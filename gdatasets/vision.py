"""Torchvision-style classes: `GMNIST`, `GFashionMNIST`, `GDigits`, `MNISTRot`.

They follow the protocol of map-style datasets (`len`, index), which is all that `torch.utils.data.DataLoader` asks for,
so that torch itself is not needed.
"""

import os
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gdatasets.generation.load import load_arrays
from gdatasets.generation.moves import Elements
from gdatasets.generation.specs import dataset_spec
from gdatasets.groups.actions import Images


class _VisionDataset:
    """One split of a dataset in memory.

    Args:
        root: a torchvision-style root with the source's raw files; by default `$GDATASETS_ROOT` or the cache.
        config: a configuration that the dataset has; by default its default one.
        train: the split `train`, or else `test`.
        transform: applied to each Pillow image.
        target_transform: applied to each class number.
        download: fetch the source into the cache where it is found nowhere.

    Attributes:
        data: uint8 (n, 28, 28).
        targets: int64 (n,).
        elements: how each image was moved, `gdatasets.generation.moves.ELEMENT_DTYPE` (n,).
        classes: class names.
        class_to_idx: class numbers by name.
    """

    name: ClassVar[str]

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        config: str | None = None,
        train: bool = True,
        transform: Callable[[Image.Image], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        download: bool = False,
    ) -> None:
        spec = dataset_spec(self.name)
        self.root, self.config, self.train = root, spec.configuration(config).name, train
        arrays = load_arrays(self.name, self.config, "train" if train else "test", root, download=download)
        self.transform, self.target_transform = transform, target_transform
        self.data: Images = arrays.images
        self.targets: NDArray[np.int64] = arrays.labels
        self.elements: Elements = arrays.elements
        self.classes = list(spec.source.classes)
        self.class_to_idx = {label: number for number, label in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """The image as a Pillow image and its class number, each transformed."""
        image: Any = Image.fromarray(self.data[index])
        target: Any = int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __repr__(self) -> str:
        split = "train" if self.train else "test"
        return f"{type(self).__name__}(config={self.config!r}, split={split!r}, samples={len(self)})"


class GMNIST(_VisionDataset):
    """G-MNIST: MNIST digits, each moved by a known element."""

    name = "g-mnist"


class GFashionMNIST(_VisionDataset):
    """G-Fashion-MNIST: Fashion-MNIST articles, each moved by a known element."""

    name = "g-fashion-mnist"


class GDigits(_VisionDataset):
    """G-Digits: scikit-learn's handwritten digits, each moved by a known element."""

    name = "g-digits"


class MNISTRot(_VisionDataset):
    """MNIST-rot: MNIST digits turned by any angle, 12,000 for training and 50,000 for test."""

    name = "mnist-rot"
