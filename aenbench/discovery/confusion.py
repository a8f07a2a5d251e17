"""What the classifier says of every move, in the order of the cosets.

For the best possible classifier two moves g and h have the same predicted distribution exactly if g x and h x have the
same law: if gH = hH, where H is the group of the symmetries. So moves that cannot be told apart are one coset of H
(what of it is among the candidates), and a matrix of predictions in that order shows blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform

from aenbench.discovery.randomization import Floats
from aenbench.discovery.separation import separation

IDENTITY = "identity"


@dataclass(frozen=True, eq=False)
class Confusion:
    """Predictions on images that were not trained on.

    Attributes:
        names: of the moves, the identity first.
        predicted: mean predicted distribution (moves, moves): a row for each move that was applied.
        distances: how well two moves are told apart, (moves, moves): 0 not at all, 1 without error.
        margin: the largest distance within a coset.
    """

    names: tuple[str, ...]
    predicted: Floats
    distances: Floats
    margin: float

    @cached_property
    def _tree(self) -> Floats:
        distances = np.clip(self.distances, 0, None)
        tree: Floats = linkage(squareform(distances, checks=False), "average", optimal_ordering=True)
        return tree

    @cached_property
    def cosets(self) -> tuple[tuple[str, ...], ...]:
        """Moves that are not told apart, that of the identity first: the symmetries, and what they lead to."""
        numbers = fcluster(self._tree, self.margin, "distance")
        order = leaves_list(self._tree)
        first = list(dict.fromkeys([numbers[0], *numbers[order]]))
        return tuple(
            tuple(self.names[k] for k in sorted(np.flatnonzero(numbers == number).tolist())) for number in first
        )

    @property
    def order(self) -> tuple[str, ...]:
        """The moves, coset by coset."""
        return tuple(name for coset in self.cosets for name in coset)

    @property
    def matrix(self) -> Floats:
        """`predicted` in that order."""
        rows = [self.names.index(name) for name in self.order]
        return self.predicted[np.ix_(rows, rows)]


def compare_moves(
    names: Sequence[str], log_probabilities: NDArray[np.floating], clusters: NDArray[np.int64], margin: float
) -> Confusion:
    """Compare what is predicted of each move with each other.

    Args:
        names: of the moves, the identity first.
        log_probabilities: (moves, n, moves): of each image, after each move; they need not sum to one.
        clusters: (n,), images of one are not compared.
        margin: the largest distance within a coset.
    """
    logs = log_probabilities.astype(np.float64)
    distances = np.zeros((len(names), len(names)))
    for one in range(len(names)):
        for other in range(one):
            moved, still = (logs[row, :, one] - logs[row, :, other] for row in (one, other))
            distances[one, other] = distances[other, one] = separation(moved, still, clusters)[0]
    probabilities = np.exp(logs)
    probabilities /= probabilities.sum(axis=2, keepdims=True)
    return Confusion(tuple(names), probabilities.mean(axis=1), distances, margin)
