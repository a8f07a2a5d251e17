"""The statistic on images whose law is known: its value, its interval and its p-value."""

import numpy as np
import pytest
from numpy.typing import NDArray

from aenbench.discovery.kernel import Measured, measure
from aenbench.errors import InvalidArgumentError

SIZE = 6
GRID = np.arange(SIZE**2).reshape(SIZE, SIZE)
MIRROR, QUARTER = GRID[:, ::-1].ravel().copy(), np.rot90(GRID).ravel().copy()
LONG = np.roll(np.arange(SIZE**2), 1)  # of order 36: halves are exchanged


def draw(seed: int, shift: float, images: int = 200) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Noise in two classes, on a pattern that is not symmetric where `shift` is not 0."""
    generator = np.random.default_rng(seed)
    labels = np.arange(images) % 2
    pattern = np.random.default_rng(1).normal(size=SIZE**2) * shift
    return (generator.normal(size=(images, SIZE**2)) + pattern).astype(np.float32), labels


def ask(pixels: NDArray[np.float32], labels: NDArray[np.int64], move: NDArray[np.int64], seed: int = 0) -> Measured:
    return measure(pixels, labels, {"move": move}, seed=seed)["move"]


def true_effect(pixels: NDArray[np.float32], labels: NDArray[np.int64], shift: float, move: NDArray[np.int64]) -> float:
    """Of normal images, in closed form, at the bandwidth that these images give."""
    pattern = np.random.default_rng(1).normal(size=SIZE**2) * shift
    effects, norms = [], []
    for label in (0, 1):
        images = pixels[labels == label] - pixels[labels == label].mean()
        means, variances = images.mean(axis=1), images.var(axis=1)
        unrelated = variances[:, None] + variances[None] + (means[:, None] - means[None]) ** 2
        wide = np.median(unrelated) * SIZE**2 / 4 + 2
        norms.append(((wide - 2) / wide) ** (SIZE**2 / 2))
        effects.append(1 - np.exp(-((pattern - pattern[move]) ** 2).sum() / (2 * wide)))
    return float(np.average(effects, weights=norms))


@pytest.mark.parametrize("move", [MIRROR, QUARTER, LONG], ids=["mirror", "quarter turn", "of order 36"])
def test_a_true_symmetry_is_rejected_as_often_as_the_level_says(move: NDArray[np.int64]) -> None:
    p_values = np.array([ask(*draw(seed, 0.0, 80), move, seed).p_value for seed in range(200)])
    assert (p_values <= 0.05).sum() <= 16
    assert (p_values <= 0.5).sum() >= 70  # negative control: it is no test that never rejects
    broken = [ask(*draw(seed, 0.6, 80), move, seed).p_value for seed in range(20)]
    assert np.mean(np.array(broken) <= 0.05) >= 0.9


@pytest.mark.parametrize("shift", [0.0, 0.15, 0.4, 1.0])
def test_the_interval_holds_the_effect(shift: float) -> None:
    inside = []
    for seed in range(100):
        pixels, labels = draw(seed, shift)
        found, truth = ask(pixels, labels, MIRROR, seed), true_effect(pixels, labels, shift, MIRROR)
        inside.append(found.low <= truth <= found.high)
    assert np.mean(inside) >= 0.9


def test_laws_that_have_nothing_in_common_are_at_effect_one() -> None:
    pixels, labels = draw(0, 0.0)
    pixels[:, : SIZE**2 // 2] += 100
    assert ask(pixels, labels, GRID[::-1].ravel().copy()).effect > 0.95


def test_images_that_belong_together_have_to_be_moved_together() -> None:
    """Twenty frames of each of ten scenes: image by image a true symmetry is always rejected."""

    def frames(seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
        generator = np.random.default_rng(seed)
        scenes, clusters = generator.normal(size=(20, SIZE**2)), np.repeat(np.arange(20), 10)
        images = scenes[clusters] + 0.1 * generator.normal(size=(200, SIZE**2))
        return images.astype(np.float32), clusters % 2, clusters

    apart, together = [], []
    for seed in range(60):
        pixels, labels, clusters = frames(seed)
        apart.append(measure(pixels, labels, {"move": MIRROR}, seed=seed)["move"].p_value)
        together.append(measure(pixels, labels, {"move": MIRROR}, clusters=clusters, seed=seed)["move"].p_value)
    assert np.mean(np.array(apart) <= 0.05) > 0.9
    assert np.sum(np.array(together) <= 0.05) <= 8


def test_a_move_of_large_order_cannot_be_tried_on_clusters() -> None:
    pixels, labels = draw(0, 0.0)
    with pytest.raises(InvalidArgumentError, match="order above 32"):
        measure(pixels, labels, {"move": LONG}, clusters=np.arange(200) // 4)


def test_images_that_drift_in_the_order_of_their_file_do_not_break_a_symmetry() -> None:
    """Halves in the order of the file differ by themselves: a true symmetry of order 36 would always be rejected."""
    generator, p_values = np.random.default_rng(0), []
    for seed in range(60):
        pixels = generator.normal(size=(200, SIZE**2)) * np.linspace(0.5, 2, 200)[:, None]
        p_values.append(ask(pixels.astype(np.float32), np.arange(200) % 2, LONG, seed).p_value)
    assert np.sum(np.array(p_values) <= 0.05) <= 8


def test_large_classes_are_cut_into_blocks_that_agree() -> None:
    pixels, labels = draw(3, 0.4, 2_400)
    whole, part = ask(pixels, labels, MIRROR), ask(pixels[:900], labels[:900], MIRROR)
    assert max(whole.low, part.low) < min(whole.high, part.high)
    assert whole.high - whole.low < part.high - part.low


def test_equal_questions_have_equal_answers() -> None:
    pixels, labels = draw(0, 0.2)
    assert ask(pixels, labels, QUARTER) == ask(pixels, labels, QUARTER)


def test_a_move_whose_square_is_a_symmetry_can_have_a_small_p_value() -> None:
    """Its random moves differ by the parity of their powers alone: of 4,096 only 64 differ, or fewer."""
    generator = np.random.default_rng(0)
    pixels, labels = draw(0, 1.0)
    half_turned = np.where(generator.random(len(pixels))[:, None] < 0.5, pixels, pixels[:, ::-1])
    assert ask(half_turned, labels, GRID[::-1, ::-1].ravel().copy()).p_value > 0.05
    assert ask(half_turned, labels, QUARTER).p_value < 0.005  # 64 moves give 1 / 64 at best
    p_values = [ask(*draw(seed, 0.0, 80), QUARTER, seed).p_value for seed in range(100)]
    assert np.sum(np.array(p_values) <= 0.05) <= 10


def test_the_smallest_share_is_that_which_is_seen_half_the_time() -> None:
    """A share of the images stays as it is, all others are moved at random: what the closed form says happens."""
    pixels, labels = draw(0, 0.5)
    share, generator = ask(pixels, labels, MIRROR).share, np.random.default_rng(1)
    assert 0.05 < share < 0.7
    seen = []
    for factor in (0.4, 1.0, 1.7):
        rejected = 0
        for seed in range(40):
            moved = (generator.random(len(pixels)) < 0.5) & (generator.random(len(pixels)) > share * factor)
            rejected += ask(np.where(moved[:, None], pixels[:, MIRROR], pixels), labels, MIRROR, seed).p_value <= 0.05
        seen.append(rejected)
    assert seen[0] <= 12
    assert 12 <= seen[1] <= 30
    assert seen[2] >= 30


def test_a_true_symmetry_has_no_power_to_speak_of() -> None:
    pixels, labels = draw(0, 0.0)
    assert ask(pixels, labels, MIRROR).share > 0.5
    assert ask(*draw(0, 1.0), MIRROR).share < ask(*draw(0, 0.5), MIRROR).share
