"""Equivariant layers built from generators."""

from aenbench.nn.equivariance import assert_equivariant, check_equivariance
from aenbench.nn.linear import EquivariantLinear
from aenbench.nn.sharing import parameter_sharing

__all__ = ["EquivariantLinear", "assert_equivariant", "check_equivariance", "parameter_sharing"]
