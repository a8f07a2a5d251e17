"""Moves asked on features in place of pixels."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aenbench import discover
from aenbench.errors import InvalidArgumentError
from gdatasets import Group, load_arrays


def flat(images: NDArray[Any]) -> NDArray[Any]:
    return images.reshape(len(images), -1) / 255


def mass(images: NDArray[Any]) -> NDArray[Any]:
    """What no permutation of pixels changes: the number of bright pixels, and their mean."""
    return np.stack([(images > 127).mean(axis=(1, 2, 3)), images.mean(axis=(1, 2, 3)) / 255], axis=1)


def columns(images: NDArray[Any]) -> NDArray[Any]:
    """Mass by column, which a top-bottom flip does not change."""
    return images.mean(axis=(1, 3)) / 255


def digits(config: str) -> tuple[NDArray[Any], NDArray[Any]]:
    arrays = load_arrays("g-digits", config, "train")
    return arrays.images, arrays.labels


def test_pixels_as_features_say_what_pixels_say() -> None:
    found = discover(*digits("v4"), candidates="d4", embed=flat)
    assert found.named("broken") == discover(*digits("v4"), candidates="d4").named("broken")
    assert not set(found.named("broken")) & {"half turn", "left-right flip", "top-bottom flip"}
    assert found.to_frame().shape[0] == 7


def test_features_that_moves_do_not_change_tell_nothing() -> None:
    found = discover(*digits("none"), candidates="d4", embed=mass)
    assert set(found.verdicts.values()) == {"cannot tell"}
    assert any("shuffled pixels" in notice for notice in found.notices)


def test_features_see_a_part_of_the_law() -> None:
    found = discover(*digits("none"), candidates="d4", embed=columns, margin=0.05)
    assert found.verdicts["top-bottom flip"] in ("symmetry", "cannot tell")
    assert found.effects["top-bottom flip"] < 0.03
    assert found.verdicts["left-right flip"] == "broken"
    assert discover(*digits("none"), candidates="d4").verdicts["top-bottom flip"] == "broken"


@pytest.mark.slow
def test_the_p_value_of_a_symmetry_is_uniform_whatever_the_features() -> None:
    """At .05 at most 16 of 200 are rejected with probability .98; a broken one always is."""
    mirror = Group.from_permutations({"mirror": np.arange(16).reshape(4, 4)[:, ::-1].ravel()}, (4, 4))
    generator, rejected, seen = np.random.default_rng(0), 0, 0
    bend = generator.normal(size=(16, 3))
    for seed in range(200):
        images = generator.normal(size=(80, 4, 4))
        labels = np.arange(80) % 2
        tilted = images + np.linspace(-1.5, 1.5, 4)

        def embed(given: NDArray[Any]) -> NDArray[Any]:
            return np.tanh(given.reshape(len(given), -1) @ bend) ** 3

        rejected += discover(images, labels, mirror, embed=embed, seed=seed).p_values["mirror"] < 0.05
        seen += discover(tilted, labels, mirror, embed=embed, seed=seed).p_values["mirror"] < 0.05
    assert rejected <= 16
    assert seen > 150


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"embed": lambda images: images}, r"Expected finite features"),
        ({"embed": lambda images: flat(images)[1:]}, r"Expected finite features"),
        ({"embed": lambda images: flat(images) * np.nan}, r"Expected finite features"),
        ({"embed": lambda images: np.zeros((len(images), 2))}, "All features of all images are equal"),
        ({"embed": flat, "method": "classifier"}, "leave embed out"),
        ({"embed": flat, "candidates": "angles"}, "leave embed out"),
        ({"embed": flat, "clusters": np.arange(1_437) // 2}, "one image of each cluster"),
    ],
)
def test_what_cannot_be_asked_is_one_line(arguments: dict[str, Any], why: str) -> None:
    images, labels = digits("none")
    with pytest.raises(InvalidArgumentError, match=why) as caught:
        discover(images, labels, **{"candidates": "d4", **arguments})
    assert "\n" not in str(caught.value)
