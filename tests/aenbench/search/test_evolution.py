"""Regularized evolution: one bit at a time, the oldest dies, and it is better than chance."""

from dataclasses import dataclass

import numpy as np

from aenbench.models.aen import AENSpace
from aenbench.models.space import SearchBudget
from aenbench.search import evolution, random
from aenbench.search.evolution import EvolutionSettings


@dataclass(frozen=True)
class FreeSpace(AENSpace):
    """Every state is a network of its own."""

    def canonical(self, state: str) -> str:
        return state


SPACE = FreeSpace()


def distance(a: str, b: str) -> int:
    return sum(x != y for x, y in zip(a, b, strict=True))


def fewer_is_better(state: str) -> float:
    return 1 - state.count("1") / SPACE.bits


def test_a_child_differs_from_one_before_it_in_one_bit() -> None:
    visited = list(evolution.search(SPACE, fewer_is_better, SearchBudget(states=100), 0).visited)
    for place in range(EvolutionSettings().population, len(visited)):
        assert min(distance(visited[place], before) for before in visited[:place]) == 1


def test_the_oldest_dies_even_if_it_is_the_best() -> None:
    """A population of one walks away from the zero state, although no other is as good."""
    alone = EvolutionSettings(population=1, tournament=1)
    record = evolution.search(SPACE, fewer_is_better, SearchBudget(states=50), 0, settings=alone)
    assert record.best.state == SPACE.start
    assert max(state.count("1") for state in record.visited) > 2


def test_the_best_of_a_tournament_is_the_parent() -> None:
    """The harder the selection, the closer the children to the optimum."""

    def mean_value(tournament: int) -> float:
        settings = EvolutionSettings(tournament=tournament)
        record = evolution.search(SPACE, fewer_is_better, SearchBudget(states=100), 0, settings=settings)
        return float(np.mean(list(record.visited.values())))

    assert mean_value(10) > mean_value(1) + 0.1


def test_it_beats_random_search_on_a_reward_that_adds_up() -> None:
    """The mean distance from a hidden set, three points a bit, over 10 seeds, after 200 of the 4,096 states."""
    missed = {"evolution": 0.0, "random": 0.0}
    for seed in range(10):
        target = "".join(map(str, np.random.default_rng(seed).integers(2, size=SPACE.bits)))

        def value(state: str, target: str = target) -> float:
            return 1 - 0.03 * distance(state, target)

        for name, search in (("evolution", evolution.search), ("random", random.search)):
            missed[name] += (1 - search(SPACE, value, SearchBudget(states=200), seed).best.value) / 10
    assert missed["evolution"] < missed["random"] / 4, missed
