"""The move of a batch as a pure function, for data that outgrows one machine.

    moved = data.map(Transform(spec, config, "train"), with_indices=True, batched=True, num_proc=8)     # datasets
    moved = data.map_batches(Transform(spec, config, "train"), batch_size=1024)                         # Ray Data

A batch is moved the same wherever and in whatever order: sample i's element depends on i alone, which comes from the
column `source_index` or, with `with_indices=True`, from the library. The result has the digest that `build` gives.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gdatasets.errors import InvalidArgumentError
from gdatasets.generation.arrays import Arrays
from gdatasets.generation.group_moves import NUMBER_DTYPE, GroupConfiguration, move_by_group, undo_group
from gdatasets.generation.moves import ELEMENT_DTYPE, draw_elements_at, element_bits, move
from gdatasets.generation.specs import DATASETS, Configuration, DatasetSpec
from gdatasets.groups.actions import Images
from gdatasets.groups.group import Group


@dataclass(frozen=True)
class Transform:
    """Moves batches of one split as `build` does; it can be pickled and holds no state.

    Attributes:
        spec: the dataset; of a user's own data, any name and version.
        config: the configuration; a `Group` or `GroupConfiguration` moves by random elements of that group, and the
            batch gets the column `element` instead of `bits`, `angle`, `hshift` and `vshift`.
        split: the split that the batches come from.
        image_column: where the images are.
    """

    spec: DatasetSpec
    config: Configuration | GroupConfiguration | Group
    split: str
    image_column: str = "image"

    def __call__(self, batch: Mapping[str, Any], indices: Sequence[int] | None = None) -> dict[str, Any]:
        """The batch with its images moved, and the columns `source_index`, `bits`, `angle`, `hshift`, `vshift`.

        Args:
            batch: columns; images as uint8 (n, size, size[, 3]), or a list of Pillow images or arrays, which comes
                back as a list of Pillow images.
            indices: which samples of the split these are; by default the column `source_index` tells.

        Raises:
            InvalidArgumentError: no indices, or images of different shapes.
        """
        given = batch[self.image_column]
        images = _stack(given)
        if indices is None and "source_index" not in batch:
            raise InvalidArgumentError('The batch needs a column "source_index", or map it with_indices=True.')
        samples, index = self._numbers(batch, indices)
        if isinstance(self.config, GroupConfiguration | Group):
            return {**batch, **self._moved_by_group(self.config, given, images, samples), "source_index": index}
        elements = draw_elements_at(self.spec, self.config, self.split, samples, images.shape[1] if len(images) else 28)
        moved = move(images, elements, self.config.interpolation)
        return {
            **batch,
            self.image_column: _like(given, moved),
            "source_index": index,
            "bits": element_bits(elements),
            **{name: np.ascontiguousarray(elements[name]) for name in ("angle", "hshift", "vshift")},
        }

    def _moved_by_group(
        self, config: GroupConfiguration | Group, given: Any, images: Images, samples: NDArray[np.int64]
    ) -> dict[str, Any]:
        config = config if isinstance(config, GroupConfiguration) else GroupConfiguration(config)
        numbers = config.draw(self.spec, self.split, samples)
        moved = move_by_group(images, config.group, numbers) if len(images) else images
        return {self.image_column: _like(given, moved), "element": numbers}

    def undo(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """A moved batch with its images put back, where they were moved by a group.

        Raises:
            InvalidArgumentError: the configuration is none of a group; `gdatasets.undo` undoes those.
        """
        if not isinstance(self.config, GroupConfiguration | Group):
            raise InvalidArgumentError(f"{self.config.name} is undone by gdatasets.undo(images, elements).")
        group = self.config if isinstance(self.config, Group) else self.config.group
        given, numbers = batch[self.image_column], np.asarray(batch["element"], dtype=np.int64)
        return {**batch, self.image_column: _like(given, undo_group(_stack(given), group, numbers))}

    def _numbers(
        self, batch: Mapping[str, Any], indices: Sequence[int] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which samples of the split these are, and their `source_index`."""
        given = np.asarray(batch["source_index"] if indices is None else indices, dtype=np.int64)
        if self.spec.name not in DATASETS and ":" not in self.spec.source_name:  # a user's own images
            return given, given
        source = self.spec.source
        if source.ranges is None:
            return given, given
        if indices is None:
            return source.sample_numbers(self.split, given), given
        return given, source.image_numbers(self.split, 0, source.samples[self.split])[given]


def _like(given: Any, images: Images) -> Any:
    """Images as an array where an array was given, else as Pillow images."""
    return images if isinstance(given, np.ndarray) else [Image.fromarray(image) for image in images]


def _stack(images: Any) -> Images:
    """Images of one batch as uint8 (n, size, size[, 3])."""
    if isinstance(images, np.ndarray) and images.dtype == np.uint8:
        return images
    arrays = [np.asarray(_decoded(image)) for image in images]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1 or any(array.dtype != np.uint8 for array in arrays):
        raise InvalidArgumentError(f"Expected uint8 images of one shape, got {sorted(shapes)}; resize them first.")
    return np.stack(arrays) if arrays else np.zeros((0, 2, 2), dtype=np.uint8)


def _decoded(image: Any) -> Any:
    """An image as the libraries hand it over: itself, or the struct of its encoded bytes."""
    return Image.open(io.BytesIO(image["bytes"])) if isinstance(image, Mapping) else image


def batch_arrays(batch: Mapping[str, Any], image_column: str = "image", label_column: str = "label") -> Arrays:
    """A moved batch as `Arrays`, so that its `content_sha256` can be taken."""
    images = _stack(batch[image_column])
    labels, index = (np.asarray(batch[name], dtype=np.int64) for name in (label_column, "source_index"))
    if "element" in batch:
        numbers = np.zeros(len(images), dtype=NUMBER_DTYPE)
        numbers["element"] = np.asarray(batch["element"])
        return Arrays(images, labels, index, numbers)
    elements = np.zeros(len(images), dtype=ELEMENT_DTYPE)
    elements["bits"] = [int(text[::-1], 2) for text in batch["bits"]]
    for name in ("angle", "hshift", "vshift"):
        elements[name] = np.asarray(batch[name])
    return Arrays(images, labels, index, elements)
