"""Samples moved by a group of the user's own: a uniformly random element, stored as its number.

The published configurations store what each action did (`bits`, `angle`, `hshift`, `vshift`), which a group of any
permutations has no place in. So its samples have one column instead, `element`: the element's number in the
lexicographic order of the group's elements (`gdatasets.groups.numbering`). It depends on the group alone, is found
without a list of the elements, and is enough to undo the move.
"""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import InvalidArgumentError
from gdatasets.generation.moves import AnyImages, random_words
from gdatasets.generation.specs import DatasetSpec
from gdatasets.generation.tensors import read_array, through_numpy
from gdatasets.groups.actions import Images
from gdatasets.groups.group import Group
from gdatasets.groups.numbering import numbering
from gdatasets.groups.permutation_groups import Permutations

NUMBER_DTYPE = np.dtype([("element", "<i8")])
"""How one image was moved by a group of the user's own: the number of the element."""

_CHUNK = 1024  # images moved at a time


@dataclass(frozen=True)
class GroupConfiguration:
    """Images moved by uniformly random elements of any permutation group of their pixels; pixel-exact.

    Attributes:
        group: acts on images of its shape, on all channels alike.
        name: keys the random numbers; by default `group-` and 12 digits of the SHA-256 of shape and elements, so that
            the same group gives the same samples whatever its generators.
    """

    group: Group
    name: str = ""

    def __post_init__(self) -> None:
        if len(self.group.shape) != 2:
            raise InvalidArgumentError(f"Images need a group on (rows, columns), got the shape {self.group.shape}.")
        numbering(self.group)  # a group that is too large is an error here
        if not self.name:
            shape = "x".join(str(length) for length in self.group.shape)
            text = f"{shape}:{self.group.permutation_group.fingerprint}"
            object.__setattr__(self, "name", f"group-{hashlib.sha256(text.encode()).hexdigest()[:12]}")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of name, shape, step and generators; equal values have equal fingerprints."""
        return group_fingerprint(self.name, self.group)

    def draw(self, dataset: DatasetSpec, split: str, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """The element's number of each of these samples, int64 (n,); each depends on its own index alone.

        Four Philox words of a sample are one number of 256 bits, taken modulo the order of the group: the bias is
        below 2**-194.
        """
        stream = f"{dataset.name}/{dataset.major}/{self.name}/{split}"
        breaks = np.flatnonzero(np.diff(indices) != 1) + 1
        numbers: list[int] = []
        for run in np.split(indices, breaks):
            if len(run):
                for words in random_words(stream, int(run[0]), int(run[-1]) + 1).tolist():
                    numbers.append(sum(word << 64 * k for k, word in enumerate(words)) % self.group.order)
        return np.array(numbers, dtype=np.int64)


def group_fingerprint(name: str, group: Group) -> str:
    """`GroupConfiguration.fingerprint`, without asking whether the group is small enough to be one."""
    said = {"name": name, "shape": group.shape, "step": group.step, "generators": group.names}
    whole = hashlib.sha256(f"gdatasets-group-1 {json.dumps(said, sort_keys=True)}\n".encode())
    whole.update(group.permutations.astype("<i8").tobytes())
    return whole.hexdigest()


def move_by_group(images: Images, group: Group, numbers: NDArray[np.int64]) -> Images:
    """Move each image (n, rows, columns[, channels]) by the element of its number: a new array."""
    return _gather(images, group, numbers, back=False)


def undo_group(images: AnyImages, group: Group, numbers: NDArray[np.int64]) -> AnyImages:
    """Put images back that `move_by_group` has moved.

    Args:
        images: an array (n, rows, columns) or (n, rows, columns, channels); or a torch tensor, of square images also
            with its channels first.
        group: that they were moved by.
        numbers: of the elements, int64 (n,); an array or a tensor.

    Returns:
        New images of the kind, shape and dtype of `images`.

    Raises:
        InvalidArgumentError: other images or numbers than these.
    """
    restored: AnyImages = through_numpy(images, lambda array: _gather(array, group, numbers, back=True))
    return restored


def _gather(images: Images, group: Group, numbers: NDArray[np.int64], back: bool) -> Images:
    numbers = read_array(numbers, "elements")
    if images.shape[1:3] != group.shape or len(images) != len(numbers):
        raise InvalidArgumentError(
            f"Expected {len(numbers)} images of shape {group.shape}, which the group moves, got {images.shape}."
        )
    pixels = images.reshape(len(images), group.degree, -1)
    moved = np.empty_like(pixels)
    for start in range(0, len(images), _CHUNK):
        part = slice(start, start + _CHUNK)
        elements: Permutations = numbering(group).elements(np.asarray(numbers[part], dtype=np.int64))
        elements = np.argsort(elements, axis=1) if back else elements
        moved[part] = np.take_along_axis(pixels[part], elements[:, :, None], axis=1)
    return moved.reshape(images.shape)
