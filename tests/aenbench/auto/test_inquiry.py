"""What images are asked: the kernel first, the classifier where it is needed, and either may say broken."""

import numpy as np
import pytest
from numpy.typing import NDArray

from aenbench.auto import inquiry
from aenbench.auto.inquiry import Inquiry, _means, ask
from aenbench.errors import InvalidArgumentError

LABELS = np.array(["a", "b"])[np.arange(400) % 2]


def noise(count: int, size: int = 16) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 60, (count, size, size)).astype(np.uint8)


def upright() -> NDArray[np.uint8]:
    """One corner of each image is bright: every move of the square shows."""
    images = noise(400)
    images[:, 3:6, 3:9] = 255
    return images


def textures() -> NDArray[np.uint8]:
    """Stripes that lie across, at any height: the kernel sees little of them, a network all."""
    rng = np.random.default_rng(1)
    waves = np.sin(np.arange(16)[None, :] * 1.4 + rng.uniform(0, 2 * np.pi, 400)[:, None])
    shown = 128 + 60 * waves[:, :, None] + rng.normal(0, 40, (400, 16, 16))
    return np.clip(shown, 0, 255).astype(np.uint8)


def test_where_the_kernel_finds_everything_broken_nothing_is_trained() -> None:
    trained: list[str] = []
    found, pictures = ask(upright(), LABELS, report=lambda what, *_: trained.append(what))
    assert {each.verdict for each in found.moves} == {"broken"}
    assert {each.method for each in found.moves} == {"kernel"}
    assert not trained
    assert set(pictures) == {"effects.png"}
    assert Inquiry.from_json(found.to_json()) == found


@pytest.mark.slow
def test_what_the_kernel_does_not_see_the_classifier_does() -> None:
    found, pictures = ask(textures(), LABELS)
    told = {each.move: each.verdict for each in found.moves}
    assert told["quarter turn"] == told["diagonal flip"] == "broken"
    assert told["half turn"] != "broken"
    assert "classifier" in {each.method for each in found.moves}
    assert "pairs.png" in pictures


def test_images_of_which_nothing_can_be_told_are_one_line() -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"cannot be asked for symmetries\. All pixels of all images are equal"
    ):
        ask(np.zeros((400, 16, 16), dtype=np.uint8), LABELS)
    with pytest.raises(InvalidArgumentError, match=r"cannot be asked for symmetries\."):
        ask(upright()[:30], LABELS[:30])


def test_means_of_blocks_turn_and_flip_as_pixels_do() -> None:
    even = noise(3, 22)[..., None]
    assert np.array_equal(_means(even[:, :, ::-1], 4), _means(even, 4)[:, :, ::-1])
    assert np.array_equal(_means(np.rot90(even, axes=(1, 2)), 4), np.rot90(_means(even, 4), axes=(1, 2)))


def test_large_images_are_asked_as_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inquiry, "LARGEST_ASKED", 8)
    found, _ = ask(upright(), LABELS)
    assert "means of 2 x 2 pixels were taken" in found.how
