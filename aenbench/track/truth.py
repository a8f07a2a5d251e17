"""What is true of a task, computed from how its images were moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from aenbench.nn.sharing import Labels, parameter_sharing
from aenbench.track.chain import Chain
from aenbench.track.laws import stabilizer, uniform_law, word_law
from aenbench.track.tasks import MAX_ANGLE, PIXELS, Task, candidates, words_configuration
from gdatasets.generation.specs import CONFIGURATIONS
from gdatasets.groups.permutation_groups import Permutations, enumerate_elements

MAX_ELEMENTS = 10_000
"""Groups up to this order are listed; beyond, elements are asked for one by one."""


@dataclass(frozen=True, eq=False)
class KnownGroup:
    """A group of moves with what scores ask of it.

    Attributes:
        generators: gather indices int64 (k, 784).
    """

    generators: Permutations

    @cached_property
    def chain(self) -> Chain:
        return Chain(self.generators)

    @property
    def order(self) -> int:
        """The order; where the budget did not suffice, at least so many elements."""
        return self.chain.order

    @cached_property
    def elements(self) -> Permutations | None:
        """All elements (order, 784), the identity first; None where they are more than 10,000 or not all known."""
        if not self.chain.is_complete or self.order > MAX_ELEMENTS:
            return None
        return enumerate_elements(self.generators, MAX_ELEMENTS)

    @cached_property
    def sharing(self) -> Labels:
        """Which weights of a dense layer from 784 pixels to 784 pixels are one: labels (784, 784)."""
        return parameter_sharing(self.generators, self.generators, joint=True)[0]

    def contain(self, moves: Permutations) -> NDArray[np.bool_]:
        """Which moves (n, 784) are elements, bool (n,); where the budget did not suffice, those that surely are."""
        found = self.chain.contain(moves)
        if not self.chain.is_complete:
            given = {row.tobytes() for row in self.generators}
            found |= np.array([row.tobytes() in given for row in moves], dtype=bool)
        return found

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The candidates that are elements."""
        found = self.contain(np.array(list(candidates().values())))
        return tuple(name for name, is_member in zip(candidates(), found, strict=True) if is_member)


TRIVIAL = KnownGroup(np.zeros((0, PIXELS), dtype=np.int64))


@cache
def true_group(task: Task) -> KnownGroup:
    """The moves that keep the law of the images, of tasks that have one group.

    Of up to 10,000 elements it is computed as the stabilizer of the law of the moves; a larger group is the one whose
    uniform elements moved the images.
    """
    if task.family == "null":
        return TRIVIAL
    if task.family == "word":
        return KnownGroup(_irredundant(stabilizer(word_law(CONFIGURATIONS[words_configuration(task)], 28))))
    if task.family == "random":
        return _stabilizer_of(KnownGroup(np.array([candidates()[name] for name in task.generators])))
    if task.family == "group":
        actions = CONFIGURATIONS[task.configuration].actions
        return _stabilizer_of(KnownGroup(np.array([candidates()[name] for name in actions])))
    raise AssertionError(f"{task.name} has no one group")


def _stabilizer_of(group: KnownGroup) -> KnownGroup:
    if group.elements is None or group.order > 1_000:
        return group
    return KnownGroup(_irredundant(stabilizer(uniform_law(group.elements))))


@cache
def true_classes(classes: int = 10) -> Mapping[int, KnownGroup]:
    """The group of each class, of tasks of the family classes."""
    square = KnownGroup(np.array([candidates()["rotation"], candidates()["hflip"]]))
    return {number: TRIVIAL if number % 2 else square for number in range(classes)}


def true_angles() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Angles in degrees and their probabilities, of tasks of the family angles."""
    angles = np.arange(-MAX_ANGLE, MAX_ANGLE + 1) / 10
    return angles, np.full(len(angles), 1 / len(angles))


def _irredundant(elements: Permutations) -> Permutations:
    """Few of the elements, that generate all of them."""
    chosen = np.zeros((0, elements.shape[1]), dtype=np.int64)
    missing = np.flatnonzero((elements != np.arange(elements.shape[1])).any(axis=1))
    while len(missing):
        chosen = np.concatenate([chosen, elements[missing[:1]]])
        missing = missing[~Chain(chosen).contain(elements[missing])]
    return chosen
