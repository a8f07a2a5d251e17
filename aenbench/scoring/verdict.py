"""One verdict over tasks: mean ranks, what separates them, and what they cost.

Only a *block* is judged: methods that all have an entry on all of its tasks, so that nothing is averaged over tasks on
which a method is missing. Methods are ordered by the number of tasks that they have entries on; of the first two,
three, ... the number is taken for which methods times tasks in common is largest, at least two of each.

- A method's rank on a task is that of its mean accuracy among the methods of the block, 1 the best, equal ones sharing
  the mean of their ranks. The 95 % interval of the mean rank is a bootstrap's: tasks are drawn again, and on each of
  them every entry's seeds.
- Wins and ties on a task are those of the paired tests (`aenbench.scoring.ranking`).
- Two mean ranks differ at 5 % where they are a critical difference apart (Nemenyi's test, in Demsar, Statistical
  comparisons of classifiers over multiple data sets, JMLR 7, 2006).
- Both the bootstrap and the test take the tasks for independent draws from all tasks there are. Configurations of one
  dataset are not, so the intervals are narrower than they should be, and the picture shows a difference sooner.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aenbench.scoring.blocks import largest_block

Floats = NDArray[np.float64]

DRAWS = 2_000
LEVEL = 0.05
_TAIL = 100 * LEVEL / 2
_DECIMALS = 12  # differences of accuracy below are rounding


@dataclass(frozen=True)
class Outcome:
    """A method's entry on a task.

    Attributes:
        accuracies: of each seed, 0..1.
        tied: methods that a paired test cannot tell from it.
        parameters: mean over seeds.
        seconds: of search and training, mean over seeds, as stated; None where it is not known.
    """

    accuracies: tuple[float, ...]
    tied: frozenset[str]
    parameters: float
    seconds: float | None

    @property
    def mean(self) -> float:
        return round(float(np.mean(self.accuracies)), _DECIMALS)


Outcomes = Mapping[str, Mapping[str, Outcome]]
"""By task, then by method."""


@dataclass(frozen=True)
class Judged:
    """A method over the tasks of a block.

    Attributes:
        method: its name.
        rank, rank_low, rank_high: mean rank, with its 95 % interval.
        share, share_low, share_high: accuracy as a share of the best of the block on the task, mean over tasks.
        wins, ties, losses: against each other method on each task, by the paired tests.
        parameters: geometric mean over tasks.
        seconds: geometric mean over tasks of at least 1 s; None where it is not known on some task.
        front: costs, `parameters` or `seconds`, at which no method of the block has a better rank for less.
    """

    method: str
    rank: float
    rank_low: float
    rank_high: float
    share: float
    share_low: float
    share_high: float
    wins: int
    ties: int
    losses: int
    parameters: float
    seconds: float | None
    front: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What the tasks of a block say together.

    Attributes:
        tasks: of the block, sorted.
        judged: its methods, by mean rank, then name.
        absent: methods outside it, with the number of tasks that they have entries on.
        critical_difference: of two mean ranks, by Nemenyi's test.
        groups: the largest sets of neighbors in rank that it cannot tell apart, two methods at least.
    """

    tasks: tuple[str, ...]
    judged: tuple[Judged, ...]
    absent: Mapping[str, int]
    critical_difference: float
    groups: tuple[tuple[str, ...], ...]


def judge(outcomes: Outcomes) -> Verdict | None:
    """The verdict over the largest block; None where no two methods have entries on the same two tasks.

    The order of tasks, methods and seeds has no influence.
    """
    tasks, methods, _ = found = largest_block(outcomes)
    if not tasks:
        return None
    block = [[outcomes[task][method] for method in methods] for task in tasks]
    means = np.array([[each.mean for each in row] for row in block])
    ranks, shares = _ranks(means).mean(axis=0), (means / _best(means)).mean(axis=0)
    (rank_low, rank_high), (share_low, share_high) = _intervals(block)
    parameters = np.exp(np.mean([[np.log(max(each.parameters, 1.0)) for each in row] for row in block], axis=0))
    seconds = [_seconds([row[place] for row in block]) for place in range(len(methods))]
    costs: Mapping[str, Sequence[float | None]] = {"parameters": parameters.tolist(), "seconds": seconds}
    fronts = {name: pareto([-rank for rank in ranks], values) for name, values in costs.items()}
    judged = [
        Judged(
            method,
            float(ranks[place]),
            float(rank_low[place]),
            float(rank_high[place]),
            float(shares[place]),
            float(share_low[place]),
            float(share_high[place]),
            *_duels(block, methods, place),
            float(parameters[place]),
            seconds[place],
            tuple(name for name, front in fronts.items() if front[place]),
        )
        for place, method in enumerate(methods)
    ]
    judged.sort(key=lambda each: (each.rank, each.method))
    difference = critical_difference(len(methods), len(tasks))
    return Verdict(tasks, tuple(judged), found.absent, difference, _groups(judged, difference))


