"""The search environment, on a table of values."""

import math
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import gymnasium.utils.env_checker
import numpy as np
import pytest

from aenbench.execution.threads import one_thread
from aenbench.models.aen import AENSpace
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.space import SearchBudget
from aenbench.search.environment import EquivarianceSearch
from aenbench.search.record import Record
from aenbench.tasks.rewards import exponential_gain, gain
from aenbench.tasks.task import TaskShape
from gdatasets.errors import UnknownNameError

NAME = "aen/EquivarianceSearch-v0"
PAGE = Path(__file__).parents[3] / "docs" / "search.md"


@dataclass(frozen=True)
class FreeSpace(AENSpace):
    """Every state is a network of its own."""

    def canonical(self, state: str) -> str:
        return state


def share_of_ones(state: str) -> float:
    return state.count("1") / len(state)


@pytest.mark.parametrize("space", [AENSpace(), GCNNSpace()], ids=lambda space: type(space).__name__)
@pytest.mark.parametrize("reward", ["standard", "paper", lambda value, base: value - base])
def test_the_environment_passes_gymnasiums_own_check(space, reward) -> None:
    environment = gymnasium.make(NAME, space=space, evaluate=share_of_ones, reward=reward)
    assert environment.observation_space.shape == (space.bits,)
    gymnasium.utils.env_checker.check_env(environment.unwrapped)


def test_the_lines_of_the_page_make_an_environment() -> None:
    [lines] = re.findall(r"```python\n(import gymnasium\n.*?)```", PAGE.read_text(), flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(lines, PAGE.name, "exec"), names)
    names["environment"].reset()
    assert names["environment"].step(3)[1] == pytest.approx(1.0)


def test_importing_the_package_registers_the_environment_and_stays_light() -> None:
    code = f"import sys, gymnasium, aenbench.search; gymnasium.spec({NAME!r}); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("reward", "expected"), [("standard", 2.0), ("paper", 2 * math.exp(2)), (max, 0.52)])
def test_the_reward_is_chosen_by_name_or_given(reward, expected) -> None:
    environment = gymnasium.make(
        NAME, space=AENSpace(), evaluate=lambda state: 0.5 + 0.02 * state.count("1"), reward=reward
    )
    environment.reset()
    assert environment.step(0)[1] == pytest.approx(expected)


@pytest.mark.parametrize(("protocol", "expected"), [("standard", 2.0), ("paper", 2 * math.exp(2))])
def test_the_reward_is_the_one_of_the_spaces_protocol_if_none_is_given(protocol, expected) -> None:
    environment = EquivarianceSearch(
        Record(FreeSpace(TaskShape(protocol)), lambda state: 0.5 + 0.02 * state.count("1"))
    )
    environment.reset()
    assert environment.step(0)[1] == pytest.approx(expected)


def test_an_unknown_reward_is_one_line() -> None:
    with pytest.raises(UnknownNameError, match=r'Unknown protocol "plain". Choose from: standard, paper.'):
        gymnasium.make(NAME, space=AENSpace(), evaluate=share_of_ones, reward="plain")


@pytest.mark.parametrize("budget", [SearchBudget(states=10), SearchBudget(networks=10)])
def test_no_agent_evaluates_more_than_the_budget(budget) -> None:
    asked = []

    def evaluate(state: str) -> float:
        asked.append(state)
        return 0.5

    environment = gymnasium.make(NAME, space=FreeSpace(), evaluate=evaluate, budget=budget)
    environment.action_space.seed(0)
    ends = []
    for _ in range(20):
        _, info = environment.reset()
        ended = False
        while not ended:
            _, _, _, ended, info = environment.step(environment.action_space.sample())
            assert info["state"] in asked
        ends.append(info["spent"])
    assert len(asked) == len(set(asked)) == 10
    assert ends == [True] * 20


def test_a_move_toggles_one_bit_and_episodes_start_at_the_zero_state() -> None:
    record = Record(FreeSpace(), share_of_ones)
    environment = EquivarianceSearch(record, budget=SearchBudget(episode_steps=3))
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
    environment = EquivarianceSearch(Record(FreeSpace(), lambda state: 0.5 - 0.1 * state.count("1")))
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

    record = Record(AENSpace(), evaluate)
    record.value("110000000000")  # rotation and hflip generate the same group as rotation and vflip
    record.value("101000000000")
    record.value("111000000000")
    assert len(trained) == len(record.trials) == 1
    assert trained == [AENSpace().canonical("110000000000")]
    assert len(record.visited) == 3
    record.value("100000000000")
    assert len(trained) == 2


def test_a_budget_is_spent_by_states_or_by_networks() -> None:
    record = Record(AENSpace(), share_of_ones)
    record.value("110000000000")
    record.value("101000000000")
    assert SearchBudget(states=2).is_spent(record)
    assert not SearchBudget(states=3).is_spent(record)
    assert SearchBudget(states=3, networks=1).is_spent(record)


def test_stable_baselines_dqn_learns_on_a_table_unchanged() -> None:
    """2,000 steps with its defaults; then its greedy episode gains, where random ones lose."""
    from stable_baselines3 import DQN

    space = AENSpace()
    table = {
        state: 0.5 + 0.03 * sum(a == b for a, b in zip(state, "010100000000", strict=True)) for state in space.networks
    }
    budget = SearchBudget(states=2**space.bits, episode_steps=20)
    environment = gymnasium.make(NAME, space=space, evaluate=table.__getitem__, budget=budget)
    with one_thread():
        agent = DQN("MlpPolicy", environment, seed=0, device="cpu").learn(2_000)
    assert agent.num_timesteps == 2_000
    record = environment.unwrapped.record
    assert len({trial.canonical for trial in record.trials}) == len(record.trials) > 50
    assert record.best.value == max(table.values())
    environment.action_space.seed(0)
    drawn = [episode_return(environment, lambda _: environment.action_space.sample()) for _ in range(20)]
    assert episode_return(environment, lambda seen: agent.predict(seen, deterministic=True)[0]) > 0 > np.mean(drawn)


def episode_return(environment, policy) -> float:
    observation, _ = environment.reset()
    total, ended = 0.0, False
    while not ended:
        observation, reward, _, ended, _ = environment.step(policy(observation))
        total += reward
    return total
