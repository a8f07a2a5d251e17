"""The test of one score on scores whose law is known: no network is needed to see that it is valid."""

import numpy as np
import pytest
from numpy.typing import NDArray

from aenbench.discovery.kernel import Measured
from aenbench.discovery.separation import separate, separate_exchanged

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
    scores: Scores = generator.normal(size=(2, 400)) + np.array([[0.0], [3.0]])
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


SWAP = np.array([1, 0, 2])


def exchanged(seed: int, order: int, shift: float = 0.0) -> tuple[Scores, NDArray[np.int64]]:
    """f(g^k x, pi^k y) of classes 0 and 1, which g exchanges, and 2, which it keeps; f of class 0 is larger.

    Where `shift` is not 0, classes are not exchanged: images as they are have scores that are smaller by it.
    """
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), (25, 40, 20))
    count = len(labels)
    drawn = generator.normal(size=(order, count)) + generator.normal(size=count)
    drawn[::2] += 1.5  # of each image in class 0, or of the kept class after an even power, the score is larger
    start = np.where(labels == 2, generator.integers(order, size=count), 0)
    start[labels < 2] = labels[labels < 2] + 2 * generator.integers(order // 2, size=65)
    scores = np.stack(
        [column[(np.arange(order) + first) % order] for column, first in zip(drawn.T, start, strict=True)], axis=1
    )
    scores[0] -= shift
    return scores, labels


def ask_exchanged(scores: Scores, labels: NDArray[np.int64], seed: int) -> Measured:
    return separate_exchanged(
        scores, labels, SWAP, level=0.05, tests=1, number=400, generator=np.random.default_rng(seed)
    )


@pytest.mark.parametrize("order", [2, 4])
def test_a_true_exchange_is_rejected_as_often_as_the_level_says(order: int) -> None:
    p_values = np.array([ask_exchanged(*exchanged(seed, order), seed).p_value for seed in range(200)])
    assert (p_values <= 0.05).sum() <= 18
    assert (p_values <= 0.5).sum() >= 70
    broken = [ask_exchanged(*exchanged(seed, order, 1.5), seed).p_value for seed in range(20)]
    assert np.mean(np.array(broken) <= 0.05) >= 0.9


def test_powers_that_do_not_keep_the_number_of_labels_are_no_valid_test_of_an_exchange() -> None:
    """Negative control: of 25 and 40 images, moved one by one, a true exchange is rejected too often."""
    rejected = 0
    for seed in range(200):
        scores, labels = exchanged(seed, 2)
        inside = labels < 2
        rejected += ask(scores[:, inside], seed).p_value <= 0.05
    assert rejected >= 40


def test_the_interval_of_an_exchange_holds_its_effect() -> None:
    """Two classes whose scores differ by label, and by `shift` from those of the class that is carried there."""
    from scipy.stats import norm

    labels = np.repeat(np.arange(2), 40)
    for shift in (0.0, 0.5, 2.0):
        same, across = norm.cdf(shift / np.sqrt(2)), [norm.cdf((shift + d) / np.sqrt(2)) for d in (1.0, -1.0)]
        truth, inside = same + sum(across) / 2 - 1, 0
        for seed in range(200):
            generator = np.random.default_rng(seed)
            scores = generator.normal(size=(2, 80)) + np.stack([labels, 1 - labels])
            scores[1] += shift
            found = separate_exchanged(
                scores, labels, np.array([1, 0]), level=0.05, tests=1, number=100, generator=generator
            )
            inside += found.low <= truth <= found.high
        assert inside >= 0.92 * 200
