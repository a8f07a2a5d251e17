"""Autoequivariant networks: two equivariant layers and a free dense head, as a frozen description and as a module."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from aenbench.errors import InvalidArgumentError
from aenbench.models.family import BestOf, Budget, Fixed, ModelFamily, Searched
from aenbench.models.space import Factor, SearchBudget, SearchSpace
from aenbench.nn.lattice import Grids, sharing_lattice
from aenbench.nn.linear import EquivariantLinear, Initialization
from aenbench.nn.representations import grid, trivial
from aenbench.nn.sharing import parameter_sharing
from aenbench.tasks.protocol import Protocol
from aenbench.tasks.task import TaskShape
from aenbench.training.candidate import Candidate
from aenbench.training.recipe import Recipe
from gdatasets.groups.actions import ACTION_REGISTRY, ACTIONS, actions_from_bits, bits_from_actions
from gdatasets.groups.group import Group
from gdatasets.groups.permutation_groups import orbit_labels

Bias = Literal["orbits", "scalar"]

_LARGEST_REBUILT = 64  # pixels of a side: 2 s and 200 MB; at 96 it would be 20 s and 2 GB


@dataclass(frozen=True)
class Architecture:
    """An autoequivariant network (arXiv 2104.04848, section 5.1), without its weights.

    Protocol `"standard"`: the hidden layers are two channels of a grid half as large as the image, rolled by 2 where
    the image is rolled by 4, so that every action has the same order on both; biases are tied by orbit and come before
    the ReLU; fan-in initialization. Protocol `"paper"`: hidden grids of 20 x 20, rolled by 4; the released code's
    initialization, and its one scalar bias a layer after the ReLU.

    Attributes:
        actions: names out of `gdatasets.groups.actions.ACTIONS`, kept in bit order; none is the plain MLP.
        shape: what it fits; an even image size. Image channels are all moved alike.
        initialization: `"fan_in"` or `"orbits"`; None for the protocol's. With `bias` it is there to measure what each
            of the two changes; entries and searches leave both to the protocol.
        bias: `"orbits"`: before the ReLU, tied by orbit; `"scalar"`: one number a layer, after it; None for the
            protocol's.

    Raises:
        UnknownNameError: an action does not exist.
        InvalidArgumentError: an unknown initialization or bias, or a size on which an action cannot act.
    """

    actions: Sequence[str] = ()
    shape: TaskShape = field(default_factory=TaskShape)
    initialization: Initialization | None = None
    bias: Bias | None = None

    def __post_init__(self) -> None:
        _check_choice("initialization", self.initialization or "fan_in", Initialization)
        _check_choice("bias", self.bias or "orbits", Bias)
        if self.shape.image_size % 2:
            raise InvalidArgumentError(f"Expected an even image size, got {self.shape.image_size}.")
        object.__setattr__(self, "actions", actions_from_bits(bits_from_actions(self.actions)))
        for size, step in self.grids:
            Group(self.actions, size, step)  # an action that cannot act there is an error here

    @property
    def protocol(self) -> Protocol:
        """The rules that it is made by."""
        return self.shape.protocol

    @property
    def bits(self) -> str:
        """The state string of the actions."""
        return bits_from_actions(self.actions)

    @property
    def grids(self) -> Grids:
        """The (size, roll step) of the input and of the two hidden layers."""
        hidden = self.protocol.hidden_grid_of(self.shape.image_size)
        return ((self.shape.image_size, 4), hidden, hidden)

    @property
    def hidden_channels(self) -> int:
        return self.protocol.hidden_channels

    @property
    def hidden_units(self) -> int:
        return self.hidden_channels * self.grids[1][0] ** 2

    @property
    def has_scalar_bias(self) -> bool:
        """Whether each hidden layer adds one number after its ReLU, instead of one for each orbit before it."""
        return (self.bias or self.protocol.bias) == "scalar"

    def canonical(self) -> "Architecture":
        """The same network, named by the largest set of actions that gives it."""
        return replace(self, actions=sharing_lattice(self.grids).closure(self.actions))

    def irredundant(self) -> "Architecture":
        """The same network, named by actions of which none can be left out; those first in bit order are kept."""
        closure = sharing_lattice(self.grids).closure
        kept, network = tuple(self.actions), closure(self.actions)
        for action in reversed(self.actions):
            fewer = tuple(name for name in kept if name != action)
            kept = fewer if closure(fewer) == network else kept
        return replace(self, actions=kept)

    @property
    def parameter_count(self) -> int:
        """Free parameters of the network, from the orbits on one channel: all channels are moved alike."""
        (size, step), (hidden, hidden_step), _ = self.grids
        channels, units = self.shape.channels, self.hidden_channels
        on_image, on_hidden = (Group(self.actions, *each) for each in ((size, step), (hidden, hidden_step)))
        weights = channels * _orbits(on_image, on_hidden) + units * _orbits(on_hidden, on_hidden)
        biases = 1 if self.has_scalar_bias else units * (int(orbit_labels(on_hidden.permutations).max()) + 1)
        return units * weights + 2 * biases + (self.hidden_units + 1) * self.shape.classes

    @property
    def facts(self) -> Mapping[str, Any]:
        """What an entry says of the network."""
        return {"actions": self.actions}

    def build(self, generator: torch.Generator) -> "AutoequivariantNetwork":
        """The network, with initial weights drawn from the generator."""
        return AutoequivariantNetwork(self, generator)


class AutoequivariantNetwork(nn.Module):
    """The module of an `Architecture`: logits (batch, classes) of images (batch, pixels) or (batch, channels, h, w).

    Args:
        architecture: what to build.
        generator: source of the initial weights, drawn layer by layer, on the CPU.
    """

    def __init__(self, architecture: Architecture, generator: torch.Generator) -> None:
        super().__init__()
        self.architecture = architecture
        scalar = architecture.has_scalar_bias
        (size, step), (hidden, hidden_step), _ = architecture.grids
        image = grid(architecture.actions, size, step, architecture.shape.channels)
        units = grid(architecture.actions, hidden, hidden_step, architecture.hidden_channels)
        initialization = architecture.initialization or architecture.protocol.initialization
        joint = architecture.protocol.joint  # the rolls of `paper` have order 7 on grids of 28 and 5 on those of 20
        self.first = EquivariantLinear(image, units, not scalar, initialization, joint=joint, generator=generator)
        self.second = EquivariantLinear(units, units, not scalar, initialization, joint=joint, generator=generator)
        self.head = EquivariantLinear(
            trivial(0, architecture.hidden_units), trivial(0, architecture.shape.classes), generator=generator
        )
        self.shifts = nn.ParameterList(
            _uniform((), layer.orbits, generator) for layer in (self.first, self.second) if scalar
        )

    def features(self, images: Tensor) -> Tensor:
        """The second hidden layer, (batch, hidden units); it moves as the hidden grid does."""
        x = torch.relu(self.first(images.flatten(1)))
        x = torch.relu(self.second(x + self.shifts[0] if self.shifts else x))
        return x + self.shifts[1] if self.shifts else x

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits


def build_aen(architecture: Architecture, generator: torch.Generator | int) -> AutoequivariantNetwork:
    """The network of an architecture, with initial weights from a generator, or from a new one with this seed."""
    if isinstance(generator, int):
        generator = torch.Generator().manual_seed(generator)
    return architecture.build(generator)


def distinct_architectures(shape: TaskShape | None = None) -> tuple[Architecture, ...]:
    """Every distinct network among the 4,096 sets of actions, named by its largest set, from few actions to many.

    There are 216 for the paper's grids (28, 20, 20); tens of seconds the first time in a process.
    """
    free = Architecture((), shape or TaskShape())
    return tuple(replace(free, actions=actions) for actions in sharing_lattice(free.grids).distinct)


def _check_choice(what: str, chosen: str, choices: Any) -> None:
    if chosen not in get_args(choices):
        raise InvalidArgumentError(f'Unknown {what} "{chosen}". Choose from: {", ".join(get_args(choices))}.')


def _uniform(shape: tuple[int, ...], fan_in: int, generator: torch.Generator) -> Tensor:
    """`nn.Linear`'s initial values: uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    return torch.empty(shape).uniform_(-bound, bound, generator=generator)


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
        return Candidate(Architecture(actions_from_bits(state), self.shape))

    @property
    def candidates(self) -> str:
        return "actions"

    def moves_of(self, state: str) -> frozenset[str]:
        return frozenset(actions_from_bits(self.canonical(state)))

    def state_of(self, moves: Collection[str]) -> str:
        return self.canonical(bits_from_actions(moves))

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple(bits_from_actions(actions) for actions in sharing_lattice(self._free.grids).distinct)

    @property
    def _free(self) -> Architecture:
        return Architecture((), self.shape)


