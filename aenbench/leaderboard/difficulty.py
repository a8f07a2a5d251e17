"""Labels instead of predictions, with some errors put in: recognized by where the errors are.

Whatever looks at images errs where others err, and now and then elsewhere. The difficulty of an image is the mean over
the other entries of the task of the share of their seeds that get it wrong; seeds that predict exactly as one of the
entry's own tell nothing of difficulty and do not count (two searches may settle on the same network). Labels with
errors at random have errors of average difficulty; labels with errors put on the images that others get wrong have
errors of the greatest difficulty. Neither looks like a network, and both are asked about, of entries that are better
than the median other one: to guess is no leak.

**Too little.** Were an entry's errors a random sample of the images of each true class, the sum of their difficulties
would be about normal, with the mean and the variance of sampling without replacement; z is its distance from the mean,
in standard deviations. That grows with the root of the number of errors, so what an honest entry would have is known:
the median of z / sqrt(errors) over the seeds of the other entries, times the root of its own number. A seed is asked
about when its z is less than half of that, and less than 3, provided that 3 or more was to be expected. Where the
others are near chance, their errors are no guide to difficulty: nothing is expected, and nobody is asked about.

**Too much.** The mean difficulty of the errors, above that of all images, as a share of the largest that so many errors
can have. Three of the five tasks of this repository's board chose the limit (cifar10-imagefolder/none,
g-fashion-mnist/aug2, g-mnist/aug2: at most 0.80 at that time, 0.84 with later entries, over all boards of three to five
of their entries; half way from 0.80 to 1 is 0.9). The other two judge it (g-mnist/aug4, mnist-rot/any-angle: at most
0.85). `benchmarks/flags.py` prints these numbers. Nothing is asked about fewer than 100 errors, and errors spread over
difficult images at random are not seen.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aenbench.leaderboard.flags import Flag, entry_key, listed
from aenbench.leaderboard.ground_truth import Answers
from aenbench.leaderboard.rescoring import Checked

LEAST_OTHERS = 2
"""Entries of the task, besides the one that is compared with them."""

LEAST_Z = 3.0
LEAST_EXPECTED = 3.0
LARGEST_CONCENTRATION = 0.9
LEAST_ERRORS = 100


def find_leaks(entries: Sequence[Checked], answers: Answers) -> Iterator[Flag]:
    """The flags of the entries of one task; see the module. Linear in their number.

    Args:
        entries: all of the task.
        answers: of the task.
    """
    if len(entries) <= LEAST_OTHERS:
        return
    wrong = [checked.predictions != answers.labels for checked in entries]  # (seeds, n) each
    shares = np.stack([each.mean(axis=0) for each in wrong])  # (entries, n)
    classes = Classes.of(answers.labels)
    difficulties = [
        classes.measure(each) for each in others_errors([checked.predictions for checked in entries], answers.labels)
    ]
    distances = [
        np.array([difficulty.distance(row) for row in rows])
        for difficulty, rows in zip(difficulties, wrong, strict=True)
    ]
    effects = np.array(
        [
            np.median(np.nan_to_num(each) / np.sqrt(np.maximum(rows.sum(axis=1), 1)))
            for each, rows in zip(distances, wrong, strict=True)
        ]
    )
    means = shares.mean(axis=1)
    for number, checked in enumerate(entries):
        if means[number] >= np.median(np.delete(means, number)):
            continue
        effect = float(np.median(np.delete(effects, number)))
        errors = wrong[number].sum(axis=1)
        expected = effect * np.sqrt(errors)
        limit = np.minimum(LEAST_Z, expected / 2)
        unrelated = (distances[number] < limit) & (expected >= LEAST_EXPECTED)
        if unrelated.any():
            message = (
                f"the errors of seed {_seeds(checked, unrelated)} do not fall on difficult images "
                f"(z {distances[number][unrelated].min():.1f}, expected about {expected[unrelated].min():.1f})"
            )
            yield Flag(entry_key(checked.entry), "label-leak", message)
        spread = np.array([difficulties[number].concentration(row) for row in wrong[number]])
        only = (spread > LARGEST_CONCENTRATION) & (errors >= LEAST_ERRORS) & (expected >= LEAST_EXPECTED)
        if only.any():
            message = (
                f"the errors of seed {_seeds(checked, only)} fall on the most difficult images only "
                f"({spread[only].max():.0%} of the largest difficulty that so many can have; a network has others too)"
            )
            yield Flag(entry_key(checked.entry), "label-leak", message)


def others_errors(predictions: Sequence[NDArray[np.uint8]], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The difficulty of each image for each entry: the mean share of the other entries' seeds that get it wrong.

    Seeds that predict exactly as one of the entry's own do not count.

    Args:
        predictions: of each entry of a task, (seeds, n).
        labels: (n,).

    Returns:
        (entries, n), from 0 to 1; 0 for every image where fewer than two others are left.
    """
    wrong = [each != labels for each in predictions]
    shares = np.stack([each.mean(axis=0) for each in wrong])
    seeds = [[hashlib.sha256(row.tobytes()).digest() for row in each] for each in predictions]
    holders: dict[bytes, set[int]] = {}
    for number, digests in enumerate(seeds):
        for digest in digests:
            holders.setdefault(digest, set()).add(number)
    total, found = shares.sum(axis=0), np.zeros_like(shares)
    for number, digests in enumerate(seeds):
        others, count = total - shares[number], len(predictions) - 1
        for other in set().union(*(holders[digest] for digest in digests)) - {number}:
            kept = [row for row, digest in zip(wrong[other], seeds[other], strict=True) if digest not in digests]
            others = others - shares[other] + (np.mean(kept, axis=0) if kept else 0)
            count -= not kept
        if count >= LEAST_OTHERS:
            found[number] = others / count
    return found


