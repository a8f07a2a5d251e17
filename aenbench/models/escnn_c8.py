"""escnn's C8-steerable network for rotated digits, as a reference from another library: an optional extra.

It needs `escnn`, whose dependency `lie_learn` does not build on recent Pythons and is used for SO(3) only: a stand-in
takes its place here. Install it without its dependencies:

    pip install --no-deps escnn==1.0.11 pymanopt autograd joblib
"""

import importlib
import inspect
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.models.family import Budget, Fixed, ModelFamily
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.tasks.task import TaskShape
from aenbench.training.candidate import Candidate
from aenbench.training.recipe import Recipe, convolutional_recipe

_INSTALL = "pip install --no-deps escnn==1.0.11 pymanopt autograd joblib"
_FIELDS, _KERNELS, _PADDINGS = (24, 48, 48, 96, 96, 64), (7, 5, 5, 5, 5, 5), (1, 2, 2, 2, 2, 1)
_SIGMA, _SMALLEST = 0.66, 28


def import_escnn() -> Any:
    """escnn's package `nn`, with stand-ins for what does not install or is gone.

    SciPy's `todense` gives a matrix that PyTorch no longer takes: `toarray` takes its place.

    Raises:
        InvalidArgumentError: escnn is not installed.
    """
    import scipy.sparse

    parts = ["lie_learn", "representations", "SO3", "wigner_d"]
    for depth in range(len(parts)):
        sys.modules.setdefault(".".join(parts[: depth + 1]), ModuleType(parts[depth]))
    deepest: Any = sys.modules["lie_learn.representations.SO3.wigner_d"]
    deepest.wigner_D_matrix = getattr(deepest, "wigner_D_matrix", None)
    kinds: list[Any] = list(vars(scipy.sparse).values())
    for kind in kinds:
        if inspect.isclass(kind) and hasattr(kind, "toarray"):
            setattr(kind, "todense", kind.toarray)  # noqa: B010  mypy knows no such attribute
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that tables for SO(3) are slow
            return importlib.import_module("escnn.nn")
    except ImportError as error:
        raise InvalidArgumentError(f"escnn:c8 needs escnn, which is not installed ({error}): {_INSTALL}.") from error


@dataclass(frozen=True)
class SteerableArchitecture:
    """The network of escnn's tutorial on rotated MNIST, without the weights.

    Six convolutions that are equivariant to rotations by 45 degrees, with 24, 48, 48, 96, 96 and 64 regular fields,
    batch norm, ReLU and antialiased mean poolings; then the largest value over the group, the mean over the pixels that
    are left, and a dense head of 64: 2.1 million parameters. Rotations by 90 degrees keep the logits, those by 45
    degrees do up to interpolation. Images of an even size get a mean row and column first, so that they have a center
    pixel; their own rotations then keep the logits up to half a pixel. A training step takes .23 s of a core for an
    image of 28 pixels, so the budget `standard` is for a GPU: 16 hours of a core.

    Source: Weiler and Cesa, General E(2)-Equivariant Steerable CNNs, arXiv 1911.08251; Cesa, Lang and Weiler, A Program
    to Build E(N)-Equivariant Steerable CNNs, ICLR 2022 (the library).

    Attributes:
        shape: what it fits; an image size of at least 28.

    Raises:
        InvalidArgumentError: smaller images.
    """

    shape: TaskShape = field(default_factory=TaskShape)

    def __post_init__(self) -> None:
        if self.shape.image_size < _SMALLEST:
            raise InvalidArgumentError(
                f"Expected images of at least {_SMALLEST} pixels, so that six layers fit; got {self.shape.image_size}."
            )

    @property
    def facts(self) -> Mapping[str, Any]:
        """An entry needs to say nothing more of it."""
        return {}

    def build(self, generator: torch.Generator) -> "SteerableNetwork":
        """The network; escnn draws from PyTorch's global generator, which has the given one's seed for that time only.

        Raises:
            InvalidArgumentError: escnn is not installed.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator.initial_seed())
            return SteerableNetwork(self)


class SteerableNetwork(nn.Module):
    """The module of a `SteerableArchitecture`: logits (batch, classes) of images (batch, channels, size, size)."""

    def __init__(self, architecture: SteerableArchitecture) -> None:
        super().__init__()
        enn = import_escnn()
        gspaces: Any = importlib.import_module("escnn.gspaces")

        self.architecture = architecture
        space, shape = gspaces.rot2dOnR2(8), architecture.shape
        self.image_type = before = enn.FieldType(space, shape.channels * [space.trivial_repr])
        layers: list[Any] = [enn.MaskModule(before, self._odd_size, margin=1)]
        for k, (fields, kernel, padding) in enumerate(zip(_FIELDS, _KERNELS, _PADDINGS, strict=True)):
            after = enn.FieldType(space, fields * [space.regular_repr])
            layers += [enn.R2Conv(before, after, kernel_size=kernel, padding=padding, bias=False)]
            layers += [enn.InnerBatchNorm(after), enn.ReLU(after, inplace=True)]
            if k % 2:
                last = k == len(_FIELDS) - 1
                stride, margin = (1, 0) if last else (2, None)
                layers += [enn.PointwiseAvgPoolAntialiased(after, sigma=_SIGMA, stride=stride, padding=margin)]
            before = after
        self.equivariant = enn.SequentialModule(*layers, enn.GroupPooling(before))
        width = _FIELDS[-1]
        self.head = nn.Sequential(
            nn.Linear(width, width), nn.BatchNorm1d(width), nn.ELU(), nn.Linear(width, shape.classes)
        )

    @property
    def _odd_size(self) -> int:
        return self.architecture.shape.image_size // 2 * 2 + 1

    def forward(self, images: Tensor) -> Tensor:
        size, channels = self.architecture.shape.image_size, self.architecture.shape.channels
        if images.shape[1:] != (channels, size, size):
            raise InvalidArgumentError(
                f"Expected images (batch, {channels}, {size}, {size}), got {tuple(images.shape)}."
            )
        more = self._odd_size - size
        fields = self.equivariant(self.image_type(F.pad(images, (0, more, 0, more))))
        logits: Tensor = self.head(fields.tensor.mean((2, 3)))
        return logits


class SteerableSpace(SearchSpace):
    """One network: nothing is left to be searched."""

    @property
    def bits(self) -> int:
        return 0

    def canonical(self, state: str) -> str:
        return state

    def candidate(self, state: str) -> Candidate:  # noqa: ARG002
        return Candidate(SteerableArchitecture(self.shape))

    @property
    def networks(self) -> tuple[str, ...]:
        return (self.start,)


def _recipe(images: int, epochs: int) -> Recipe:
    return replace(convolutional_recipe(images, epochs), precision="float32", evaluation_batch=100)


def _c8(shape: TaskShape, part: str, large: bool) -> SteerableArchitecture:  # noqa: ARG001
    return SteerableArchitecture(shape)


_SEARCH = SearchBudget(states=1, networks=1, episodes=1, episode_steps=1)
ESCNN_FAMILY = ModelFamily(
    "escnn",
    space=SteerableSpace,
    budgets={
        (protocol, name): Budget(name, _SEARCH, child, final)
        for protocol in ("standard", "paper")
        for name, child, final in (
            ("quick", _recipe(500, 2), _recipe(1_000, 2)),
            ("standard", _recipe(4_000, 4), _recipe(50_000, 5)),
        )
    },
    baselines={"escnn:<group>": Fixed(_c8, "group", ("c8",))},
    need=import_escnn,
)
"""A steerable network of another library, where that is installed. Its recipe is that of `p4cnn`, in float32."""
