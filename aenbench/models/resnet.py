"""Small convolutional networks that pool over group and pixels, plain and residual, as two model families."""

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
from aenbench.nn.linear import EquivariantLinear
from aenbench.nn.pooling import GroupPooling, SpatialPooling
from aenbench.nn.representations import trivial
from aenbench.nn.square_groups import SQUARE_GROUPS, SquareGroup
from aenbench.tasks.task import TaskShape
from aenbench.training.candidate import Candidate
from aenbench.training.recipe import convolutional_recipe

_PLAIN_WIDTHS, _LARGEST = (16, 32, 64), 32


@dataclass(frozen=True)
class ResNetArchitecture:
    """A thin residual network, or the same without its skip connections, without the weights.

    A 3 x 3 convolution; poolings until the image has at most 32 pixels a side; then three stages of one block each
    (He et al., arXiv 1512.03385, figure 2: two 3 x 3 convolutions and the skip, a 1 x 1 convolution where the channels
    change), with a 2 x 2 max pooling between them. Every convolution is followed by a batch norm, and keeps the size.
    The head takes the largest value over the group, the mean over the pixels, and one linear layer: so it is as small
    for images of 96 pixels as for those of 28, and every logit is invariant under the group.

    The plain network has 16, 32 and 64 channels in its stages; that of a group of n elements has these divided by
    sqrt(n), rounded, so that all have about equal parameters: 78,042 for `trivial`, 77,170 for `c4`, 78,146 for `d4`
    (color, ten classes, residual). It is thin so that D4 can be trained on a CPU: 0.1 billion multiplications an image
    of 64 pixels, a fifth of a ResNet-18's without any group at 32 pixels.

    Attributes:
        group: the name of one of `aenbench.nn.square_groups.SQUARE_GROUPS`.
        residual: whether blocks have skip connections.
        shape: what it fits; a size that can be halved as often as it has to be: 28, 32, 48, 64, 96, 128, ...

    Raises:
        UnknownNameError: there is no such group.
        InvalidArgumentError: an impossible size.
    """

    group: str = "trivial"
    residual: bool = True
    shape: TaskShape = field(default_factory=TaskShape)

    def __post_init__(self) -> None:
        SquareGroup(self.group)  # an unknown group is an error here
        size = self.shape.image_size
        unit = 2 ** (self.stem_poolings + 2)
        if size < 8 or size % unit:
            raise InvalidArgumentError(
                f"Expected an image size that is a multiple of {unit}, so that the 2 x 2 poolings fit; got {size}. "
                f"Pad or resize to {max(8, -(-size // unit) * unit)}."
            )

    @property
    def stem_poolings(self) -> int:
        """Poolings before the first stage."""
        return max(0, math.ceil(math.log2(self.shape.image_size / _LARGEST)))

    @property
    def order(self) -> int:
        """Elements of the group."""
        return SquareGroup(self.group).order

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each stage, each `order` planes."""
        return tuple(round(width / math.sqrt(self.order)) for width in _PLAIN_WIDTHS)

    @property
    def parameter_count(self) -> int:
        """Free parameters of the network."""
        first, widths = self.widths[0], self.widths
        count = first * (9 * self.shape.channels + 2)
        for before, width in zip((first, *widths), widths, strict=False):
            count += width * (9 * self.order * (before + width) + 4)
            count += width * (self.order * before + 2) if self.residual and before != width else 0
        return count + (widths[-1] + 1) * self.shape.classes

    @property
    def facts(self) -> Mapping[str, Any]:
        """What an entry says of the network."""
        return {"group": self.group}

    def build(self, generator: torch.Generator) -> "ResNet":
        """The network, with initial weights drawn from the generator."""
        return ResNet(self, generator)


class _Block(nn.Module):
    """Two 3 x 3 group convolutions, and what is added to them: features (batch, channels, order, height, width)."""

    def __init__(self, group: SquareGroup, before: int, width: int, residual: bool, generator: torch.Generator) -> None:
        super().__init__()
        self.first = GroupConv2d(group, before, width, 3, padding=1, bias=False, generator=generator)
        self.first_norm = GroupBatchNorm2d(width)
        self.second = GroupConv2d(group, width, width, 3, padding=1, bias=False, generator=generator)
        self.second_norm = GroupBatchNorm2d(width)
        self.skip: nn.Module | None = None
        if residual and before == width:
            self.skip = nn.Identity()
        elif residual:
            across = GroupConv2d(group, before, width, 1, bias=False, generator=generator)
            self.skip = nn.Sequential(across, GroupBatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return torch.relu(y if self.skip is None else y + self.skip(x))


class ResNet(nn.Module):
    """The module of a `ResNetArchitecture`: logits (batch, classes) of images (batch, channels, size, size).

    Args:
        architecture: what to build.
        generator: source of the initial weights, drawn layer by layer, on the CPU.
    """

    def __init__(self, architecture: ResNetArchitecture, generator: torch.Generator) -> None:
        super().__init__()
        self.architecture = architecture
        group, widths, shape = SquareGroup(architecture.group), architecture.widths, architecture.shape
        self.lift = LiftingConv2d(group, shape.channels, widths[0], 3, padding=1, bias=False, generator=generator)
        self.norm = GroupBatchNorm2d(widths[0])
        self.pool = SpatialPooling(group, 2)
        self.blocks = nn.ModuleList(
            _Block(group, before, width, architecture.residual, generator)
            for before, width in zip((widths[0], *widths), widths, strict=False)
        )
        self.over_group = GroupPooling()
        self.head = EquivariantLinear(trivial(0, widths[-1]), trivial(0, shape.classes), generator=generator)

    def features(self, images: Tensor) -> Tensor:
        """What the group still moves: (batch, channels, order, size, size), the size a quarter of the first stage's."""
        x: Tensor = self.norm(self.lift(images))
        for _ in range(self.architecture.stem_poolings):
            x = self.pool(x)
        x = torch.relu(x)  # after the pooling, with which it commutes
        for k, block in enumerate(self.blocks):
            x = block(self.pool(x) if k else x)
        return x

    def forward(self, images: Tensor) -> Tensor:
        size, channels = self.architecture.shape.image_size, self.architecture.shape.channels
        if images.shape[1:] != (channels, size, size):
            raise InvalidArgumentError(
                f"Expected images (batch, {channels}, {size}, {size}), got {tuple(images.shape)}."
            )
        logits: Tensor = self.head(self.over_group(self.features(images)).mean((2, 3)))
        return logits


