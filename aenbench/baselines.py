"""The baselines: each is a way to choose the network that is trained in the end."""

from dataclasses import dataclass, field

from aenbench.augmentation import Augmentation
from aenbench.budgets import Kind
from aenbench.candidates import Candidate
from aenbench.data import Images
from aenbench.errors import InvalidArgumentError
from aenbench.gcnn import GCNNArchitecture
from aenbench.models import Architecture, Protocol
from aenbench.nn.square_groups import SQUARE_GROUPS
from aenbench.search import dqn
from aenbench.search.space import AENSpace, Evaluate, GCNNSpace, Record, SearchBudget, SearchSpace
from gdatasets.errors import UnknownNameError
from gdatasets.groups import ACTIONS, bits_from_actions

_FIXED = {"mlp": (), "full": ACTIONS}
_SEARCHES = ("single", "aen", "gcnn-aen")
BASELINES: tuple[str, ...] = ("mlp", "full", "single", "single:<action>", "aen", "gcnn:<group>", "gcnn-aen")


@dataclass(frozen=True)
class Baseline:
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
        """Whether a search by reinforcement makes the choice."""
        return self.name in ("aen", "gcnn-aen")

    @property
    def label(self) -> str:
        """The name with its options, fit for a file name."""
        return "-".join([self.name.replace(":", "-"), *self.augmentation.names, *(["large"] if self.large else [])])

    def space(self, protocol: Protocol, images: Images) -> SearchSpace:
        """The space that a search looks in; its networks fit the images."""
        shape = (protocol, images.classes, images.size, images.channels)
        return GCNNSpace(*shape) if self.kind == "gcnn" else AENSpace(*shape)

    def networks_ahead(self, space: SearchSpace, budget: SearchBudget) -> int:
        """How many networks may be trained before the final one, at most."""
        if self.name == "single":
            return len(ACTIONS)
        return budget.networks or min(budget.states, len(space.networks)) if self.learns else 0


@dataclass(frozen=True)
class Choice:
    """What a baseline settled on, and what it looked at to get there.

    Attributes:
        candidate: the chosen network.
        record: the networks trained on the way; None where nothing was searched.
    """

    candidate: Candidate
    record: Record | None = None


def choose(baseline: Baseline, space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Choice:
    """Settle on a network.

    Args:
        baseline: how.
        space: `baseline.space(...)`.
        evaluate: the value of a canonical state's network.
        budget: of a search.
        seed: of a search.
    """
    if baseline.learns:
        record = dqn.search(space, evaluate, budget, seed)
        return Choice(space.candidate(record.best.canonical), record)
    if baseline.name == "single":
        record = Record(space, evaluate)
        for action in ACTIONS:
            record.value(bits_from_actions([action]))
        return Choice(space.candidate(record.best.canonical), record)
    return Choice(_fixed(baseline, space))


def _fixed(baseline: Baseline, space: SearchSpace) -> Candidate:
    kind, _, part = baseline.name.partition(":")
    shape = (space.protocol, space.classes, space.image_size, space.channels)
    if baseline.kind == "gcnn":
        return Candidate(GCNNArchitecture(part, baseline.large, *shape), baseline.augmentation)
    actions = _FIXED.get(kind, (part,))
    return Candidate(Architecture(actions, *shape).canonical(), baseline.augmentation)
