"""K equivariant layers side by side: their free weights in one vector, their products in one batched product."""

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.nn.buffers import keep_buffer
from aenbench.nn.linear import EquivariantLinear
from aenbench.nn.tying import spread


class StackedLinear(nn.Module):
    """K `EquivariantLinear` layers of equal input and output sizes, each with its own sharing, as one module.

    Optimizers that treat each value by itself (SGD, Adam, AdamW) take the same steps as for K separate layers. Layers
    whose products have one shape, after shrinking to distinct rows and columns, go into one batched product.

    Args:
        layers: at least one, of equal sizes, dtype and device, all with bias or all without; their values are copied.

    Shape: (K, batch, n_in), or (batch, n_in) for all of them, to (K, batch, n_out).

    Raises:
        InvalidArgumentError: the layers do not match.
    """

    bias: nn.Parameter | None
    back: Tensor | None

    def __init__(self, layers: Sequence[EquivariantLinear]) -> None:
        super().__init__()
        kinds = {(layer.in_features, layer.out_features, layer.bias is None, layer.weight.dtype) for layer in layers}
        if len(kinds) != 1:
            raise InvalidArgumentError(f"Expected layers of one size, dtype and use of bias, got {len(kinds)} kinds.")
        self.in_features, self.out_features, without_bias, _ = kinds.pop()
        self.weight, self.weight_sizes = _joined([layer.weight for layer in layers])
        biases = [layer.bias for layer in layers if layer.bias is not None]
        self.register_parameter("bias", None)
        self.bias_sizes: list[int] = []
        if not without_bias:
            self.bias, self.bias_sizes = _joined(biases)
        weight_starts = [0, *accumulate(self.weight_sizes)]
        bias_starts = [0, *accumulate(self.bias_sizes)]

        shapes = [(layer.distinct_shape, layer.weight_index is None) for layer in layers]
        members = {shape: [k for k, other in enumerate(shapes) if other == shape] for shape in dict.fromkeys(shapes)}
        self.groups = nn.ModuleList(
            _Group([layers[k] for k in ks], ks, weight_starts, None if without_bias else bias_starts)
            for ks in members.values()
        )
        order = torch.tensor([k for ks in members.values() for k in ks])
        back = torch.argsort(order) if len(members) > 1 else None
        keep_buffer(self, "back", None if back is None else back.to(self.weight.device))

    def forward(self, x: Tensor) -> Tensor:
        parts = [group(x, self.weight, self.bias) for group in self.groups]
        return parts[0] if self.back is None else torch.cat(parts).index_select(0, self.back)

    @torch.no_grad()
    def copy_to(self, layers: Sequence[EquivariantLinear]) -> None:
        """Write the present values into K separate layers, in the order in which they were stacked."""
        for layer, values in zip(layers, torch.split(self.weight, self.weight_sizes), strict=True):
            layer.weight.copy_(values)
        if self.bias is not None:
            for layer, values in zip(layers, torch.split(self.bias, self.bias_sizes), strict=True):
                if layer.bias is not None:
                    layer.bias.copy_(values)


class _Group(nn.Module):
    """Those layers of a stack whose products have one shape."""

    members: Tensor
    weight_index: Tensor
    bias_index: Tensor | None
    column_sums: Tensor | None
    row_index: Tensor | None

    def __init__(
        self,
        layers: Sequence[EquivariantLinear],
        members: Sequence[int],
        weight_starts: Sequence[int],
        bias_starts: Sequence[int] | None,
    ) -> None:
        super().__init__()
        device = layers[0].weight.device
        self.shape = (len(layers), *layers[0].distinct_shape)

        def keep(name: str, tensors: Sequence[Tensor | None]) -> None:
            present = [tensor for tensor in tensors if tensor is not None]
            keep_buffer(self, name, torch.stack(present).to(device) if present else None)

        free = torch.arange(layers[0].weight.numel(), device=device)
        keep("members", [torch.tensor(k) for k in members])
        keep(
            "weight_index",
            [
                (free if layer.weight_index is None else layer.weight_index) + weight_starts[k]
                for layer, k in zip(layers, members, strict=True)
            ],
        )
        keep("column_sums", [None if s is None else s.T.contiguous() for s in (layer.column_sums for layer in layers)])
        keep("row_index", [layer.row_index for layer in layers])
        biases: list[Tensor | None] = []
        for layer, k in zip(layers, members, strict=True):
            if bias_starts is not None and layer.bias is not None:
                every = torch.arange(layer.bias.numel(), device=device)
                biases.append((every if layer.bias_index is None else layer.bias_index) + bias_starts[k])
        keep("bias_index", biases)

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        count, rows, columns = self.shape
        W = spread(weight, self.weight_index.view(-1)).view(self.shape)
        b = None if bias is None or self.bias_index is None else spread(bias, self.bias_index.view(-1)).view(count, -1)
        if x.dim() == 2 and self.column_sums is None:  # one batch for all: one product
            every = F.linear(x, W.view(count * rows, columns), None if b is None else b.view(-1))
            y = every.view(x.shape[0], count, rows).transpose(0, 1)
        else:
            x = x.expand(count, -1, -1) if x.dim() == 2 else x if count == len(x) else x.index_select(0, self.members)
            if self.column_sums is not None:
                x = x @ self.column_sums  # (members, batch, distinct columns)
            y = torch.bmm(x, W.transpose(1, 2)) if b is None else torch.baddbmm(b[:, None], x, W.transpose(1, 2))
        if self.row_index is None:
            return y
        return y.gather(2, self.row_index[:, None, :].expand(-1, y.shape[1], -1))


def _joined(parameters: Sequence[Tensor]) -> tuple[nn.Parameter, list[int]]:
    values = torch.cat([parameter.detach().reshape(-1) for parameter in parameters])
    return nn.Parameter(values), [parameter.numel() for parameter in parameters]
