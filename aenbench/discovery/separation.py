"""How far a score separates moved images from images: an effect, its interval, and a p-value that is exact.

A score f is fixed before: a network that was trained on other images. The effect is 2 AUC - 1 of f, moved images
against images, over pairs of different images (of different clusters): 0 where f has the same law on both, 1 where it
separates them without error. No score separates more than the likelihood ratio does: a large effect is certain, a small
one is small *for this score*.

The p-value moves the images themselves: under a symmetry of order r the images g^k x_i with any powers k are as likely
as x_i, so the statistic, the mean rank of f(g x_i) less that of f(x_i), is compared with those of images that were
moved by random powers, one for each cluster (Hemerik and Goeman, TEST 27, 2018). Each image is its own control, which
tells small differences. Moves of a large order are tested by exchanging pairs (g x_i, x_j) of one class.

The interval is that of a two-sample U-statistic (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988), of which the
images (clusters) are the independent part, since each appears moved and unmoved.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from scipy.stats import t as student

from aenbench.discovery.kernel import Measured
from aenbench.discovery.randomization import Floats

_CHUNK = 1 << 22
"""Random powers that are drawn at once."""

_Draw = Callable[[int], NDArray[np.int8]]
"""Draws so many random moves: the power of each image or cluster, (moves, clusters)."""


def separate(
    scores: Floats,
    labels: NDArray[np.int64],
    clusters: NDArray[np.int64],
    *,
    exchanges: bool,
    level: float,
    tests: int,
    number: int,
    generator: np.random.Generator,
) -> Measured:
    """Effect, interval and p-value of one score of one move.

    Args:
        scores: float64 (powers, n): f(g^k x_i) for k = 0, 1, ... up to the order of g less 1, or for 0 and 1 only.
        labels: (n,)
        clusters: (n,), images of one are moved together and not compared.
        exchanges: whether pairs are exchanged, because not all powers are there.
        level: of the interval, and of the family of tests.
        tests: how many are in the family.
        number: of random moves.
        generator: of moves and pairs.
    """
    effect, error, count = separation(scores[1], scores[0], clusters)
    width = float(student.ppf(1 - level / 2, max(1, count - 1))) * error
    gains = _exchanged(scores, labels, generator) if exchanges else _moved(scores, clusters)

    def draw(moves: int) -> NDArray[np.int8]:
        return generator.integers(0, gains.shape[1], (moves, len(gains)), dtype=np.int8)

    p_value, share = _test(gains, number, level / tests, draw)
    return Measured(effect, max(-1.0, effect - width), min(1.0, effect + width), p_value, share)


def separate_exchanged(
    scores: Floats,
    labels: NDArray[np.int64],
    target: NDArray[np.int64],
    *,
    level: float,
    tests: int,
    number: int,
    generator: np.random.Generator,
) -> Measured:
    """Effect, interval and p-value of one score of a move that may exchange classes: of (g x, pi(y)) against (x, y).

    If law(g x | y) = law(x | pi(y)), images of the classes of one cycle of pi, each moved to the place of the first of
    them, have one law whatever their labels. So labels are permuted at random within each cycle, and each image is
    moved to the place of its new label: exact for any numbers of images. Powers that are drawn image by image, as for
    a move that keeps classes, would change these numbers, and are not.

    Args:
        scores: float64 (powers, n): f(g^k x_i, pi^k(y_i)) for k = 0, 1, ... up to the order of g less 1, which that of
            pi divides.
        labels: int64 (n,), of independent images. The effect means something where the classes of a cycle are equally
            frequent: else moved images have other frequencies of labels, and that alone separates them.
        target: pi, int64 (classes,).
        level: of the interval, and of the family of tests.
        tests: how many are in the family.
        number: of random moves.
        generator: of the moves.
    """
    apart = np.arange(len(labels))
    effect, error, count = separation(scores[1], scores[0], apart)
    width = float(student.ppf(1 - level / 2, max(1, count - 1))) * error
    p_value, share = _test(
        _moved(scores, apart), number, level / tests, _relabeling(labels, target, len(scores), generator)
    )
    return Measured(effect, max(-1.0, effect - width), min(1.0, effect + width), p_value, share)


def cycles_of(target: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The cycles of a permutation, each from its smallest number on in the order in which it is run through."""
    found, known = [], np.zeros(len(target), dtype=bool)
    for first in range(len(target)):
        if known[first]:
            continue
        cycle = [first]
        while (following := int(target[cycle[-1]])) != first:
            cycle.append(following)
        known[cycle] = True
        found.append(np.array(cycle))
    return found


