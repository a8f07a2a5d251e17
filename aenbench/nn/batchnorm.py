"""Batch normalization that commutes with a group."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.forward_ad import unpack_dual

from aenbench.errors import InvalidArgumentError
from aenbench.nn.planes import from_channel_images, from_planes, to_channel_images, to_planes

_LANES, _FEW = 16, 32
"""PyTorch's kernels normalize 16 channels at once. Of fewer than 32, and no multiple of 16, many lanes are empty."""


class GroupBatchNorm2d(nn.BatchNorm2d):
    """One mean, variance, scale and shift for each function on the group, shared by its elements and pixels.

    A group only moves the values that they are computed from, so normalizing commutes with it; `nn.BatchNorm2d` on
    channels * order planes would not. Arguments and `state_dict` are those of `torch.nn.BatchNorm2d`, which this is, on
    images that lay the elements side by side (`aenbench.nn.planes`). Training with few channels on a CPU gives its
    values up to rounding, in .3 to .5 of the time for 10 channels of D4 or 14 of C4.

    Shape: (batch, channels, order, height, width), and the same out.

    Raises:
        InvalidArgumentError: when called, an input of another shape.
    """

    def forward(self, features: Tensor) -> Tensor:
        if features.ndim != 5 or features.shape[1] != self.num_features:
            raise InvalidArgumentError(
                f"Expected features (batch, {self.num_features}, order, height, width), "
                f"got shape {tuple(features.shape)}."
            )
        if self._is_quicker_in_columns(features):
            return self._normalize_columns(features)
        return from_channel_images(super().forward(to_channel_images(features)), features.shape[2])

    def _is_quicker_in_columns(self, features: Tensor) -> bool:
        return bool(
            self.training
            and type(features) is Tensor  # what only pretends to be one, such as a fake tensor, knows fewer kernels
            and features.device.type == "cpu"
            and self.affine
            and self.bias is not None
            and self.weight.dtype == torch.float32
            and features.dtype != torch.float64
            and features.shape[1] % _LANES
            and features.shape[1] < _FEW
            and features.numel() > features.shape[1]  # a single value has no variance: an error of PyTorch's
            and not torch.compiler.is_compiling()
            and not any(map(_has_tangent, (features, self.weight, self.bias)))
        )

    def _normalize_columns(self, features: Tensor) -> Tensor:
        order = features.shape[2]
        planes, mean, variance = _Normalize.apply(to_planes(features), self.weight, self.bias, self.eps)
        if self.track_running_stats:
            self._remember(mean, variance, features.numel() // self.num_features)
        return from_planes(planes, order)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Follow the statistics as `nn.BatchNorm2d` does; `count` values of each channel gave them."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        for followed, seen in ((self.running_mean, mean), (self.running_var, variance * (count / (count - 1)))):
            followed.mul_(1 - share).add_(share * seen)


def _has_tangent(values: Tensor) -> bool:
    """Whether this is a value of forward-mode differentiation."""
    return unpack_dual(values).tangent is not None  # type: ignore[no-untyped-call]


class _Normalize(torch.autograd.Function):
    """Batch norm of planes (batch, order * channels, height, width) in which the channel is the faster index.

    Each plane, or each of several pixels of it, is a column of its own for PyTorch's kernels, whose lanes are full
    then; the statistics of the columns of a channel are put together. Returns the normalized planes, and each channel's
    mean and variance (uncorrected).
    """

    @staticmethod
    def forward(planes: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        columns = _columns(planes)
        copies = columns.shape[1] // len(weight)
        followed = weight.new_zeros(columns.shape[1])  # with these the statistics are as wide as they are
        means, variances = torch.batch_norm_update_stats(columns, followed, followed.clone(), 0.0)
        means, variances = means.view(copies, -1), variances.view(copies, -1)
        mean = means.mean(0)
        variance = variances.mean(0) + (means - mean).square().mean(0)
        normalized = _scaled(columns, mean, (variance + eps).rsqrt() * weight, bias)
        return _planes(normalized, planes), mean, variance

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor, float], output: tuple[Tensor, ...]) -> None:
        planes, weight, _, ctx.eps = inputs
        _, mean, variance = output
        ctx.mark_non_differentiable(mean, variance)
        ctx.save_for_backward(planes, weight, mean, variance)

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        planes, weight, mean, variance = ctx.saved_tensors
        inverse = (variance + ctx.eps).rsqrt()
        if torch.is_grad_enabled():  # a gradient of the gradient is wanted, or this is `torch.func.grad`
            order = planes.shape[1] // len(weight)
            images = [to_channel_images(from_planes(each, order)) for each in (grad, planes)]
            of_images, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
                *images, weight, None, None, mean, inverse, True, ctx.eps, [True, True, True]
            )
            return to_planes(from_channel_images(of_images, order)), of_weight, of_bias, None
        columns, grads = _columns(planes), _columns(grad)
        copies, count = columns.shape[1] // len(weight), planes.numel() // len(weight)
        _, of_weights, of_biases = torch.ops.aten.native_batch_norm_backward(
            grads,
            columns,
            _tiled(weight, copies),
            _tiled(mean, copies),
            _tiled(variance, copies),
            None,
            None,
            False,
            ctx.eps,
            [False, True, True],
        )
        of_weight, of_bias = of_weights.view(copies, -1).sum(0), of_biases.view(copies, -1).sum(0)
        scale = inverse * weight
        slope = (-scale * inverse * of_weight / count).to(grads.dtype)
        of_columns = _scaled(grads, torch.zeros_like(mean), scale, -scale * of_bias / count - slope * mean)
        of_columns.addcmul_(columns, _tiled(slope, copies).view(-1, 1, 1))
        return _planes(of_columns, planes), of_weight, of_bias, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Any, Any]:
        """One by one: on a CPU nothing is gained side by side."""
        each = [
            [given.select(at, k) if at is not None else given for given, at in zip(inputs, in_dims, strict=True)]
            for k in range(info.batch_size)
        ]
        outputs = [_Normalize.apply(*given) for given in each]
        return tuple(torch.stack(parts) for parts in zip(*outputs, strict=True)), (0, 0, 0)


def _columns(planes: Tensor) -> Tensor:
    """Planes as images (rows, columns, 1, 1), a view where they are channels-last.

    Several neighboring pixels are side by side where that fills the lanes.
    """
    rows = planes.permute(0, 2, 3, 1).contiguous()
    pixels, width = rows.numel() // planes.shape[1], planes.shape[1]
    fitting = [k for k in (1, 2, 4, 8) if width * k % (2 * _LANES) == 0 and pixels % k == 0]
    return rows.view(-1, width * (fitting[0] if fitting else 1), 1, 1)


def _planes(columns: Tensor, like: Tensor) -> Tensor:
    """The inverse of `_columns`."""
    batch, width, *pixels = like.shape
    return columns.reshape(batch, *pixels, width).permute(0, 3, 1, 2)


def _tiled(values: Tensor, copies: int) -> Tensor:
    """What `values.repeat(copies)` gives, in half of its time."""
    return values.expand(copies, -1).reshape(-1)


def _scaled(columns: Tensor, mean: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """(value - mean) * scale + shift, of each channel its own: batch norm with a variance of 1."""
    copies = columns.shape[1] // len(mean)
    scale, shift, mean = (_tiled(each, copies) for each in (scale, shift, mean))
    return torch.nn.functional.batch_norm(columns, mean, torch.ones_like(mean), scale, shift, eps=0.0)
