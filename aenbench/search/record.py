"""What is searched: states, which of them are the same network, and the record of what was evaluated.

A state is a string of bits. States that name the same network share one (`canonical`), which is trained once whatever
the path that led to it.
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from aenbench.models.space import SearchBudget, SearchSpace

Evaluate = Callable[[str], float]
"""Validation accuracy, 0..1, of the network of a canonical state."""


@dataclass(frozen=True)
class Trial:
    """One network that was trained during a search.

    Attributes:
        state: the state that first asked for it.
        canonical: the name of its network.
        value: its validation accuracy, 0..1.
        states_visited: distinct states asked for until then, this one included: the paper's count of models.
        epsilon: share of random moves at that time; None for searches that have none.
        reward: what the environment gave for it; None for the first, against which the others are measured.
    """

    state: str
    canonical: str
    value: float
    states_visited: int
    epsilon: float | None = None
    reward: float | None = None


@dataclass
class Record:
    """Evaluates states, trains no network twice, and remembers the order.

    Attributes:
        space: names the networks.
        evaluate: trains one and returns its validation accuracy.
        trials: every network trained, in order.
        visited: every state asked for, in order.
        settled: the network that a search would choose after so many networks trained, where that need not be the one
            with the highest value.
    """

    space: SearchSpace
    evaluate: Evaluate
    trials: list[Trial] = field(default_factory=list)
    visited: dict[str, float] = field(default_factory=dict)
    settled: dict[int, str] = field(default_factory=dict)
    epsilon: float | None = None
    _values: dict[str, float] = field(default_factory=dict)

    def value(self, state: str, reward: Callable[[float], float] | None = None) -> float:
        """Validation accuracy of a state's network, trained now if it is new."""
        if state in self.visited:
            return self.visited[state]
        canonical = self.space.canonical(state)
        is_new = canonical not in self._values
        if is_new:
            self._values[canonical] = self.evaluate(canonical)
        value = self.visited[state] = self._values[canonical]
        if is_new:
            gained = None if reward is None else reward(value)
            self.trials.append(Trial(state, canonical, value, len(self.visited), self.epsilon, gained))
        return value

    def expect(self, states: Iterable[str], budget: SearchBudget) -> None:
        """Say which states are asked for next, as far as the budget goes: their networks may be trained side by side.

        An evaluation that can do so has a method `prepare`; for others nothing happens.
        """
        prepare: Callable[[Sequence[str]], None] | None = getattr(self.evaluate, "prepare", None)
        if prepare is None:
            return
        visited, networks, ahead = set(self.visited), set(self._values), []
        for state in states:
            if len(visited) >= budget.states or len(networks) >= (budget.networks or math.inf):
                break
            visited.add(state)
            canonical = self.space.canonical(state)
            if canonical not in networks:
                networks.add(canonical)
                ahead.append(canonical)
        if ahead:
            prepare(ahead)

    def settle(self, state: str) -> None:
        """Say which network is chosen if nothing more is trained."""
        self.settled[len(self.trials)] = self.space.canonical(state)

    @property
    def choice(self) -> str:
        """The canonical state of the network chosen: the one last settled on, by default the best trial's."""
        return self.settled[max(self.settled)] if self.settled else self.best.canonical

    @property
    def best(self) -> Trial:
        """The trial with the highest value, the earliest of equals."""
        return max(self.trials, key=lambda trial: trial.value)


Search = Callable[[SearchSpace, Evaluate, SearchBudget, int], Record]
"""Every algorithm: evaluates states of the space until the budget is spent; the last argument is the seed."""


def trials_csv(trials: Sequence[Sequence[Trial]]) -> bytes:
    """The networks that each seed's search trained, in order, as the content of `trials.csv`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["seed", "network", *Trial.__dataclass_fields__])
    for seed, record in enumerate(trials):
        for number, trial in enumerate(record, start=1):
            writer.writerow([seed, number, *(getattr(trial, field) for field in Trial.__dataclass_fields__)])
    return text.getvalue().encode()