@lru_cache(maxsize=8)
def _closures(space: AENSpace) -> dict[str, str]:
    """The canonical state of each state; a search asks thousands of times, and describing the grids takes longer."""
    return sharing_lattice(space._free.grids).classes


_PAPER_SEARCH = SearchBudget(states=1_000, episodes=60, episode_steps=100)
_QUICK_SEARCH = SearchBudget(states=100, networks=24, episodes=60, episode_steps=20)
_CONVERGED = Recipe(
    50_000, 20, learning_rate=3e-3, optimiser="adamw", schedule="one-cycle", weight_decay=0.3
)  # tuned on validation images of G-MNIST aug2: docs/recipes.md
_BUDGETS = {
    ("standard", "quick"): Budget("quick", _QUICK_SEARCH, Recipe(2_000, 4), Recipe(10_000, 10)),
    ("standard", "standard"): Budget("standard", _PAPER_SEARCH, Recipe(4_000, 4), _CONVERGED),
    ("paper", "quick"): Budget("quick", _QUICK_SEARCH, Recipe(2_000, 4), Recipe(4_000, 10)),
    ("paper", "standard"): Budget("standard", _PAPER_SEARCH, Recipe(4_000, 4), Recipe(10_000, 10)),
}


def _factors(space: SearchSpace) -> tuple[Factor, ...]:  # noqa: ARG001
    return tuple(Factor(name, ACTION_REGISTRY[name].family) for name in ACTIONS)