Floats = NDArray[np.float64]
Which = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Classes:
    """The images of each true class, sorted once for all that is asked of a task.

    Attributes:
        order: (n,), numbers of the images by class.
        starts: where each class begins in it, and where the last one ends.
    """

    order: NDArray[np.int64]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, labels: NDArray[np.int64]) -> "Classes":
        """Those of labels (n,)."""
        starts = np.cumsum([0, *np.unique(labels, return_counts=True)[1]])
        return cls(np.argsort(labels, kind="stable"), tuple(starts.tolist()))

    def split(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Values (n,) of the images, those of each class."""
        ordered = values[self.order]
        return [ordered[start:stop] for start, stop in pairwise(self.starts)]

    def measure(self, difficulty: Floats) -> "Difficulty":
        """A difficulty (n,) by which errors can be measured."""
        above = [of_class - of_class.mean() for of_class in self.split(difficulty)]
        return Difficulty(self, above, [float(each.var()) for each in above], [np.sort(each) for each in above])


@dataclass(frozen=True, eq=False)
class Difficulty:
    """A difficulty of images, and what errors (n,) have to do with it.

    Attributes:
        classes: of the images.
        above: of each class, the difficulty of its images above their mean.
        variances: of those.
        ascending: those, sorted.
    """

    classes: Classes
    above: Sequence[Floats]
    variances: Sequence[float]
    ascending: Sequence[Floats]

    def distance(self, wrong: Which) -> float:
        """z of the difficulty of wrong images, within true classes; NaN where nothing can be told."""
        total = variance = 0.0
        for of_class, spread, errors in zip(self.above, self.variances, self.classes.split(wrong), strict=True):
            images, count = len(of_class), int(errors.sum())
            if 0 < count < images:
                total += float(of_class[errors].sum())
                variance += spread * count * (images - count) / (images - 1)
        return total / float(np.sqrt(variance)) if variance > 0 else float("nan")

    def concentration(self, wrong: Which) -> float:
        """The difficulty of wrong images beyond the mean of their class, as a share of the largest that so many have.

        NaN where nothing can be told.
        """
        found = largest = 0.0
        for of_class, ascending, errors in zip(self.above, self.ascending, self.classes.split(wrong), strict=True):
            found += float(of_class[errors].sum())
            largest += float(ascending[len(of_class) - int(errors.sum()) :].sum())
        return found / largest if largest > 0 else float("nan")


def distance(difficulty: Floats, wrong: Which, labels: NDArray[np.int64]) -> float:
    """`Difficulty.distance` of errors (n,), by a difficulty (n,) of images with labels (n,)."""
    return Classes.of(labels).measure(difficulty).distance(wrong)


def concentration(difficulty: Floats, wrong: Which, labels: NDArray[np.int64]) -> float:
    """`Difficulty.concentration` of errors (n,), by a difficulty (n,) of images with labels (n,)."""
    return Classes.of(labels).measure(difficulty).concentration(wrong)


def _seeds(checked: Checked, chosen: NDArray[np.bool_]) -> str:
    return listed([seed.seed for seed, is_chosen in zip(checked.entry.seeds, chosen, strict=True) if is_chosen])
