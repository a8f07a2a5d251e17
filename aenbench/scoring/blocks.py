"""Which methods can be compared without a gap: those that all have a value at all of some places."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeVar

K = TypeVar("K", bound=Any)


class Block(NamedTuple):
    """Places, such as tasks, and methods that each have a value at all of them.

    Attributes:
        places: sorted.
        methods: sorted.
        coverage: of every method, in the block or not, the number of places that it has a value at.
    """

    places: tuple[Any, ...]
    methods: tuple[str, ...]
    coverage: Mapping[str, int]

    @property
    def absent(self) -> dict[str, int]:
        """The coverage of methods outside the block, by name."""
        return {method: count for method, count in sorted(self.coverage.items()) if method not in self.methods}


def largest_block(found: Mapping[K, Collection[str]]) -> Block:
    """Methods by the number of places that they are at: of the first two, three, ... the number with most in common.

    Args:
        found: the methods at each place.

    Returns:
        A block of two places and two methods at least; one without places and methods where there is none. The order of
        places and methods has no influence.
    """
    coverage: dict[str, int] = {}
    for methods in found.values():
        for method in methods:
            coverage[method] = coverage.get(method, 0) + 1
    order = sorted(coverage, key=lambda method: (-coverage[method], method))
    best = Block((), (), coverage)
    for count in range(2, len(order) + 1):
        chosen = order[:count]
        places = sorted(place for place, methods in found.items() if all(method in methods for method in chosen))
        if len(places) > 1 and len(places) * count > len(best.places) * len(best.methods):
            best = Block(tuple(places), tuple(sorted(chosen)), coverage)
    return best
