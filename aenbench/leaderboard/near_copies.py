"""Entries with the predictions of another entry, changed a little or not at all.

At high accuracy any two entries agree nearly everywhere, so what is compared is their mistakes. Two trainings share
mistakes, because some images are difficult for everybody; a copy shares nearly all of them. The measure is the *shared
mistakes* of two rows of predictions, corrected for chance as Cohen's kappa is:

    share = (same - chance) / (fewest - chance)

`same` counts the images on which both give the same wrong class, `fewest` the mistakes of the row that makes fewer, so
that a copy which was also corrected here and there has a share of 1. `chance` is the number of equal mistakes that two
rows would make if, within each true class, each drew its wrong answers at random in the shares that it has: networks
near chance, which give one or two classes only, would otherwise pass for copies of each other.

Three of the five tasks of this repository's board chose the threshold (cifar10-imagefolder/none, g-fashion-mnist/aug2,
g-mnist/aug2): half way between the largest share of two honest trainings, 0.51, and the smallest of a copy of which 1 %
was changed, 0.98. The other two judged it (g-mnist/aug4, mnist-rot/any-angle): at most 0.62 for honest trainings, at
least 0.98 for such copies, at least 0.93 where 5 % was changed. `benchmarks/flags.py` prints these numbers. A copy of
which a quarter of the mistakes were replaced is not seen, nor one with fewer than 30 mistakes, unless it is exact.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aenbench.leaderboard.entry import Entry, SeedResult
from aenbench.leaderboard.flags import Flag, entry_key, listed
from aenbench.leaderboard.ground_truth import Answers
from aenbench.leaderboard.methods import settles_on
from aenbench.leaderboard.networks import network_facts, of_one_family
from aenbench.leaderboard.rescoring import Checked
from aenbench.statistics.intervals import wilson_intervals
from aenbench.tasks.task import TaskShape

LARGEST_SHARE = 0.75
"""Of shared mistakes, for two honest trainings; the lower end of the 95 % interval is compared with it.

Two honest seeds of one dense network on G-Fashion-MNIST c4 share .78, which a review answers (docs/flags.md)."""

LEAST_MISTAKES = 30
"""Beyond those that chance explains: with fewer nothing is asked."""

MAX_ROWS = 20
"""The most accurate seeds of an entry are compared, at most so many: an entry can have a thousand."""


@dataclass(frozen=True, eq=False)
class Mistakes:
    """The mistakes of rows of predictions, in the two forms that are compared; both matrices are sparse.

    Attributes:
        where: (rows, pairs of an image and a wrong class that two rows or more give), 1 where a row gives it.
        kinds: (rows, pairs of a true and a wrong class), the number of such mistakes over the root of the number of
            images of the true class.
        count: (rows,).
    """

    where: Any
    kinds: Any
    count: NDArray[np.int64]

    @cached_property
    def turned(self) -> tuple[tuple[Any, Any], ...]:
        """Both matrices, each with its transpose in the form that is multiplied by without being sorted again."""
        return tuple((each, each.T.tocsr()) for each in (self.where, self.kinds))

    @classmethod
    def of(cls, predictions: NDArray[np.uint8], labels: NDArray[np.int64]) -> "Mistakes":
        """Those of predictions (rows, n) of images with labels (n,)."""
        rows, images = np.nonzero(predictions != labels)
        given = predictions[rows, images].astype(np.int64)
        classes = 1 + int(max(predictions.max(), labels.max()))
        of_label = np.sqrt(np.bincount(labels))[labels[images]]
        where = _table(rows, images * classes + given, np.ones(len(rows)), len(predictions), least=2)
        kinds = _table(rows, labels[images] * classes + given, 1 / of_label, len(predictions))
        return cls(where, kinds, np.bincount(rows, minlength=len(predictions)))


def _table(
    rows: NDArray[np.int64], keys: NDArray[np.int64], values: NDArray[np.float64], count: int, least: int = 1
) -> Any:
    """Sums of values, sparse (rows, keys): a column for each key that is there so many times at least.

    Keys are counted, not sorted: none is larger than images times classes.
    """
    from scipy.sparse import csr_matrix

    kept = np.bincount(keys) >= least
    columns, is_kept = np.cumsum(kept) - 1, kept[keys]
    return csr_matrix((values[is_kept], (rows[is_kept], columns[keys[is_kept]])), (count, int(kept.sum())))


def shared_mistakes(mistakes: Mistakes, rows: slice = slice(None)) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The share of their mistakes that some rows have in common with all rows.

    Returns:
        The share, at most 1, and the number of mistakes that it rests on, both (some rows, all rows). The share is 0
        where that number is below 1; that of a row with itself says nothing.
    """
    same, chance = ((each[rows] @ turned).toarray() for each, turned in mistakes.turned)
    rests_on = np.minimum(mistakes.count[rows, None], mistakes.count) - chance
    share = np.divide(same - chance, rests_on, out=np.zeros_like(chance), where=rests_on >= 1)
    return share, rests_on


