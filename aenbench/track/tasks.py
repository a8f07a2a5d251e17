"""The tasks of the track: which images, and how they were moved.

Names are `<dataset>.<configuration>` where images are those of a published configuration. Every other name, too, fixes
its images byte by byte: random numbers are those of the counter-based generator that makes the datasets, keyed by `KEY`
and the task's name. The key is public, for the scorer is: whoever runs it can compute the truth of any task, as the
method `oracle` does. Held out means that the groups are drawn, and that nothing was tuned on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import InvalidArgumentError
from gdatasets.errors import UnknownNameError
from gdatasets.generation.moves import random_words
from gdatasets.generation.specs import CONFIGURATIONS
from gdatasets.groups.actions import ACTIONS, find_action
from gdatasets.groups.group import Group
from gdatasets.groups.numbering import MAX_ORDER

KEY = "discovery-track/1"
SIZE = 28
PIXELS = SIZE**2
IMAGES = 6_000
"""Images of a task, at most; of G-Digits there are 1,500."""
SOURCES = ("g-digits", "g-mnist", "g-fashion-mnist")
RANDOM_TASKS = 20
MAX_ANGLE = 450
"""Tenths of a degree to either side, in the tasks `within-45`."""

Family = Literal["group", "word", "random", "null", "classes", "angles"]


@dataclass(frozen=True)
class Task:
    """One question of the track.

    Attributes:
        name: of the task, and of its files.
        family: `group`: uniform elements of the group of a configuration; `word`: the words of a configuration of the
            paper, without rotation by any angle; `random`: uniform elements of a group that was drawn; `null`: no
            symmetry; `classes`: every second class is moved by D4, the others are not; `angles`: turned by up to 45
            degrees to either side.
        source: the dataset whose images are moved.
        configuration: the published one that the images are of; empty where they are made for the task.
        generators: names of the candidates that generate the group, in tasks of the family random.
    """

    name: str
    family: Family
    source: str
    configuration: str = ""
    generators: tuple[str, ...] = ()

    @property
    def is_null(self) -> bool:
        return self.family == "null"


@cache
def candidates() -> Mapping[str, NDArray[np.int64]]:
    """The moves that every task asks about, by name: the twelve actions, then eight block shuffles.

    Gather indices, int64 (784,); rolls move by four pixels.
    """
    rows = {name: find_action(name).permutation(SIZE) for name in ACTIONS}
    grid, half = np.arange(PIXELS).reshape(SIZE, SIZE), SIZE // 2
    quadrants = grid.reshape(2, half, 2, half).transpose(0, 2, 1, 3).reshape(4, half, half)  # TL, TR, BL, BR
    in_strips = np.arange(SIZE).reshape(4, SIZE // 4)[[1, 0, 3, 2]].ravel()
    blocks = {
        "block1": _joined(quadrants[[3, 1, 2, 0]]),  # top left and bottom right change places
        "block2": _joined(quadrants[[0, 2, 1, 3]]),  # top right and bottom left change places
        "block3": _joined(quadrants[[1, 2, 0, 3]]),  # three quadrants go round
        "block4": _joined(quadrants[:, :, ::-1]),  # each quadrant is mirrored left-right
        "block5": _joined(quadrants[:, ::-1]),  # each quadrant is mirrored top-bottom
        "block6": _joined(np.rot90(quadrants, axes=(1, 2))),  # each quadrant is turned by 90 degrees
        "block7": grid[:, in_strips].ravel(),  # of four vertical strips the first two and the last two change places
        "block8": grid[in_strips].ravel(),  # the same of horizontal strips
    }
    return {**rows, **blocks}


def _joined(quadrants: NDArray[np.int64]) -> NDArray[np.int64]:
    half = SIZE // 2
    return quadrants.reshape(2, 2, half, half).transpose(0, 2, 1, 3).ravel()


@cache
def tasks() -> Mapping[str, Task]:
    """All tasks by name, in the order of the board."""
    found = [
        Task(f"{source}.{name}", "null" if name == "none" else "group", source, name)
        for source in SOURCES
        for name in (*(name for name, each in CONFIGURATIONS.items() if each.family == "group"), "none")
    ]
    found += [Task(f"{source}.aug1", "word", source, "aug1") for source in SOURCES]
    found += [Task(f"g-mnist.{name}-words", "word", "g-mnist", "") for name in ("aug3", "aug4", "aug5")]
    found += [Task(f"{source}.ramp", "null", source) for source in SOURCES]
    found += [_drawn(number) for number in range(1, RANDOM_TASKS + 1)]
    found += [Task(f"{source}.even-classes", "classes", source) for source in SOURCES]
    found += [Task(f"{source}.within-45", "angles", source) for source in SOURCES]
    return {task.name: task for task in found}


def find_task(name: str) -> Task:
    """A task by its name; raises UnknownNameError."""
    if name not in tasks():
        raise UnknownNameError("task of the track", name, tasks())
    return tasks()[name]


def words_configuration(task: Task) -> str:
    """The configuration whose words move the images of a task of the family word."""
    if task.family != "word":
        raise InvalidArgumentError(f"The images of {task.name} are not moved by words.")
    return task.name.split(".")[1].removesuffix("-words")


def numbers(stream: str, count: int, bound: int) -> NDArray[np.int64]:
    """Numbers 0..bound-1 keyed by a name, int64 (count,): 256 random bits modulo the bound, which is below 2**62."""
    words = random_words(f"{KEY}/{stream}", 0, count).tolist()
    return np.array([sum(word << 64 * k for k, word in enumerate(row)) % bound for row in words], dtype=np.int64)


def _drawn(number: int) -> Task:
    """One to three of the candidates, drawn again while they generate too many elements to number."""
    name, source = f"random-{number:02}", SOURCES[number % len(SOURCES)]
    for attempt in range(1_000):
        keys = random_words(f"{KEY}/{name}/generators", attempt * 8, attempt * 8 + 8).ravel()
        chosen = np.argsort(keys[: len(candidates())], kind="stable")[: 1 + int(keys[-1] % np.uint64(3))]
        names = tuple(list(candidates())[k] for k in sorted(chosen.tolist()))
        group = Group.from_permutations({each: candidates()[each] for each in names}, (SIZE, SIZE))
        if group.order < MAX_ORDER:
            return Task(name, "random", source, generators=names)
    raise AssertionError("a thousand draws are enough")
