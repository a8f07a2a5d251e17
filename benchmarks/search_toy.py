"""How far searches stay from a known optimum: `python benchmarks/search_toy.py`.

The reward is three points for each bit on which a state agrees with a hidden set; every one of the 4,096 states is a
network of its own. Printed is the distance from the optimum in points, the mean over seeds.
"""

from dataclasses import dataclass

import numpy as np

from aenbench.models.aen import AENSpace
from aenbench.models.space import SearchBudget
from aenbench.search.registry import SEARCHES

SEEDS = 20
STATES = (50, 100, 200, 400)


@dataclass(frozen=True)
class FreeSpace(AENSpace):
    """Every state is a network of its own."""

    def canonical(self, state: str) -> str:
        return state


def missed(algorithm: str, states: int, seed: int) -> float:
    """Points between the hidden set and the best state that was found."""
    space = FreeSpace()
    hidden = "".join(map(str, np.random.default_rng(seed).integers(2, size=space.bits)))

    def value(state: str) -> float:
        return 1 - 0.03 * sum(a != b for a, b in zip(state, hidden, strict=True))

    return 100 * (1 - SEARCHES[algorithm](space, value, SearchBudget(states=states), seed).best.value)


if __name__ == "__main__":
    for algorithm in ("random", "evolution", "greedy"):
        means = (np.mean([missed(algorithm, states, seed) for seed in range(SEEDS)]) for states in STATES)
        print(f"{algorithm:9}", *(f"{states} states: {mean:.2f}" for states, mean in zip(STATES, means, strict=True)))
