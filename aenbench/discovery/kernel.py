"""How far moved images are from images, class by class, in the kernel two-sample statistic; nothing is trained.

For a Gaussian kernel k on pixels and a move g that permutes them, the squared distance between the law of x and that
of g x is 2 (E k(x, x') - E k(x, g x')) (maximum mean discrepancy; Gretton et al., JMLR 13, 2012). Divided by its norm
2 E k(x, x') it is the *effect* 1 - E k(x, g x') / E k(x, x'): 0 for a symmetry, 1 where moved images are like none.
Means are over pairs of different images of one class (of different clusters, where there are clusters), so the estimate
is unbiased up to the ratio and can come out below 0.

Bandwidths are fractions of the squared distance that two images of a class would have if their pixels had nothing to do
with each other. It depends on each image's mean and variance alone, which no move changes: that keeps p-values exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from aenbench.discovery.randomization import Codes, Floats, RandomMoves, p_value, smallest_share
from aenbench.discovery.spread import Spread, interval
from aenbench.errors import InvalidArgumentError

Permutation = NDArray[np.int64]
Pixels = NDArray[np.float32]
Floats32 = NDArray[np.float32]

BANDWIDTHS = (1 / 4, 1 / 16)
"""Squared bandwidths, as fractions of the squared distance of unrelated images; the effect is that of the first."""
MAX_ORDER = 4
"""Moves of a larger order are tested by exchanging halves, which has less power and takes one kernel matrix."""
MAX_CLUSTERED_ORDER = 32
"""The same where images come in clusters, whose halves cannot be exchanged one by one."""
HALVES = 0.2
"""Of the level of a move of order 4, what the test of its odd against its even powers gets."""
BLOCK = 500
"""Images of a class whose pairs are compared; larger classes are cut into blocks."""


@dataclass(frozen=True)
class Measured:
    """What the statistic says of one candidate.

    Attributes:
        effect: 0 = the same law, 1 = disjoint.
        low: lower end of its interval.
        high: upper end.
        p_value: of the hypothesis that the move is a symmetry, not corrected for the number of candidates.
        share: the smallest share of images that breaks the symmetry and is seen: see `smallest_share`.
    """

    effect: float
    low: float
    high: float
    p_value: float
    share: float = 1.0


@dataclass(frozen=True, eq=False)
class _Block:
    """Images of one class that are compared with each other."""

    pixels: Pixels
    norms: NDArray[np.float32]
    clusters: NDArray[np.int64]
    scale: float
    """Twice the squared bandwidth of the wider kernel."""

    @cached_property
    def pairs(self) -> NDArray[np.bool_]:
        different: NDArray[np.bool_] = self.clusters[:, None] != self.clusters[None, :]
        return different

    def kernels(self, permutation: Permutation | None) -> list[NDArray[np.float32]]:
        """k(x_i, g x_j) of every bandwidth, 0 for pairs that are not compared."""
        moved = self.pixels if permutation is None else self.pixels[:, permutation]
        return gaussian(self.pixels, moved, self.norms, self.norms, self.scale, self.pairs)


def kernel_scale(images: Pixels) -> float:
    """Twice the squared bandwidth of the wider kernel for these images, (n, points)."""
    means, variances = images.mean(axis=1), images.var(axis=1)
    distances = variances[:, None] + variances[None, :] + (means[:, None] - means[None, :]) ** 2
    scale: float = 2 * BANDWIDTHS[0] * max(float(np.median(distances)) * images.shape[1], 1e-12)
    return scale


def gaussian(
    left: Pixels, right: Pixels, left_norms: Floats32, right_norms: Floats32, scale: float, pairs: NDArray[np.bool_]
) -> list[Floats32]:
    """k(x_i, y_j) of every bandwidth, of images with these squared norms, 0 for pairs that are not compared."""
    wide = left @ right.T
    wide *= 2 / scale
    wide -= (left_norms / scale)[:, None]
    wide -= (right_norms / scale)[None, :]
    np.exp(wide, out=wide)
    wide *= pairs
    narrow = wide * wide
    narrow *= narrow
    return [wide, narrow]


def measure(
    pixels: Pixels,
    labels: NDArray[np.int64],
    candidates: Mapping[str, Permutation],
    *,
    clusters: NDArray[np.int64] | None = None,
    level: float = 0.05,
    seed: int = 0,
) -> dict[str, Measured]:
    """Measure each candidate.

    Args:
        pixels: float32 (n, points): rows that the permutations gather from.
        labels: (n,); within each label images are compared.
        candidates: gather indices (points,) by name.
        clusters: (n,), images of one cluster are moved together and not compared; by default each is one.
        level: of the intervals, and of the family of tests, which sets the number of random moves.
        seed: of blocks, codes and halves.
    """
    generator = np.random.default_rng(seed)
    clusters = np.arange(len(pixels)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    number = random_moves(len(candidates), level)
    most = MAX_ORDER if len(np.unique(clusters)) == len(clusters) else MAX_CLUSTERED_ORDER
    orders = {name: order_up_to(permutation, most) for name, permutation in candidates.items()}
    if most > MAX_ORDER and max(orders.values()) > most:
        name = max(orders, key=lambda each: orders[each])
        raise InvalidArgumentError(
            f'"{name}" has an order above {most}: images in clusters cannot be moved by all its powers; leave it out.'
        )
    moves = {order: RandomMoves.at_least(order, number) for order in {2, *orders.values()} if order <= most}
    codes = {order: each.codes(int(clusters.max()) + 1, generator) for order, each in moves.items()}
    sums = {name: _Sums.of(moves.get(order, moves[2]), order, moves[2]) for name, order in orders.items()}
    for block in _blocks(pixels, labels, clusters, generator):
        _add_block(block, candidates, sums, moves, codes)
    return {name: each.measured(level, len(candidates)) for name, each in sums.items()}


def random_moves(candidates: int, level: float) -> int:
    """How many random moves a p-value needs that is one of a family of tests at this level."""
    return max(2_000, int(np.ceil(20 * candidates / level)))


def order_up_to(permutation: Permutation, most: int) -> int:
    """The order of a permutation up to `most`, or one more where it is larger."""
    return len(powers(permutation, most + 1))


def powers(permutation: Permutation, most: int) -> list[Permutation]:
    """The different powers of a permutation, from the identity on; no more than the first `most`."""
    found = [np.arange(len(permutation))]
    while len(found) < most and not np.array_equal(power := found[-1][permutation], found[0]):
        found.append(power)
    return found


def _blocks(
    pixels: Pixels, labels: NDArray[np.int64], clusters: NDArray[np.int64], generator: np.random.Generator
) -> list[_Block]:
    blocks = []
    for label in np.unique(labels):
        chosen = np.flatnonzero(labels == label)
        groups = generator.permutation(np.unique(clusters[chosen]))
        place = np.empty(int(clusters.max()) + 1, dtype=np.int64)
        place[groups] = np.arange(len(groups))
        chosen = chosen[np.argsort(place[clusters[chosen]], kind="stable")]
        for part in np.array_split(chosen, -(-len(chosen) // BLOCK)):
            images = pixels[part] - pixels[part].mean()
            norms = np.einsum("ij,ij->i", images, images)
            blocks.append(_Block(images, norms, clusters[part], kernel_scale(images)))
    return blocks


@dataclass(eq=False)
class _Sums:
    """Sums over the blocks of one candidate."""

    moves: RandomMoves
    order: int
    by_difference: NDArray[np.float64]
    """(bandwidths, powers, number of random moves)"""
    exchanged: RandomMoves
    by_parity: NDArray[np.float64] | None
    """Of even orders above 2: sums of the even and of the odd powers, (bandwidths, 2, number of exchanges)."""
    effect: float = 0.0
    norm: float = 0.0
    blocks: "list[Spread]" = field(default_factory=list)

    @classmethod
    def of(cls, moves: RandomMoves, order: int, exchanged: RandomMoves) -> "_Sums":
        kinds = len(BANDWIDTHS)
        has_halves = moves.order == order and order % 2 == 0 and order > 2
        parity = np.zeros((kinds, 2, exchanged.number)) if has_halves else None
        return cls(moves, order, np.zeros((kinds, moves.order // 2 + 1, moves.number)), exchanged, parity)

    @property
    def exchanges(self) -> bool:
        """Whether halves are exchanged, for the order is too large."""
        return self.moves.order != self.order

    def add(self, power: int, bandwidth: int, sums: Floats, by_parity: Floats | None) -> None:
        """Add a block's kernels of one power of the move, summed by the differences of their codes."""
        self.by_difference[bandwidth, power] += sums
        if self.by_parity is not None and by_parity is not None:
            twice = 1 if 2 * power in (0, self.order) else 2  # the inverse power, too
            self.by_parity[bandwidth, power % 2] += twice * by_parity

    def p_value(self, null: Floats) -> float:
        """Of all powers; for an even order above 2 together with that of odd against even powers (Bonferroni).

        Where the square of the move is a symmetry, the statistic depends on the parity of the powers alone: few random
        moves differ, and their p-value cannot be small. Summed over the even powers the kernel is one of images up to
        that square, which the move exchanges.
        """
        if self.by_parity is None:
            return p_value(null)
        halves = p_value(np.stack([self.exchanged.statistics(list(sums)) for sums in self.by_parity]))
        return min(1.0, p_value(null) / (1 - HALVES), halves / HALVES)

    def measured(self, level: float, candidates: int) -> Measured:
        null = np.stack([self.moves.statistics(list(sums)) for sums in self.by_difference])
        effect = self.effect / self.norm
        if self.exchanges:
            null = null / 2  # the same quantity, doubled, on a quarter of the pairs
        low, high = interval(effect, self.norm, self.blocks, null[0], level)
        return Measured(
            effect,
            low,
            high,
            self.p_value(null),
            smallest_share(null, level / candidates),
        )


