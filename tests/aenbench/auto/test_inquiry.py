"""What images are asked: the kernel first, the classifier where it is needed, and either may say broken."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aenbench.auto import inquiry
from aenbench.auto.inquiry import Inquiry, _means, _merged, ask
from aenbench.discovery.kernel import Measured
from aenbench.errors import InvalidArgumentError

LABELS = np.array(["a", "b"])[np.arange(400) % 2]


def noise(count: int, size: int = 16) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 60, (count, size, size)).astype(np.uint8)


def upright() -> NDArray[np.uint8]:
    """One corner of each image is bright: every move of the square shows."""
    images = noise(400)
    images[:, 3:6, 3:9] = 255
    return images


def test_where_the_kernel_finds_everything_broken_nothing_is_trained() -> None:
    trained: list[str] = []
    found, pictures = ask(upright(), LABELS, report=lambda what, *_: trained.append(what))
    assert {each.verdict for each in found.moves} == {"broken"}
    assert {each.method for each in found.moves} == {"kernel"}
    assert not trained
    assert set(pictures) == {"effects.png"}
    assert Inquiry.from_json(found.to_json()) == found


def answer(method: str, verdict: str, p_value: float) -> Any:
    """What is read of a `Discovery` of one move."""
    return SimpleNamespace(
        verdicts={"half turn": verdict},
        p_values={"half turn": p_value},
        measured={"half turn": Measured(0.1, 0.0, 0.2, p_value / 7)},
        methods={"half turn": method},
        margin=0.02 if method == "kernel" else 0.1,
    )


@pytest.mark.parametrize(
    ("kernel", "classifier", "p_value", "verdict", "method"),
    [
        ("symmetry", "symmetry", 0.9, "symmetry", "classifier"),
        ("cannot tell", "approximate", 0.01, "approximate", "classifier"),
        ("broken", "symmetry", 0.9, "broken", "kernel"),
        ("approximate", "broken", 0.001, "broken", "classifier"),
        ("symmetry", "cannot tell", 0.9, "symmetry", "kernel"),
        ("symmetry", "cannot tell", 0.01, "cannot tell", "classifier"),
        ("cannot tell", "cannot tell", 0.9, "cannot tell", "classifier"),
    ],
)
def test_either_may_say_broken_and_the_kernel_stands_only_where_the_classifier_saw_nothing(
    kernel: str, classifier: str, p_value: float, verdict: str, method: str
) -> None:
    found = _merged("half turn", [answer("kernel", kernel, 0.5), answer("classifier", classifier, p_value)])
    assert (found.verdict, found.method) == (verdict, method)
    assert found.margin == (0.02 if method == "kernel" else 0.1)
    assert found.p_value == min(1.0, 2 * (0.5 if method == "kernel" else p_value)), "two methods were asked"


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
