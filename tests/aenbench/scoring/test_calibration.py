"""Calibration against scikit-learn, against loops, and on networks whose calibration is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import log_loss

from aenbench.errors import InvalidArgumentError
from aenbench.scoring import Calibration, calibrate

CLASSES = 4


def of(logits: np.ndarray, labels: np.ndarray) -> Calibration:
    return calibrate(logits, logits.argmax(axis=2).astype(np.uint8), labels, logits.shape[2])


@given(st.integers(1, 3), st.integers(1, 40), st.sampled_from([0.1, 2.0, 30.0]), st.integers(0, 2**32 - 1))
def test_scores_are_those_of_scikit_learn_and_of_plain_loops(seeds: int, n: int, scale: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    logits = (scale * generator.normal(size=(seeds, n, CLASSES))).astype(np.float32)
    labels = generator.integers(0, CLASSES, n)
    result = of(logits, labels)
    likelihoods, briers, errors = [], [], []
    for seed_logits in logits:
        probabilities = softmax(seed_logits.astype(np.float64), axis=1)
        clipped = np.log(np.maximum(probabilities[np.arange(n), labels], 1e-300))
        likelihoods.append(-clipped.mean())
        briers.append(((probabilities - np.eye(CLASSES)[labels]) ** 2).sum(axis=1).mean())
        confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
        error = 0.0
        for number in range(15):
            inside = (confidence > number / 15) & (confidence <= (number + 1) / 15)
            if inside.any():
                error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
        errors.append(error)
    assert result.negative_log_likelihood == pytest.approx(np.mean(likelihoods))
    assert result.brier_score == pytest.approx(np.mean(briers))
    assert result.expected_calibration_error == pytest.approx(np.mean(errors))
    assert sum(part.predictions for part in result.bins) == seeds * n


def test_likelihood_is_scikit_learns() -> None:
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(1, 200, CLASSES)).astype(np.float32), generator.integers(0, CLASSES, 200)
    expected = log_loss(labels, softmax(logits[0].astype(np.float64), axis=1), labels=range(CLASSES))
    assert of(logits, labels).negative_log_likelihood == pytest.approx(expected)


def test_a_network_that_means_what_it_says_is_calibrated_and_an_overconfident_one_is_not() -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(size=(1, 20_000, CLASSES)).astype(np.float32)
    thresholds = softmax(logits[0].astype(np.float64), axis=1).cumsum(axis=1)
    labels = (generator.random((20_000, 1)) > thresholds[:, :-1]).sum(axis=1)
    assert of(logits, labels).expected_calibration_error < 0.015
    assert of(4 * logits, labels).expected_calibration_error > 0.2


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_largest_logits_stay_finite(dtype: type) -> None:
    largest = float(np.finfo(dtype).max)
    logits = np.array([[[largest, -largest], [largest, -largest]]], dtype=dtype)
    result = of(logits, np.array([0, 1]))
    assert result.negative_log_likelihood == pytest.approx(largest)  # mean of 0 and twice the largest
    assert result.brier_score == 1.0  # mean of 0 and 2
    assert result.expected_calibration_error == 0.5
    assert [(part.predictions, part.confidence, part.accuracy) for part in result.bins] == [(2, 1.0, 0.5)]


@given(st.integers(-100, 100))
def test_a_constant_added_to_all_logits_changes_nothing(constant: int) -> None:
    logits = np.random.default_rng(2).integers(-5, 6, (2, 30, CLASSES)).astype(np.float32)
    labels = np.arange(30) % CLASSES
    assert of(logits, labels) == of(logits + np.float32(constant), labels)


def test_any_of_several_largest_logits_may_be_predicted() -> None:
    logits = np.zeros((1, 1, 2), dtype=np.float16)
    assert calibrate(logits, np.array([[1]], dtype=np.uint8), np.array([1]), 2).brier_score == 0.5


@pytest.mark.parametrize(
    ("logits", "reason"),
    [
        (np.zeros((1, 2, 3), dtype=np.float32), "Expected logits"),
        (np.zeros((1, 3, 2), dtype=np.float32), "Expected logits"),
        (np.zeros((1, 2, 2), dtype=np.float64), "Expected logits"),
        (np.full((1, 2, 2), np.nan, dtype=np.float32), "not finite"),
        (np.full((1, 2, 2), np.inf, dtype=np.float16), "not finite"),
        (np.array([[[1, 0], [0, 1]]], dtype=np.float32), "Image 1: class 0 is predicted"),
    ],
)
def test_logits_that_do_not_fit_are_refused(logits: np.ndarray, reason: str) -> None:
    with pytest.raises(InvalidArgumentError, match=reason):
        calibrate(logits, np.zeros((1, 2), dtype=np.uint8), np.array([0, 1]), 2)
