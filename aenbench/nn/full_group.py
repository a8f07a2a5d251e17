"""The weight sharing of a layer by its definition: every element of the group, applied to every pair.

What the decomposition theorem spares; here to be compared with.
"""

import numpy as np
from numpy.typing import NDArray

from gdatasets.groups import Permutations
from gdatasets.permutation_groups import enumerate_elements


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
