"""The interval of an effect, from the spread of single images and of pairs, estimated apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from aenbench.discovery.randomization import Floats


@dataclass(frozen=True, eq=False)
class Spread:
    """What the interval needs of a block, of gains d_ij = k(x_i, x_j) - k(x_i, g x_j) and of bases k(x_i, x_j).

    Attributes:
        gains: their means over j, (images,).
        bases: likewise.
        squares: means over all pairs of d_ij^2, d_ij k_ij and k_ij^2.
        clusters: of the images.
    """

    gains: Floats
    bases: Floats
    squares: tuple[float, float, float]
    clusters: NDArray[np.int64]

    def variances(self, effect: float) -> tuple[float, float]:
        """What the images by themselves and what their pairs add to the variance of the sum of d_ij - effect k_ij.

        Hoeffding's decomposition of a U-statistic of order two: 4 n zeta_1 and 2 n zeta_2 / (n - 1), estimated from the
        variance of the rows' means and of the pairs.
        """
        rows = self.gains - effect * self.bases
        count = len(rows)
        if len(np.unique(self.clusters)) < count:  # the clusters by themselves; pairs are in it, too
            _, inverse = np.unique(self.clusters, return_inverse=True)
            together = np.bincount(inverse, rows - rows.mean())
            return 4 * float(together @ together), 0.0
        if count < 4:
            return 4 * float(count * rows.var()), 0.0
        whole = self.squares[0] - 2 * effect * self.squares[1] + effect**2 * self.squares[2] - float(rows.mean()) ** 2
        single = (float(rows.var(ddof=1)) - whole / (count - 1)) / (1 - 2 / (count - 1))
        single = min(max(single, 0.0), whole / 2)
        return 4 * count * single, 2 * count * (whole - 2 * single) / (count - 1)


def interval(effect: float, norm: float, blocks: Sequence[Spread], null: Floats, level: float) -> tuple[float, float]:
    """The lower and the upper end.

    The part of single images is normal. That of pairs, which alone is left at a symmetry, has a skew law: that of the
    randomized statistic.

    Args:
        effect: the estimate.
        norm: what the sum over pairs was divided by.
        blocks: of the pairs.
        null: the statistic after random moves, not divided by the norm.
        level: one less the probability to hold the effect.
    """
    tail = level / 2
    single, paired = (sum(part) / norm**2 for part in zip(*(b.variances(effect) for b in blocks), strict=True))
    centered = null - null.mean()
    below, above = np.quantile(centered, [tail, 1 - tail]) / max(float(centered.std()), 1e-300)
    normal = NormalDist().inv_cdf(1 - tail) ** 2 * single
    return effect - float(np.sqrt(normal + above**2 * paired)), effect + float(np.sqrt(normal + below**2 * paired))
