"""Intervals and tests of repeated runs, against SciPy's and against simulations with a known answer."""

import numpy as np
import pytest
from scipy import stats

from aenbench.statistics.hypothesis_tests import holm, known_mean_test, permutation_test, summarize


def in_one(values: np.ndarray) -> np.ndarray:
    return np.zeros(len(values), dtype=np.int64)


def test_the_interval_of_one_stratum_is_students() -> None:
    values = 5 + np.random.default_rng(0).normal(size=(20, 3))
    summary = summarize(values, in_one(values))
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(summary.mean, values.mean(axis=0))
    np.testing.assert_allclose(summary.low, expected.low)
    np.testing.assert_allclose(summary.high, expected.high)


def test_strata_count_equally_whatever_their_runs() -> None:
    values = np.array([[1.0], [1.0], [1.0], [1.0], [3.0], [3.0]])
    summary = summarize(values, np.array([0, 0, 0, 0, 1, 1]))
    assert summary.mean == 2.0
    assert (summary.low, summary.high) == (2.0, 2.0)  # runs on the same training never differed


def test_a_single_run_of_a_stratum_has_no_interval() -> None:
    summary = summarize(np.array([[1.0], [2.0], [3.0]]), np.array([0, 1, 1]))
    assert np.isnan(summary.low).all()
    assert np.isnan(summary.high).all()
    assert summary.mean == 1.75


def test_regret_is_never_shown_below_zero() -> None:
    summary = summarize(np.array([[0.0], [0.0], [0.0], [1.0]]), np.zeros(4, dtype=np.int64))
    assert summary.low == 0.0


def test_holm_on_a_textbook_case() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_p_values_are_those_of_scipys_permutation_test() -> None:
    generator = np.random.default_rng(2)
    first, second = generator.normal(size=6), 0.8 + 2 * generator.normal(size=5)

    def welch(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.abs(stats.ttest_ind(a, b, axis=axis, equal_var=False).statistic)

    exact = stats.permutation_test((first, second), welch, vectorized=True, alternative="greater").pvalue
    ours = permutation_test(first[:, None], in_one(first), second[:, None], in_one(second))
    assert ours[0] == pytest.approx(exact, abs=0.02)  # 462 regroupings in all, 9,999 drawn


def test_what_strata_differ_by_is_no_difference_between_algorithms() -> None:
    """Two algorithms that do equally well on two trainings of very different accuracy, run unequally often on each."""
    generator = np.random.default_rng(3)
    levels = np.array([0.0, 10.0])
    first_columns, second_columns = np.repeat([0, 1], [30, 10]), np.repeat([0, 1], [10, 30])
    first = levels[first_columns] + generator.normal(size=40)
    second = levels[second_columns] + generator.normal(size=40)
    together = permutation_test(first[:, None], in_one(first), second[:, None], in_one(second), 999)
    within = permutation_test(first[:, None], first_columns, second[:, None], second_columns, 999)
    assert together[0] < 0.01
    assert within[0] > 0.05


@pytest.mark.parametrize("deviation", [1.0, 4.0])
def test_equal_means_are_told_apart_as_rarely_as_the_level_says(deviation: float) -> None:
    """Few, widely spread runs against many: what an unstudentised permutation test gets wrong."""
    generator = np.random.default_rng(4)
    first = deviation * generator.normal(size=(12, 400))  # 400 experiments at once
    second = generator.normal(size=(60, 400))
    p = permutation_test(first, np.arange(12) % 3, second, np.arange(60) % 3, 399)
    assert 0.02 < (p < 0.05).mean() < 0.085


def test_a_clear_difference_is_found_at_every_point() -> None:
    generator = np.random.default_rng(5)
    first, second = generator.normal(size=(60, 4)), np.arange(4.0) + generator.normal(size=(60, 4))
    p = permutation_test(first, np.arange(60) % 3, second, np.arange(60) % 3)
    assert p[0] > 0.01
    assert (p[1:] < 0.001).all()


def test_runs_against_a_known_mean_are_students_test() -> None:
    values = np.random.default_rng(6).normal(size=(15, 3))
    expected = stats.ttest_1samp(values, [0.0, 0.4, 2.0]).pvalue
    np.testing.assert_allclose(known_mean_test(values, in_one(values), np.array([0.0, 0.4, 2.0])), expected)


def test_runs_that_never_vary_differ_from_any_other_number() -> None:
    values = np.full((6, 2), 0.25)
    p = known_mean_test(values, np.arange(6) % 3, np.array([0.25, 0.3]))
    assert p[0] == 1.0
    assert p[1] < 0.001
    assert np.isnan(known_mean_test(values[:3], np.arange(3), np.array([0.25, 0.3]))).all()


def test_equal_runs_are_not_told_apart() -> None:
    values = np.full((9, 2), 0.1)
    assert (permutation_test(values, np.arange(9) % 3, values, np.arange(9) % 3, 99) == 1.0).all()
