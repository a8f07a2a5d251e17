"""What is searched: states, the networks that they name, and how much a search may spend."""

import typing
from abc import ABC, abstractmethod
from collections.abc import Collection, Sized
from dataclasses import dataclass, field
from itertools import product

from aenbench.tasks.protocol import Protocol
from aenbench.tasks.task import TaskShape
from aenbench.training.candidate import Candidate


@dataclass(frozen=True)
class SearchSpace(ABC):
    """States, and the networks they name.

    Attributes:
        shape: what the networks fit; its protocol decides their details, and so which states share one network.
    """

    shape: TaskShape = field(default_factory=TaskShape)

    @property
    def protocol(self) -> Protocol:
        """The rules that networks are made by."""
        return self.shape.protocol

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

    @property
    def candidates(self) -> str:
        """What `aenbench.discover` calls the moves that networks are equivariant to; empty where images say nothing."""
        return ""

    def moves_of(self, state: str) -> frozenset[str]:  # noqa: ARG002
        """Those of the candidates that a state's network is equivariant to."""
        return frozenset()

    def state_of(self, moves: Collection[str]) -> str:  # noqa: ARG002
        """The canonical state of the network for these moves: of their closure, or of the largest group among them."""
        return self.canonical(self.start)

    def toggle(self, state: str, action: int) -> str:
        """The state with one bit changed."""
        return state[:action] + ("0" if state[action] == "1" else "1") + state[action + 1 :]


class GroupSpace(SearchSpace):
    """Two bits, rotation by 90 degrees and left-right flip: the group that they generate."""

    @property
    def bits(self) -> int:
        return 2

    def canonical(self, state: str) -> str:
        return state

    def group(self, state: str) -> str:
        """The name of a state's group in `aenbench.nn.square_groups.SQUARE_GROUPS`."""
        return {"00": "trivial", "10": "c4", "01": "hflip", "11": "d4"}[state]

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple("".join(bits) for bits in product("01", repeat=self.bits))


@dataclass(frozen=True)
class Factor:
    """One choice that a state makes.

    Attributes:
        name: for readers.
        family: of factors that belong together.
        codes: the part of a state that says each level; a state is its factors' codes in order.
        levels: what each level is called, for readers; by default its code.
    """

    name: str
    family: str
    codes: tuple[str, ...] = ("0", "1")
    levels: tuple[str, ...] = ()


class Spent(typing.Protocol):
    """What a search has done so far, such as an `aenbench.search.record.Record`."""

    @property
    def trials(self) -> Sized:
        """The networks trained."""

    @property
    def visited(self) -> Sized:
        """The states asked for."""


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

    def is_spent(self, record: Spent) -> bool:
        enough_networks = self.networks is not None and len(record.trials) >= self.networks
        return enough_networks or len(record.visited) >= self.states
