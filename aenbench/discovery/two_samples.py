"""How far one sample of images is from another: for questions that compare other things than images with moved images.

Pairs (x_i, y_i) of independent images are given. Where both have one law, x_i and y_i can be exchanged: the p-value is
exact. The statistic is the kernel two-sample statistic of `aenbench.discovery.kernel`, divided by its norm.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from aenbench.discovery.kernel import BANDWIDTHS, BLOCK, Measured, Pixels, gaussian, kernel_scale
from aenbench.discovery.randomization import RandomMoves, p_value, smallest_share
from aenbench.discovery.spread import Spread, interval


def compare(
    left: Pixels,
    right: Pixels,
    strata: NDArray[np.int64],
    *,
    level: float,
    tests: int,
    generator: np.random.Generator,
    scale: Callable[[Pixels], float] = kernel_scale,
) -> Measured:
    """Measure how far the images on the left are from those on the right, within each stratum.

    Args:
        left, right: float32 (n, points), all independent; row i of both is exchanged together.
        strata: (n,), within which images are compared; they are in random order there.
        level: of the interval, and of the family of tests.
        tests: in this family, which sets the number of random exchanges.
        generator: of the exchanges.
        scale: twice the squared bandwidth of the wider kernel, from all points of both sides.
    """
    exchanges = RandomMoves.at_least(2, max(2_000, int(np.ceil(20 * tests / level))))
    sums = np.zeros((len(BANDWIDTHS), exchanges.number))
    blocks, effect, norm = [], 0.0, 0.0
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        for part in np.array_split(rows, -(-len(rows) // BLOCK)):
            count = len(part)
            if count < 2:
                continue
            gains, bases = _gains(left[part], right[part], scale)
            index = exchanges.differences(exchanges.codes(count, generator)).ravel()
            for bandwidth, gain in enumerate(gains):
                sums[bandwidth] += np.bincount(index, gain.ravel(), exchanges.number) / (count - 1)
            gain, base, pairs = gains[0], bases, count * (count - 1)
            rows_of = [each.sum(axis=1, dtype=np.float64) / (count - 1) for each in (gain, base)]
            squares = tuple(float(np.vdot(a, b)) / pairs for a, b in ((gain, gain), (gain, base), (base, base)))
            blocks.append(Spread(rows_of[0], rows_of[1], (squares[0], squares[1], squares[2]), np.arange(count)))
            effect, norm = effect + float(rows_of[0].sum()), norm + float(rows_of[1].sum())
    if not norm:
        return Measured(0.0, -1.0, 1.0, 1.0)
    null = np.stack([exchanges.statistics([each, np.zeros_like(each)]) for each in sums])
    low, high = interval(effect / norm, norm, blocks, null[0], level)
    return Measured(effect / norm, low, high, p_value(null), smallest_share(null, level / tests))


def draw_halves(
    labels: NDArray[np.int64], generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Two random halves of each class: places (n,) of the one and of the other, and the class of each pair (n,)."""
    one, other, strata = [], [], []
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        half = len(rows) // 2
        one.append(rows[:half])
        other.append(rows[half : 2 * half])
        strata.append(np.full(half, label))
    return np.concatenate(one), np.concatenate(other), np.concatenate(strata)


def _gains(
    left: Pixels, right: Pixels, scale: Callable[[Pixels], float]
) -> tuple[list[NDArray[np.float32]], NDArray[np.float32]]:
    """k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(y_i, x_j) of every bandwidth, and its first half of the first."""
    both = np.concatenate([left, right])
    both = both - both.mean()
    norms, count = np.einsum("ij,ij->i", both, both), len(left)
    different = np.tile(~np.eye(count, dtype=bool), (2, 2))
    gains, bases = [], []
    for kernel in gaussian(both, both, norms, norms, scale(both), different):
        base = kernel[:count, :count] + kernel[count:, count:]
        across = kernel[:count, count:]
        gains.append(base - across - across.T)
        bases.append(base)
    return gains, bases[0]
