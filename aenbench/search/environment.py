"""The search as a Gymnasium environment: the state is a set of actions, a move toggles one of them.

Source: arXiv 2104.04848, section 4; the rewards of both protocols are told in `docs/search.md`.
"""

import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from aenbench.models import Protocol
from aenbench.search.space import Record

Observation = NDArray[np.int8]

_FLOAT32_MAX = 3.4028235e38


def gain(value: float, base: float) -> float:
    """The plain reward of protocol `standard`: accuracy gained over the zero state, in percentage points."""
    return 100.0 * (value - base)


def exponential_gain(value: float, base: float) -> float:
    """The released code's reward, `(a - b) exp|a - b|` in percentage points, clipped where float32 ends.

    Unclipped it overflows float32 just above 84 points, in either direction.
    """
    points = 100.0 * (value - base)
    size = min(abs(points) * math.exp(abs(points)), _FLOAT32_MAX)
    return math.copysign(size, points) if points else 0.0


REWARDS: dict[Protocol, Callable[[float, float], float]] = {"standard": gain, "paper": exponential_gain}


class EquivarianceSearch(gymnasium.Env[Observation, np.int64]):
    """Walks over action sets; the reward is what a set's network gains over the network without sharing.

    Observations are the bits of the state, int8 (bits,). Episodes start at the zero state and are cut after
    `episode_steps` moves; no state is terminal.

    Args:
        record: evaluates states; shared by all episodes, so that nothing is trained twice.
        reward: takes (value, value of the zero state), both 0..1.
        episode_steps: moves of one episode.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (as the base class declares it)

    def __init__(
        self, record: Record, reward: Callable[[float, float], float] = gain, episode_steps: int = 100
    ) -> None:
        self.record = record
        self.reward = reward
        self.episode_steps = episode_steps
        self.observation_space = gymnasium.spaces.MultiBinary(record.space.bits)
        self.action_space = gymnasium.spaces.Discrete(record.space.bits)
        self._state = record.space.start
        self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self._state, self._steps = self.record.space.start, 0
        value = self.record.value(self._state)
        return self._observation(), {"state": self._state, "value": value}

    def step(self, action: np.int64 | int) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        base = self.record.value(self.record.space.start)
        self._state = self.record.space.toggle(self._state, int(action))
        self._steps += 1
        value = self.record.value(self._state, reward=lambda value: self.reward(value, base))
        info = {"state": self._state, "value": value}
        truncated = self._steps >= self.episode_steps
        return self._observation(), self.reward(value, base), False, truncated, info

    def _observation(self) -> Observation:
        return np.array([int(bit) for bit in self._state], dtype=np.int8)
