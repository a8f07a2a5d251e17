"""The search as a Gymnasium environment: the state is a set of actions, a move toggles one of them.

Source: arXiv 2104.04848, section 4; the rewards of both protocols are in `docs/deep-q-learning.md`.
"""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.record import Evaluate, Record
from aenbench.tasks.protocol import Protocol, as_protocol
from aenbench.tasks.rewards import Reward

Observation = NDArray[np.int8]


class EquivarianceSearch(gymnasium.Env[Observation, np.int64]):
    """Walks over action sets; the reward is what a set's network gains over the network without sharing.

    Observations are the bits of the state, int8 (bits,). Episodes start at the zero state and are cut after
    `budget.episode_steps` moves; no state is terminal. `info` holds the `state`, its `value` and whether the budget is
    `spent`.

    Once the budget is spent, nothing new is evaluated whatever the agent does: every move ends its episode, and a move
    to a state never visited is not made. How many episodes there are is the agent's affair.

    Args:
        record: evaluates states; shared by all episodes, so that nothing is trained twice.
        reward: a protocol's (itself or its name), or one's own; the one of the space's protocol by default.
        budget: moves of one episode, states and networks of all.

    Raises:
        UnknownNameError: no protocol has this name.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (as the base class declares it)

    def __init__(
        self, record: Record, reward: Protocol | str | Reward | None = None, budget: SearchBudget | None = None
    ) -> None:
        self.record = record
        chosen = record.space.protocol if reward is None else reward
        self.reward = as_protocol(chosen).reward if isinstance(chosen, (Protocol, str)) else chosen
        self.budget = budget or SearchBudget()
        self.observation_space = gymnasium.spaces.MultiBinary(record.space.bits)
        self.action_space = gymnasium.spaces.Discrete(record.space.bits)
        self._state = record.space.start
        self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self._state, self._steps = self.record.space.start, 0
        return self._observation(), self._info(self.record.value(self._state))

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        base = self.record.value(self.record.space.start)
        following = self.record.space.toggle(self._state, int(action))
        if following in self.record.visited or not self.budget.is_spent(self.record):
            self._state = following
        self._steps += 1
        value = self.record.value(self._state, reward=lambda value: self.reward(value, base))
        info = self._info(value)
        truncated = info["spent"] or self._steps >= self.budget.episode_steps
        return self._observation(), self.reward(value, base), False, truncated, info

    def _observation(self) -> Observation:
        return np.array([int(bit) for bit in self._state], dtype=np.int8)

    def _info(self, value: float) -> dict[str, Any]:
        return {"state": self._state, "value": value, "spent": self.budget.is_spent(self.record)}


def make_environment(
    space: SearchSpace,
    evaluate: Evaluate,
    reward: Protocol | str | Reward | None = None,
    budget: SearchBudget | None = None,
) -> EquivarianceSearch:
    """The environment `aen/EquivarianceSearch-v0`, with a record of its own.

    Args:
        space: the states.
        evaluate: value, 0..1, of a canonical state's network: trains it (live) or looks it up (tabular).
        reward: as of `EquivarianceSearch`.
        budget: as of `EquivarianceSearch`.

    Raises:
        UnknownNameError: no protocol has this name.
    """
    return EquivarianceSearch(Record(space, evaluate), reward, budget)
