"""Scores, against worked examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from aenbench.errors import InvalidArgumentError
from aenbench.scoring import score, wilson_interval
from aenbench.statistics.intervals import wilson_intervals


def test_wilson_interval_equals_the_published_formula() -> None:
    right, total, z = 81, 263, 1.959963984540054
    share = right / total
    center = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    assert wilson_interval(right, total) == pytest.approx((center - half, center + half))


def test_several_seeds_get_students_interval() -> None:
    labels = np.zeros(100, dtype=np.int64)
    predictions = np.ones((3, 100), dtype=np.uint8)
    for row, right in enumerate((50, 60, 70)):
        predictions[row, :right] = 0
    result = score(predictions, labels)
    assert result.per_seed == (0.5, 0.6, 0.7)
    assert result.mean == pytest.approx(0.6)
    assert result.high - result.mean == pytest.approx(4.302652729911275 * 0.1 / np.sqrt(3))  # t with 2 degrees


@given(st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_the_mean_lies_in_its_interval_and_the_interval_in_the_unit_range(seeds: int, n: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, n)
    result = score(generator.integers(0, 3, (seeds, n)).astype(np.uint8), labels)
    assert 0 <= result.low <= result.mean + 1e-12
    assert result.mean - 1e-12 <= result.high <= 1


@pytest.mark.parametrize("shape", [(0, 5), (2, 4), (5,)])
def test_predictions_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match="Expected predictions of shape"):
        score(np.zeros(shape, dtype=np.uint8), np.zeros(5, dtype=np.int64))


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300)), min_size=1, max_size=5))
def test_wilson_intervals_are_scipys(counts: list[tuple[int, int]]) -> None:
    right, total = np.array([(min(right, total), total) for right, total in counts]).T
    low, high = wilson_intervals(right / total, total)
    for row in range(len(counts)):
        expected = binomtest(int(right[row]), int(total[row])).proportion_ci(0.95, method="wilson")
        assert (low[row], high[row]) == pytest.approx((expected.low, expected.high), abs=1e-12)
