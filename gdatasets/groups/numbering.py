"""The elements of a permutation group by number, without a list of them.

Element k is the k-th in the lexicographic order of gather indices, so 0 is the identity, and the numbers depend on the
group alone, not on its generators. The chain of stabilizers of the points 0, 1, ... (Schreier-Sims, by sympy) makes a
number into one digit for each point that moves: which of the points that it can still go to, in ascending order.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import InvalidArgumentError
from gdatasets.groups.group import Group
from gdatasets.groups.permutation_groups import Permutations, stabiliser_chain

MAX_ORDER = 1 << 62


class Numbering:
    """Elements of a group by number.

    Args:
        group: of fewer than 2**62 elements.

    Raises:
        InvalidArgumentError: the group is larger.
    """

    def __init__(self, group: Group) -> None:
        if group.order >= MAX_ORDER:
            raise InvalidArgumentError(
                f"The group has {group.order:,} elements, too many to number them in 62 bits; take fewer generators."
            )
        self.degree, self.order = group.degree, group.order
        self._levels = [
            (np.array(list(level)), np.array(list(level.values())))
            for _, level in stabiliser_chain(group.permutation_group)
        ]

    def elements(self, numbers: NDArray[np.int64]) -> Permutations:
        """The elements of these numbers 0..order-1, as gather indices int64 (n, degree)."""
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < self.order:
            raise InvalidArgumentError(f"Expected elements 0..{self.order - 1}, got {numbers.min()}..{numbers.max()}.")
        found = np.tile(np.arange(self.degree), (len(numbers), 1))
        rest, weight = numbers.copy(), self.order
        for orbit, transversal in self._levels:
            weight //= len(orbit)
            digits, rest = np.divmod(rest, weight)
            ranked = np.argsort(found[:, orbit], axis=1)  # where the point can still go, in ascending order
            chosen = transversal[ranked[np.arange(len(digits)), digits]]
            found = np.take_along_axis(found, chosen, axis=1)
        return found


@lru_cache(maxsize=8)
def numbering(group: Group) -> Numbering:
    """The numbering of a group, made once for each process."""
    return Numbering(group)
