"""Exact p-values for moves of finite order: every image is moved by its own random power, thousands of times at once.

Where a move g of order r is a symmetry, the images x_i and g^{k_i} x_i have the same law for any powers k. So the
observed statistic is compared with those of moved data, and p = (number at least as large, the observed one included) /
number (Hemerik and Goeman, TEST 27, 2018: exact for any statistic, where the powers form a group).

The powers here are k_i = <a, h_i> mod r, with a code h_i in Z_r^d drawn for each image (or cluster of images) and a
running over all of Z_r^d. They form a group, and a statistic that is a sum over pairs of images,

    T(a) = sum over i, j of f_ij(k_j - k_i),    f_ij(m) = k(x_i, g^m x_j) - k(x_i, g^{m+1} x_j),

depends on the codes' differences alone. So the pairs are summed by difference once, and T(a) for all r^d values of a is
a discrete Fourier transform of these sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]


@dataclass(frozen=True)
class RandomMoves:
    """The powers that images are moved by.

    Attributes:
        order: r, of the move; 2 for exchanges of two samples.
        digits: d; there are r^d random moves, the first of which moves nothing.
    """

    order: int
    digits: int

    @classmethod
    def at_least(cls, order: int, number: int) -> "RandomMoves":
        """The smallest group of moves with so many elements."""
        digits = 1
        while order**digits < number:
            digits += 1
        return cls(order, digits)

    @property
    def number(self) -> int:
        return int(self.order**self.digits)

    def codes(self, count: int, generator: np.random.Generator) -> Codes:
        """A random code for each image or cluster, int32 (count,), 0..number-1."""
        return generator.integers(0, self.number, count, dtype=np.int32)

    def differences(self, codes: Codes) -> Codes:
        """The code of h_j - h_i for all pairs, int32 (n, n)."""
        if self.order == 2:
            return np.bitwise_xor.outer(codes, codes)
        low = self.order ** (self.digits // 2)
        parts = [(codes % low, low), (codes // low, self.number // low)]
        tables = [self._difference_table(size)[np.ix_(part, part)] for part, size in parts]
        return tables[0] + np.int32(low) * tables[1]

    def _difference_table(self, size: int) -> Codes:
        """The code of b - a for all codes a, b below a power of the order."""
        table = np.zeros((size, size), dtype=np.int32)
        value, place = np.arange(size), 1
        while place < size:
            digit = value // place % self.order
            table += (place * ((digit[None, :] - digit[:, None]) % self.order)).astype(np.int32)
            place *= self.order
        return table

    @cached_property
    def _digits_of(self) -> NDArray[np.int64]:
        """The digits of every code, (number, digits), in the order of a C array of shape (order,) * digits."""
        codes = np.arange(self.number)
        places = self.order ** np.arange(self.digits)[::-1]
        return codes[:, None] // places % self.order

    def _scaled(self, factor: int) -> NDArray[np.int64]:
        """For each code a, the code of factor * a."""
        places = self.order ** np.arange(self.digits)[::-1]
        return (self._digits_of * factor % self.order) @ places

    def statistics(self, sums: Sequence[Floats]) -> Floats:
        """T(a) for every a, the observed one first.

        Args:
            sums: for m = 0..order//2 the sums of k(x_i, g^m x_j) over all pairs, by the code of h_j - h_i: (number,).

        Returns:
            float64 (number,).
        """
        r, shape = self.order, (self.order,) * self.digits
        back = self._scaled(r - 1)
        power = [sums[m] if m <= r // 2 else sums[r - m][back] for m in range(r)]  # k(x_i, g^-m x_j) = k(x_j, g^m x_i)
        total = np.zeros(self.number)
        for frequency in range(1, r // 2 + 1):
            waves = np.exp(-2j * np.pi * frequency * np.arange(r) / r)
            spectrum = np.tensordot(waves, np.stack(power), 1).reshape(shape)
            everywhere = (np.fft.ifftn(spectrum) * self.number).reshape(-1)[self._scaled(frequency)]
            weight = (1 - np.conj(waves[1])) / r * (1 if 2 * frequency == r else 2)
            total += (weight * everywhere).real
        return total


def p_value(statistics: Floats) -> float:
    """The share of random moves whose statistic is at least the observed one.

    Args:
        statistics: (kinds, number), the observed ones first: each kind is divided by its standard deviation over the
            moves, and the largest counts.
    """
    largest = _largest(statistics)
    return 1.0 if largest is None else float((largest >= largest[0] - 1e-9 * abs(largest[0])).mean())


def smallest_share(statistics: Floats, level: float) -> float:
    """The smallest share of images that breaks a symmetry and is seen by this test, 0..1; 1 where none below is seen.

    Move all images but a share at random: then the move is a symmetry but for this share of the images, and the random
    moves are the same. The statistic, a sum over pairs, is that of the data as they are times the square of the share,
    on average. So the share that reaches the critical value needs no data to be moved.

    Args:
        statistics: (kinds, number), the observed ones first, as for `p_value`.
        level: of the test.
    """
    largest = _largest(statistics)
    if largest is None or largest[0] <= 0:
        return 1.0
    critical = float(np.quantile(largest, 1 - level, method="higher"))
    return min(1.0, float(np.sqrt(max(critical, 0.0) / largest[0])))


def _largest(statistics: Floats) -> Floats | None:
    """The largest of the kinds, each divided by its standard deviation, (number,); None where nothing varies."""
    spread = statistics.std(axis=1, keepdims=True)
    usable = spread[:, 0] > 0
    if not usable.any():
        return None
    largest: Floats = (statistics[usable] / spread[usable]).max(axis=0)
    return largest
