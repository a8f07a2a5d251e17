"""Judge search algorithms on a table of trained networks: many runs of each, in seconds instead of days.

A run chooses by the values of one training seed. What it chose is then judged by what it did not see: the network's
mean test accuracy over all training seeds. After each network trained, *regret* is how far that is below the best
network of the table. Dong and Yang, "NAS-Bench-201", ICLR 2020, judge searches so; `docs/judging.md` has the
choices made here.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import numpy as np

from aenbench.comparison.runs import Contestant, Job, Lookup, Run, run
from aenbench.errors import InvalidArgumentError
from aenbench.search.evidence import Evidence
from aenbench.statistics.hypothesis_tests import Floats, Integers, holm, known_mean_test, means, permutation_test
from aenbench.tables.table import TrainedNetworks

CHECKPOINTS = (25, 50, 100, 200)
SIGNIFICANCE = 0.05
_TIE = 1e-9  # means over seeds of equal shares differ by rounding

MapRuns = Callable[[Callable[[Job], Run], Sequence[Job]], Iterable[tuple[int, Run]]]
"""Calls a function on each item, side by side perhaps: `Executor.map`, or `KeptRuns.map`, which keeps what it gives."""


@dataclass(frozen=True, eq=False)
class Curves:
    """The runs of one algorithm; a run that has ended keeps its last choice.

    Attributes:
        reach: networks that its budget allows. What it would do with more is not known.
        columns: the training seed of each run, by number, (runs,).
        regret: after each network trained, (runs, networks), shares 0..1; NaN beyond `reach`.
        regret_before: of what was chosen before any network was trained, (runs,); NaN where nothing was.
        seconds_before: until that was chosen, (runs,); infinite where nothing was.
        seconds: when each network was trained, by the table's times and the algorithm's own, (runs, networks);
            infinite for networks that a run did not train.
        trained: networks of each run, (runs,).
        visited: distinct states of each run, (runs,).
        whole: no run was cut off at the network of the highest value; `trained` and `visited` tell of them otherwise
            only where they were cut off.
        choices: canonical state of each run's last choice, by run.
        ranks: of these among all networks by mean test accuracy, 1 is the best, (runs,).
        deterministic: repeated runs on one training seed are the same; each is then done once.
    """

    reach: int
    columns: Integers
    regret: Floats
    regret_before: Floats
    seconds_before: Floats
    seconds: Floats
    trained: Integers
    visited: Integers
    whole: bool
    choices: Sequence[str]
    ranks: Integers
    deterministic: bool

    def regret_after(self, networks: Sequence[int]) -> Floats:
        """Regret (runs, points) after so many networks (points,), 0 or more; NaN where there is none."""
        every = np.column_stack([self.regret_before, self.regret])
        chosen: Floats = every[:, np.array(networks, dtype=np.int64)]
        return chosen

    @property
    def chooses_ahead(self) -> bool:
        """Whether there is a choice before any network is trained."""
        return bool(np.isfinite(self.regret_before).all())

    @property
    def first_seconds(self) -> Floats:
        """When each run has a network, (runs,)."""
        return np.minimum(self.seconds_before, self.seconds[:, 0])

    def regret_at(self, seconds: Floats) -> Floats:
        """Regret (runs, points) when so many seconds (points,) have passed.

        It is NaN where the budget has cut off some run, unless it reaches as far as that of all algorithms.

        Raises:
            InvalidArgumentError: some run has no network by then.
        """
        done = np.stack([np.searchsorted(row, seconds, side="right") for row in self.seconds])
        if (self.first_seconds[:, None] > seconds).any():
            raise InvalidArgumentError(f"Not every run has a network after {seconds.min():.3g} seconds.")
        regret = np.take_along_axis(np.column_stack([self.regret_before, self.regret]), done, axis=1)
        if self.reach < self.regret.shape[1]:
            regret[:, (done >= self.reach).any(axis=0)] = np.nan
        return regret


@dataclass(frozen=True, eq=False)
class Comparison:
    """The runs of several algorithms on one table.

    Attributes:
        curves: by algorithm.
        seeds: training seeds of the table.
        networks: that each curve goes to.
        training_seconds: mean time of one training.
        best: canonical state of the table's best network by mean test accuracy, the first of equals.
        best_accuracy: that accuracy, share.
    """

    curves: Mapping[str, Curves]
    seeds: int
    networks: int
    training_seconds: float
    best: str
    best_accuracy: float


def compare(
    table: TrainedNetworks,
    contestants: Mapping[str, Contestant],
    map_runs: MapRuns | None = None,
    report: Callable[[int, int], None] | None = None,
    evidence: Sequence[Evidence] = (),
) -> Comparison:
    """Run algorithms on a table.

    An algorithm whose second run on every training seed repeats its first one is deterministic. It is not run again:
    its runs are as many as the table has seeds, whatever was asked for.

    Args:
        table: of all networks of a space.
        contestants: algorithms by name.
        map_runs: calls a function on each item; `Executor.map` for several at a time, `KeptRuns.map` to resume
            after an interruption; by default one after another.
        report: called with (runs done, runs to do), first for two runs a training seed, then for the others.
        evidence: what the table's images say, by training seed, for searches that ask them.

    Raises:
        InvalidArgumentError: no contestant, fewer runs than the table has seeds, a budget without a limit on networks,
            or a search that asks images where there is no evidence.
    """
    lookup = Lookup.of(table, evidence)
    seeds = lookup.values.shape[1]
    check_contestants(contestants, seeds)
    execute = partial(_execute, partial(run, lookup), map_runs or _in_order, report)
    runs = execute({name: _jobs(name, contestant, 0, 2 * seeds) for name, contestant in contestants.items()})
    rest = {
        name: _jobs(name, contestant, 2 * seeds, contestant.runs)
        for name, contestant in contestants.items()
        if not _repeats(runs[name], seeds)
    }
    for name, more in execute(rest).items():
        runs[name] += more
    networks = max(contestant.budget.networks or 0 for contestant in contestants.values())
    curves = {
        name: _curves(lookup, found, contestants[name].budget.networks or 0, networks) for name, found in runs.items()
    }
    best = int((lookup.test > lookup.test.max() - _TIE).argmax())
    mean_seconds, accuracy = float(lookup.seconds.mean()), float(lookup.test[best])
    return Comparison(curves, seeds, networks, mean_seconds, lookup.networks[best], accuracy)


def _in_order(function: Callable[[Job], Run], jobs: Sequence[Job]) -> Iterable[tuple[int, Run]]:
    return enumerate(map(function, jobs))


def _jobs(name: str, contestant: Contestant, start: int, stop: int) -> list[Job]:
    return [Job(name, contestant, number) for number in range(start, min(stop, contestant.runs))]


def _execute(
    function: Callable[[Job], Run],
    map_runs: MapRuns,
    report: Callable[[int, int], None] | None,
    jobs: Mapping[str, Sequence[Job]],
) -> dict[str, list[Run]]:
    """The runs of each algorithm, in order."""
    owners = [name for name, items in jobs.items() for _ in items]
    done: dict[int, Run] = {}
    for index, result in map_runs(function, [job for items in jobs.values() for job in items]):
        done[index] = result
        if report is not None:
            report(len(done), len(owners))
    runs: dict[str, list[Run]] = {name: [] for name in jobs}
    for index, name in enumerate(owners):
        runs[name].append(done[index])
    return runs


def check_contestants(contestants: Mapping[str, Contestant], seeds: int) -> None:
    """Whether there are algorithms, each with a run or more for every training seed; raises InvalidArgumentError."""
    if not contestants:
        raise InvalidArgumentError("There is no algorithm to judge; name one, such as random.")
    for name, contestant in contestants.items():
        if contestant.runs < seeds:
            raise InvalidArgumentError(
                f"Expected at least {seeds} runs of {name}, one for each training seed of the table, got "
                f"{contestant.runs}; give --runs {seeds} or more, or --runs-of {name}={seeds}."
            )
        if not contestant.budget.networks:
            raise InvalidArgumentError(
                f"The budget of {name} has no limit on networks; give --networks 200, for example."
            )


def _repeats(runs: Sequence[Run], seeds: int) -> bool:
    """Whether each of the first runs, one a training seed, is done once more by the run after them."""
    pairs = zip(runs[:seeds], runs[seeds:], strict=False)
    return len(runs) >= 2 * seeds and all(
        np.array_equal(a.trained, b.trained) and np.array_equal(a.settled, b.settled) for a, b in pairs
    )


def _curves(lookup: Lookup, runs: Sequence[Run], reach: int, networks: int) -> Curves:
    seeds = lookup.values.shape[1]
    deterministic = _repeats(runs, seeds)
    if deterministic:
        runs = runs[:seeds]
    regret = np.empty((len(runs), networks))
    regret_before = np.full(len(runs), np.nan)
    seconds = np.full((len(runs), networks), np.inf)
    last: list[int] = []
    for row, done in enumerate(runs):
        chosen = _choices(lookup, done)
        if len(done.settled) and done.settled[0] >= 0:
            regret_before[row] = lookup.test.max() - lookup.test[done.settled[0]]
        regret[row, : len(chosen)] = lookup.test.max() - lookup.test[chosen]
        regret[row, len(chosen) :] = regret[row, len(chosen) - 1] if len(chosen) else regret_before[row]
        seconds[row, : len(chosen)] = done.own_seconds + np.cumsum(lookup.seconds[done.trained, done.column])
        last.append(int(chosen[-1] if len(chosen) else done.settled[0]))
    regret[:, reach:] = np.nan
    return Curves(
        reach=reach,
        columns=np.array([done.column for done in runs]),
        regret=regret,
        regret_before=regret_before,
        seconds_before=np.array([done.ready_seconds for done in runs]),
        seconds=seconds,
        trained=np.array([len(done.trained) for done in runs]),
        visited=np.array([done.visited for done in runs]),
        whole=not any(done.cut for done in runs),
        choices=tuple(lookup.networks[network] for network in last),
        ranks=np.array([1 + int((lookup.test > lookup.test[network] + _TIE).sum()) for network in last]),
        deterministic=deterministic,
    )


def _choices(lookup: Lookup, run: Run) -> Integers:
    """The network chosen after each one trained: of the highest value, or what the run settled on."""
    if len(run.settled):
        return run.settled[1:]
    return run.trained[_best_so_far(lookup.values[run.trained, run.column])]


def _best_so_far(values: Floats) -> Integers:
    """The place of the highest value up to each place, the earliest of equals."""
    highest = np.maximum.accumulate(values)
    is_new = np.concatenate([[True], values[1:] > highest[:-1]])
    return np.maximum.accumulate(np.where(is_new, np.arange(len(values)), 0))


@dataclass(frozen=True)
class Difference:
    """Two algorithms after the same number of networks.

    Attributes:
        networks: trained by then.
        first, second: the algorithms.
        regret: mean regret of the first minus that of the second, share.
        agreeing: training seeds on which the difference has that sign.
        p: probability of so large a difference by chance, corrected for all comparisons made (Holm); NaN where there is
            no test, because neither varies from run to run.
    """

    networks: int
    first: str
    second: str
    regret: float
    agreeing: int
    p: float

    @property
    def is_real(self) -> bool:
        """Whether chance is an unlikely reason, at the level of 5 % for all comparisons together."""
        return self.p < SIGNIFICANCE


def significance(comparison: Comparison, at: Sequence[int] = CHECKPOINTS) -> list[Difference]:
    """Which algorithms differ, for each pair of them and each number of networks that both reach.

    The question is whether mean regret differs on these trainings. Two algorithms with random choices: a permutation
    test. One whose regret is known, because it is deterministic: Student's t on the runs of the other. Two
    deterministic ones: none. P-values are corrected by Holm's method over all of them.
    """
    found = []
    for first, second in combinations(comparison.curves, 2):
        a, b = comparison.curves[first], comparison.curves[second]
        reached = [number for number in checkpoints(comparison, at) if number <= min(a.reach, b.reach)]
        reached = [number for number in reached if number or (a.chooses_ahead and b.chooses_ahead)]
        ours, theirs = a.regret_after(reached), b.regret_after(reached)
        gaps = means(ours, a.columns) - means(theirs, b.columns)  # (seeds, points)
        gaps[np.abs(gaps) < _TIE] = 0.0
        gap = gaps.mean(axis=0)
        agreeing = (np.sign(gaps) == np.sign(gap)).sum(axis=0)
        rows = zip(reached, gap.tolist(), agreeing.tolist(), _p_values(a, b, reached).tolist(), strict=True)
        found += [Difference(number, first, second, *facts) for number, *facts in rows]
    tested = [place for place, difference in enumerate(found) if not math.isnan(difference.p)]
    for place, p in zip(tested, holm([found[place].p for place in tested]), strict=True):
        found[place] = replace(found[place], p=p)
    return found


def _p_values(a: Curves, b: Curves, networks: Sequence[int]) -> Floats:
    """Of the difference of two algorithms at so many networks, (points,), not yet corrected."""
    ours, theirs = a.regret_after(networks), b.regret_after(networks)
    if a.deterministic and b.deterministic:
        return np.full(len(networks), np.nan)
    if a.deterministic:
        return known_mean_test(theirs, b.columns, means(ours, a.columns).mean(axis=0))
    if b.deterministic:
        return known_mean_test(ours, a.columns, means(theirs, b.columns).mean(axis=0))
    return permutation_test(ours, a.columns, theirs, b.columns)


def checkpoints(comparison: Comparison, at: Sequence[int] = CHECKPOINTS) -> list[int]:
    """Those numbers of networks that the curves reach; the last one where they end before all of these."""
    return [number for number in at if 0 <= number <= comparison.networks] or [comparison.networks]
