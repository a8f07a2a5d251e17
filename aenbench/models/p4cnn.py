"""The networks of Cohen and Welling (2016) for rotated digits, plain and equivariant, as a model family."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from aenbench.errors import InvalidArgumentError
from aenbench.models.family import Budget, Fixed, ModelFamily
from aenbench.models.space import GroupSpace, SearchBudget
from aenbench.nn.batchnorm import GroupBatchNorm2d
from aenbench.nn.gconv import GroupConv2d, LiftingConv2d
from aenbench.nn.pooling import GroupPooling, SpatialPooling
from aenbench.nn.square_groups import SquareGroup
from aenbench.tasks.task import TaskShape
from aenbench.training.candidate import Candidate
from aenbench.training.recipe import convolutional_recipe

_HIDDEN, _PLAIN_WIDTH, _LAST_KERNEL = 6, 20, 4


@dataclass(frozen=True)
class SevenLayerArchitecture:
    """Z2CNN, P4CNN and their like (arXiv 1602.07576, section 8.1), without the weights.

    Six 3 x 3 group convolutions without padding, each with batch norm and ReLU, a 2 x 2 max pooling after the second;
    the seventh is 4 x 4, has a plane for each class and element, and the largest value over the elements (and over the
    pixels that are left, of images larger than 28) is the logit. The plain network has 20 channels, that of a group of
    n elements 20 / sqrt(n), rounded: 10 for `c4`, 7 for `d4`. On 28 x 28 gray images with ten classes that is 21,630
    parameters for `trivial`, 24,620 for `c4` and 26,757 for `d4`.

    Every logit is invariant under the group. What differs from the paper: there is no dropout; whether it would help
    was not measured.

    Attributes:
        group: the name of one of `aenbench.nn.square_groups.SQUARE_GROUPS`.
        shape: what it fits; an even image size of at least 28.

    Raises:
        UnknownNameError: there is no such group.
        InvalidArgumentError: an impossible size.
    """

    group: str = "trivial"
    shape: TaskShape = field(default_factory=TaskShape)

    def __post_init__(self) -> None:
        SquareGroup(self.group)  # an unknown group is an error here
        size = self.shape.image_size
        if size < 28 or size % 2:
            raise InvalidArgumentError(
                f"Expected an even image size of at least 28, so that seven layers and a pooling fit; got {size}. "
                f"Pad or resize to {max(28, size + size % 2)}."
            )

    @property
    def order(self) -> int:
        """Elements of the group."""
        return SquareGroup(self.group).order

    @property
    def width(self) -> int:
        """Channels of the first six layers, each `order` planes."""
        return round(_PLAIN_WIDTH / math.sqrt(self.order))

    @property
    def parameter_count(self) -> int:
        """Free parameters of the network."""
        width, last = self.width, self.shape.classes
        first = self.shape.channels * 9 * width
        rest = (_HIDDEN - 1) * width * self.order * 9 * width
        return first + rest + _HIDDEN * 2 * width + (width * self.order * _LAST_KERNEL**2 + 1) * last

    @property
    def facts(self) -> Mapping[str, Any]:
        """What an entry says of the network."""
        return {"group": self.group}

    def build(self, generator: torch.Generator) -> "SevenLayerNetwork":
        """The network, with initial weights drawn from the generator."""
        return SevenLayerNetwork(self, generator)


class SevenLayerNetwork(nn.Module):
    """The module of a `SevenLayerArchitecture`: logits (batch, classes) of images (batch, channels, size, size).

    Args:
        architecture: what to build.
        generator: source of the initial weights, drawn layer by layer, on the CPU.
    """

    def __init__(self, architecture: SevenLayerArchitecture, generator: torch.Generator) -> None:
        super().__init__()
        self.architecture = architecture
        group, width, shape = SquareGroup(architecture.group), architecture.width, architecture.shape
        lift = LiftingConv2d(group, shape.channels, width, 3, bias=False, generator=generator)
        rest = (GroupConv2d(group, width, width, 3, bias=False, generator=generator) for _ in range(_HIDDEN - 1))
        self.convolutions = nn.ModuleList([lift, *rest])
        self.norms = nn.ModuleList(GroupBatchNorm2d(width) for _ in range(_HIDDEN))
        self.pool = SpatialPooling(group, 2)
        self.last = GroupConv2d(group, width, shape.classes, _LAST_KERNEL, generator=generator)
        self.over_group = GroupPooling()

    def features(self, images: Tensor) -> Tensor:
        """What the group still moves: (batch, classes, order, rest, rest), `rest` being 1 for images of 28 pixels."""
        x = images
        for k, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            x = convolution(x)
            x = norm(x)
            if k == 1:
                x = self.pool(x)  # 28 > 26 > 24 > 12 > 10 > 8 > 6 > 4 > 1
            x = torch.relu(x)
        last: Tensor = self.last(x)
        return last

    def forward(self, images: Tensor) -> Tensor:
        size, channels = self.architecture.shape.image_size, self.architecture.shape.channels
        if images.shape[1:] != (channels, size, size):
            raise InvalidArgumentError(
                f"Expected images (batch, {channels}, {size}, {size}), got {tuple(images.shape)}."
            )
        logits: Tensor = self.over_group(self.features(images)).amax((2, 3))
        return logits


class SevenLayerSpace(GroupSpace):
    """The groups of `GroupSpace`, for seven layers."""

    def candidate(self, state: str) -> Candidate:
        return Candidate(SevenLayerArchitecture(self.group(state), self.shape))


_SEARCH = SearchBudget(states=4, networks=4, episodes=4, episode_steps=4)
_BUDGETS = {
    (protocol, name): Budget(name, _SEARCH, child, final)
    for protocol in ("standard", "paper")
    for name, child, final in (
        ("quick", convolutional_recipe(500, 2, 500), convolutional_recipe(4_000, 2)),
        ("standard", convolutional_recipe(4_000, 4, 1_000), convolutional_recipe(50_000, 5)),
    )
}


def _plain(shape: TaskShape, part: str, large: bool) -> SevenLayerArchitecture:  # noqa: ARG001
    return SevenLayerArchitecture("trivial", shape)


def _p4(shape: TaskShape, part: str, large: bool) -> SevenLayerArchitecture:  # noqa: ARG001
    return SevenLayerArchitecture("c4", shape)


def _p4m(shape: TaskShape, part: str, large: bool) -> SevenLayerArchitecture:  # noqa: ARG001
    return SevenLayerArchitecture("d4", shape)


def _describe(facts: Mapping[str, Any], shape: TaskShape) -> str:  # noqa: ARG001
    """Such as `c4, seven layers`."""
    return f"{facts['group']}, seven layers"


def _rebuild(facts: Mapping[str, Any], shape: TaskShape) -> SevenLayerArchitecture:
    return SevenLayerArchitecture(facts["group"], shape)


P4CNN_FAMILY = ModelFamily(
    "p4cnn",
    space=SevenLayerSpace,
    budgets=_BUDGETS,
    baselines={"z2cnn": Fixed(_plain), "p4cnn": Fixed(_p4), "p4m": Fixed(_p4m)},
    facts=("group",),
    describe=_describe,
    rebuild=_rebuild,
)
"""The networks of Cohen and Welling (2016)."""
