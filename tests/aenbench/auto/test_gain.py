"""Whether the network of a group pays: in both an interval over seeds and the leaderboard's test."""

import numpy as np
import pytest
from numpy.typing import NDArray

from aenbench.auto.gain import compare
from aenbench.errors import InvalidArgumentError

LABELS = np.zeros(1_000, dtype=np.int64)


def predictions(*wrong: int) -> NDArray[np.uint8]:
    """A seed for each number of wrong images, the first so many."""
    rows = np.zeros((len(wrong), len(LABELS)), dtype=np.uint8)
    for row, count in zip(rows, wrong, strict=True):
        row[:count] = 1
    return rows


def test_a_clear_gain_pays_and_its_mirror_image_costs() -> None:
    worse, better = predictions(300, 305, 310), predictions(200, 204, 211)
    gain, loss = compare(worse, better, LABELS), compare(better, worse, LABELS)
    assert (gain.outcome, loss.outcome) == ("pays", "costs")
    assert gain.points.mean == pytest.approx(10.0)
    assert gain.points.low is not None
    assert loss.points.high is not None
    assert gain.points.low == pytest.approx(-loss.points.high)
    assert gain.points.low == pytest.approx(10.0 - 4.302653 * np.std([10.0, 10.1, 9.9], ddof=1) / np.sqrt(3), abs=1e-4)
    assert gain.p_value == pytest.approx(loss.p_value)


def test_the_interval_pairs_seeds() -> None:
    plain = predictions(100, 200, 300)
    paired, crossed = (
        compare(plain, other, LABELS) for other in (predictions(90, 190, 290), predictions(290, 190, 90))
    )
    assert paired.points.mean == pytest.approx(crossed.points.mean)
    assert paired.points.low == pytest.approx(1.0)
    assert crossed.points.low is not None
    assert crossed.points.low < -40


def test_an_interval_above_zero_is_not_enough() -> None:
    """Every seed gains exactly one image in a thousand: other images could say otherwise."""
    gain = compare(predictions(100, 101, 102), predictions(99, 100, 101), LABELS)
    assert gain.points.low is not None
    assert gain.points.low > 0
    assert gain.p_value is not None
    assert gain.p_value > 0.05
    assert gain.outcome == "cannot tell"


def test_a_single_seed_tells_nothing() -> None:
    gain = compare(predictions(500), predictions(0), LABELS)
    assert (gain.points.mean, gain.points.low, gain.p_value, gain.outcome) == (50.0, None, None, "cannot tell")


def test_predictions_of_other_images_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="Expected predictions of shape"):
        compare(predictions(1)[:, :5], predictions(1), LABELS)