def _add_block(
    block: _Block,
    candidates: Mapping[str, Permutation],
    sums: Mapping[str, _Sums],
    moves: Mapping[int, RandomMoves],
    codes: Mapping[int, Codes],
) -> None:
    pairs = int(block.pairs.sum())
    if not pairs:
        return
    weight = len(block.pixels) / pairs  # a block counts by its images
    still = block.kernels(None)
    differences = {  # as bincount wants them, which would convert them again for each kernel
        order: each.differences(codes[order][block.clusters]).ravel().astype(np.intp) for order, each in moves.items()
    }

    def summed(order: int, kernel: Floats32) -> Floats:
        counted = np.bincount(differences[order], kernel.ravel(), moves[order].number)
        return weight * counted.astype(np.float64, copy=False)

    at_rest = {order: [summed(order, kernel) for kernel in still] for order in moves}
    rows = still[0].sum(axis=1, dtype=np.float64)
    for name, permutation in candidates.items():
        each = sums[name]
        moved = block.kernels(permutation)
        across = (moved[0].sum(axis=1, dtype=np.float64) + moved[0].sum(axis=0, dtype=np.float64)) / 2
        each.effect += weight * float((rows - across).sum())
        each.norm += weight * float(rows.sum())
        gains = still[0] - (moved[0] + moved[0].T) / 2
        squares = (float(np.vdot(gains, gains)), float(np.vdot(gains, still[0])), float(np.vdot(still[0], still[0])))
        mean = tuple(square / pairs for square in squares)
        each.blocks.append(Spread(weight * (rows - across), weight * rows, (mean[0], mean[1], mean[2]), block.clusters))
        if each.exchanges:
            _add_exchanges(block, still, moved, each, codes[2])
            continue
        has_halves = each.by_parity is not None
        for bandwidth, sums_at_rest in enumerate(at_rest[each.order]):
            each.add(0, bandwidth, sums_at_rest, at_rest[2][bandwidth])
        again = permutation
        for power in range(1, each.order // 2 + 1):
            for bandwidth, kernel in enumerate(moved if power == 1 else block.kernels(again)):
                halves = summed(2, kernel) if has_halves else None
                each.add(power, bandwidth, summed(each.order, kernel), halves)
            again = again[permutation]


def _add_exchanges(
    block: _Block,
    still: list[NDArray[np.float32]],
    moved: list[NDArray[np.float32]],
    sums: _Sums,
    codes: Codes,
) -> None:
    """Pairs (x_i, g x'_i) of two halves of the block, exchanged at random, which suits a move of any order.

    Images lie in a block in random order. Halves in the order of a file would differ by themselves.
    """
    half = len(block.pixels) // 2
    one, other = slice(0, half), slice(half, 2 * half)
    weight = len(block.pixels) / max(1, half * (half - 1))
    index = sums.moves.differences(codes[block.clusters[one]]).ravel()
    for bandwidth, (rest, kernel) in enumerate(zip(still, moved, strict=True)):
        across = kernel[one, other]
        square = rest[one, one] + rest[other, other] - across - across.T
        np.fill_diagonal(square, 0)
        sums.by_difference[bandwidth, 0] += weight * np.bincount(index, square.ravel(), sums.moves.number)
