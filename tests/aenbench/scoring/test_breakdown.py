"""Accuracy by class and facet, confusion and invariance, against scikit-learn's and counting by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from aenbench.errors import InvalidArgumentError
from aenbench.scoring import Facet, Moved, detail, wilson_interval

CLASSES = ("cat", "dog", "owl")


def drawn(seed: int, seeds: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 3, (seeds, n)).astype(np.uint8), generator.integers(0, 3, n)


@given(st.integers(1, 4), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_confusion_counts_are_scikit_learns_summed_over_seeds(seeds: int, n: int, seed: int) -> None:
    predictions, labels = drawn(seed, seeds, n)
    expected = sum(confusion_matrix(labels, row, labels=range(3)) for row in predictions)
    result = detail(predictions, labels, CLASSES)
    np.testing.assert_array_equal(result.confusion, expected)
    assert sum(part.images for part in result.classes) == n
    for part in result.classes:
        row = result.confusion[CLASSES.index(part.name)]
        assert part.share == pytest.approx(row[CLASSES.index(part.name)] / row.sum())
        assert 0 <= part.low <= part.share + 1e-12
        assert part.share <= part.high + 1e-12
        assert part.high <= 1


def test_a_class_without_test_images_is_left_out() -> None:
    result = detail(np.array([[0, 2]], dtype=np.uint8), np.array([0, 0]), CLASSES)
    assert [(part.name, part.images, part.share) for part in result.classes] == [("cat", 2, 0.5)]


def test_seeds_are_averaged_and_images_counted_once() -> None:
    labels = np.zeros(8, dtype=np.int64)
    predictions = np.zeros((2, 8), dtype=np.uint8)
    predictions[0, :4] = 1  # the first seed misses the first half
    facet = Facet("rotation", ("0°", "90°", "180°"), np.array([0, 0, 0, 0, 1, 1, 1, 1]))
    result = detail(predictions, labels, CLASSES, [facet])
    first, second = result.facets["rotation"]
    assert (first.name, first.images, first.share) == ("0°", 4, 0.5)
    assert (first.low, first.high) == pytest.approx(wilson_interval(2, 4))
    assert (second.name, second.share) == ("90°", 1.0)


def test_invariance_is_the_share_of_unchanged_predictions_of_each_move() -> None:
    predictions = np.array([[0, 1, 2, 0], [0, 0, 0, 0]], dtype=np.uint8)
    moved = np.array([[[0, 1], [1, 1]], [[0, 0], [0, 2]]], dtype=np.uint8)
    result = detail(predictions, np.zeros(4, dtype=np.int64), CLASSES, moved=Moved(("hflip", "vflip"), moved))
    assert [(part.name, part.images, part.share) for part in result.invariance] == [("hflip", 2, 1), ("vflip", 2, 0.5)]


@pytest.mark.parametrize("shape", [(1, 2, 2), (2, 1, 2), (2, 2, 5), (2, 2, 0), (2, 2)])
def test_moved_predictions_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    moved = Moved(("hflip", "vflip"), np.zeros(shape, dtype=np.uint8))
    with pytest.raises(InvalidArgumentError, match="Expected moved predictions"):
        detail(np.zeros((2, 4), dtype=np.uint8), np.zeros(4, dtype=np.int64), CLASSES, moved=moved)


@pytest.mark.parametrize("value_of", [np.zeros(3, dtype=np.int64), np.full(4, 2), np.full(4, -1)])
def test_a_facet_of_other_images_or_values_is_refused(value_of: np.ndarray) -> None:
    facet = Facet("hflip", ("off", "on"), value_of)
    with pytest.raises(InvalidArgumentError, match="Facet hflip"):
        detail(np.zeros((2, 4), dtype=np.uint8), np.zeros(4, dtype=np.int64), CLASSES, [facet])


def test_a_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="Predictions reach 3"):
        detail(np.array([[3]], dtype=np.uint8), np.array([0]), CLASSES)
