"""The images of a task: a fixed choice of source images, moved by fixed random elements."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aenbench.tasks.task import Root
from aenbench.track.laws import Law, on_free_orbits, word_law
from aenbench.track.tasks import IMAGES, KEY, MAX_ANGLE, PIXELS, SIZE, Task, numbers, words_configuration
from aenbench.track.truth import true_classes, true_group
from gdatasets.generation.load import generate_arrays, load_arrays
from gdatasets.generation.moves import random_words
from gdatasets.generation.rotation import turn_nearest
from gdatasets.generation.specs import CONFIGURATIONS
from gdatasets.groups.group import Group
from gdatasets.groups.numbering import Numbering

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class TaskImages:
    """What a method is given.

    Attributes:
        images: uint8 (n, 28, 28).
        labels: int64 (n,).
    """

    images: Pixels
    labels: NDArray[np.int64]


def load_images(task: Task, root: Root = None) -> TaskImages:
    """The images of a task; equal on every machine.

    Raises:
        SourceError: the source's files are found nowhere and cannot be fetched.
    """
    if task.configuration:
        arrays = load_arrays(task.source, task.configuration, "train", root)
        chosen = choose(task.source, len(arrays))
        return TaskImages(arrays.images[chosen], arrays.labels[chosen])
    arrays = generate_arrays(task.source, "none", "train", root)
    chosen = choose(task.source, len(arrays))
    pixels, labels = arrays.images[chosen], arrays.labels[chosen]
    if task.family in ("random", "word"):
        free = _may_be_moved(task, pixels)
        pixels, labels = pixels[free], labels[free]
    return TaskImages(_move(task, pixels, labels), labels)


def choose(source: str, images: int) -> NDArray[np.int64]:
    """Which images of a source the tasks are about: the same in all of them, in random order."""
    return np.argsort(random_words(f"{KEY}/{source}/images", 0, images)[:, 0], kind="stable")[:IMAGES]


def _may_be_moved(task: Task, pixels: Pixels) -> NDArray[np.bool_]:
    """Images on distinct free orbits; all of them, where the moves are too many to list."""
    moves = _words(task).words if task.family == "word" else true_group(task).elements
    return np.ones(len(pixels), dtype=bool) if moves is None else on_free_orbits(pixels.reshape(-1, PIXELS), moves)


def _words(task: Task) -> Law:
    return word_law(CONFIGURATIONS[words_configuration(task)], SIZE)


def _move(task: Task, pixels: Pixels, labels: NDArray[np.int64]) -> Pixels:
    count = len(pixels)
    if task.family == "null":
        ramp = np.add.outer(2 * np.arange(SIZE), np.arange(SIZE))
        return (pixels.astype(np.int64) * 3 // 5 + ramp).astype(np.uint8)
    if task.family == "angles":
        angles = numbers(task.name, count, 2 * MAX_ANGLE + 1) - MAX_ANGLE
        return turn_nearest(pixels, angles.astype(np.int16))
    if task.family == "word":
        law = _words(task)
        words = np.repeat(law.words, law.weights, axis=0)
        return _gather(pixels, words[numbers(task.name, count, len(words))])
    if task.family == "classes":
        moved = pixels.copy()
        drawn = random_words(f"{KEY}/{task.name}", 0, count)[:, 0]
        for number, group in true_classes().items():
            inside = np.flatnonzero(labels == number)
            elements = group.elements
            assert elements is not None, "D4 has eight elements"
            moved[inside] = _gather(pixels[inside], elements[(drawn[inside] % np.uint64(len(elements))).astype(int)])
        return moved
    group = true_group(task)
    numbering = Numbering(Group.from_permutations(group.generators, (SIZE, SIZE)))
    return _gather(pixels, numbering.elements(numbers(task.name, count, numbering.order)))


def _gather(pixels: Pixels, moves: NDArray[np.int64]) -> Pixels:
    return np.take_along_axis(pixels.reshape(len(pixels), PIXELS), moves, axis=1).reshape(-1, SIZE, SIZE)
