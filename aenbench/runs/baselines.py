"""The baselines: each is a way to choose the network that is trained in the end."""

from dataclasses import dataclass, field
from typing import ClassVar

from aenbench.errors import InvalidArgumentError
from aenbench.leaderboard.entry import Origin
from aenbench.models.aen import AENSpace, Architecture
from aenbench.models.budgets import Kind
from aenbench.models.gcnn import GCNNArchitecture, GCNNSpace
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.nn.square_groups import SQUARE_GROUPS
from aenbench.runs.method import Choice, Method
from aenbench.search import dqn
from aenbench.search.record import Evaluate, Record
from aenbench.tasks.task import TaskShape
from aenbench.training.augmentation import Augmentation
from aenbench.training.candidate import Candidate
from gdatasets.errors import UnknownNameError
from gdatasets.groups.actions import ACTIONS, bits_from_actions

_FIXED = {"mlp": (), "full": ACTIONS}
_SEARCHES = ("single", "aen", "gcnn-aen")
BASELINES: tuple[str, ...] = ("mlp", "full", "single", "single:<action>", "aen", "gcnn:<group>", "gcnn-aen", "group")


@dataclass(frozen=True)
class Baseline(Method):
    """A way to choose a network.

    `mlp`: the plain one. `full`: equivariant to all twelve actions. `single:<action>`: to that one. `single`: of the
    twelve networks with one action, the one with the best value. `aen`: the best that deep Q-learning finds.
    `gcnn:<group>`: a group convolutional network. `gcnn-aen`: the best group, augmentations and size that deep
    Q-learning finds.

    Attributes:
        name: one of `BASELINES`.
        augmentation: of the training images, for baselines that do not search.
        large: the large network, for `gcnn:<group>`.

    Raises:
        InvalidArgumentError: no such baseline, or an option that it does not take.
        UnknownNameError: an action or group that does not exist.
    """

    origin: ClassVar[Origin] = "baseline"

    name: str
    augmentation: Augmentation = field(default_factory=Augmentation)
    large: bool = False

    def __post_init__(self) -> None:
        kind, colon, part = self.name.partition(":")
        known = {"single": ("action", ACTIONS), "gcnn": ("group", SQUARE_GROUPS)} if colon else {}
        if kind in known:
            what, names = known[kind]
            if part not in names:
                raise UnknownNameError(what, part, names)
        elif self.name not in (*_FIXED, *_SEARCHES):
            raise InvalidArgumentError(f'Unknown baseline "{self.name}". Choose from: {", ".join(BASELINES)}.')
        if self.augmentation.names and self.name in _SEARCHES:
            raise InvalidArgumentError(f"{self.name} takes no --augment: it chooses for itself.")
        if self.large and not self.name.startswith("gcnn:"):
            raise InvalidArgumentError(f"{self.name} takes no --size; only gcnn:<group> does.")

    @property
    def kind(self) -> Kind:
        return "gcnn" if self.name.startswith("gcnn") else "dense"

    @property
    def learns(self) -> bool:
        return self.name in ("aen", "gcnn-aen")

    @property
    def label(self) -> str:
        return "-".join([self.name.replace(":", "-"), *self.augmentation.names, *(["large"] if self.large else [])])

    def space(self, shape: TaskShape) -> SearchSpace:
        return GCNNSpace(shape) if self.kind == "gcnn" else AENSpace(shape)

    def networks_ahead(self, space: SearchSpace, budget: SearchBudget) -> int:
        if self.name == "single":
            return len(ACTIONS)
        return budget.networks or min(budget.states, len(space.networks)) if self.learns else 0

    def choose(self, space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Choice:
        if self.learns:
            record = dqn.search(space, evaluate, budget, seed)
            return Choice(space.candidate(record.best.canonical), record)
        if self.name == "single":
            record = Record(space, evaluate)
            for action in ACTIONS:
                record.value(bits_from_actions([action]))
            return Choice(space.candidate(record.best.canonical), record)
        return Choice(self._fixed(space))

    def _fixed(self, space: SearchSpace) -> Candidate:
        kind, _, part = self.name.partition(":")
        if self.kind == "gcnn":
            return Candidate(GCNNArchitecture(part, self.large, space.shape), self.augmentation)
        actions = _FIXED.get(kind, (part,))
        return Candidate(Architecture(actions, space.shape).canonical(), self.augmentation)
