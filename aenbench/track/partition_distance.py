"""How far one partition of weights is from another: the share of weights that would have to change their part.

The partition distance (Gusfield, Information Processing Letters 82, 2002), by which Yeh et al. (Equivariance Discovery
by Learned Parameter-Sharing, AISTATS 2022) compare a sharing that was found with the true one: the weights that are
left when parts of the one are matched with parts of the other so that as many weights as possible agree.
"""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

Labels = NDArray[Any]

MAX_EDGES = 100_000
"""Overlapping pairs of parts that hang together and are matched exactly."""
_SMALL = 256


def partition_distance(one: Labels, other: Labels) -> float:
    """0 iff both are the same partition, whatever the labels; below 1.

    Args:
        one, other: integers of one shape; weights with equal labels are in one part.

    Returns:
        The share of weights that do not agree. Of partitions that overlap in more than 100,000 ways that hang together,
        which those of two groups hardly do, parts are matched greedily, largest overlap first: the distance is then an
        upper bound.
    """
    first, second, counts = _overlaps(one.ravel(), other.ravel())
    rows, columns = int(first.max()) + 1, int(second.max()) + 1
    graph = coo_array((np.ones(len(counts)), (first, second + rows)), shape=(rows + columns, rows + columns))
    found, of_node = connected_components(graph, directed=False)
    of_row, of_column, component = of_node[:rows], of_node[rows:], of_node[first]
    is_star = (np.bincount(of_row, minlength=found) == 1) | (np.bincount(of_column, minlength=found) == 1)
    largest = np.zeros(found, dtype=np.int64)  # all of a star lies in one part, and its largest overlap is matched
    np.maximum.at(largest, component, counts)
    agreeing = int(largest[is_star].sum())
    edges = np.stack([_numbers_within(of_row)[first], _numbers_within(of_column)[second], counts], axis=1)
    order = np.argsort(component, kind="stable")
    order = order[~is_star[component[order]]]
    starts = np.flatnonzero(np.diff(component[order], prepend=-1, append=-1))
    edges = edges[order]
    like = Counter(edges[start:end].tobytes() for start, end in pairwise(starts.tolist()))  # many are equal
    for content, times in like.items():
        agreeing += times * _matched(*np.frombuffer(content, dtype=np.int64).reshape(-1, 3).T)
    return 1 - agreeing / one.size


def _overlaps(one: Labels, other: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of parts that have weights in common, numbered from 0, and how many these are."""
    both = coo_array((np.ones(one.size, dtype=np.int64), (_numbers(one), _numbers(other)))).tocsr()
    first = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))
    return first, both.indices.astype(np.int64), both.data


def _numbers(labels: Labels) -> NDArray[np.int64]:
    """The labels in their order as 0, 1, ..., none left out."""
    if labels.min() >= 0 and labels.max() < labels.size:  # counting is quicker than sorting
        return (np.cumsum(np.bincount(labels.astype(np.int64)) > 0) - 1)[labels]
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _numbers_within(component: NDArray[np.int32]) -> NDArray[np.int64]:
    """Of each node its number among those of its component, from 0."""
    sizes = np.bincount(component)
    numbers = np.empty(len(component), dtype=np.int64)
    numbers[np.argsort(component, kind="stable")] = np.arange(len(component)) - np.repeat(sizes.cumsum() - sizes, sizes)
    return numbers


def _matched(row: NDArray[np.int64], column: NDArray[np.int64], counts: NDArray[np.int64]) -> int:
    """Weights that agree in the best matching of the parts of one component."""
    rows, columns = int(row.max()) + 1, int(column.max()) + 1
    if rows <= _SMALL and columns <= _SMALL:
        table = np.zeros((rows, columns), dtype=np.int64)
        table[row, column] = counts
        return int(table[linear_sum_assignment(table, maximize=True)].sum())
    if len(counts) > MAX_EDGES:
        return max(_matched_greedily(row, column, counts), _matched_greedily(column, row, counts))
    own = np.arange(rows)  # one more column for each row, which takes it for a weight of 1
    weights = np.concatenate([counts + 1, np.ones_like(own)])
    places = np.concatenate([row, own]), np.concatenate([column, columns + own])
    padded = csr_array((weights, places), shape=(rows, columns + rows))
    matched = min_weight_full_bipartite_matching(padded, maximize=True)
    return int(padded[matched].sum()) - rows


def _matched_greedily(row: NDArray[np.int64], column: NDArray[np.int64], counts: NDArray[np.int64]) -> int:
    free_rows, free_columns = np.ones(row.max() + 1, dtype=bool), np.ones(column.max() + 1, dtype=bool)
    agreeing = 0
    for edge in np.lexsort((column, row, -counts)).tolist():
        if free_rows[row[edge]] and free_columns[column[edge]]:
            free_rows[row[edge]] = free_columns[column[edge]] = False
            agreeing += int(counts[edge])
    return agreeing
