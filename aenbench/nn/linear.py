"""A dense layer that commutes with a permutation group, from the generators of the group."""

import math
from typing import Literal, get_args

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional as F

from aenbench.errors import InvalidArgumentError
from aenbench.nn.sharing import parameter_sharing
from gdatasets.groups import orbit_labels

Initialization = Literal["fan_in", "orbits"]


class EquivariantLinear(nn.Module):
    """`y = W x + b` with `W[g.o, g.i] = W[o, i]` and `b[g.o] = b[o]` for every element g of the group.

    Initialisation `"fan_in"` draws every free weight uniformly in +-1/sqrt(n_in), as `nn.Linear` does, whatever the
    sizes of the orbits. For inputs that are uncorrelated, of mean zero and variance v, weights of variance s carry
    `Var(y_o) = s v sum_orbits |orbit in row o| = s v n_in`: sharing moves nothing, so the output variance is that of
    `nn.Linear` (He et al., arXiv 1502.01852, section 2.2; for shared weights Weiler et al., arXiv 1711.07289,
    appendix B). `"orbits"` is the released code's: +-1/sqrt(orbits), hence a standard deviation of
    1/sqrt(3 orbits), .001 for the 313,600 weights of a free 784 x 400 layer and .3 where three orbits are left.

    Source: Basu et al., arXiv 2104.04848, section 3.

    Args:
        in_permutations: gather indices (generators, n_in); none, shape (0, n_in), leaves every weight free.
        out_permutations: gather indices (generators, n_out), row by row the same generators.
        bias: whether to add a bias, one free value for each orbit of the output units.
        initialization: `"fan_in"` or `"orbits"`.
        generator: source of the initial values; without one, PyTorch's global generator.
        device, dtype: of the free parameters.

    Shape: (..., n_in) to (..., n_out).

    Raises:
        InvalidArgumentError: no permutations, different numbers of generators, or an unknown initialisation.
    """

    weight_index: Tensor
    bias_index: Tensor

    def __init__(
        self,
        in_permutations: ArrayLike,
        out_permutations: ArrayLike,
        bias: bool = True,
        initialization: Initialization = "fan_in",
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if initialization not in get_args(Initialization):
            raise InvalidArgumentError(
                f'Unknown initialization "{initialization}". Choose from: {", ".join(get_args(Initialization))}.'
            )
        labels, orbits = parameter_sharing(in_permutations, out_permutations)
        self.out_features, self.in_features = labels.shape
        self.orbits = orbits
        self.initialization = initialization
        self.weight = nn.Parameter(torch.empty(orbits, device=device, dtype=dtype))
        self.register_buffer("weight_index", torch.from_numpy(labels.astype("int32")).to(device), persistent=False)
        if bias:
            bias_labels = orbit_labels(out_permutations)
            self.register_buffer("bias_index", torch.from_numpy(bias_labels).to(device), persistent=False)
            self.bias = nn.Parameter(torch.empty(int(bias_labels.max()) + 1, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw new initial values."""
        fan = self.in_features if self.initialization == "fan_in" else self.orbits
        bound = 1 / math.sqrt(max(fan, 1))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def expanded_weight(self) -> Tensor:
        """The full matrix W (n_out, n_in)."""
        if self.orbits == self.weight_index.numel():
            return self.weight.view(self.weight_index.shape)
        return self.weight[self.weight_index]

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias[self.bias_index]
        return F.linear(x, self.expanded_weight(), bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, orbits={self.orbits}, "
            f"bias={self.bias is not None}"
        )
