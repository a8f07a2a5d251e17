"""What is searched: states, which of them are the same network, and the record of what was evaluated.

A state is a string of twelve bits, one for each action. States with the same parameter sharing are the same network
(`canonical`), which is trained once whatever the path that led to it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from aenbench.models import Architecture, Protocol
from aenbench.nn.lattice import sharing_lattice
from gdatasets.groups import ACTIONS


@dataclass(frozen=True)
class SearchSpace:
    """The 4,096 action sets of the paper's dense networks.

    Attributes:
        protocol: decides the hidden grids, and so which sets share one network.
        bits: length of a state.
    """

    protocol: Protocol
    bits: int = len(ACTIONS)

    @property
    def start(self) -> str:
        """The zero state: no sharing, the plain network."""
        return "0" * self.bits

    def canonical(self, state: str) -> str:
        """The largest state with the same network; equal for two states exactly if they are one network."""
        return sharing_lattice(Architecture((), self.protocol).grids).classes[state]

    @property
    def networks(self) -> int:
        """How many different networks there are."""
        return len(sharing_lattice(Architecture((), self.protocol).grids).distinct)

    def toggle(self, state: str, action: int) -> str:
        """The state with one bit changed."""
        return state[:action] + ("0" if state[action] == "1" else "1") + state[action + 1 :]


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
    """

    space: SearchSpace
    evaluate: Evaluate
    trials: list[Trial] = field(default_factory=list)
    visited: dict[str, float] = field(default_factory=dict)
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

    @property
    def best(self) -> Trial:
        """The trial with the highest value, the earliest of equals."""
        return max(self.trials, key=lambda trial: trial.value)


@dataclass(frozen=True)
class SearchBudget:
    """When a search ends: at the first of these.

    Attributes:
        states: distinct states visited (the paper's "models": 1,000).
        networks: distinct networks trained; None for no limit.
        episodes: episodes, for searches that walk (60 in the paper).
        episode_steps: moves of one episode (100 in the paper).
    """

    states: int = 1_000
    networks: int | None = None
    episodes: int = 60
    episode_steps: int = 100

    def is_spent(self, record: Record) -> bool:
        enough_networks = self.networks is not None and len(record.trials) >= self.networks
        return enough_networks or len(record.visited) >= self.states
