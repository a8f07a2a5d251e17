"""The paper's group convolutional networks, as a frozen description and as a module."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import compress, product
from typing import Any

import torch
from torch import Tensor, nn

from aenbench.errors import InvalidArgumentError
from aenbench.models.family import Budget, Fixed, ModelFamily, Searched
from aenbench.models.space import Factor, SearchBudget, SearchSpace
from aenbench.nn.batchnorm import GroupBatchNorm2d
from aenbench.nn.gconv import GroupConv2d, LiftingConv2d
from aenbench.nn.linear import EquivariantLinear
from aenbench.nn.pooling import InvariantPooling, Means, SpatialPooling
from aenbench.nn.representations import trivial
from aenbench.nn.square_groups import SQUARE_GROUPS, SquareGroup
from aenbench.tasks.protocol import Protocol
from aenbench.tasks.task import TaskShape
from aenbench.training.augmentation import AUGMENTATIONS, Augmentation
from aenbench.training.candidate import Candidate
from aenbench.training.recipe import Recipe, convolutional_recipe

_KERNEL, _DENSE = 3, (100, 50)
_HEAD_SIZE, _UNPOOLED = 4, 32
_DIVISORS_OF_WIDTH = {1: 10, 2: 18, 4: 30, 8: 60}  # by group order, in tenths: the released code's 1, 1.8, 3 and 6


@dataclass(frozen=True)
class GCNNArchitecture:
    """A group convolutional network (arXiv 2104.04848, section 5.2), without its weights.

    Four 3 x 3 group convolutions without padding, a 2 x 2 max pooling after the second and the fourth, then a dense
    head 100 > 50 > classes. The plain network has 20 channels a layer, 30 if `large`.

    Protocol `"paper"`: the head has dropout of .5 after its first layer and reads the flattened features, so the
    network is not invariant; the channels are divided by 1, 1.8, 3 and 6 for groups of order 1, 2, 4 and 8 and rounded
    down, as the released code does. (Its group code 111 is `d4` here, with `d4`'s channels, not a group of its own.)

    Protocol `"standard"`: the head reads features pooled over the group (`InvariantPooling`), so in evaluation every
    move of the group leaves the logits as they are; every convolution is followed by a batch norm that the group
    shares, and there is no dropout (why: `docs/recipes.md`); the channels are those that bring the number of
    parameters closest to that of the plain network. On 28 x 28 gray images with ten classes that is 20, 17, 14 and 11
    channels for orders 1, 2, 4 and 8, with 48,800, 48,755, 49,466 and 49,583 parameters; at every size and color
    within 5 %. Of images larger than 32 pixels the head reads 4 x 4 means of the pooled features, as many as of 28:
    else it would hold nearly all parameters (344,000 of 355,000 at 64 pixels).

    Attributes:
        group: the name of one of `aenbench.nn.square_groups.SQUARE_GROUPS`.
        large: 30 channels in the plain network, not 20.
        shape: what it fits; an image size that is a multiple of 4 and at least 16: then both poolings fit exactly.

    Raises:
        UnknownNameError: there is no such group.
        InvalidArgumentError: an impossible size.
    """

    group: str = "trivial"
    large: bool = False
    shape: TaskShape = field(default_factory=TaskShape)

    def __post_init__(self) -> None:
        SquareGroup(self.group)  # an unknown group is an error here
        size = self.shape.image_size
        if size < 16 or size % 4:
            raise InvalidArgumentError(
                f"Expected an image size that is a multiple of 4 and at least 16, so that the 2 x 2 poolings fit; "
                f"got {size}. Pad or resize to {max(16, -(-size // 4) * 4)}."
            )

    @property
    def protocol(self) -> Protocol:
        """The rules that it is made by."""
        return self.shape.protocol

    @property
    def order(self) -> int:
        """Elements of the group."""
        return SquareGroup(self.group).order

    @property
    def feature_size(self) -> int:
        """Pixels along one side of the last features: 4 for images of 28, 5 for 32."""
        return self.shape.image_size // 4 - 3

    @property
    def head_size(self) -> int:
        """Pixels along one side of what the dense head reads."""
        pooled = self.protocol.invariant_head and self.shape.image_size > _UNPOOLED
        return _HEAD_SIZE if pooled else self.feature_size

    @property
    def width(self) -> int:
        """Channels of every convolution, each `order` planes."""
        plain = 30 if self.large else 20
        if not self.protocol.equal_parameters:
            return plain * 10 // _DIVISORS_OF_WIDTH[self.order]
        target = self._count_parameters(plain, order=1)
        return min(range(1, plain + 1), key=lambda width: abs(self._count_parameters(width, self.order) - target))

    @property
    def parameter_count(self) -> int:
        """Free parameters of the network."""
        return self._count_parameters(self.width, self.order)

    @property
    def head_inputs(self) -> int:
        """Features that the dense head reads."""
        return self._count_head_inputs(self.width, self.order)

    def _count_head_inputs(self, width: int, order: int) -> int:
        return width * self.head_size**2 * (1 if self.protocol.invariant_head else order)

    def _count_parameters(self, width: int, order: int) -> int:
        kernel, shifts = _KERNEL**2, 2 if self.protocol.batch_norm else 1  # scale and shift, or a bias
        convolutions = (self.shape.channels * kernel + shifts) * width + 3 * (width * order * kernel + shifts) * width
        sizes = (self._count_head_inputs(width, order), *_DENSE, self.shape.classes)
        return convolutions + sum((sizes[k] + 1) * sizes[k + 1] for k in range(len(sizes) - 1))

    @property
    def facts(self) -> Mapping[str, Any]:
        """What an entry says of the network."""
        return {"group": self.group, "large": self.large}

    def build(self, generator: torch.Generator) -> "GCNN":
        """The network, with initial weights drawn from the generator."""
        return GCNN(self, generator)


class GCNN(nn.Module):
    """The module of a `GCNNArchitecture`: logits (batch, classes) of images (batch, channels, size, size).

    Every layer draws uniformly in +-1/sqrt(fan-in), as PyTorch's layers do; batch norms begin with scale 1 and shift 0.
    Dropout draws from PyTorch's global generator, in training only.

    Args:
        architecture: what to build.
        generator: source of the initial weights, drawn layer by layer, on the CPU.
    """

    def __init__(self, architecture: GCNNArchitecture, generator: torch.Generator) -> None:
        super().__init__()
        self.architecture = architecture
        group, width = SquareGroup(architecture.group), architecture.width
        normed, pooled = architecture.protocol.batch_norm, architecture.protocol.invariant_head
        lift = LiftingConv2d(group, architecture.shape.channels, width, _KERNEL, bias=not normed, generator=generator)
        rest = (GroupConv2d(group, width, width, _KERNEL, bias=not normed, generator=generator) for _ in range(3))
        self.convolutions = nn.ModuleList([lift, *rest])
        self.norms = nn.ModuleList(GroupBatchNorm2d(width) if normed else nn.Identity() for _ in self.convolutions)
        self.pool = SpatialPooling(group, 2)
        self.invariants = InvariantPooling(group, architecture.feature_size) if pooled else nn.Identity()
        self.means = (
            Means(architecture.feature_size, architecture.head_size)
            if architecture.head_size < architecture.feature_size
            else nn.Identity()
        )
        first, second = _DENSE
        self.head = nn.Sequential(
            nn.Flatten(),
            _dense(architecture.head_inputs, first, generator),
            nn.ReLU(),
            nn.Dropout(architecture.protocol.dropout),
            _dense(first, second, generator),
            nn.ReLU(),
            _dense(second, architecture.shape.classes, generator),
        )

    def features(self, images: Tensor) -> Tensor:
        """What the group still moves: (batch, width, order, feature size, feature size)."""
        x = images
        for k, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            x = convolution(x)  # one step a line: what is done with is freed before the next is made
            x = norm(x)
            if k % 2:
                x = self.pool(x)  # 28 > 26 > 24 > 12 > 10 > 8 > 4
            x = torch.relu(x)  # after the pooling, with which it commutes: a quarter of the values
        return x

    def forward(self, images: Tensor) -> Tensor:
        size, channels = self.architecture.shape.image_size, self.architecture.shape.channels
        if images.shape[1:] != (channels, size, size):
            raise InvalidArgumentError(
                f"Expected images (batch, {channels}, {size}, {size}), got {tuple(images.shape)}."
            )
        logits: Tensor = self.head(self.means(self.invariants(self.features(images))))
        return logits


def build_gcnn(architecture: GCNNArchitecture, generator: torch.Generator | int) -> GCNN:
    """The network of an architecture, with initial weights from a generator, or from a new one with this seed."""
    if isinstance(generator, int):
        generator = torch.Generator().manual_seed(generator)
    return architecture.build(generator)


def _dense(inputs: int, outputs: int, generator: torch.Generator) -> EquivariantLinear:
    """A free dense layer whose initial weights come from the generator: `nn.Linear` takes none."""
    return EquivariantLinear(trivial(0, inputs), trivial(0, outputs), generator=generator)


GROUP_BITS = ("rotation", "hflip", "vflip")


_GROUPS = {"000": "trivial", "100": "c4", "010": "hflip", "001": "vflip", "011": "v4", "111": "d4"}
_TURNS = frozenset({"quarter turn", "half turn", "three-quarter turn"})
_FLIPS = frozenset({"left-right flip", "top-bottom flip"})
_MOVES = {
    "000": frozenset[str](),
    "010": frozenset({"left-right flip"}),
    "001": frozenset({"top-bottom flip"}),
    "100": _TURNS,
    "011": _FLIPS | {"half turn"},
    "111": _TURNS | _FLIPS | {"diagonal flip", "antidiagonal flip"},
}
"""The moves of the square in each group, as `aenbench.discover` names them, from small groups to large."""


@dataclass(frozen=True)
class GCNNSpace(SearchSpace):
    """The paper's ten bits for group convolutional networks: 3 generators of a group, 6 augmentations, 1 size.

    The bits are, in order: rotation by 90 degrees, left-right flip, top-bottom flip; the augmentations of
    `aenbench.training.augmentation.AUGMENTATIONS`; the large network. A rotation and either flip generate all eight
    symmetries of the square, so 101, 110 and 111 are one group, whose canonical code is 111: 768 networks in 1,024
    states.
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
        augmentation = Augmentation(tuple(compress(AUGMENTATIONS, map(int, chosen))))
        return Candidate(GCNNArchitecture(_GROUPS[group], large, self.shape), augmentation)

    @property
    def candidates(self) -> str:
        return "d4"

    def moves_of(self, state: str) -> frozenset[str]:
        return _MOVES[self.canonical(state)[: len(GROUP_BITS)]]

    def state_of(self, moves: Collection[str]) -> str:
        """The largest group whose moves are all among these; augmentations and the size are left at zero."""
        within = [code for code, group in _MOVES.items() if group <= set(moves)]
        return max(within, key=lambda code: len(_MOVES[code])) + self.start[len(GROUP_BITS) :]

    @property
    def networks(self) -> tuple[str, ...]:
        states = ("".join(bits) for bits in product("01", repeat=self.bits))
        return tuple(state for state in states if self.canonical(state) == state)


_PAPER_GCNN_SEARCH = SearchBudget(states=600, episodes=60, episode_steps=50)
_QUICK_GCNN_SEARCH = SearchBudget(states=50, networks=10, episodes=60, episode_steps=20)


def _gcnn(images: int, epochs: int, chosen_by: int | None = None) -> Recipe:
    return Recipe(images, epochs, batch=32, chosen_by=chosen_by, evaluation_batch=100)


def _released_gcnn(images: int, epochs: int) -> Recipe:
    """As the released code trains: with momentum, 1,000 images to choose by."""
    return replace(_gcnn(images, epochs, 1_000), optimiser="sgd")


# Tuned on validation images of MNIST-rot; ten passes, as `cnn`, by those of G-MNIST aug2 (docs/recipes.md).
_CONVERGED = replace(convolutional_recipe(50_000, 10), learning_rate=3e-3)
_BUDGETS = {
    ("standard", "quick"): Budget("quick", _QUICK_GCNN_SEARCH, _gcnn(500, 2, 500), _gcnn(4_000, 2)),
    ("standard", "standard"): Budget("standard", _PAPER_GCNN_SEARCH, _gcnn(6_000, 4, 1_000), _CONVERGED),
    ("paper", "quick"): Budget("quick", _QUICK_GCNN_SEARCH, _released_gcnn(500, 2), _released_gcnn(4_000, 2)),
    ("paper", "standard"): Budget("standard", _PAPER_GCNN_SEARCH, _released_gcnn(6_000, 4), _released_gcnn(6_000, 10)),
}


def _factors(space: SearchSpace) -> tuple[Factor, ...]:
    """The three group bits are one factor, with a level for each of the six groups."""
    rest = "0" * (space.bits - len(GROUP_BITS))
    codes = ("".join(bits) for bits in product("01", repeat=len(GROUP_BITS)))
    groups = tuple(code for code in codes if space.canonical(code + rest) == code + rest)
    augmentations = (Factor(name, "augmentation", levels=("without", "with")) for name in AUGMENTATIONS)
    group = Factor("group", "group", groups, tuple(_GROUPS[code] for code in groups))
    return (group, *augmentations, Factor("size", "size", levels=("small", "large")))


def _of_group(shape: TaskShape, part: str, large: bool) -> GCNNArchitecture:
    return GCNNArchitecture(part, large, shape)


def _describe(facts: Mapping[str, Any], shape: TaskShape) -> str:  # noqa: ARG001
    """Such as `d4 large`."""
    return f"{facts['group']} large" if facts["large"] else str(facts["group"])


def _rebuild(facts: Mapping[str, Any], shape: TaskShape) -> GCNNArchitecture:
    return GCNNArchitecture(facts["group"], facts["large"], shape)


GCNN_FAMILY = ModelFamily(
    "gcnn",
    space=GCNNSpace,
    budgets=_BUDGETS,
    baselines={
        "gcnn:<group>": Fixed(_of_group, "group", tuple(SQUARE_GROUPS), has_sizes=True),
        "gcnn-aen": Searched(),
    },
    factors=_factors,
    facts=("group", "large"),
    describe=_describe,
    rebuild=_rebuild,
)
"""The group convolutional networks."""
