"""What the images themselves say of a space's moves, and the network that follows: a search that trains nothing.

Effects are those of `aenbench.discovery`: how far moved images are from images within each class. They are measured on
the images to learn from; neither the images to choose by nor the test images are looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aenbench.discovery.discover import IMAGES
from aenbench.discovery.discover import discover as ask
from aenbench.discovery.verdicts import MARGIN
from aenbench.errors import InvalidArgumentError
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.record import Evaluate, Record
from aenbench.tasks.images import LabeledImages
from aenbench.training.fit import derive_seed

SHARE_OF_CONTROL = 0.1
"""Effects that are no smaller than this share of the control's are not small, whatever the margin.

Where images are moved so much that even shuffled pixels have an effect of .03, as on G-MNIST d4-roll, a move that mixes
classes can have one of .015. It is the smallest share, to one digit, that leaves the networks of G-Digits as they are:
in its six configurations .064 is needed (docs/guided-search.md)."""


@dataclass(frozen=True)
class Evidence:
    """What one look at the images gave.

    Attributes:
        effects: by move; 0 = moved images have the law of images, 1 = they are like none.
        control: the least that the effect of shuffled pixels can be; a small one says nothing of anything.
        chosen_by: images that validation accuracies are measured on; none of them was looked at.
        seconds: processor time.
    """

    effects: Mapping[str, float]
    control: float
    chosen_by: int
    seconds: float

    @property
    def margin(self) -> float:
        """The largest effect that counts as small; 0 where shuffled pixels could have a small one."""
        return 0.0 if self.control <= MARGIN else min(MARGIN, SHARE_OF_CONTROL * self.control)

    def symmetries(self) -> frozenset[str]:
        """Moves with an effect below the margin; none where the margin is 0."""
        return frozenset(name for name, effect in self.effects.items() if self.margin and effect < self.margin)


class InformedEvaluate(Protocol):
    """An `Evaluate` that has the images."""

    def __call__(self, state: str) -> float:
        """Validation accuracy, 0..1, of the network of a canonical state."""

    def evidence(self) -> Evidence:
        """What the images to learn from say."""


def evidence_of(evaluate: Evaluate) -> Evidence:
    """What the images behind an evaluation say of its space's moves.

    Raises:
        InvalidArgumentError: there are no images, or they cannot be asked.
    """
    found: Callable[[], Evidence] | None = getattr(evaluate, "evidence", None)
    if found is None:
        raise InvalidArgumentError(
            "The searches discover and guided ask the images, and there are none behind these values; give `evaluate` "
            "a method `evidence()`, or choose another search, such as greedy."
        )
    return found()


def ask_images(space: SearchSpace, learn: LabeledImages, chosen_by: int, seed: int) -> Evidence:
    """Measure the effects of a space's moves on images, drawn at random by the seed; about a second.

    Args:
        space: names the moves.
        learn: the images to learn from.
        chosen_by: how many images validation accuracies are measured on.
        seed: of a run.

    Raises:
        InvalidArgumentError: the space names no moves; or images of which nothing can be said: no class has enough of
            them, or all are constant.
    """
    if not space.candidates:
        raise InvalidArgumentError(
            f"The searches discover and guided ask images about moves, and {type(space).__name__} names none; choose "
            "another search, such as greedy."
        )
    own = derive_seed(seed, "discover")
    chosen = np.random.default_rng(own).permutation(len(learn))[:IMAGES]
    chosen.sort()
    images = learn.images[chosen].permute(0, 2, 3, 1).numpy()
    found = ask(images, learn.labels[chosen].numpy(), space.candidates, method="kernel", seed=own)
    return Evidence(found.effects, found.control.low, chosen_by, found.seconds)


def discover(
    space: SearchSpace,
    evaluate: Evaluate,
    budget: SearchBudget,  # noqa: ARG001 (nothing is trained)
    seed: int,  # noqa: ARG001 (the evidence has its own)
) -> Record:
    """Choose the network of the moves whose effects are below the margin, and train none."""
    record = Record(space, evaluate)
    record.settle(space.state_of(evidence_of(evaluate).symmetries()))
    return record
