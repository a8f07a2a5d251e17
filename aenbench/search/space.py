"""What is searched: states, which of them are the same network, and the record of what was evaluated.

A state is a string of bits. States that name the same network share one (`canonical`), which is trained once whatever
the path that led to it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress, product

from aenbench.augmentation import AUGMENTATIONS, Augmentation
from aenbench.candidates import Candidate
from aenbench.gcnn import GCNNArchitecture
from aenbench.models import Architecture, Protocol
from aenbench.nn.lattice import sharing_lattice
from gdatasets.groups import ACTIONS, actions_from_bits, bits_from_actions


@dataclass(frozen=True)
class SearchSpace(ABC):
    """States, and the networks they name.

    Attributes:
        protocol: decides the networks' details, and so which states share one network.
        classes: outputs of the networks.
        image_size: pixels along one side of the images.
        channels: image channels.
    """

    protocol: Protocol = "standard"
    classes: int = 10
    image_size: int = 28
    channels: int = 1

    @property
    @abstractmethod
    def bits(self) -> int:
        """Length of a state."""

    @abstractmethod
    def canonical(self, state: str) -> str:
        """The name of a state's network: equal for two states exactly if they are one network."""

    @abstractmethod
    def candidate(self, state: str) -> Candidate:
        """What a state says is to be trained."""

    @property
    @abstractmethod
    def networks(self) -> tuple[str, ...]:
        """The canonical states of all networks, each once."""

    @property
    def start(self) -> str:
        """The zero state: the plain network, without augmentation."""
        return "0" * self.bits

    def toggle(self, state: str, action: int) -> str:
        """The state with one bit changed."""
        return state[:action] + ("0" if state[action] == "1" else "1") + state[action + 1 :]


@dataclass(frozen=True)
class AENSpace(SearchSpace):
    """The 4,096 action sets of the paper's dense networks; one bit for each of the twelve actions.

    The largest set that gives a network is its canonical state.
    """

    @property
    def bits(self) -> int:
        return len(ACTIONS)

    def canonical(self, state: str) -> str:
        return _closures(self)[state]

    def candidate(self, state: str) -> Candidate:
        shape = (self.protocol, self.classes, self.image_size, self.channels)
        return Candidate(Architecture(actions_from_bits(state), *shape))

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple(bits_from_actions(actions) for actions in sharing_lattice(self._free.grids).distinct)

    @property
    def _free(self) -> Architecture:
        return Architecture((), self.protocol, self.classes, self.image_size, self.channels)


@lru_cache(maxsize=8)
def _closures(space: AENSpace) -> dict[str, str]:
    """The canonical state of each state; a search asks thousands of times, and describing the grids takes longer."""
    return sharing_lattice(space._free.grids).classes


GROUP_BITS = ("rotation", "hflip", "vflip")
_GROUPS = {"000": "trivial", "100": "c4", "010": "hflip", "001": "vflip", "011": "v4", "111": "d4"}


@dataclass(frozen=True)
class GCNNSpace(SearchSpace):
    """The paper's ten bits for group convolutional networks: 3 generators of a group, 6 augmentations, 1 size.

    The bits are, in order: rotation by 90 degrees, left-right flip, top-bottom flip; the augmentations of
    `aenbench.augmentation.AUGMENTATIONS`; the large network. A rotation and either flip generate all eight symmetries
    of the square, so 101, 110 and 111 are one group, whose canonical code is 111: 768 networks in 1,024 states.
    """

    @property
    def bits(self) -> int:
        return len(GROUP_BITS) + len(AUGMENTATIONS) + 1

    def canonical(self, state: str) -> str:
        group = state[: len(GROUP_BITS)]
        return ("111" if group in ("101", "110") else group) + state[len(GROUP_BITS) :]

    def candidate(self, state: str) -> Candidate:
        canonical = self.canonical(state)
        group, chosen, large = canonical[:3], canonical[3:-1], canonical[-1] == "1"
        shape = (self.protocol, self.classes, self.image_size, self.channels)
        augmentation = Augmentation(tuple(compress(AUGMENTATIONS, map(int, chosen))))
        return Candidate(GCNNArchitecture(_GROUPS[group], large, *shape), augmentation)

    @property
    def networks(self) -> tuple[str, ...]:
        states = ("".join(bits) for bits in product("01", repeat=self.bits))
        return tuple(state for state in states if self.canonical(state) == state)


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

    A search that need not walk, but can come back to states it knows, makes at most `episodes * episode_steps` moves.
    """

    states: int = 1_000
    networks: int | None = None
    episodes: int = 60
    episode_steps: int = 100

    def is_spent(self, record: Record) -> bool:
        enough_networks = self.networks is not None and len(record.trials) >= self.networks
        return enough_networks or len(record.visited) >= self.states


Search = Callable[[SearchSpace, Evaluate, SearchBudget, int], Record]
"""Every algorithm: evaluates states of the space until the budget is spent; the last argument is the seed."""
