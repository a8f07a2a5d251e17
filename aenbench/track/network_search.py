"""Searches as finders: the moves of the best of a few networks, each trained briefly on the images of a task.

Networks are autoequivariant ones (arXiv 2104.04848). A search therefore knows the twelve actions and no other
candidate, and answers with the part of a group that actions generate. It compares accuracies, which are not the law: a
move that keeps the law may cost accuracy, and one that breaks it may help.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aenbench.discovery.sample import draw_sample
from aenbench.errors import InvalidArgumentError
from gdatasets.errors import UnknownNameError
from gdatasets.groups.actions import ACTIONS

SEARCH_METHODS = ("greedy", "guided", "dqn")
BUDGET = "quick"
"""Of the AEN family: how many networks a search trains on the images of a task, and how."""


@dataclass(frozen=True)
class SearchedMoves:
    """What a search ended with.

    Attributes:
        moves: actions that the chosen network is equivariant to.
        confidences: by action, the accuracy of the best network trained that is equivariant to it, 0..1; 0 where none
            was. Only their order is meant.
        networks: how many were trained.
    """

    moves: tuple[str, ...]
    confidences: Mapping[str, float]
    networks: int


def search_networks(
    search: str, images: NDArray[np.uint8], labels: NDArray[np.int64], seed: int = 0, networks: int | None = None
) -> SearchedMoves:
    """Search the AEN space on one half of the images; networks are compared on the other half.

    Args:
        search: one of `SEARCH_METHODS`.
        images: (n, size, size), numbers; the size is even.
        labels: (n,).
        seed: of all random draws.
        networks: how many are trained; by default as many as `BUDGET` allows.

    Raises:
        UnknownNameError: there is no such search here.
        InvalidArgumentError: images without an even side, or of one class, which no network learns.
    """
    if search not in SEARCH_METHODS:
        raise UnknownNameError("search", search, SEARCH_METHODS)
    if images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise InvalidArgumentError(f"Searches take square gray images (n, size, size), got {images.shape}.")
    from aenbench.discovery.plain_network import halve  # PyTorch only where it trains
    from aenbench.models.aen import AEN_FAMILY, AENSpace
    from aenbench.search.evaluate import TrainedEvaluation
    from aenbench.search.registry import SEARCHES
    from aenbench.tasks.protocol import STANDARD
    from aenbench.tasks.task import TaskShape

    generator = np.random.default_rng(seed)
    halves = halve(draw_sample(images, labels, None, None, 0, generator)[0], generator)
    space = AENSpace(TaskShape(STANDARD, halves.classes, images.shape[1]))
    budget = AEN_FAMILY.budget(STANDARD, BUDGET)
    evaluate = TrainedEvaluation(space, halves.learn, halves.ask, budget.child, seed)
    spent = budget.search if networks is None else replace(budget.search, networks=networks)
    record = SEARCHES.find(search)(space, evaluate, spent, seed)
    best = dict.fromkeys(ACTIONS, 0.0)
    for trial in record.trials:
        best.update({move: max(best[move], trial.value) for move in space.moves_of(trial.canonical)})
    chosen = space.moves_of(record.choice)
    return SearchedMoves(tuple(name for name in ACTIONS if name in chosen), best, len(record.trials))


def describe_budget() -> str:
    """What a search spends on a task, in words."""
    from aenbench.models.aen import AEN_FAMILY
    from aenbench.tasks.protocol import STANDARD

    budget = AEN_FAMILY.budget(STANDARD, BUDGET)
    return (
        f"A search that trains at most {budget.search.networks} autoequivariant networks on each task, "
        f"{budget.child.epochs} passes over {budget.child.images:,} images each, and compares them on the half of the "
        "images that none of them saw. It knows the twelve actions only."
    )
