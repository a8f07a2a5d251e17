"""Partitions of the points 0..n-1, and merging their parts: orbits are what is left when all generators have merged.

A partition is an integer array `roots` (n,): each point's smallest companion. So two partitions are equal iff their
arrays are, and parts are naturally in the order of their first points.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Roots = NDArray[Any]


def merge(roots: Roots, one: NDArray[Any], other: NDArray[Any]) -> Roots:
    """Put `one[k]` and `other[k]` in one part, for every k.

    Each round hooks the larger root of every edge to the smaller, then shortens all chains by pointer jumping
    (Shiloach and Vishkin, J. Algorithms 3, 1982). A sample of the edges goes first: it merges most of what there is
    to merge, and nearly all other edges drop out at sight (Sutton et al., Afforest, IPDPS 2018).

    Args:
        roots: the partition, integers (n,).
        one, other: points, integers of equal shapes.

    Returns:
        The merged partition, of the same dtype; the given array itself where nothing merged.
    """
    sample = max(1, one.size // (4 * len(roots)))
    if sample > 1:
        roots = _merge_all(roots, one.reshape(-1)[::sample], other.reshape(-1)[::sample])
    return _merge_all(roots, one, other)


def _merge_all(roots: Roots, one: NDArray[Any], other: NDArray[Any]) -> Roots:
    while True:
        one, other = roots[one], roots[other]
        differ = one != other
        if not differ.any():
            return roots
        one, other = one[differ], other[differ]
        roots = roots.copy()
        roots[np.maximum(one, other)] = np.minimum(one, other)
        while not np.array_equal(shorter := roots[roots], roots):
            roots = shorter


def number(roots: Roots) -> tuple[int, NDArray[np.int64]]:
    """The number of parts, and the number 0, 1, ... of each point's part, parts in the order of their first points."""
    ranks = np.cumsum(roots == np.arange(len(roots)))
    return int(ranks[-1]) if len(ranks) else 0, ranks[roots] - 1
