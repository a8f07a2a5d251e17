"""One run of a search on a table of trained networks, instead of training them.

A run sees the values of one training seed, as a search that trains does: it chooses by one noisy number a network.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from aenbench.errors import InvalidArgumentError
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.evidence import Evidence
from aenbench.search.record import Record, Search
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
        evidence: what the images say, by training seed; empty where that is not known.
    """

    space: SearchSpace
    networks: tuple[str, ...]
    values: Floats
    test: Floats
    seconds: Floats
    evidence: Sequence[Evidence] = ()

    @classmethod
    def of(cls, table: TrainedNetworks, evidence: Sequence[Evidence] = ()) -> "Lookup":
        seconds = [[table.cost(state, seed) for seed in table.seeds] for state in table.networks]
        test = table.final("test").mean(axis=1)
        return cls(table.space, tuple(table.networks), table.final("validation"), test, np.array(seconds), evidence)


@dataclass(frozen=True, eq=False)
class Run:
    """What one run did.

    Attributes:
        column: of its training seed.
        trained: networks as rows of the table, in order, (n,).
        own_seconds: processor time that the algorithm itself had taken when it asked for each of them, (n,).
        visited: distinct states asked for; 0 of a run that was cut off.
        cut: it was ended at the network of the highest value.
        settled: rows of the networks that it would choose after 0, 1, 2, ... networks, (n + 1,), -1 where it has
            none yet; empty where it chooses by the highest value.
        ready_seconds: time until it chose its first network, if before any was trained: by the images, and its own.
    """

    column: int
    trained: Integers
    own_seconds: Floats
    visited: int
    cut: bool = False
    settled: Integers = field(default_factory=lambda: np.array([], dtype=np.int64))
    ready_seconds: float = np.inf


class _BestFoundError(Exception):
    """Ends a search from inside of what it evaluates."""


@dataclass(frozen=True)
class Job:
    """One run that is to be done, of a contestant by name; numbers only decide its seeds."""

    name: str
    contestant: Contestant
    number: int


@dataclass(eq=False)
class _Asked:
    """What a search evaluates: the values of one training seed; it remembers what was asked for, and when."""

    lookup: Lookup
    column: int
    ends_at: float
    started: float = field(default_factory=time.process_time)
    looked_seconds: float = 0.0
    seconds: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = {state: row for row, state in enumerate(self.lookup.networks)}

    @property
    def own_seconds(self) -> float:
        """Of the algorithm until now, its look at the images included."""
        return time.process_time() - self.started + self.looked_seconds

    def __call__(self, state: str) -> float:
        if state not in self.rows:
            raise InvalidArgumentError(
                f'A search asked for "{state}", which is no network of the table; ask through search.space.Record.'
            )
        row = self.rows[state]
        self.seconds.setdefault(row, self.own_seconds)
        value = float(self.lookup.values[row, self.column])
        if value >= self.ends_at:
            raise _BestFoundError
        return value

    def evidence(self) -> Evidence:
        """What the images of the table say; raises InvalidArgumentError where that is not known."""
        if not self.lookup.evidence:
            raise InvalidArgumentError(
                "There are no effects beside this table, which discover and guided rest on; measure them with "
                "`aenbench tables --dir FOLDER --effects --root DATA`."
            )
        found = self.lookup.evidence[self.column]
        self.looked_seconds += found.seconds
        return found


def run(lookup: Lookup, job: Job) -> Run:
    """One run of one algorithm on a table.

    Raises:
        InvalidArgumentError: it asked for a state that is no network's canonical state, or for none at all.
    """
    column = job.number % lookup.values.shape[1]
    final = lookup.values[:, column].max() if job.contestant.until_best else np.inf
    lookup.space.canonical(lookup.space.start)  # spaces that are laid out when first asked: not the algorithm's time
    asked = _Asked(lookup, column, final)
    record: Record | None = None
    try:
        record = job.contestant.search(lookup.space, asked, job.contestant.budget, derive_seed(job.number, "judge"))
        visited = len(record.visited)
    except _BestFoundError:
        visited = 0
    if not asked.seconds and not (record and record.settled):
        raise InvalidArgumentError("A search trained no network; its budget must allow at least one.")
    kept = slice(job.contestant.budget.networks)
    trained, own = np.array(list(asked.seconds), dtype=np.int64), np.array(list(asked.seconds.values()))
    ready = asked.own_seconds if not asked.seconds else asked.looked_seconds
    settled = _settled(record, asked.rows, len(trained[kept])) if record else np.array([], dtype=np.int64)
    has_first = len(settled) and settled[0] >= 0
    return Run(column, trained[kept], own[kept], visited, record is None, settled, ready if has_first else np.inf)


def _settled(record: Record, rows: dict[str, int], trained: int) -> Integers:
    """What a search settled on after each number of networks; empty where it says nothing."""
    if not record.settled:
        return np.array([], dtype=np.int64)
    found, last = [], -1
    for number in range(trained + 1):
        last = rows[record.settled[number]] if number in record.settled else last
        found.append(last)
    return np.array(found, dtype=np.int64)
