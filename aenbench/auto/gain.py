"""What the network of a group gains over the plain one, and whether that is more than chance."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aenbench.scoring import check_shape
from aenbench.scoring.ranking import LEVEL, p_values
from aenbench.statistics.intervals import Estimate, estimate

Outcome = Literal["pays", "costs", "cannot tell"]


@dataclass(frozen=True)
class Gain:
    """The difference of two entries of the same seeds.

    Attributes:
        points: accuracy of the group's network less that of the plain one, in percentage points: mean over the seeds
            and Student's 95 % interval of that mean, each seed paired with itself.
        p_value: of the hypothesis that two such networks, trained again and tested on other images, are equally good,
            as the leaderboard tests it (`aenbench.scoring.ranking`); None of a single seed.
    """

    points: Estimate
    p_value: float | None

    @property
    def outcome(self) -> Outcome:
        """`pays` or `costs` where the interval leaves out zero and the test says so too."""
        if self.p_value is None or self.points.low is None or self.points.high is None or self.p_value >= LEVEL:
            return "cannot tell"
        if self.points.low > 0:
            return "pays"
        return "costs" if self.points.high < 0 else "cannot tell"


def compare(plain: NDArray[np.uint8], symmetric: NDArray[np.uint8], labels: NDArray[np.int64]) -> Gain:
    """Compare the predictions (seeds, n) of two networks for the same images, whose labels are (n,).

    Raises:
        InvalidArgumentError: the shapes do not fit.
    """
    for predictions in (plain, symmetric):
        check_shape(predictions, labels)
    right = [predictions == labels for predictions in (plain, symmetric)]
    of_seeds = [100 * rows.mean(axis=1) for rows in right]
    points = estimate(of_seeds[1] - of_seeds[0])
    return Gain(points, float(p_values(right)[0, 1]) if len(plain) > 1 else None)
