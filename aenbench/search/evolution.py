"""Regularized evolution over action sets: the best of a few parents has a child, and the oldest dies.

Real, Aggarwal, Huang, Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019, algorithm 1.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.record import Evaluate, Record
from aenbench.training.fit import derive_seed


@dataclass(frozen=True)
class EvolutionSettings:
    """Sizes of the population and the tournament.

    The defaults are those of NATS-Bench's released code (Dong et al., TPAMI 2021) for spaces as small as these; Real et
    al. use 100 and 25 for 20,000 networks.

    Attributes:
        population: individuals alive at a time.
        tournament: individuals drawn, with replacement, for the best of them to be the parent.
    """

    population: int = 10
    tournament: int = 3


class Individual(NamedTuple):
    value: float
    state: str


def search(
    space: SearchSpace,
    evaluate: Evaluate,
    budget: SearchBudget,
    seed: int,
    *,
    settings: EvolutionSettings | None = None,
) -> Record:
    """Search with regularized evolution; a child differs from its parent in one bit.

    The population begins with the zero state and uniformly random ones. A child whose network is known costs nothing
    and joins all the same; so that a population which has seen everything ends, there are at most as many individuals
    as the budget has moves, `episodes * episode_steps`.
    """
    settings = settings or EvolutionSettings()
    record = Record(space, evaluate)
    generator = np.random.default_rng(derive_seed(seed, "evolution"))
    population = deque([Individual(record.value(space.start), space.start)], maxlen=settings.population)
    for _ in range(budget.episodes * budget.episode_steps):
        if budget.is_spent(record):
            break
        if len(population) < settings.population:
            state = "".join(map(str, generator.integers(2, size=space.bits)))
        else:
            drawn = generator.integers(len(population), size=settings.tournament)
            parent = max((population[place] for place in drawn), key=lambda individual: individual.value)
            state = space.toggle(parent.state, int(generator.integers(space.bits)))
        population.append(Individual(record.value(state), state))  # a full deque drops its oldest
    return record
