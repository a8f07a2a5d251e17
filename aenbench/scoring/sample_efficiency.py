"""How much accuracy few training images give: the area under accuracy against the logarithm of their number.

Sizes n_1 < ... < n_k and mean accuracies a_1, ..., a_k give

    area = sum over i of (a_i + a_{i+1}) / 2 * ln(n_{i+1} / n_i) / ln(n_k / n_1)

by the trapezoid rule: the mean accuracy over the sizes from n_1 to n_k, each factor between two sizes counting alike.
Areas over other sizes are other scores, so methods are compared over the sizes that all of them have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import InvalidArgumentError
from aenbench.scoring.blocks import largest_block
from aenbench.statistics.intervals import Estimate, estimate

Seeds = Mapping[int, float]
"""Accuracy 0..1 of each seed, by its number."""

Curves = Mapping[str, Mapping[int, Seeds]]
"""By method, then by the number of training images."""


@dataclass(frozen=True)
class Efficiency:
    """Methods compared over numbers of training images that all of them have.

    Attributes:
        sizes: numbers of training images, ascending; two at least.
        areas: of each method, 0..1, the largest first; equal ones by name.
        absent: methods that are not compared, with the number of sizes that they have.
    """

    sizes: tuple[int, ...]
    areas: Mapping[str, Estimate]
    absent: Mapping[str, int]


def compare(curves: Curves) -> Efficiency | None:
    """The areas of the methods of the largest block; None where no two methods have the same two sizes."""
    sizes = {size for found in curves.values() for size in found}
    block = largest_block({size: [name for name, found in curves.items() if size in found] for size in sizes})
    if not block.places:
        return None
    areas = {name: area_of({size: curves[name][size] for size in block.places}) for name in block.methods}
    order = sorted(areas, key=lambda name: (-areas[name].mean, name))
    return Efficiency(block.places, {name: areas[name] for name in order}, block.absent)


def area_of(curve: Mapping[int, Seeds]) -> Estimate:
    """The area under one method's curve.

    Returns:
        The area under the means. Where every size has the same two or more seeds, it is the mean of the areas of the
        seeds, and the interval is Student's t over those: a seed chooses its network, and draws its weights, alike for
        every size, so its accuracies are not independent. Otherwise there is no interval.

    Raises:
        InvalidArgumentError: fewer than two sizes, or one below 1.
    """
    sizes = sorted(curve)
    numbers = [sorted(curve[size]) for size in sizes]
    if any(each != numbers[0] for each in numbers):
        means = np.array([[np.mean([curve[size][seed] for seed in sorted(curve[size])]) for size in sizes]])
        return estimate(area(sizes, means))
    return estimate(area(sizes, np.array([[curve[size][seed] for size in sizes] for seed in numbers[0]])))


def area(sizes: Sequence[int], accuracies: NDArray[np.float64]) -> NDArray[np.float64]:
    """The area under each of some curves.

    Args:
        sizes: numbers of training images, (k,), ascending.
        accuracies: (curves, k), 0..1.

    Returns:
        (curves,), 0..1.

    Raises:
        InvalidArgumentError: fewer than two sizes, or sizes that do not ascend from at least 1.
    """
    if len(sizes) < 2 or sizes[0] < 1 or any(high <= low for low, high in pairwise(sizes)):
        raise InvalidArgumentError(f"Expected two or more ascending numbers of images, got {list(sizes)}.")
    places = np.log(np.asarray(sizes, dtype=np.float64))
    means = (accuracies[:, :-1] + accuracies[:, 1:]) / 2
    return np.asarray(means @ np.diff(places) / (places[-1] - places[0]))
