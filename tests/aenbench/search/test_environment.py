"""The search environment, on a table of values."""

import math
from dataclasses import dataclass

import gymnasium.utils.env_checker
import numpy as np
import pytest

from aenbench.search.environment import EquivarianceSearch, exponential_gain, gain
from aenbench.search.space import AENSpace, Record, SearchBudget


@dataclass(frozen=True)
class FreeSpace(AENSpace):
    """Every state is a network of its own."""

    def canonical(self, state: str) -> str:
        return state


def share_of_ones(state: str) -> float:
    return state.count("1") / len(state)


def test_environment_passes_gymnasiums_own_check() -> None:
    environment = EquivarianceSearch(Record(FreeSpace("standard"), share_of_ones))
    gymnasium.utils.env_checker.check_env(environment, skip_render_check=True)


def test_a_move_toggles_one_bit_and_episodes_start_at_the_zero_state() -> None:
    environment = EquivarianceSearch(Record(FreeSpace("standard"), share_of_ones), episode_steps=3)
    observation, info = environment.reset()
    assert not observation.any()
    assert info["state"] == "0" * 12
    observation, reward, terminated, truncated, info = environment.step(4)
    assert info["state"] == "000010000000"
    assert reward == pytest.approx(100 / 12)
    assert (terminated, truncated) == (False, False)
    environment.step(4)
    observation, reward, _, truncated, _ = environment.step(0)
    assert truncated
    assert observation.tolist() == [1] + [0] * 11


def test_the_reward_is_measured_against_the_zero_state() -> None:
    environment = EquivarianceSearch(Record(FreeSpace("standard"), lambda state: 0.5 - 0.1 * state.count("1")))
    environment.reset()
    assert environment.step(1)[1] == pytest.approx(-10)
    assert environment.step(1)[1] == 0


@pytest.mark.parametrize("points", [-100.0, -84.0, -3.5, 0.0, 2.0, 88.0, 89.0, 100.0])
def test_the_papers_reward_stays_finite_in_float32(points: float) -> None:
    reward = exponential_gain(points / 100, 0.0)
    assert np.isfinite(np.float32(reward))
    assert math.copysign(1, reward) == math.copysign(1, points) or points == 0
    if abs(points) < 80:
        assert reward == pytest.approx(points * math.exp(abs(points)), rel=1e-9)


def test_the_plain_reward_is_the_gain_in_points() -> None:
    assert gain(0.62, 0.5) == pytest.approx(12)


def test_states_with_one_network_are_trained_once() -> None:
    trained = []

    def evaluate(state: str) -> float:
        trained.append(state)
        return 0.5

    record = Record(AENSpace("standard"), evaluate)
    record.value("110000000000")  # rotation and hflip generate the same group as rotation and vflip
    record.value("101000000000")
    record.value("111000000000")
    assert len(trained) == len(record.trials) == 1
    assert trained == [AENSpace("standard").canonical("110000000000")]
    assert len(record.visited) == 3
    record.value("100000000000")
    assert len(trained) == 2


def test_a_budget_is_spent_by_states_or_by_networks() -> None:
    record = Record(AENSpace("standard"), share_of_ones)
    record.value("110000000000")
    record.value("101000000000")
    assert SearchBudget(states=2).is_spent(record)
    assert not SearchBudget(states=3).is_spent(record)
    assert SearchBudget(states=3, networks=1).is_spent(record)
