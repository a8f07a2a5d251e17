"""The test of one score on scores whose law is known: no network is needed to see that it is valid."""

import numpy as np
import pytest
from numpy.typing import NDArray

from aenbench.discovery.kernel import Measured
from aenbench.discovery.separation import separate

Scores = NDArray[np.float64]


def ask(
    scores: Scores, seed: int, clusters: NDArray[np.int64] | None = None, exchanges: bool = False, level: float = 0.05
) -> Measured:
    count = scores.shape[1]
    together = np.arange(count) if clusters is None else clusters
    generator = np.random.default_rng(seed)
    return separate(
        scores,
        np.arange(count) % 2,
        together,
        exchanges=exchanges,
        level=level,
        tests=1,
        number=400,
        generator=generator,
    )


def orbits(seed: int, images: int, order: int, shift: float = 0.0) -> Scores:
    """f(g^k x) of images that were turned by a random power: an upright image has the larger score by `shift`."""
    generator = np.random.default_rng(seed)
    upright = generator.normal(size=(order, images)) + generator.normal(size=images) + np.arange(order)[:, None]
    turned = np.stack([np.roll(column, generator.integers(order)) for column in upright.T], axis=1)
    turned[1:2] += shift
    return turned


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("exchanges", [False, True])
def test_a_true_symmetry_is_rejected_as_often_as_the_level_says(order: int, exchanges: bool) -> None:
    p_values = np.array([ask(orbits(seed, 60, order), seed, exchanges=exchanges).p_value for seed in range(200)])
    assert (p_values <= 0.05).sum() <= 18
    assert (p_values <= 0.5).sum() >= 70  # negative control: it is no test that never rejects
    broken = [ask(orbits(seed, 60, order, 2.0), seed, exchanges=exchanges).p_value for seed in range(20)]
    assert np.mean(np.array(broken) <= 0.05) >= 0.9


def test_clusters_that_are_moved_together_are_not_rejected_and_apart_they_are() -> None:
    clusters = np.repeat(np.arange(30), 8)
    together = apart = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        scores = np.repeat(orbits(seed, 30, 2), 8, axis=1) + 0.1 * generator.normal(size=(2, 240))
        together += ask(scores, seed, clusters).p_value <= 0.05
        apart += ask(scores, seed).p_value <= 0.05
    assert together <= 11
    assert apart >= 20


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("size", [1, 4])
def test_the_interval_holds_the_effect(shift: float, size: int) -> None:
    """Two normal laws `shift` apart, each image moved and unmoved, alone and in clusters."""
    from scipy.stats import norm

    truth = 2 * norm.cdf(shift / np.sqrt(2)) - 1
    inside = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        shared = generator.normal(size=(2, 60)).repeat(size, axis=1) * 0.8
        scores = shared + 0.6 * generator.normal(size=(2, 60 * size))
        scores[1] += shift
        found = ask(scores, seed, np.repeat(np.arange(60), size))
        inside += found.low <= truth <= found.high
    assert inside >= 0.92 * 300


def test_the_effect_is_the_share_of_ordered_pairs_of_different_clusters() -> None:
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 5, (2, 30)).astype(float)
    clusters = generator.integers(0, 6, 30)
    pairs = [np.sign(scores[1, i] - scores[0, j]) for i in range(30) for j in range(30) if clusters[i] != clusters[j]]
    assert ask(scores, 0, clusters).effect == pytest.approx(np.mean(pairs))


def test_a_score_that_separates_all_has_an_interval_too() -> None:
    found = ask(np.stack([np.arange(50.0), np.arange(50.0) + 100]), 0)
    assert found.effect == found.high == 1
    assert 0.8 < found.low < 0.95
    assert found.p_value == pytest.approx(1 / 401)


def upright(seed: int, share: float) -> Scores:
    """Scores of 400 images, all but a share of which are moved or not by chance."""
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(2, 400)) + np.array([[0.0], [3.0]])
    turned = (generator.random(400) > share) & (generator.random(400) < 0.5)
    scores[:, turned] = scores[::-1, turned]
    return scores


def test_the_smallest_share_is_seen_in_half_of_the_samples() -> None:
    share = ask(upright(0, 1.0), 0).share
    assert 0.05 < share < 0.12
    for factor, least, most in ((1.0, 0.35, 0.7), (2.0, 0.85, 1.0), (0.0, 0.0, 0.1)):
        seen = np.mean([ask(upright(seed, factor * share), seed).p_value <= 0.05 for seed in range(100)])
        assert least <= seen <= most


def test_a_constant_score_tells_nothing() -> None:
    found = ask(np.ones((2, 50)), 0)
    assert found.effect == 0
    assert found.p_value == 1
