"""The two networks that are compared: a plain one and one of a group, of equal parameters and with one recipe."""

from dataclasses import dataclass
from typing import cast

from aenbench.errors import InvalidArgumentError
from aenbench.models.family import Fixed
from aenbench.models.registry import find_offer
from aenbench.tasks.task import TaskShape
from aenbench.training.candidate import CountedNetwork

PLAIN = "trivial"
_SMALL_GRAY = range(16, 33)


@dataclass(frozen=True)
class NetworkPair:
    """Baselines of one family, plain and of any group of the square.

    Attributes:
        plain: the baseline of the plain network.
        head: that of a group, without the group's name.
    """

    plain: str
    head: str

    def baseline(self, group: str) -> str:
        """The baseline of a group of `SQUARE_GROUPS`."""
        return self.plain if group == PLAIN else f"{self.head}:{group}"

    def network(self, group: str, shape: TaskShape) -> CountedNetwork:
        """The network of a group.

        Raises:
            InvalidArgumentError: it takes no images of this size.
        """
        offer = find_offer(self.baseline(group))
        assert isinstance(offer.baseline, Fixed)
        return cast("CountedNetwork", offer.baseline.network(shape, offer.part, False))


def pair_for(shape: TaskShape) -> NetworkPair:
    """Four group convolutions for small gray images, thin residual networks for all others."""
    if shape.channels == 1 and shape.image_size in _SMALL_GRAY:
        return NetworkPair("gcnn:trivial", "gcnn")
    return NetworkPair("resnet", "resnet")


def takes(shape: TaskShape) -> bool:
    """Whether the pair takes images of this size."""
    try:
        pair_for(shape).network(PLAIN, shape)
    except InvalidArgumentError:
        return False
    return True
