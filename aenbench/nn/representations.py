"""Permutation representations: how a list of generators moves the units of one layer.

A representation is an integer array (generators, units) of gather indices, one row for each generator. Layers take any
two with equally many rows, so grids, channels and invariant units are put together with `direct_sum`.
"""

from collections.abc import Sequence

import numpy as np

from aenbench.errors import InvalidArgumentError
from aenbench.nn.pairing import Representation, permutations_of
from gdatasets.groups.group import Group
from gdatasets.groups.permutation_groups import Permutations


def grid(actions: Sequence[str], size: int, step: int = 4, channels: int = 1) -> Permutations:
    """The named actions on `channels` copies of a square grid: int64 (actions, channels * size * size).

    Rows are in the order in which the names are given.
    """
    return direct_sum(*[Group(actions, size, step).permutations] * channels)


def trivial(generators: int, units: int) -> Permutations:
    """Units that no generator moves, as those of an invariant head: int64 (generators, units)."""
    return np.tile(np.arange(units), (generators, 1))


def direct_sum(*representations: Representation) -> Permutations:
    """Representations of one list of generators, side by side: int64 (generators, sum of their units).

    Generators are paired by position; give a `Group` several times for several channels.

    Raises:
        InvalidArgumentError: there is none, one is no permutation, or their numbers of generators differ.
    """
    parts = [permutations_of(part) for part in representations]
    if len({len(part) for part in parts}) != 1:
        raise InvalidArgumentError(
            f"Expected representations of one list of generators, got {[len(part) for part in parts]} generators."
        )
    starts = np.cumsum([0, *(part.shape[1] for part in parts[:-1])])
    return np.concatenate([part + start for part, start in zip(parts, starts, strict=True)], axis=1)
