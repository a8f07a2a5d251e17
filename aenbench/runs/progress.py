"""Progress of a run's seeds."""

from collections.abc import Callable
from typing import NamedTuple

from aenbench.training.history import Pass


class Step(NamedTuple):
    """Progress of one seed, or of the whole run if None.

    `passed` is what a pass of the final training gave, where one has just ended.
    """

    seed: int | None
    stage: str
    done: int
    total: int
    note: str = ""
    passed: Pass | None = None


Report = Callable[[Step], None]
