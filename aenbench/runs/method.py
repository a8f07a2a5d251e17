"""What a run can be asked for: how it obtains the network that it trains in the end."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from aenbench.leaderboard.entry import Origin
from aenbench.models.family import DEFAULT_BUDGET, Budget, ModelFamily
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.record import Evaluate, Record
from aenbench.tasks.protocol import Protocol
from aenbench.tasks.task import TaskShape
from aenbench.training.candidate import Candidate


@dataclass(frozen=True)
class Choice:
    """What a method settled on, and what it looked at to get there.

    Attributes:
        candidate: the chosen network.
        record: the networks trained on the way; None where nothing was searched.
    """

    candidate: Candidate
    record: Record | None = None


class Method(ABC):
    """How a run obtains its network: a frozen value that can be sent to other processes.

    Attributes:
        name: as its entries say it.
    """

    name: str

    @property
    @abstractmethod
    def origin(self) -> Origin:
        """Of its entries."""

    @property
    @abstractmethod
    def family(self) -> ModelFamily:
        """The model family whose budget applies."""

    @property
    @abstractmethod
    def label(self) -> str:
        """The name with its options, fit for a file name."""

    def budget(self, protocol: Protocol, name: str) -> Budget:
        """What one repetition may spend; raises UnknownNameError for a budget that does not exist."""
        return self.family.budget(protocol, name)

    @property
    def learns(self) -> bool:
        """Whether a search by reinforcement makes the choice."""
        return False

    @abstractmethod
    def space(self, shape: TaskShape) -> SearchSpace:
        """The networks that it chooses from; they fit the shape."""

    def networks_ahead(self, space: SearchSpace, budget: SearchBudget) -> int:  # noqa: ARG002
        """How many networks may be trained before the final one, at most."""
        return 0

    @abstractmethod
    def choose(self, space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Choice:
        """Settle on a network.

        Args:
            space: what `space` gave.
            evaluate: the value of a canonical state's network.
            budget: of a search.
            seed: of a search.
        """

    def entry_name(self, protocol: Protocol, budget: str) -> str:
        """The entry's name: the label, with protocol and budget where they are not the default ones."""
        parts = [self.label, *([] if protocol.is_default else [protocol.name])]
        parts += [] if budget == DEFAULT_BUDGET else [budget]
        return "-".join(dict.fromkeys(parts))

    def check(self, space: SearchSpace, smallest_batch: int = 2) -> None:  # noqa: B027
        """Fail before any work is done where the network could not be trained.

        Args:
            space: what `space` gave.
            smallest_batch: images of the smallest batch of the final training.

        Raises:
            InvalidArgumentError: it could not.
        """

    @property
    def code(self) -> Path | None:
        """The folder of the code that makes the network, where it is not this package's."""
        return None