class ResNetSpace(GroupSpace):
    """The groups of `GroupSpace`, for residual networks."""

    def candidate(self, state: str) -> Candidate:
        return Candidate(ResNetArchitecture(self.group(state), shape=self.shape))


class CNNSpace(GroupSpace):
    """The groups of `GroupSpace`, for the same networks without skip connections."""

    def candidate(self, state: str) -> Candidate:
        return Candidate(ResNetArchitecture(self.group(state), residual=False, shape=self.shape))


_SEARCH = SearchBudget(states=4, networks=4, episodes=4, episode_steps=4)


def _budgets(epochs: int) -> dict[tuple[str, str], Budget]:
    return {
        (protocol, name): Budget(name, _SEARCH, child, final)
        for protocol in ("standard", "paper")
        for name, child, final in (
            ("quick", convolutional_recipe(500, 2, 500), convolutional_recipe(4_000, 2)),
            ("standard", convolutional_recipe(4_000, 4, 1_000), convolutional_recipe(50_000, epochs)),
        )
    }


def _plain(shape: TaskShape, part: str, large: bool) -> ResNetArchitecture:  # noqa: ARG001
    return ResNetArchitecture(shape=shape)


def _of_group(shape: TaskShape, part: str, large: bool) -> ResNetArchitecture:  # noqa: ARG001
    return ResNetArchitecture(part, shape=shape)


def _without_skips(shape: TaskShape, part: str, large: bool) -> ResNetArchitecture:  # noqa: ARG001
    return ResNetArchitecture(residual=False, shape=shape)


def _describe(facts: Mapping[str, Any], shape: TaskShape) -> str:  # noqa: ARG001
    """Such as `c4`."""
    return str(facts["group"])


def _rebuild(facts: Mapping[str, Any], shape: TaskShape) -> ResNetArchitecture:
    return ResNetArchitecture(facts["group"], shape=shape)


def _rebuild_without_skips(facts: Mapping[str, Any], shape: TaskShape) -> ResNetArchitecture:
    return ResNetArchitecture(facts["group"], residual=False, shape=shape)


RESNET_FAMILY = ModelFamily(
    "resnet",
    space=ResNetSpace,
    budgets=_budgets(epochs=5),
    baselines={"resnet": Fixed(_plain), "resnet:<group>": Fixed(_of_group, "group", tuple(SQUARE_GROUPS))},
    facts=("group",),
    describe=_describe,
    rebuild=_rebuild,
)
"""Thin residual networks, plain and of a group, for photographs."""

CNN_FAMILY = ModelFamily(
    "cnn",
    space=CNNSpace,
    budgets=_budgets(epochs=10),
    baselines={"cnn": Fixed(_without_skips)},
    facts=("group",),
    describe=_describe,
    rebuild=_rebuild_without_skips,
)
"""The plain convolutional network that stands beside the dense and the equivariant ones."""