def critical_difference(methods: int, tasks: int) -> float:
    """The difference of two mean ranks that Nemenyi's test takes for real at 5 % (Demsar 2006, section 3.2.2)."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - LEVEL, methods, np.inf)) / np.sqrt(2)
    return float(quantile * np.sqrt(methods * (methods + 1) / (6 * tasks)))


def pareto(goodness: Sequence[float], costs: Sequence[float | None]) -> list[bool]:
    """Which of some things no other one is better than for less: those that are on the front.

    Args:
        goodness: of each; more is better.
        costs: of each; those whose cost is not known are neither on the front nor push anything off it.
    """
    points = list(zip(goodness, costs, strict=True))
    return [
        cost is not None
        and not any(
            other is not None and better >= good and other <= cost and (better, other) != (good, cost)
            for better, other in points
        )
        for good, cost in points
    ]


def _ranks(means: Floats) -> Floats:
    """Ranks along the last axis, 1 for the greatest; equal ones share their mean."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(-np.round(means, _DECIMALS), method="average", axis=-1))


def _best(means: Floats) -> Floats:
    """The greatest along the last axis, at least enough to divide by."""
    return np.asarray(np.maximum(means.max(axis=-1, keepdims=True), 1e-9))


def _intervals(block: Sequence[Sequence[Outcome]]) -> list[Floats]:
    """95 % intervals (2, methods) of mean ranks and mean shares, by drawing tasks, and seeds of every entry."""
    generator = np.random.default_rng(0)
    tasks, methods = len(block), len(block[0])
    counts = np.array([[len(each.accuracies) for each in row] for row in block])
    seeds = np.zeros((tasks, methods, counts.max()))
    for place, row in enumerate(block):
        for column, each in enumerate(row):
            seeds[place, column, : len(each.accuracies)] = sorted(each.accuracies)
    ranks, shares = np.zeros((DRAWS, methods)), np.zeros((DRAWS, methods))
    for _ in range(tasks):
        drawn = generator.integers(tasks, size=DRAWS)
        number = counts[drawn][:, :, None]  # (draws, methods, 1)
        chosen = (generator.random((DRAWS, methods, counts.max())) * number).astype(np.int64)
        values = np.take_along_axis(seeds[drawn], chosen, axis=2)
        means = np.where(np.arange(counts.max()) < number, values, 0.0).sum(axis=2) / number[:, :, 0]
        ranks += _ranks(means)
        shares += means / _best(means)
    return [np.percentile(each / tasks, [_TAIL, 100 - _TAIL], axis=0) for each in (ranks, shares)]


def _duels(block: Sequence[Sequence[Outcome]], methods: Sequence[str], place: int) -> tuple[int, int, int]:
    """Wins, ties and losses of a method."""
    wins = ties = losses = 0
    for row in block:
        for other, method in enumerate(methods):
            if other != place:
                is_tied = method in row[place].tied
                is_better = row[place].mean > row[other].mean
                ties, wins, losses = (
                    ties + is_tied,
                    wins + (not is_tied and is_better),
                    losses + (not is_tied and not is_better),
                )
    return wins, ties, losses


def _seconds(entries: Sequence[Outcome]) -> float | None:
    known = [each.seconds for each in entries if each.seconds is not None]
    return float(np.exp(np.mean(np.log(np.maximum(known, 1.0))))) if len(known) == len(entries) else None


def _groups(judged: Sequence[Judged], difference: float) -> tuple[tuple[str, ...], ...]:
    """The largest sets of neighbors in rank whose ranks lie within the difference, two methods at least."""
    groups: list[tuple[str, ...]] = []
    end = 0
    for first, each in enumerate(judged):
        last = max(place for place, other in enumerate(judged) if other.rank - each.rank <= difference)
        if last > first and last + 1 > end:
            groups.append(tuple(other.method for other in judged[first : last + 1]))
            end = last + 1
    return tuple(groups)