def _relabeling(
    labels: NDArray[np.int64], target: NDArray[np.int64], powers: int, generator: np.random.Generator
) -> _Draw:
    """Draws powers that permute the labels within each cycle, and are otherwise random."""
    parts, place = [], np.zeros(len(target), dtype=np.int64)
    for cycle in cycles_of(target):
        place[cycle] = np.arange(len(cycle))
        rows = np.flatnonzero(np.isin(labels, cycle))
        parts.append((rows, place[labels[rows]], len(cycle)))

    def draw(moves: int) -> NDArray[np.int8]:
        drawn = np.empty((moves, len(labels)), dtype=np.int8)
        for rows, places, size in parts:
            wanted = generator.permuted(np.broadcast_to(places, (moves, len(rows))), axis=1)
            drawn[:, rows] = (wanted - places) % size
            drawn[:, rows] += size * generator.integers(0, powers // size, (moves, len(rows)), dtype=np.int8)
        return drawn

    return draw


def separation(moved: Floats, still: Floats, clusters: NDArray[np.int64]) -> tuple[float, float, int]:
    """2 AUC - 1 over pairs of different clusters, its standard error, and the number of clusters."""
    _, numbers = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(numbers)
    above, below = _counts_below(still, moved), len(moved) - _counts_below(moved, still)
    for members in _members(numbers, sizes):  # pairs of one cluster are not compared
        wins = _wins(moved[members][:, :, None], still[members][:, None, :])
        above[members] -= wins.sum(axis=2)
        below[members] -= wins.sum(axis=1)
    partners = (len(moved) - sizes)[numbers]
    auc = float(above.sum()) / float(partners.sum())
    together = np.bincount(numbers, above + below - 2 * auc * partners)
    count = len(sizes)
    error = float(np.sqrt(count / (count - 1) * float(together @ together))) / float(partners.sum())
    return 2 * auc - 1, 2 * max(error, 1.5 / count), count  # where all pairs are in order: the rule of three


def _members(numbers: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The images of each cluster, (clusters, size) for each size that occurs."""
    order = np.argsort(numbers, kind="stable")
    starts = np.cumsum(sizes) - sizes
    return [order[starts[sizes == size][:, None] + np.arange(size)] for size in np.unique(sizes)]


def _wins(moved: Floats, still: Floats) -> Floats:
    """1 where a moved image has the larger score, 1/2 where they are equal."""
    wins: Floats = (moved > still) + 0.5 * (moved == still)
    return wins


def _counts_below(pool: Floats, values: Floats) -> Floats:
    """How many of the pool are below each value; equal ones count half."""
    ordered = np.sort(pool)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2


def _moved(scores: Floats, clusters: NDArray[np.int64]) -> Floats:
    """For each cluster, by the power that it was moved by, what it adds to the statistic: (clusters, powers)."""
    ranks = rankdata(scores).reshape(scores.shape)  # of all powers of all images, which no random move changes
    gains = np.roll(ranks, -1, axis=0) - ranks
    _, numbers = np.unique(clusters, return_inverse=True)
    return np.stack([np.bincount(numbers, gain) for gain in gains], axis=1)


def _exchanged(scores: Floats, labels: NDArray[np.int64], generator: np.random.Generator) -> Floats:
    """For each pair (g x_i, x_j) of one class, as it is and exchanged, what it adds to the statistic: (pairs, 2)."""
    ones, others = [], []
    for label in np.unique(labels):
        chosen = generator.permutation(np.flatnonzero(labels == label))
        half = len(chosen) // 2
        ones.append(chosen[:half])
        others.append(chosen[half : 2 * half])
    moved, still = scores[1][np.concatenate(ones)], scores[0][np.concatenate(others)]
    ranks = rankdata(np.concatenate([moved, still]))
    gains = ranks[: len(moved)] - ranks[len(moved) :]
    return np.stack([gains, -gains], axis=1)


def _test(gains: Floats, number: int, level: float, draw: _Draw) -> tuple[float, float]:
    """The p-value, and the smallest share of images that breaks a symmetry and is seen.

    The p-value is the share of random moves, the observed one included, whose statistic is at least the observed one.
    Were all images but a share moved at random, the statistic would be the observed one times the share on average.

    Args:
        gains: (clusters, powers), the observed power first.
        number: of random moves.
        level: of the test that is to see the share.
        draw: gives the powers.
    """
    clusters = len(gains)
    observed = float(gains[:, 0].sum())
    rounding = 1e-9 * float(np.abs(gains).sum())
    statistics = np.empty(number)
    for part in np.array_split(statistics, -(-number * clusters // _CHUNK)):  # views
        part[:] = gains[np.arange(clusters), draw(len(part))].sum(axis=1)
    p_value = (int((statistics >= observed - rounding).sum()) + 1) / (number + 1)
    critical = float(np.quantile(statistics, 1 - level, method="higher"))
    share = 1.0 if observed <= rounding else min(1.0, max(0.0, critical) / observed)
    return p_value, share
