"""Equivariant layers built from generators. Importing this imports no torch: each name is imported when first used."""

from typing import TYPE_CHECKING

from gdatasets.deferred import deferred_names

if TYPE_CHECKING:
    from aenbench.nn.batchnorm import GroupBatchNorm2d as GroupBatchNorm2d
    from aenbench.nn.equivariance import assert_equivariant as assert_equivariant
    from aenbench.nn.equivariance import check_equivariance as check_equivariance
    from aenbench.nn.gconv import GroupConv2d as GroupConv2d
    from aenbench.nn.gconv import LiftingConv2d as LiftingConv2d
    from aenbench.nn.linear import EquivariantLinear as EquivariantLinear
    from aenbench.nn.pooling import GroupPooling as GroupPooling
    from aenbench.nn.pooling import InvariantPooling as InvariantPooling
    from aenbench.nn.pooling import SpatialPooling as SpatialPooling
    from aenbench.nn.sharing import parameter_sharing as parameter_sharing
    from aenbench.nn.square_groups import SquareGroup as SquareGroup

_HOMES = {
    "EquivariantLinear": "linear",
    "GroupBatchNorm2d": "batchnorm",
    "GroupConv2d": "gconv",
    "GroupPooling": "pooling",
    "InvariantPooling": "pooling",
    "LiftingConv2d": "gconv",
    "SpatialPooling": "pooling",
    "SquareGroup": "square_groups",
    "assert_equivariant": "equivariance",
    "check_equivariance": "equivariance",
    "parameter_sharing": "sharing",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = deferred_names(__name__, _HOMES)
