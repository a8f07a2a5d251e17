"""Deep Q-learning, on rewards whose optimum is known."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from aenbench.models.aen import AENSpace
from aenbench.models.space import SearchBudget
from aenbench.search import dqn, random


@dataclass(frozen=True)
class FreeSpace(AENSpace):
    """Every state is a network of its own."""

    def canonical(self, state: str) -> str:
        return state


SPACE = FreeSpace()


class HiddenSet:
    """Three points for each action on which a state agrees with a hidden set: the optimum is that set alone."""

    def __init__(self, seed: int) -> None:
        self.target = "".join(str(bit) for bit in np.random.default_rng(seed).integers(0, 2, SPACE.bits))
        self.optimum = self("".join(self.target))

    def __call__(self, state: str) -> float:
        return 0.4 + 0.03 * sum(a == b for a, b in zip(state, self.target, strict=True))


def test_epsilon_drops_as_in_the_paper() -> None:
    assert [dqn.epsilon_at(models, 1_000) for models in (0, 199, 200, 550, 900, 949, 950, 1_000)] == [
        1.0,
        1.0,
        0.9,
        0.6,
        0.2,
        0.2,
        0.1,
        0.05,
    ]
    assert dqn.epsilon_at(20, 100) == 0.9


def test_the_same_seed_gives_the_same_search() -> None:
    budget = SearchBudget(states=60, episode_steps=20)
    first, second, other = (dqn.search(SPACE, HiddenSet(0), budget, seed).trials for seed in (1, 1, 2))
    assert first == second
    assert first != other


@pytest.mark.parametrize("algorithm", [dqn.search, random.search])
def test_a_search_ends_with_its_budget(algorithm) -> None:
    record = algorithm(SPACE, HiddenSet(0), SearchBudget(states=40), 0)
    assert len(record.visited) == 40
    assert len({trial.canonical for trial in record.trials}) == len(record.trials) == 40
    assert record.trials[0].state == SPACE.start
    limited = algorithm(SPACE, HiddenSet(0), SearchBudget(states=40, networks=7), 0)
    assert len(limited.trials) == 7


def test_a_walk_ends_after_its_episodes() -> None:
    record = dqn.search(SPACE, HiddenSet(0), SearchBudget(states=4_096, episodes=3, episode_steps=5), 0)
    assert 2 <= len(record.visited) <= 16


@pytest.mark.slow
def test_it_beats_random_search_at_the_same_number_of_evaluations() -> None:
    """The mean distance from the optimum over 10 seeds, after 600 of the 4,096 states."""
    missed = {"dqn": 0.0, "random": 0.0}
    for seed in range(10):
        values = HiddenSet(seed)
        found = dqn.search(SPACE, values, SearchBudget(states=600), seed)
        drawn = random.search(SPACE, values, SearchBudget(states=len(found.visited)), seed)
        missed["dqn"] += (values.optimum - found.best.value) / 10
        missed["random"] += (values.optimum - drawn.best.value) / 10
    assert missed["dqn"] < missed["random"], missed


def test_putting_steps_off_changes_nothing() -> None:
    generator = np.random.default_rng(0)
    eager, lazy = (dqn.Learner(12, dqn.DQNSettings(hidden=16), 5) for _ in range(2))
    states = generator.integers(0, 2, (400, 12))
    for number in range(30):
        batch = (
            torch.from_numpy(generator.integers(0, 2, (8, 12))).float(),
            torch.from_numpy(generator.integers(0, 12, 8)),
            torch.from_numpy(generator.normal(0, 5, 8)).float(),
            torch.from_numpy(generator.integers(0, 2, (8, 12))).float(),
        )
        for learner in (eager, lazy):
            learner.learn(batch)
            if number % 3 == 0:
                learner.refresh_target()
        eager.greedy(states[0].astype(np.int8))
    moves = [[learner.greedy(state) for state in states.astype(np.int8)] for learner in (eager, lazy)]
    assert moves[0] == moves[1]
    weights = [learner._network.state_dict() for learner in (eager, lazy)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    untrained = dqn.Learner(12, dqn.DQNSettings(hidden=16), 5)._network.state_dict()
    assert not any(torch.equal(weights[0][name], untrained[name]) for name in untrained)
