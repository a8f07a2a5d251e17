"""A dense layer that commutes with a permutation group, from the generators of the group."""

import math
from typing import Any, Literal, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.nn.buffers import keep_buffer
from aenbench.nn.evaluation_cache import EvaluationCache
from aenbench.nn.pairing import Representation, permutations_of
from aenbench.nn.sharing import Labels, parameter_sharing
from aenbench.nn.tying import classes_of_equal_rows, spread
from gdatasets.groups.permutation_groups import orbit_labels

Initialization = Literal["fan_in", "orbits"]


class EquivariantLinear(nn.Module):
    """`y = W x + b` with `W[g.o, g.i] = W[o, i]` and `b[g.o] = b[o]` for every element g of the group.

    Initialization `"fan_in"` draws every free weight uniformly in +-1/sqrt(n_in), as `nn.Linear` does, whatever the
    sizes of the orbits. For inputs that are uncorrelated, of mean zero and variance v, weights of variance s carry
    `Var(y_o) = s v sum_orbits |orbit in row o| = s v n_in`: sharing moves nothing, so the output variance is that of
    `nn.Linear` (He et al., arXiv 1502.01852, section 2.2; for shared weights Weiler et al., arXiv 1711.07289,
    appendix B). `"orbits"` is the released code's: +-1/sqrt(orbits), hence a standard deviation of
    1/sqrt(3 orbits), .001 for the 313,600 weights of a free 784 x 400 layer and .3 where three orbits are left.

    Source: Basu et al., arXiv 2104.04848, section 3.

    Args:
        in_permutations: how the inputs move: a `Group`, a mapping from name to gather indices (n_in,), or gather
            indices (generators, n_in); none, shape (0, n_in), leaves every weight free.
        out_permutations: how the same generators move the n_out outputs: paired by name where both sides have names,
            else row by row.
        bias: whether to add a bias, one free value for each orbit of the output units.
        initialization: `"fan_in"` or `"orbits"`.
        joint: accept generators that satisfy other relations on the outputs than on the inputs; the layer is then
            equivariant to the larger group that they generate on both sides together.
        generator: source of the initial values; without one, PyTorch's global generator.
        device: of the free parameters.
        dtype: of the free parameters.

    Shape: (..., n_in) to (..., n_out).

    Raises:
        InvalidArgumentError: no permutations, generators that differ in names or number, or that no group acts by on
            both sides (unless `joint`), or an unknown initialization.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None
    weight_index: Tensor | None
    bias_index: Tensor | None
    row_index: Tensor | None
    column_index: Tensor | None
    column_sums: Tensor | None

    def __init__(
        self,
        in_permutations: Representation,
        out_permutations: Representation,
        bias: bool = True,
        initialization: Initialization = "fan_in",
        *,
        joint: bool = False,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if initialization not in get_args(Initialization):
            raise InvalidArgumentError(
                f'Unknown initialization "{initialization}". Choose from: {", ".join(get_args(Initialization))}.'
            )
        labels, self.orbits = parameter_sharing(in_permutations, out_permutations, joint=joint)
        self.out_features, self.in_features = labels.shape
        self.initialization = initialization
        self.weight = nn.Parameter(torch.empty(self.orbits, device=device, dtype=dtype))
        rows = self._plan_products(labels)
        self.register_parameter("bias", None)
        bias_index = None
        if bias:
            bias_labels = orbit_labels(permutations_of(out_permutations))
            biases = int(bias_labels.max(initial=-1)) + 1
            self.bias = nn.Parameter(torch.empty(biases, device=device, dtype=dtype))
            bias_index = bias_labels[rows] if biases < self.out_features else None
        self._keep("bias_index", bias_index)
        self._cached = EvaluationCache()
        self.reset_parameters(generator)

    def _plan_products(self, labels: Labels) -> NDArray[np.intp]:
        """Store where each weight is read, and return the rows for which products are computed.

        These are the distinct rows, and the distinct columns, where they are few. Columns are summed by a product with
        their indicator matrix, so they must be far fewer to be worth it.
        """
        tied = self.orbits < labels.size
        row_class, column_class = np.arange(self.out_features), np.arange(self.in_features)
        if tied and (classes := classes_of_equal_rows(labels)).max() < self.out_features // 2:
            row_class = classes
        if tied and (classes := classes_of_equal_rows(labels.T)).max() < self.in_features // 4:
            column_class = classes
        _, rows = np.unique(row_class, return_index=True)
        _, columns = np.unique(column_class, return_index=True)
        self.distinct_shape = (len(rows), len(columns))
        self._keep("weight_index", labels[np.ix_(rows, columns)].reshape(-1) if tied else None)
        self._keep("row_index", row_class if len(rows) < self.out_features else None)
        self._keep("column_index", column_class if len(columns) < self.in_features else None)
        sums = None if self.column_index is None else F.one_hot(self.column_index).T.to(self.weight.dtype)
        keep_buffer(self, "column_sums", sums)
        return rows

    def _keep(self, name: str, index: NDArray[Any] | None) -> None:
        keep_buffer(
            self, name, None if index is None else torch.from_numpy(index.astype(np.int64)).to(self.weight.device)
        )

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new initial values."""
        fan = self.in_features if self.initialization == "fan_in" else self.orbits
        bound = 1 / math.sqrt(max(fan, 1))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def expanded_weight(self) -> Tensor:
        """The full matrix W (n_out, n_in), differentiable with respect to the free weights."""
        weight = self._distinct_weight()
        if self.row_index is not None:
            weight = weight.index_select(0, self.row_index)
        return weight if self.column_index is None else weight.index_select(1, self.column_index)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] != self.in_features:
            raise InvalidArgumentError(f"Expected inputs (..., {self.in_features}), got shape {tuple(x.shape)}.")
        bias = self.bias if self.bias is None or self.bias_index is None else spread(self.bias, self.bias_index)
        if self.column_sums is not None:  # equal columns: add their inputs first
            x = F.linear(x, self.column_sums)
        y = F.linear(x, self._weight_for_product(), bias)
        return y if self.row_index is None else spread(y, self.row_index)  # equal rows: compute one of each

    def _distinct_weight(self) -> Tensor:
        values = self.weight if self.weight_index is None else spread(self.weight, self.weight_index)
        return values.view(self.distinct_shape)

    def _weight_for_product(self) -> Tensor:
        """The distinct rows and columns of W, kept in evaluation."""
        if self.weight_index is None:
            return self._distinct_weight()
        return self._cached.fetch(self.weight, self._distinct_weight, self.training)

    def train(self, mode: bool = True) -> Self:
        if mode:
            self._cached.clear()
        return super().train(mode)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, orbits={self.orbits}, "
            f"bias={self.bias is not None}"
        )
