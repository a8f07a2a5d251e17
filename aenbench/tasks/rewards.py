"""Rewards of a search: what a state's value is worth, given the zero state's."""

import math
from collections.abc import Callable

_FLOAT32_MAX = 3.4028235e38

Reward = Callable[[float, float], float]
"""Takes the value of a state and that of the zero state, both 0..1."""


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
