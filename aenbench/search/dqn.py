"""Deep Q-learning over action sets, with the hyperparameters of arXiv 2104.04848, in one file.

Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015; settings of the paper's
released code. They and every deviation, with its reason, are listed in `docs/deep-q-learning.md`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aenbench.execution.threads import one_thread
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.environment import EquivarianceSearch
from aenbench.search.record import Evaluate, Record
from aenbench.tasks.protocol import Protocol
from aenbench.tasks.rewards import Reward
from aenbench.training.fit import derive_seed

_PAPER_MODELS = 1_000
_PAPER_EPSILONS = (
    (0, 1.0),
    (200, 0.9),
    (300, 0.8),
    (400, 0.7),
    (500, 0.6),
    (600, 0.5),
    (700, 0.4),
    (800, 0.3),
    (900, 0.2),
    (950, 0.1),
    (1_000, 0.05),
)


@dataclass(frozen=True)
class DQNSettings:
    """The paper's hyperparameters.

    Attributes:
        hidden: width of each of the three hidden layers.
        state_scale: states are multiplied by this before the network.
        learning_rate: of Adam.
        replay: transitions remembered.
        batch: transitions a gradient step; none is taken before there are so many.
        discount: gamma.
        target_every: the target network is refreshed whenever so many more models were visited.
        reward_scale: rewards are multiplied by this for the Q-network only.
    """

    hidden: int = 400
    state_scale: float = 0.1
    learning_rate: float = 1e-3
    replay: int = 10_000
    batch: int = 128
    discount: float = 0.5
    target_every: int = 2
    reward_scale: float = 1.0


def epsilon_at(visited: int, states: int) -> float:
    """Share of random moves after so many distinct states; the paper's drops, scaled to the budget of states."""
    progress = visited / states * _PAPER_MODELS
    return next(epsilon for drop, epsilon in reversed(_PAPER_EPSILONS) if progress >= drop)


class Transition(NamedTuple):
    observation: NDArray[np.int8]
    action: int
    reward: float
    following: NDArray[np.int8]


class Replay:
    """The last transitions, as arrays that a batch is gathered from."""

    def __init__(self, capacity: int, bits: int) -> None:
        self._observations = torch.empty(capacity, bits)
        self._following = torch.empty(capacity, bits)
        self._actions = torch.empty(capacity, dtype=torch.int64)
        self._rewards = torch.empty(capacity)
        self._stored = 0

    def __len__(self) -> int:
        return min(self._stored, len(self._actions))

    def add(self, transition: Transition) -> None:
        place = self._stored % len(self._actions)
        self._observations[place] = torch.from_numpy(transition.observation)
        self._following[place] = torch.from_numpy(transition.following)
        self._actions[place] = transition.action
        self._rewards[place] = transition.reward
        self._stored += 1

    def sample(self, batch: int, generator: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Observations (batch, bits), actions (batch,), rewards (batch,), following observations (batch, bits)."""
        chosen = torch.from_numpy(generator.choice(len(self), batch, replace=False))
        return self._observations[chosen], self._actions[chosen], self._rewards[chosen], self._following[chosen]


def _q_network(bits: int, hidden: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):  # layers draw from the global generator; this leaves it as it was
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(bits, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, bits),
        )


class Learner:
    """The Q-network, its target copy and the gradient steps.

    Steps are put off until a value is asked for: nothing sees the difference, and what comes after the last greedy move
    of a run (all of it, while epsilon is 1) costs nothing.
    """

    def __init__(self, bits: int, settings: DQNSettings, seed: int) -> None:
        self._settings = settings
        self._put_off: list[Callable[[], object]] = []
        self._network = _q_network(bits, settings.hidden, seed)
        self._target = _q_network(bits, settings.hidden, seed)
        self._optimiser = torch.optim.Adam(self._network.parameters(), lr=settings.learning_rate, fused=True)

    def greedy(self, observation: NDArray[np.int8]) -> int:
        """The move of highest value, by all that was to be learned so far."""
        return int(self.values(observation).argmax())

    def values(self, observation: NDArray[np.int8]) -> Tensor:
        """The value of each move (bits,), by all that was to be learned so far."""
        for step in self._put_off:
            step()
        self._put_off.clear()
        with torch.no_grad():
            return self._values(observation)

    def learn(self, batch: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
        """One gradient step, in time for the next greedy move."""
        self._put_off.append(partial(self._step, *batch))

    def refresh_target(self) -> None:
        """Copy the network to the target network, after the steps before."""
        self._put_off.append(self._refresh)

    def _values(self, observation: NDArray[np.int8]) -> Tensor:
        values: Tensor = self._network(torch.from_numpy(observation).float() * self._settings.state_scale)
        return values

    def _refresh(self) -> None:
        self._target.load_state_dict(self._network.state_dict())

    def _step(self, observations: Tensor, actions: Tensor, rewards: Tensor, following: Tensor) -> None:
        scale, discount = self._settings.state_scale, self._settings.discount
        with torch.no_grad():
            best_following = self._target(following * scale).amax(dim=1)  # (batch,)
            targets = rewards * self._settings.reward_scale + discount * best_following
        values = self._network(observations * scale).gather(1, actions[:, None]).squeeze(1)  # (batch,)
        loss = nn.functional.smooth_l1_loss(values, targets)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()


def search(
    space: SearchSpace,
    evaluate: Evaluate,
    budget: SearchBudget,
    seed: int,
    *,
    reward: Protocol | str | Reward | None = None,
    settings: DQNSettings | None = None,
    learner: Callable[[int, DQNSettings, int], Learner] = Learner,
) -> Record:
    """Search with deep Q-learning.

    Args:
        space: the states.
        evaluate: validation accuracy, 0..1, of a canonical state's network.
        budget: when to end.
        seed: of the exploration, the replay and the Q-network's initialization.
        reward: a protocol's (itself or its name), or one's own; the one of the space's protocol by default.
        settings: hyperparameters; the paper's by default.
        learner: makes what learns, of the state's bits, the settings and a seed; searches of tables take the faster
            `aenbench.search.dqn_fast.LeanLearner`.

    Returns:
        Every network trained, in order.
    """
    settings = settings or DQNSettings()
    record = Record(space, evaluate, epsilon=1.0)
    environment = EquivarianceSearch(record, reward, budget)
    generator = np.random.default_rng(derive_seed(seed, "dqn"))
    replay = Replay(settings.replay, space.bits)
    refreshed = 0
    with one_thread():
        learns = learner(space.bits, settings, derive_seed(seed, "q-network"))
        for _ in range(budget.episodes):
            observation, _ = environment.reset()
            ended = False
            while not ended and not budget.is_spent(record):
                record.epsilon = epsilon_at(len(record.visited), budget.states)
                explore = generator.random() < record.epsilon
                action = int(generator.integers(space.bits)) if explore else learns.greedy(observation)
                following, gained, _, ended, _ = environment.step(action)
                replay.add(Transition(observation, action, gained, following))
                observation = following
                if len(replay) >= settings.batch:
                    learns.learn(replay.sample(settings.batch, generator))
                if len(record.visited) >= refreshed + settings.target_every:
                    learns.refresh_target()
                    refreshed = len(record.visited)
            if budget.is_spent(record):
                break
    return record
