"""The lean learner against the plain one, which leaves the arithmetic to PyTorch."""

import numpy as np
import pytest
import torch
from torch import Tensor

from aenbench.models.aen import AENSpace
from aenbench.models.space import SearchBudget
from aenbench.search import dqn
from aenbench.search.dqn_fast import LeanLearner

SETTINGS = dqn.DQNSettings(hidden=50)


class PlainLearner(dqn.Learner):
    """The plain learner in float64."""

    def __init__(self, bits: int, settings: dqn.DQNSettings, seed: int) -> None:
        super().__init__(bits, settings, seed)
        self._network.double()
        self._target.double()
        self._optimiser = torch.optim.Adam(self._network.parameters(), lr=settings.learning_rate)

    def _values(self, observation: np.ndarray) -> Tensor:
        return self._network(torch.from_numpy(observation).double() * self._settings.state_scale)

    def _step(self, observations: Tensor, actions: Tensor, rewards: Tensor, following: Tensor) -> None:
        super()._step(observations.double(), actions, rewards.double(), following.double())


def _batch(generator: np.random.Generator, bits: int, size: int = 32) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of few states, so that most come more than once."""
    states = torch.from_numpy(generator.integers(0, 2, (12, bits))).float()
    chosen = torch.from_numpy(generator.integers(0, len(states), (2, size)))
    rewards = torch.from_numpy(generator.normal(0, 2, size)).float()
    return states[chosen[0]], torch.from_numpy(generator.integers(0, bits, size)), rewards, states[chosen[1]]


@pytest.mark.parametrize("bits", [3, 10, 12])
@pytest.mark.parametrize("seed", [0, 1])
def test_values_are_those_of_the_plain_learner(bits: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    plain, lean = PlainLearner(bits, SETTINGS, seed), LeanLearner(bits, SETTINGS, seed, torch.float64)
    states = generator.integers(0, 2, (50, bits)).astype(np.int8)
    for number in range(120):
        batch = _batch(generator, bits)
        for learner in (plain, lean):
            learner.learn(batch)
            if number % 7 == 3:
                learner.refresh_target()
        if number in (0, 1, 20, 119):
            found, expected = (torch.stack([learner.values(state) for state in states]) for learner in (lean, plain))
            torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)
    untrained = torch.stack([PlainLearner(bits, SETTINGS, seed).values(state) for state in states])
    assert (expected - untrained).abs().max() > 0.01  # it has learned


def test_units_that_are_off_come_back() -> None:
    """Rewards that turn round switch units off and on again; their weights must have waited."""
    generator = np.random.default_rng(3)
    plain, lean = PlainLearner(12, SETTINGS, 3), LeanLearner(12, SETTINGS, 3, torch.float64)
    on = set()
    for sign in (-1.0, 1.0, -1.0):
        for _ in range(150):
            observations, actions, rewards, following = _batch(generator, 12)
            for learner in (plain, lean):
                learner.learn((observations, actions, 5 * sign + rewards, following))
                learner.refresh_target()
        state = np.ones(12, dtype=np.int8)
        torch.testing.assert_close(lean.values(state), plain.values(state), rtol=1e-7, atol=1e-9)
        layers, _ = lean._lean.layers(lean._inputs)
        on.add(tuple(layers[2].units.tolist()))
    assert len(on) == 3


def test_a_search_makes_the_same_moves() -> None:
    """As far as rounding lets it: at first, when no step has been taken, and for some steps."""
    budget = SearchBudget(states=60, episode_steps=20)
    plain, lean = (
        dqn.search(AENSpace(), _value, budget, 1, settings=dqn.DQNSettings(batch=8), learner=learner)
        for learner in (dqn.Learner, LeanLearner)
    )
    assert plain.trials[:20] == lean.trials[:20]
    again = dqn.search(AENSpace(), _value, budget, 1, settings=dqn.DQNSettings(batch=8), learner=LeanLearner)
    assert again.trials == lean.trials


def _value(state: str) -> float:
    return 0.4 + 0.01 * state.count("1") * (state[3] == "1")


def test_it_leaves_pytorch_as_it_was() -> None:
    lean = LeanLearner(12, SETTINGS, 0)
    lean.learn(_batch(np.random.default_rng(0), 12))
    lean.values(np.zeros(12, dtype=np.int8))
    assert (torch.tensor([1e-38]) * 1e-3).item() > 0  # denormal numbers
