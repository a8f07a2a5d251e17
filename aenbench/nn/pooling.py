"""Pooling over the group, over the pixels, or over both, that keeps equivariance or turns it into invariance."""

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.nn.planes import from_planes, to_planes
from aenbench.nn.square_groups import SquareGroup
from aenbench.nn.windows import Pair, Window, pair

Reduction = Literal["max", "mean"]


def _reduce(x: Tensor, dimension: int, reduction: Reduction) -> Tensor:
    return x.amax(dimension) if reduction == "max" else x.mean(dimension)


def _check_reduction(reduction: str) -> None:
    if reduction not in get_args(Reduction):
        raise InvalidArgumentError(f'Unknown reduction "{reduction}". Choose from: {", ".join(get_args(Reduction))}.')


class SpatialPooling(nn.Module):
    """`max_pool2d` or `avg_pool2d` of every plane, for sizes on which it commutes with the group.

    A 2 x 2 pooling of an odd number of rows leaves the last row out, and a flip of the image then pools other pixels:
    such sizes raise, and the error says which ones would do.

    Args:
        group: a `SquareGroup`, or the name of one.
        kernel_size: as in `torch.nn.MaxPool2d`.
        stride: as in `torch.nn.MaxPool2d`; the kernel size by default.
        padding: as in `torch.nn.MaxPool2d`.
        reduction: `"max"` or `"mean"`; the mean of a padded window counts the padding's zeros, as PyTorch's does.

    Shape: (batch, ..., height, width) to (batch, ..., new height, new width).

    Raises:
        UnknownNameError: there is no such group.
        InvalidArgumentError: arguments, or a size when it is called, that would break equivariance.
    """

    def __init__(
        self,
        group: SquareGroup | str,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        reduction: Reduction = "max",
    ) -> None:
        super().__init__()
        _check_reduction(reduction)
        self.group = SquareGroup(group) if isinstance(group, str) else group
        kernel = pair(kernel_size)
        self.window = Window(self.group, kernel, kernel if stride is None else pair(stride), pair(padding))
        if any(2 * side > extent for side, extent in zip(self.window.padding, kernel, strict=True)):
            raise InvalidArgumentError(
                f"Expected a padding of at most half the kernel {kernel}, got {self.window.padding}."
            )
        self.reduction = reduction

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        self.window.check(height, width)
        pool = F.max_pool2d if self.reduction == "max" else F.avg_pool2d
        planes = to_planes(x) if x.ndim == 5 else x.flatten(1, -3)
        y = pool(planes, self.window.kernel, self.window.stride, self.window.padding)
        return from_planes(y, x.shape[2]) if x.ndim == 5 else y.reshape(*x.shape[:-2], *y.shape[2:])

    def extra_repr(self) -> str:
        return f"{self.group.name}, {self.window.kernel}, stride={self.window.stride}, {self.reduction}"


class GroupPooling(nn.Module):
    """From functions on the group to images: the largest, or the mean, value over the elements at each pixel.

    The output moves as the image does; it is not invariant yet. Source: arXiv 1602.07576, section 6.3.

    Shape: (batch, channels, order, height, width) to (batch, channels, height, width).
    """

    def __init__(self, reduction: Reduction = "max") -> None:
        super().__init__()
        _check_reduction(reduction)
        self.reduction = reduction

    def forward(self, features: Tensor) -> Tensor:
        if features.ndim != 5:
            raise InvalidArgumentError(
                f"Expected features (batch, channels, order, height, width), got shape {tuple(features.shape)}."
            )
        return _reduce(features, 2, self.reduction)


class InvariantPooling(nn.Module):
    """From functions on the group to features that no element changes, without giving up where things are.

    Elements and pixels move together, `(g f)[h](p) = f[g^-1 h](g^-1 p)`, so the orbit of (identity, q) is every
    (h, h q): move each plane back by its own element, and pool over the group. Height * width invariants are left of
    each channel; for the trivial group, all it has.

    Args:
        group: a `SquareGroup`, or the name of one.
        size: height (and width, where they differ) of the planes.
        reduction: `"max"` or `"mean"`.

    Shape: (batch, channels, order, height, width) to (batch, channels, height, width).

    Raises:
        UnknownNameError: there is no such group.
        InvalidArgumentError: the group does not act on this size, or, when it is called, features are of another one.
    """

    index: Tensor

    def __init__(self, group: SquareGroup | str, size: int | Pair, reduction: Reduction = "max") -> None:
        super().__init__()
        _check_reduction(reduction)
        self.group = SquareGroup(group) if isinstance(group, str) else group
        self.size, self.reduction = pair(size), reduction
        back = self.group.pixels(*self.size)[self.group.inverses]
        self.register_buffer("index", torch.from_numpy(back), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        if features.ndim != 5 or features.shape[2:] != (self.group.order, *self.size):
            raise InvalidArgumentError(
                f"Expected features (batch, channels, {self.group.order}, {self.size[0]}, {self.size[1]}), "
                f"got shape {tuple(features.shape)}."
            )
        planes = features.flatten(3)
        aligned = planes.gather(3, self.index.expand(planes.shape))
        return _reduce(aligned, 2, self.reduction).view(*features.shape[:2], *self.size)

    def extra_repr(self) -> str:
        return f"{self.group.name}, {self.size}, {self.reduction}"


class Means(nn.Module):
    """Means of windows that cover each side evenly, as `F.adaptive_avg_pool2d`, by matrix products.

    PyTorch's own has no deterministic gradient on a GPU.

    Args:
        size: pixels along one side of the input.
        windows: windows along one side, at most `size`.

    Shape: (..., size, size) to (..., windows, windows).
    """

    matrix: Tensor

    def __init__(self, size: int, windows: int) -> None:
        super().__init__()
        if not 1 <= windows <= size:
            raise InvalidArgumentError(f"Expected 1 to {size} windows of {size} pixels, got {windows}.")
        matrix = torch.zeros(windows, size)
        for k in range(windows):
            first, last = k * size // windows, -(-(k + 1) * size // windows)
            matrix[k, first:last] = 1 / (last - first)
        self.register_buffer("matrix", matrix, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.matrix @ x @ self.matrix.T
