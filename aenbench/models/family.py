"""Model families: everything that the rest of the package asks of one."""

from collections.abc import Mapping
from typing import Literal

from aenbench.models.aen import AENSpace
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.space import SearchSpace

SpaceName = Literal["aen", "gcnn"]


SPACES: Mapping[SpaceName, type[SearchSpace]] = {"aen": AENSpace, "gcnn": GCNNSpace}
