"""The weight sharing of a layer by its definition: every element of the group, applied to every pair.

What the decomposition theorem spares; here to be compared with.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import InvalidArgumentError
from aenbench.nn.sharing import Labels, smallest_dtype
from gdatasets.groups.partitions import merge, number
from gdatasets.groups.permutation_groups import Permutations, enumerate_elements


def by_full_group(into: Permutations, out: Permutations) -> NDArray[np.int64]:
    """The orbits of (output, input) pairs: the smallest pair that some element takes each pair to.

    Time grows with the order of the group times n_out * n_in, memory with the order times n_out + n_in.

    Args:
        into: gather indices (generators, n_in).
        out: gather indices (generators, n_out); row k is the same generator, acting on the outputs.

    Returns:
        Labels (n_out, n_in), numbered as `parameter_sharing` does.

    Raises:
        InvalidArgumentError: the group has more than 100,000 elements.
    """
    n_in, n_out = into.shape[1], out.shape[1]
    smallest = np.full((n_out, n_in), n_in * n_out)
    for element in enumerate_elements(np.concatenate([into, out + n_in], axis=1)):
        np.minimum(smallest, (element[n_in:, None] - n_in) * n_in + element[:n_in], out=smallest)
    return np.unique(smallest, return_inverse=True)[1].reshape(n_out, n_in)


def join_sharings(sharings: Sequence[Labels]) -> tuple[Labels, int]:
    """The finest sharing that each of the given ones refines: that of the group which they generate together.

    Args:
        sharings: label arrays of one shape (n_out, n_in), numbered as `parameter_sharing` does.

    Returns:
        Labels and their number, as `parameter_sharing` gives them.

    Raises:
        InvalidArgumentError: there are none, or their shapes differ.
    """
    shapes = {labels.shape for labels in sharings}
    if len(shapes) != 1:
        raise InvalidArgumentError(f"Expected sharings of one shape, got {sorted(shapes) or 'none'}.")
    coarsest, *others = sorted(sharings, key=_count)
    return _join(coarsest, [first_pairs(labels) for labels in others])


def refines(finer: Labels, coarser: Labels) -> bool:
    """Whether each orbit of `finer` lies within one orbit of `coarser`."""
    coarser = coarser.reshape(-1)
    return np.array_equal(coarser[first_pairs(finer)], coarser)


def first_pairs(labels: Labels) -> NDArray[np.intp]:
    """The first pair of each pair's orbit, intp (n_out * n_in,): there `labels.ravel()` has the same label."""
    labels = labels.reshape(-1)
    first = np.empty(_count(labels), dtype=np.intp)
    first[labels[::-1]] = np.arange(len(labels) - 1, -1, -1)
    return first[labels]


def _join(coarsest: Labels, others: Sequence[NDArray[np.intp]]) -> tuple[Labels, int]:
    """Merge into a sharing those orbits that others, given by their first pairs, put together."""
    joined: NDArray[Any] = coarsest.reshape(-1).astype(np.intp)
    for first in others:
        expected = joined[first]
        (differ,) = np.nonzero(joined != expected)
        if len(differ):
            roots = merge(np.arange(_count(joined)), joined[differ], expected[differ])
            joined = number(roots)[1][joined]
    count = _count(joined)
    return joined.astype(smallest_dtype(count)).reshape(coarsest.shape), count


def _count(labels: NDArray[Any]) -> int:
    return int(labels.max()) + 1 if labels.size else 0
