"""What a method without p-values says: a confidence in each candidate, and those that it chooses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from aenbench.discovery.candidates import Moves
from aenbench.discovery.usage import state_of
from aenbench.statistics.intervals import wilson_interval
from gdatasets.groups.group import Group

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Choice:
    """Which moves a trained network speaks for; no test, and no verdict.

    Attributes:
        method: its name.
        confidences: 0..1 by candidate; only their order is meant.
        threshold: candidates of a larger confidence are chosen. It was fixed on G-Digits.
        details: what else is known of each candidate, by name.
        moves: the candidates.
        images: how many were looked at.
        asked: how many of them the network did not learn from.
        accuracy: share of right answers on those.
        chance: share of their largest class.
        invariant: candidates under which no answer of the network changes, up to rounding.
        notices: what was left out or assumed, one line each.
        seconds: processor time.
    """

    method: str
    confidences: Mapping[str, float]
    threshold: float
    details: Mapping[str, Mapping[str, float]]
    moves: Moves
    images: int
    asked: int
    accuracy: float
    chance: float
    invariant: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()
    seconds: float = 0.0

    def told(self, notices: tuple[str, ...], seconds: float) -> "Choice":
        """The same with its cost, and with what was left out."""
        return replace(self, notices=notices, seconds=seconds)

    @property
    def has_learned(self) -> bool:
        """Whether the network is better than the most frequent answer, at 95 %; if not, nothing is chosen."""
        return wilson_interval(round(self.accuracy * self.asked), self.asked)[0] > self.chance

    @property
    def chosen(self) -> tuple[str, ...]:
        """The candidates above the threshold."""
        return tuple(name for name, value in self.confidences.items() if self.has_learned and value > self.threshold)

    @property
    def words(self) -> dict[str, str]:
        """`invariant`, `chosen` or `not chosen`, by candidate: none of them is a verdict on the law of the images."""
        chosen = {name: "chosen" if name in self.chosen else "not chosen" for name in self.confidences}
        return {name: "invariant" if name in self.invariant else word for name, word in chosen.items()}

    @cached_property
    def group(self) -> Group:
        """The group that the chosen moves generate."""
        return self.moves.group_of(self.chosen)

    @property
    def state(self) -> str | None:
        """The twelve bits of the actions in the group, in the order of `ACTIONS`; None where they are not square."""
        return state_of(self.group)

    def plot(self) -> "Figure":
        """A picture of the confidences and the threshold."""
        from aenbench.discovery.pictures import draw_confidences

        return draw_confidences(self.confidences, self.threshold, self.words)

    def to_frame(self) -> "pd.DataFrame":
        """One row a candidate: confidence, the word that it got, and the details."""
        import pandas as pd

        return pd.DataFrame.from_dict(self._rows, orient="index")

    @property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return {
            name: {"confidence": value, "says": self.words[name], **self.details.get(name, {})}
            for name, value in self.confidences.items()
        }

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "method": self.method,
            "images": self.images,
            "asked": self.asked,
            "accuracy": self.accuracy,
            "chance": self.chance,
            "threshold": self.threshold,
            "seconds": round(self.seconds, 3),
            "candidates": self._rows,
            "group": {"generators": list(self.chosen), "order": self.group.order, "state": self.state},
            "notices": list(self.notices),
        }


def auroc(confidences: Mapping[str, float], symmetries: frozenset[str]) -> float:
    """How often a symmetry has a larger confidence than another candidate, ties by half; NaN without either."""
    true = np.array([value for name, value in confidences.items() if name in symmetries])
    other = np.array([value for name, value in confidences.items() if name not in symmetries])
    if not len(true) or not len(other):
        return float("nan")
    return float(np.mean((true[:, None] > other) + 0.5 * (true[:, None] == other)))
