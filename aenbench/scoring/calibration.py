"""Whether a network's probabilities can be believed, from its logits.

Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017, section 2; Brier, Verification of
forecasts expressed in terms of probability, Monthly Weather Review 78, 1950.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import InvalidArgumentError

BINS = 15

Logits = NDArray[np.float16] | NDArray[np.float32]


@dataclass(frozen=True)
class Bin:
    """Predictions whose confidence lies in (low, high]; counted over images and seeds.

    Attributes:
        low, high: edges, 0..1.
        predictions: how many there are, at least 1.
        confidence: their mean confidence.
        accuracy: the share of them that is right.
    """

    low: float
    high: float
    predictions: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How far probabilities are from the truth; the first three are means over seeds.

    Attributes:
        expected_calibration_error: |accuracy - confidence|, averaged over 15 equally wide bins of confidence by their
            predictions; 0..1.
        negative_log_likelihood: of the label, mean over images, nats.
        brier_score: squared distance between the probabilities and the label's indicator, summed over classes, mean
            over images; 0..2.
        bins: those that hold predictions, all seeds together.
    """

    expected_calibration_error: float
    negative_log_likelihood: float
    brier_score: float
    bins: tuple[Bin, ...]


def calibrate(logits: Logits, predictions: NDArray[np.uint8], labels: NDArray[np.int64], classes: int) -> Calibration:
    """Calibration of logits (seeds, n, classes), with predictions (seeds, n) and labels (n,).

    Raises:
        InvalidArgumentError: another shape or dtype, a logit that is not finite, or a prediction whose logit is not
            the largest of its image.
    """
    if logits.shape != (*predictions.shape, classes) or logits.dtype not in (np.float16, np.float32):
        raise InvalidArgumentError(
            f"Expected logits float16 or float32 {(*predictions.shape, classes)}, got {logits.dtype} {logits.shape}."
        )
    rows = [_calibrate_seed(*seed, labels) for seed in zip(logits, predictions, strict=True)]
    likelihood, brier = np.mean([row[:2] for row in rows], axis=0).tolist()
    counts = np.stack([row[2] for row in rows])  # (seeds, 3, bins): predictions, sum of confidence, right ones
    errors = np.abs(counts[:, 2] - counts[:, 1]).sum(axis=1) / len(labels)
    return Calibration(float(errors.mean()), likelihood, brier, _bins(counts.sum(axis=0)))


def _calibrate_seed(
    logits: Logits, predictions: NDArray[np.uint8], labels: NDArray[np.int64]
) -> tuple[float, float, NDArray[np.float64]]:
    """Negative log-likelihood, Brier score, and each bin's predictions, confidence and right ones (3, bins)."""
    wide = logits.astype(np.float64)
    if not np.isfinite(wide).all():
        raise InvalidArgumentError("Some logits are not finite; give the finite outputs of the last layer.")
    images = np.arange(len(labels))
    wide -= wide.max(axis=1, keepdims=True)
    if wide[images, predictions].any():
        first = int(np.flatnonzero(wide[images, predictions])[0])
        raise InvalidArgumentError(
            f"Image {first}: class {predictions[first]} is predicted, but its logit is not the largest; give the "
            "logits that the predictions were made from."
        )
    likelihoods = wide[images, labels]
    probabilities = np.exp(wide, out=wide)
    total = probabilities.sum(axis=1, keepdims=True)
    probabilities /= total
    negative = np.log(total[:, 0]) - likelihoods
    confidence = probabilities[images, predictions]
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    weights = (np.ones(len(labels)), confidence, (predictions == labels).astype(np.float64))
    counts = np.array([np.bincount(bins, weights=weight, minlength=BINS) for weight in weights], dtype=np.float64)
    probabilities[images, labels] -= 1  # now the distance from the label's indicator
    brier = float(np.vdot(probabilities, probabilities)) / len(labels)
    return float(negative.mean()), brier, counts


def _bins(counts: NDArray[np.float64]) -> tuple[Bin, ...]:
    return tuple(
        Bin(number / BINS, (number + 1) / BINS, int(predictions), confidence / predictions, right / predictions)
        for number, (predictions, confidence, right) in enumerate(counts.T.tolist())
        if predictions
    )
