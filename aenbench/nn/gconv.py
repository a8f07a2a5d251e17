"""Convolutions over the pixel grid together with a group of its symmetries.

A group convolution is a plain convolution whose filter bank is written with fewer free values: each free filter is
read once for every element of the group, moved as the element says. So the bank is an index into the free filters,
made once from the group's tables, and the rest is `torch.nn.functional.conv2d`.

Source: Cohen and Welling, Group Equivariant Convolutional Networks, arXiv 1602.07576, sections 6 and 7.
"""

import math
from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.nn.buffers import keep_buffer
from aenbench.nn.evaluation_cache import EvaluationCache
from aenbench.nn.planes import from_planes, in_layout, to_planes
from aenbench.nn.square_groups import SquareGroup
from aenbench.nn.windows import Pair, Window, pair

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
_PADDING_MODES: tuple[PaddingMode, ...] = ("zeros", "reflect", "replicate", "circular")


class _GroupFilters(nn.Module):
    """What both layers share: free filters (out, in / groups, copies * kernel), and the bank they are spread to."""

    weight: nn.Parameter
    bias: nn.Parameter | None
    bank_index: Tensor | None

    def __init__(
        self,
        group: SquareGroup | str,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        stride: int | Pair = 1,
        padding: int | Pair | Literal["valid", "same"] = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.group = SquareGroup(group) if isinstance(group, str) else group
        if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
            raise InvalidArgumentError(
                f"Expected channels that are multiples of groups, all at least 1; "
                f"got {in_channels} to {out_channels} channels in {groups} groups."
            )
        if padding_mode not in _PADDING_MODES:
            raise InvalidArgumentError(
                f'Unknown padding mode "{padding_mode}". Choose from: {", ".join(_PADDING_MODES)}.'
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.padding_mode = padding_mode
        kernel, steps = pair(kernel_size), pair(dilation)
        self.window = Window(self.group, kernel, pair(stride), _sides(padding, kernel, steps, pair(stride)), steps)
        shape = self._filter_shape(in_channels // groups, kernel)
        self.weight = nn.Parameter(torch.empty(out_channels, *shape, device=device, dtype=dtype))
        self.register_parameter(
            "bias", nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype)) if bias else None
        )
        moves = None if self.group.order == 1 else torch.from_numpy(self._moves(kernel)).to(self.weight.device)
        keep_buffer(self, "bank_index", moves)
        self._cached = EvaluationCache()
        self.reset_parameters(generator)

    def _filter_shape(self, in_channels: int, kernel: Pair) -> tuple[int, ...]:
        raise NotImplementedError

    def _moves(self, kernel: Pair) -> NDArray[np.int64]:
        """For each element, how it gathers the values of one free filter: (order, values)."""
        raise NotImplementedError

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw filters and bias uniformly in +-1/sqrt(fan-in), as `nn.Conv2d` does.

        The fan-in is the number of inputs that one output reads, `in_channels * order * kernel` in a `GroupConv2d`:
        the number of values in one free filter, since every element reads each of them exactly once.
        """
        bound = 1 / math.sqrt(self.weight[0].numel())
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def filter_bank(self) -> Tensor:
        """The filters of the plain convolution, differentiable with respect to the free ones.

        Shape (order * out_channels, inputs / groups, kernel height, kernel width), where the inputs are `in_channels`
        of a `LiftingConv2d` and `order * in_channels` of a `GroupConv2d`; the channel is the faster index of both, and
        the slowest index of the outputs is the group of channels where there are several.
        """
        order, (height, width) = self.group.order, self.window.kernel
        inputs, outputs = self.in_channels // self.groups, self.out_channels // self.groups
        bank = self.weight.reshape(self.out_channels, 1, inputs, -1)
        if self.bank_index is not None:
            copies = (self.out_channels, order, inputs, -1)
            bank = bank.expand(copies).gather(3, self.bank_index[None, :, None].expand(copies))
        bank = bank.reshape(self.groups, outputs, order, inputs, -1, height * width).permute(0, 2, 1, 4, 3, 5)
        return bank.reshape(self.out_channels * order, -1, height, width)

    def _convolve(self, images: Tensor) -> Tensor:
        """Planes (batch, inputs, height, width) to features (batch, out_channels, order, height, width)."""
        self.window.check(*images.shape[2:])
        bank = self.weight_for_convolution()
        order, padding = self.group.order, self.window.padding
        bias: Tensor | None = self.bias
        if bias is not None and order > 1:
            bias = bias.view(self.groups, 1, -1).expand(-1, order, -1).reshape(-1)
        if self.padding_mode != "zeros" and any(padding):
            rows, columns = padding
            images, padding = F.pad(images, (columns, columns, rows, rows), self.padding_mode), (0, 0)
        y = F.conv2d(images, bank, bias, self.window.stride, padding, self.window.dilation, self.groups)
        return from_planes(y, order, self.groups)

    def weight_for_convolution(self) -> Tensor:
        """The filter bank, kept in evaluation until a free filter changes."""
        if self.bank_index is None:
            return self.filter_bank()
        return self._cached.fetch(self.weight, self.filter_bank, self.training)

    def train(self, mode: bool = True) -> Self:
        if mode:
            self._cached.clear()
        return super().train(mode)

    def extra_repr(self) -> str:
        return (
            f"{self.group.name}, {self.in_channels}, {self.out_channels}, kernel_size={self.window.kernel}, "
            f"stride={self.window.stride}, padding={self.window.padding}, bias={self.bias is not None}"
        )


class LiftingConv2d(_GroupFilters):
    """From images to functions on the group: `out[h] = x * (h w)`, one free filter w moved by every element h.

    If the image moves by g, the output moves as a feature: `out[h]` becomes `g (out[g^-1 h])`. The plain convolution
    (`*` is PyTorch's cross-correlation) and the arguments are those of `torch.nn.Conv2d`; `weight` (out_channels,
    in_channels / groups, kernel, kernel) and `bias` (out_channels,) are all that `state_dict` holds.

    Source: arXiv 1602.07576, equation 10.

    Args:
        group: a `SquareGroup`, or the name of one.
        in_channels: channels of the images.
        out_channels: functions on the group, each `order` planes.
        kernel_size: as in `torch.nn.Conv2d`.
        stride: as in `torch.nn.Conv2d`.
        padding: as in `torch.nn.Conv2d`.
        dilation: as in `torch.nn.Conv2d`.
        groups: as in `torch.nn.Conv2d`.
        bias: as in `torch.nn.Conv2d`.
        padding_mode: as in `torch.nn.Conv2d`.
        generator: source of the initial values; without one, PyTorch's global generator.
        device: of the free parameters.
        dtype: of the free parameters.

    Shape: (batch, in_channels, height, width) to (batch, out_channels, order, new height, new width).

    Raises:
        UnknownNameError: there is no such group.
        InvalidArgumentError: arguments that cannot be equivariant, or, when it is called, an image whose size would
            break equivariance; the error names the nearest sizes that do not.
    """

    def _filter_shape(self, in_channels: int, kernel: Pair) -> tuple[int, ...]:
        return in_channels, *kernel

    def _moves(self, kernel: Pair) -> NDArray[np.int64]:
        return self.group.pixels(*kernel)

    def forward(self, images: Tensor) -> Tensor:
        if images.ndim != 4 or images.shape[1] != self.in_channels:
            raise InvalidArgumentError(
                f"Expected images (batch, {self.in_channels}, height, width), got shape {tuple(images.shape)}."
            )
        return self._convolve(in_layout(images))


class GroupConv2d(_GroupFilters):
    """From functions on the group to functions on the group: `out[h] = sum_k f[k] * (h w[h^-1 k])`.

    Both sides move as features: if `f[h]` becomes `g (f[g^-1 h])` for every h, so does `out`. `weight` (out_channels,
    in_channels / groups, order, kernel, kernel) and `bias` (out_channels,) are all that `state_dict` holds.

    Source: arXiv 1602.07576, equation 11.

    Args: as of `LiftingConv2d`; `in_channels`, too, counts functions on the group.

    Shape: (batch, in_channels, order, height, width) to (batch, out_channels, order, new height, new width).

    Raises: as `LiftingConv2d`.
    """

    def _filter_shape(self, in_channels: int, kernel: Pair) -> tuple[int, ...]:
        return in_channels, self.group.order, *kernel

    def _moves(self, kernel: Pair) -> NDArray[np.int64]:
        return self.group.features(*kernel)

    def forward(self, features: Tensor) -> Tensor:
        if features.ndim != 5 or features.shape[1:3] != (self.in_channels, self.group.order):
            raise InvalidArgumentError(
                f"Expected features (batch, {self.in_channels}, {self.group.order}, height, width), "
                f"got shape {tuple(features.shape)}. Images enter through a LiftingConv2d."
            )
        return self._convolve(to_planes(features, self.groups))


def _sides(padding: int | Pair | str, kernel: Pair, dilation: Pair, stride: Pair) -> Pair:
    """Rows and columns that are added on each side."""
    if not isinstance(padding, str):
        return pair(padding)
    if padding not in ("valid", "same"):
        raise InvalidArgumentError(f'Unknown padding "{padding}". Choose from: valid, same, or give pixels.')
    return _same_padding(kernel, dilation, stride) if padding == "same" else (0, 0)


def _same_padding(kernel: Pair, dilation: Pair, stride: Pair) -> Pair:
    spans = [step * (extent - 1) for step, extent in zip(dilation, kernel, strict=True)]
    if stride != (1, 1) or any(span % 2 for span in spans):
        raise InvalidArgumentError(
            f'padding="same" needs stride 1 and a window of odd extent, else one side gets more than the other; '
            f"got stride {stride}, extents {tuple(span + 1 for span in spans)}."
        )
    return spans[0] // 2, spans[1] // 2
