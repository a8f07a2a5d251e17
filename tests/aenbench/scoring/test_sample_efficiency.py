"""The area under accuracy against the logarithm of the number of training images, and who is compared."""

import math
import random

import numpy as np
import pytest

from aenbench.errors import InvalidArgumentError
from aenbench.scoring.blocks import largest_block
from aenbench.scoring.sample_efficiency import Curves, area, area_of, compare
from aenbench.statistics.intervals import t_half_width

SIZES = (10, 100, 10_000)


def flat(accuracy: float, sizes: tuple[int, ...] = SIZES, seeds: int = 3) -> dict[int, dict[int, float]]:
    return {size: dict.fromkeys(range(seeds), accuracy) for size in sizes}


def test_a_flat_curve_has_its_accuracy_as_area_whatever_the_sizes() -> None:
    assert area_of(flat(0.5)) == pytest.approx((0.5, 0.5, 0.5))
    assert area_of(flat(0.5, (3, 7)))[0] == pytest.approx(0.5)


def test_a_curve_that_is_straight_in_the_logarithm_is_not_changed_by_a_size_between() -> None:
    def accuracy(size: int) -> float:
        return 0.2 + 0.1 * math.log10(size)

    few, many = (np.array([[accuracy(size) for size in sizes]]) for sizes in ((10, 10_000), (10, 30, 500, 10_000)))
    assert area((10, 10_000), few) == pytest.approx(area((10, 30, 500, 10_000), many))
    assert area((10, 10_000), few) == pytest.approx([0.45])
    bent = many + np.array([[0, 0.1, 0, 0]])
    assert area((10, 30, 500, 10_000), bent)[0] > 0.45


def test_it_is_the_integral_of_the_curve_by_brute_force() -> None:
    accuracies = [0.3, 0.8, 0.9]
    places = np.linspace(math.log(SIZES[0]), math.log(SIZES[-1]), 1_000_001)
    expected = float(np.interp(places, np.log(SIZES), accuracies).mean())
    assert area(SIZES, np.array([accuracies])) == pytest.approx([expected], abs=1e-6)
    over_numbers = np.interp(np.linspace(SIZES[0], SIZES[-1], 1_000_001), SIZES, accuracies).mean()
    assert abs(over_numbers - expected) > 0.05  # without the logarithm it is another number


def test_the_unit_of_the_sizes_does_not_matter() -> None:
    accuracies = np.array([[0.3, 0.8, 0.9]])
    assert area([7 * size for size in SIZES], accuracies) == pytest.approx(area(SIZES, accuracies))
    assert area([size + 7 for size in SIZES], accuracies) != pytest.approx(area(SIZES, accuracies))


def test_the_interval_is_over_the_areas_of_the_seeds() -> None:
    curve = {10: {0: 0.1, 1: 0.3, 2: 0.2}, 1_000: {2: 0.6, 0: 0.5, 1: 0.7}}
    mean, low, high = area_of(curve)
    of_seeds = (0.3, 0.5, 0.4)
    half = t_half_width(of_seeds)
    assert (mean, low, high) == pytest.approx((0.4, 0.4 - half, 0.4 + half))
    crossed = area_of({10: {0: 0.1, 1: 0.3, 2: 0.2}, 1_000: {2: 0.6, 0: 0.7, 1: 0.5}})
    assert crossed.low is not None
    assert low is not None
    assert (crossed.mean, crossed.low > low) == (pytest.approx(0.4), True)


@pytest.mark.parametrize("curve", [{10: {0: 0.2, 1: 0.4}, 100: {0: 0.3, 2: 0.5}}, {10: {0: 0.3}, 100: {0: 0.4}}])
def test_other_seeds_at_other_sizes_or_a_single_one_give_no_interval(curve: dict[int, dict[int, float]]) -> None:
    assert area_of(curve) == (pytest.approx(0.35), None, None)


@pytest.mark.parametrize("sizes", [(10,), (10, 10), (100, 10), (0, 10)])
def test_sizes_that_are_no_curve_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match="two or more ascending numbers of images"):
        area(sizes, np.full((1, len(sizes)), 0.5))


CURVES: Curves = {
    "good": flat(0.8),
    "bad": flat(0.4),
    "short": flat(0.9, (10, 100)),
    "alone": flat(0.99, (77,)),
}


def test_only_methods_with_all_sizes_in_common_are_compared() -> None:
    found = compare({name: CURVES[name] for name in ("good", "bad", "alone")})
    assert found is not None
    assert (found.sizes, list(found.areas), found.absent) == (SIZES, ["good", "bad"], {"alone": 1})
    both = compare(CURVES)  # three methods with two sizes are as many entries as two with three: the sizes win
    assert both is not None
    assert (both.sizes, list(both.areas), both.absent) == (SIZES, ["good", "bad"], {"alone": 1, "short": 2})
    third = compare({**CURVES, "short too": flat(0.9, (10, 100))})
    assert third is not None
    assert (third.sizes, third.absent) == ((10, 100), {"alone": 1})


def test_two_methods_at_two_sizes_are_the_least() -> None:
    assert compare({}) is None
    assert compare({"good": flat(0.8)}) is None
    assert compare({"good": flat(0.8, (10, 100)), "bad": flat(0.4, (10, 200))}) is None
    assert compare({"good": flat(0.8, (10, 100)), "bad": flat(0.4, (10, 100, 200))}) is not None


def test_the_order_of_places_and_methods_has_no_influence_on_a_block() -> None:
    found = {"x": ["a", "b", "c"], "y": ["a", "b"], "z": ["a", "c"], "w": ["b", "a"]}
    generator = random.Random(0)
    mixed = {key: generator.sample(found[key], len(found[key])) for key in generator.sample(sorted(found), 4)}
    assert largest_block(mixed) == largest_block(found)
    assert largest_block(found)[:2] == (("w", "x", "y"), ("a", "b"))
    assert largest_block(found).absent == {"c": 2}
    assert largest_block({"x": ["a", "b"], "y": ["c", "d"]})[:2] == ((), ())