def _plain(shape: TaskShape, part: str, large: bool) -> Architecture:  # noqa: ARG001
    return Architecture((), shape).canonical()


def _full(shape: TaskShape, part: str, large: bool) -> Architecture:  # noqa: ARG001
    return Architecture(ACTIONS, shape).canonical()


def _single(shape: TaskShape, part: str, large: bool) -> Architecture:  # noqa: ARG001
    return Architecture((part,), shape).canonical()


def _orbits(inputs: Group, outputs: Group) -> int:
    """Free weights of a layer between one channel and another."""
    if not len(inputs.permutations):
        return int(inputs.permutations.shape[1] * outputs.permutations.shape[1])
    _, orbits = parameter_sharing(inputs.permutations, outputs.permutations, joint=True)
    return orbits


def _rebuild(facts: Mapping[str, Any], shape: TaskShape) -> Architecture | None:
    """The network that an entry names by its actions; None for images on which orbits would take long to find."""
    return None if shape.image_size > _LARGEST_REBUILT else Architecture(tuple(facts["actions"]), shape).canonical()


def _describe(facts: Mapping[str, Any], shape: TaskShape) -> str:
    """Such as `rotation+hflip`: actions that generate it, none of them redundant unless the images are large."""
    if shape.image_size > _LARGEST_REBUILT:
        return "+".join(facts["actions"]) or "no symmetry"
    fitting = TaskShape(shape.protocol, image_size=shape.image_size)
    return "+".join(_generators(tuple(facts["actions"]), fitting)) or "no symmetry"


@cache
def _generators(actions: tuple[str, ...], shape: TaskShape) -> tuple[str, ...]:
    return tuple(Architecture(actions, shape).irredundant().actions)


AEN_FAMILY = ModelFamily(
    "aen",
    space=AENSpace,
    budgets=_BUDGETS,
    baselines={
        "mlp": Fixed(_plain),
        "full": Fixed(_full),
        "single": BestOf(tuple(bits_from_actions([action]) for action in ACTIONS)),
        "single:<action>": Fixed(_single, "action", ACTIONS),
        "aen": Searched(),
    },
    factors=_factors,
    facts=("actions",),
    describe=_describe,
    rebuild=_rebuild,
)
"""The autoequivariant networks."""
