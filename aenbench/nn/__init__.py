"""Equivariant layers built from generators."""

from aenbench.nn.batchnorm import GroupBatchNorm2d
from aenbench.nn.equivariance import assert_equivariant, check_equivariance
from aenbench.nn.gconv import GroupConv2d, LiftingConv2d
from aenbench.nn.linear import EquivariantLinear
from aenbench.nn.pooling import GroupPooling, InvariantPooling, SpatialPooling
from aenbench.nn.sharing import parameter_sharing
from aenbench.nn.square_groups import SquareGroup

__all__ = [
    "EquivariantLinear",
    "GroupBatchNorm2d",
    "GroupConv2d",
    "GroupPooling",
    "InvariantPooling",
    "LiftingConv2d",
    "SpatialPooling",
    "SquareGroup",
    "assert_equivariant",
    "check_equivariance",
    "parameter_sharing",
]