def find_copies(entries: Sequence[Checked], answers: Answers) -> Iterator[Flag]:
    """Any seed of an entry that repeats any other seed, of its own or of another entry, unless that has to be so.

    Args:
        entries: all of one task; each pair is compared.
        answers: of the task.
    """
    yield from _equal(entries, answers.images.shape)
    rows = [
        _Row(checked.entry, checked.entry.seeds[k], checked.predictions[k])
        for checked in entries
        for k in _compared(checked, answers.labels)
    ]
    mistakes = Mistakes.of(np.stack([row.predictions for row in rows]), answers.labels)
    start = 0
    for checked in entries:
        stop = start + min(len(checked.predictions), MAX_ROWS)
        share, rests_on = shared_mistakes(mistakes, slice(start, stop))
        found = [
            (rows[start + mine], rows[other], share[mine, other])
            for mine, other in _suspects(share, rests_on)
            if start + mine != other and not np.array_equal(rows[start + mine].predictions, rows[other].predictions)
        ]
        yield from _near(checked.entry, found, answers.images.shape)
        start = stop


@dataclass(frozen=True, eq=False)
class _Row:
    entry: Entry
    seed: SeedResult
    predictions: NDArray[np.uint8]


def _compared(checked: Checked, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of the seeds that are compared, in their order."""
    right = (checked.predictions == labels).sum(axis=1)
    return np.sort(np.argsort(-right, kind="stable")[:MAX_ROWS])


def _suspects(share: NDArray[np.float64], rests_on: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs whose share is above the largest honest one, not only by chance."""
    pairs = np.argwhere((share > LARGEST_SHARE) & (rests_on >= LEAST_MISTAKES))
    if not len(pairs):
        return []
    ones, others = pairs.T
    low, _ = wilson_intervals(np.minimum(share[ones, others], 1), rests_on[ones, others].astype(np.int64))
    return [(int(one), int(other)) for one, other in pairs[low > LARGEST_SHARE]]


def _near(entry: Entry, found: Sequence[tuple[_Row, _Row, float]], shape: TaskShape) -> Iterator[Flag]:
    """What is said of the suspects of one entry: once of others, once of its own seeds."""
    key = entry_key(entry)
    copies = [
        (mine, other, share)
        for mine, other, share in found
        if other.entry is not entry and not _has_to_be_same(mine.entry, mine.seed, other.entry, other.seed, shape)
    ]
    repeated = [(mine, other, share) for mine, other, share in found if other.entry is entry]
    if copies:
        others = tuple(sorted({entry_key(other.entry) for _, other, _ in copies}))
        yield Flag(key, "near-copy", _message(copies, listed(others)), others)
    if repeated:
        yield Flag(key, "repeated-seed", f"a seed is there nearly twice: {_message(repeated, 'another seed')}")


def _message(found: Sequence[tuple[_Row, _Row, float]], with_whom: str) -> str:
    seeds = sorted({mine.seed.seed for mine, _, _ in found})
    largest = max(share for _, _, share in found)
    return (
        f"seed {listed(seeds)} shares {largest:.1%} of its mistakes with {with_whom}, "
        f"where less than {LARGEST_SHARE:.0%} is expected of two trainings"
    )


def row_digests(predictions: NDArray[np.uint8]) -> list[bytes | None]:
    """Equal for equal rows; None for a row of one class only, as networks at chance give it: it is nobody's."""
    return [None if (row == row[0]).all() else hashlib.sha256(row.tobytes()).digest() for row in predictions]


def _equal(entries: Sequence[Checked], shape: TaskShape) -> Iterator[Flag]:
    """Any seed of an entry that has exactly the predictions of any seed of another, unless that has to be so."""
    owners: dict[bytes, list[tuple[Entry, SeedResult]]] = defaultdict(list)
    digests = [row_digests(checked.predictions) for checked in entries]
    for checked, rows in zip(entries, digests, strict=True):
        for seed, digest in zip(checked.entry.seeds, rows, strict=True):
            if digest is not None:
                owners[digest].append((checked.entry, seed))
    for checked, rows in zip(entries, digests, strict=True):
        entry = checked.entry
        found = {
            (entry_key(other), seed.seed)
            for seed, digest in zip(entry.seeds, rows, strict=True)
            for other, its in (owners[digest] if digest is not None else ())
            if other is not entry and not _has_to_be_same(entry, seed, other, its, shape)
        }
        if found:
            others = tuple(sorted({key for key, _ in found}))
            seeds = sorted({seed for _, seed in found})
            message = f"it has the predictions of {listed(others)} (seed {listed(seeds)})"
            yield Flag(entry_key(entry), "same-predictions", message, others)


def _has_to_be_same(one: Entry, seed: SeedResult, other: Entry, its: SeedResult, shape: TaskShape) -> bool:
    """Whether two baselines settled on one network: it is then trained with the same seed on the same images.

    Only methods that are registered here are believed, and only of networks that they can settle on. Nothing is
    imported to look at a family at an import path, so the names of its methods are believed.
    """
    same_training = (one.budget, one.open_recipe) == (other.budget, other.open_recipe)
    if one.method == other.method or not same_training or _network(seed) != _network(its):
        return False
    if one.origin == other.origin == "baseline":
        return settles_on(one.method, seed, shape) and settles_on(other.method, its, shape)
    return one.origin == "model" and of_one_family(one, other)


def _network(seed: SeedResult) -> tuple[object, ...]:
    return seed.seed, *network_facts(seed), seed.augmentations, seed.parameters
