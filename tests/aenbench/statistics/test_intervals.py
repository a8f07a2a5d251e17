from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from aenbench.statistics.intervals import diagonal_p, estimate, percent_cell, points_cell, share_cell


def test_the_interval_is_students() -> None:
    values = np.array([1.0, 2.0, 4.0])
    found = estimate(values)
    low, high = stats.t.interval(0.95, 2, loc=values.mean(), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_one_seed_has_no_interval() -> None:
    assert estimate(np.array([0.5])) == (0.5, None, None)
    assert points_cell(estimate(np.array([0.5]))) == "+0.50"


def test_what_is_not_known_is_a_dash_or_nothing() -> None:
    assert points_cell(estimate(np.array([np.nan, np.nan]))) == "–"
    assert percent_cell(estimate(np.array([np.nan]))) == "–"
    assert share_cell(np.nan) == ""


@pytest.mark.parametrize("seed", range(5))
def test_p_is_the_share_of_permutations_that_are_as_high(seed: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(4, 4))
    sums = [matrix[list(order), range(4)].sum() for order in permutations(range(4))]
    exact = np.mean([total >= np.trace(matrix) - 1e-12 for total in sums])
    assert diagonal_p(matrix) == pytest.approx(exact, abs=0.01)


def test_p_of_a_diagonal_that_leads_is_tiny_and_of_one_that_trails_is_large() -> None:
    assert diagonal_p(np.eye(12)) < 1e-4
    assert diagonal_p(-np.eye(12)) > 0.5
    assert diagonal_p(np.ones((12, 12))) == pytest.approx(1.0, abs=1e-4)
