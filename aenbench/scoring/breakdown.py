"""What lies behind an accuracy: by class, by how images were moved, what is taken for what, calibration, invariance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import InvalidArgumentError
from aenbench.scoring.accuracy import check_shape
from aenbench.scoring.calibration import Calibration, Logits, calibrate
from aenbench.scoring.subgroups import Facet
from aenbench.statistics.intervals import wilson_intervals


@dataclass(frozen=True)
class Part:
    """A share, 0..1, over some of the test images.

    Attributes:
        name: which images.
        images: how many they are, at least 1.
        share: mean over seeds.
        low, high: Wilson's 95 % interval of the share for so many images. Seeds saw the same images, so they make the
            share steadier but do not count as more images.
    """

    name: str
    images: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Moved:
    """Predictions for the first m test images after each was moved once more.

    Attributes:
        moves: name of each move.
        predictions: uint8 (seeds, moves, m).
    """

    moves: tuple[str, ...]
    predictions: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Details:
    """Scores beyond accuracy. Classes and values of a facet that no test image has are left out.

    Attributes:
        classes: accuracy on the images of each class.
        confusion: counts over images and seeds, int64 (classes, classes): row the label, column the prediction.
        facets: accuracy by how images were moved: for each facet its values.
        calibration: None without logits.
        invariance: share of unchanged predictions by move; empty where no moved predictions are given.
    """

    classes: tuple[Part, ...]
    confusion: NDArray[np.int64]
    facets: Mapping[str, tuple[Part, ...]]
    calibration: Calibration | None
    invariance: tuple[Part, ...]


def detail(
    predictions: NDArray[np.uint8],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    facets: Sequence[Facet] = (),
    logits: Logits | None = None,
    moved: Moved | None = None,
) -> Details:
    """Details of class predictions (seeds, n).

    Args:
        predictions: class numbers.
        labels: (n,).
        classes: class names, by number.
        facets: of these n images.
        logits: float16 or float32 (seeds, n, classes), whose largest the predictions are.
        moved: predictions of the same seeds after further moves.

    Raises:
        InvalidArgumentError: shapes do not fit, a class does not exist, or logits are not finite or contradict the
            predictions.
    """
    check_shape(predictions, labels)
    if max(int(predictions.max()), int(labels.max())) >= len(classes) or labels.min() < 0:
        raise InvalidArgumentError(
            f"Predictions reach {predictions.max()} and labels {labels.min()}..{labels.max()}; expected classes 0 to "
            f"{len(classes) - 1}."
        )
    right = (predictions == labels).mean(axis=0)
    by_class = Facet("class", tuple(classes), labels)
    pairs = labels * len(classes) + predictions
    confusion = np.bincount(pairs.ravel(), minlength=len(classes) ** 2).reshape(len(classes), len(classes))
    return Details(
        classes=accuracy_by(by_class, right),
        confusion=confusion,
        facets={facet.name: accuracy_by(facet, right) for facet in facets},
        calibration=None if logits is None else calibrate(logits, predictions, labels, len(classes)),
        invariance=() if moved is None else _invariance(predictions, moved),
    )


def accuracy_by(facet: Facet, right: NDArray[np.float64]) -> tuple[Part, ...]:
    """Mean of `right` (n,), 0..1, over the images of each value of a facet.

    Raises:
        InvalidArgumentError: the facet is not one of n images, or has other values than it names.
    """
    value_of, count = facet.value_of, len(facet.values)
    if value_of.shape != right.shape or value_of.min() < 0 or value_of.max() >= count:
        raise InvalidArgumentError(
            f"Facet {facet.name}: expected a number 0 to {count - 1} for each of {len(right)} images, got "
            f"{value_of.shape} of {value_of.min()}..{value_of.max()}."
        )
    images = np.bincount(value_of, minlength=count)
    sums = np.bincount(value_of, weights=right, minlength=count)
    present = np.flatnonzero(images)
    return _parts([facet.values[value] for value in present], sums[present] / images[present], images[present])


def _invariance(predictions: NDArray[np.uint8], moved: Moved) -> tuple[Part, ...]:
    expected = (len(predictions), len(moved.moves))
    images = moved.predictions.shape[-1]
    if moved.predictions.ndim != 3 or moved.predictions.shape[:2] != expected or not 1 <= images <= len(predictions.T):
        raise InvalidArgumentError(
            f"Expected moved predictions of shape {(*expected, 'm')} for the first m of {predictions.shape[1]} test "
            f"images, got {moved.predictions.shape}."
        )
    unchanged = (moved.predictions == predictions[:, None, :images]).mean(axis=(0, 2))
    return _parts(moved.moves, unchanged, np.full(len(moved.moves), images))


def _parts(names: Sequence[str], shares: NDArray[np.float64], images: NDArray[np.int64]) -> tuple[Part, ...]:
    shares = np.minimum(shares, 1.0)  # a sum of thirds can round to more
    low, high = wilson_intervals(shares, images)
    columns = (array.tolist() for array in (images, shares, low, high))
    return tuple(Part(*row) for row in zip(names, *columns, strict=True))
