"""One run of a search on a table of trained networks, instead of training them.

A run sees the values of one training seed, as a search that trains does: it chooses by one noisy number a network.
"""

import time
from dataclasses import dataclass

import numpy as np

from aenbench.errors import InvalidArgumentError
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.record import Search
from aenbench.statistics.hypothesis_tests import Floats, Integers
from aenbench.tables.table import TrainedNetworks
from aenbench.training.fit import derive_seed


@dataclass(frozen=True)
class Contestant:
    """One algorithm, and what it may spend.

    Attributes:
        search: a function of a module, or a `functools.partial` of one.
        budget: when a run ends; `networks_budget` gives all of them the same number of networks.
        runs: independent repetitions; run r sees the training seed of number r modulo the table's seeds.
        until_best: a run ends as soon as it has trained the network of the highest value. Its choice is then final, so
            that regret is what it is without, for less time; what a whole run trains and visits is not known.
    """

    search: Search
    budget: SearchBudget
    runs: int = 500
    until_best: bool = False


def networks_budget(space: SearchSpace, networks: int) -> SearchBudget:
    """A search that ends with so many networks; duplicates cost nothing, so that states are not limited."""
    return SearchBudget(states=2**space.bits, networks=networks)


@dataclass(frozen=True, eq=False)
class Lookup:
    """The part of a table that runs need, small enough to be sent to each worker.

    Attributes:
        space: names the networks.
        networks: their canonical states.
        values: what a search sees, (networks, seeds).
        test: mean test accuracy over seeds, (networks,).
        seconds: of training, (networks, seeds).
    """

    space: SearchSpace
    networks: tuple[str, ...]
    values: Floats
    test: Floats
    seconds: Floats

    @classmethod
    def of(cls, table: TrainedNetworks) -> "Lookup":
        seconds = [[table.cost(state, seed) for seed in table.seeds] for state in table.networks]
        test = table.final("test").mean(axis=1)
        return cls(table.space, tuple(table.networks), table.final("validation"), test, np.array(seconds))


@dataclass(frozen=True, eq=False)
class Run:
    """What one run did.

    Attributes:
        column: of its training seed.
        trained: networks as rows of the table, in order, (n,).
        own_seconds: processor time that the algorithm itself had taken when it asked for each of them, (n,).
        visited: distinct states asked for; 0 of a run that was cut off.
        cut: it was ended at the network of the highest value.
    """

    column: int
    trained: Integers
    own_seconds: Floats
    visited: int
    cut: bool = False


class _BestFoundError(Exception):
    """Ends a search from inside of what it evaluates."""


@dataclass(frozen=True)
class Job:
    """One run that is to be done, of a contestant by name; numbers only decide its seeds."""

    name: str
    contestant: Contestant
    number: int


def run(lookup: Lookup, job: Job) -> Run:
    """One run of one algorithm on a table.

    Raises:
        InvalidArgumentError: it asked for a state that is no network's canonical state, or for none at all.
    """
    column = job.number % lookup.values.shape[1]
    final = lookup.values[:, column].max() if job.contestant.until_best else np.inf
    rows = {state: row for row, state in enumerate(lookup.networks)}
    lookup.space.canonical(lookup.space.start)  # spaces that are laid out when first asked: not the algorithm's time
    asked: dict[int, float] = {}
    started = time.process_time()

    def evaluate(state: str) -> float:
        if state not in rows:
            raise InvalidArgumentError(
                f'A search asked for "{state}", which is no network of the table; ask through search.space.Record.'
            )
        asked.setdefault(rows[state], time.process_time() - started)
        value = float(lookup.values[rows[state], column])
        if value >= final:
            raise _BestFoundError
        return value

    try:
        record = job.contestant.search(lookup.space, evaluate, job.contestant.budget, derive_seed(job.number, "judge"))
        visited, cut = len(record.visited), False
    except _BestFoundError:
        visited, cut = 0, True
    if not asked:
        raise InvalidArgumentError("A search trained no network; its budget must allow one at least.")
    kept = slice(job.contestant.budget.networks)
    trained, own = np.array(list(asked), dtype=np.int64), np.array(list(asked.values()))
    return Run(column, trained[kept], own[kept], visited, cut)
