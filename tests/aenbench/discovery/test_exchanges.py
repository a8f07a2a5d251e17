"""Moves that are symmetries up to an exchange of classes: found where they are, claimed nowhere else."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aenbench import discover
from aenbench.discovery.candidates import find_candidates
from aenbench.discovery.exchanges import find_exchanges
from aenbench.discovery.two_samples import compare
from gdatasets import load_arrays

MIRROR = find_candidates("d4", (28, 28)).permutations["left-right flip"]


def digits() -> tuple[NDArray[Any], NDArray[np.int64]]:
    arrays = load_arrays("g-digits", "none", "train")
    return arrays.images, arrays.labels.astype(np.int64)


def chiral(kept: tuple[int, ...] = tuple(range(10))) -> tuple[NDArray[Any], NDArray[np.str_]]:
    """Digits, half of them in a mirror and in a class of their own."""
    images, labels = digits()
    here = np.isin(labels, kept)
    images, labels = images[here], labels[here]
    mirrored = np.random.default_rng(0).random(len(labels)) < 0.5
    images = np.where(mirrored[:, None, None], images[:, :, ::-1], images)
    return images, np.char.add(labels.astype(str), np.where(mirrored, "R", "L"))


def test_a_mirror_exchanges_the_classes_that_were_mirrored() -> None:
    found = discover(*chiral((2, 4, 7)), candidates="d4", margin=0.05)
    assert found.verdicts["left-right flip"] == "broken"
    classes = {f"{digit}{one}": f"{digit}{other}" for digit in (2, 4, 7) for one, other in ("LR", "RL")}
    assert found.exchanges["left-right flip"].classes == classes
    assert found.exchanges["left-right flip"].measured.p_value > 0.01
    assert set(found.exchanges) == {"left-right flip"}
    assert found.to_json()["exchanges"]["left-right flip"]["classes"] == classes


def test_classes_of_different_sizes_can_be_exchanged() -> None:
    images, labels = chiral((2, 4, 7))
    names, numbers = np.unique(labels, return_inverse=True)
    kept = (numbers % 2 == 0) | (np.arange(len(labels)) % 2 > 0)
    pixels = images[kept].reshape(kept.sum(), -1).astype(np.float32)
    options: dict[str, Any] = {"level": 0.05, "margin": 0.02, "seed": 0}
    found = find_exchanges(pixels, numbers[kept], tuple(names), {"mirror": MIRROR}, **options)["mirror"]
    assert found.classes == {"2L": "2R", "2R": "2L", "4L": "4R", "4R": "4L", "7L": "7R", "7R": "7L"}
    assert found.measured.p_value > 0.01
    assert found.measured.low < 0.02


@pytest.mark.parametrize("config", ["none", "c4", "v4"])
def test_plain_digits_claim_no_exchange(config: str) -> None:
    arrays = load_arrays("g-digits", config, "train")
    for candidates in ("d4", "actions"):
        assert discover(arrays.images, arrays.labels, candidates).exchanges == {}


def test_classes_that_a_move_keeps_are_not_exchanged_though_they_are_alike() -> None:
    """Two classes of one law, which a mirror keeps, beside two that it exchanges: only these are named."""
    images, labels = chiral((2, 4))
    even, digit = digits()
    even = even[digit == 0]
    even = np.where(np.random.default_rng(1).random(len(even))[:, None, None] < 0.5, even, even[:, :, ::-1])
    alike = np.where(np.arange(len(even)) % 2, "A", "B")
    found = discover(np.concatenate([images, even]), np.concatenate([labels, alike]), {"m": MIRROR}, margin=0.1)
    assert set(found.exchanges["m"].classes) == {"2L", "2R", "4L", "4R"}


def test_images_in_clusters_are_asked_for_no_exchange() -> None:
    images, labels = chiral((2, 4, 7))
    found = discover(images, labels, {"m": MIRROR}, clusters=np.arange(len(labels)) // 2, margin=0.1)
    assert found.exchanges == {}


def test_a_true_exchange_is_rejected_as_often_as_the_level_says() -> None:
    """Choice and test use different images: the p-value knows nothing of the choice."""
    pattern = np.random.default_rng(1).normal(size=36)
    mirror = np.arange(36).reshape(6, 6)[:, ::-1].ravel().copy()
    p_values, broken = [], []
    for seed in range(200):
        generator = np.random.default_rng(seed)
        labels = np.arange(160) % 2
        pixels = generator.normal(size=(160, 36)) + np.where(labels[:, None] == 0, pattern, pattern[mirror])
        for off, kept in ((0.0, p_values), (0.6, broken)):
            shifted = (pixels + off * (labels[:, None] == 1) * np.abs(pattern)).astype(np.float32)
            asked = find_exchanges(shifted, labels, ("a", "b"), {"m": mirror}, level=0.05, margin=0.02, seed=seed)
            kept.append(asked["m"].measured.p_value)
            if seed >= 40 and off:
                break
        assert asked["m"].classes == {"a": "b", "b": "a"}
    assert np.sum(np.array(p_values) <= 0.05) <= 16
    assert np.sum(np.array(p_values) <= 0.5) >= 70
    assert np.mean(np.array(broken) <= 0.05) >= 0.5


def test_the_interval_between_two_samples_holds_their_effect() -> None:
    """Normal images whose means differ: the effect is that of the closed form, at the bandwidth of both together."""
    shift, inside = np.random.default_rng(1).normal(size=36) * 0.2, []
    for seed in range(100):
        generator = np.random.default_rng(seed)
        left, right = generator.normal(size=(2, 150, 36)).astype(np.float32)
        right = right + shift.astype(np.float32)
        found = compare(left, right, np.zeros(150), level=0.05, tests=1, generator=generator)
        both = np.concatenate([left, right]) - np.concatenate([left, right]).mean()
        means, variances = both.mean(axis=1), both.var(axis=1)
        unrelated = np.median(variances[:, None] + variances + (means[:, None] - means) ** 2)
        truth = 1 - np.exp(-(shift**2).sum() / (2 * (unrelated * 36 / 4 + 2)))
        inside.append(found.low <= truth <= found.high)
    assert np.mean(inside) >= 0.9
