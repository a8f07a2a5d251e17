"""A table as the results of its trainings, one for each network and seed, and back: nothing is lost on the way.

Results are those of `aenbench.tabulate.train`; a store keeps them by these keys.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from aenbench.search.space import SearchSpace
from aenbench.search.table import Table, TableInfo


def training_key(network: str, seed: int) -> str:
    """What the training of a network with a seed is called."""
    return f"{seed}/{network}"


def assemble(info: TableInfo, space: SearchSpace, results: Mapping[str, Mapping[str, Any]]) -> Table:
    """The table of a space from the results of all its trainings.

    Raises:
        TableError: they are not results of these networks.
    """
    rows = [[results[training_key(network, seed)] for seed in info.seeds] for network in space.networks]
    members: dict[str, list[str]] = {network: [] for network in space.networks}
    for bits in product("01", repeat=space.bits):
        state = "".join(bits)
        members[space.canonical(state)].append(state)
    columns = {
        name: np.array([[result[name] for result in row] for row in rows], dtype=np.float64)
        for name in ("validation", "test", "seconds")
    }
    return Table(
        info=info,
        networks=space.networks,
        states=tuple(map(tuple, members.values())),
        parameters=np.array([row[0]["parameters"] for row in rows], dtype=np.int64),
        **columns,
    )


def results_of(table: Table) -> dict[str, dict[str, Any]]:
    """The results that a table was assembled from, by key."""
    return {
        training_key(network, seed): {
            "parameters": int(table.parameters[row]),
            "seconds": float(table.seconds[row, column]),
            "validation": table.validation[row, column].tolist(),
            "test": table.test[row, column].tolist(),
        }
        for row, network in enumerate(table.networks)
        for column, seed in enumerate(table.seeds)
    }
