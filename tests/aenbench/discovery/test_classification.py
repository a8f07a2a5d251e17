"""Candidates asked of a trained classifier, on textures that the pixel kernel is blind to."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from aenbench import Discovery, discover
from aenbench.discovery.candidates import find_candidates
from aenbench.discovery.classification import Classification, classify
from aenbench.discovery.classifier_pictures import draw_confusion, draw_pairs
from aenbench.discovery.confusion import compare_moves
from aenbench.discovery.sample import Sample
from aenbench.errors import InvalidArgumentError

SIZE = 12
MOVES = find_candidates("d4", (SIZE, SIZE)).permutations
C4 = ("identity", "quarter turn", "half turn", "three-quarter turn")
FLIPS = ("left-right flip", "top-bottom flip", "diagonal flip", "antidiagonal flip")


def sample_of(images: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> Sample:
    count = len(images)
    together = np.arange(count) if clusters is None else clusters
    return Sample(images[..., None], np.arange(count) % 2, together, ("even", "odd"))


def stripes(seed: int, images: int) -> NDArray[np.float64]:
    """Textures of vertical stripes: noise that is smoothed along the columns, whose mean is 0 in every pixel."""
    noise = np.random.default_rng(seed).normal(size=(images, SIZE + 3, SIZE))
    return (noise[:, :-3] + noise[:, 1:-2] + noise[:, 2:-1] + noise[:, 3:]) / 2


def hooks(seed: int, images: int) -> NDArray[np.float64]:
    """A chiral hook, turned by a random quarter: symmetric under C4 and under no flip."""
    generator = np.random.default_rng(seed)
    hook = np.zeros((SIZE, SIZE))
    hook[2:10, 5:7] = hook[2:4, 7:10] = 1
    turned = np.stack([np.rot90(hook, k) for k in generator.integers(4, size=images)])
    return turned + 0.3 * generator.normal(size=turned.shape)


def ask(sample: Sample, steps: int, seed: int = 0) -> Classification:
    return classify(sample, MOVES, level=0.05, tests=7, margin=0.1, seed=seed, steps=steps)


@cache
def of_hooks() -> Classification:
    return ask(sample_of(hooks(0, 1_500)), 100)


def test_cosets_are_blocks_of_the_matrix() -> None:
    found = of_hooks().confusion
    assert found.cosets == (C4, FLIPS)
    assert found.order == (*C4, *FLIPS)
    assert found.matrix.sum(axis=1) == pytest.approx(np.ones(8))
    assert found.matrix[:4, :4].min() > 3 * found.matrix[:4, 4:].max()
    assert found.matrix[4:, 4:].min() > 3 * found.matrix[4:, :4].max()


def test_symmetries_have_small_effects_and_broken_moves_large_ones() -> None:
    found = of_hooks()
    for name, each in found.measured.items():
        assert each.low <= each.effect <= each.high
        if name in C4:
            assert abs(each.effect) < 0.1
            assert each.p_value > 0.01
        else:
            assert each.low > 0.8
            assert each.p_value < 0.001
    assert (found.trained, found.held_out) == (900, 600)
    assert found.control_name == "exchanged halves"
    assert found.control.low > 0.8
    assert found.control.share < 0.2


@pytest.mark.slow
def test_what_the_kernel_is_blind_to_is_found_by_auto() -> None:
    """Stripes: a quarter turn is told by no pixel, and by two neighbors at once."""
    images, labels = stripes(0, 400), np.arange(400) % 2
    moves = {name: MOVES[name] for name in ("quarter turn", "half turn")}
    blind = discover(images, labels, moves, method="kernel")
    assert set(blind.verdicts.values()) == {"cannot tell"}
    heard: list[tuple[int, int]] = []
    found = discover(images, labels, moves, report=lambda _what, done, total, _note: heard.append((done, total)))
    assert found.verdicts["quarter turn"] == "broken"
    assert found.verdicts["half turn"] != "broken"
    assert found.methods == {"quarter turn": "classifier", "half turn": "classifier"}
    assert set(blind.methods.values()) == {"kernel"}
    assert heard[-1] == (200, 225)
    assert "trained on 240 images and tested on 160" in found.notices[-1]
    assert found.to_json()["classifier"]["cosets"][0] == ["identity", "half turn"]
    assert blind.to_json()["classifier"] is None


def test_the_same_seed_gives_the_same_answer_and_leaves_global_randomness_alone() -> None:
    import torch

    sample = sample_of(stripes(0, 100))
    torch.manual_seed(7)
    before = torch.get_rng_state()
    one, two, other = (ask(sample, 5, seed) for seed in (0, 0, 1))
    assert one.measured == two.measured
    assert one.measured != other.measured
    assert torch.equal(before, torch.get_rng_state())


def test_clusters_are_not_cut() -> None:
    clusters = np.repeat(np.arange(40), 5)
    found = ask(sample_of(stripes(0, 200), clusters), 2)
    assert found.trained % 5 == found.held_out % 5 == 0
    assert found.trained + found.held_out == 200


def test_clusters_and_a_move_of_a_large_order_are_one_line() -> None:
    sample = sample_of(stripes(0, 80), np.repeat(np.arange(40), 2))
    with pytest.raises(InvalidArgumentError, match="order above 32") as caught:
        classify(sample, {"long": np.roll(np.arange(SIZE**2), 1)}, level=0.05, tests=1, margin=0.1, seed=0, steps=1)
    assert "\n" not in str(caught.value)


def test_moves_of_a_large_order_are_tested_by_exchanges() -> None:
    moves = {"roll": np.roll(np.arange(SIZE**2), 1)}
    found = classify(sample_of(hooks(0, 300)), moves, level=0.05, tests=1, margin=0.1, seed=0, steps=5)
    assert 0 < found.measured["roll"].p_value <= 1


def test_the_control_is_no_candidate() -> None:
    halves = find_candidates("actions", (SIZE, SIZE)).permutations["scramble2"]
    found = classify(sample_of(stripes(0, 80)), {"swap": halves}, level=0.05, tests=1, margin=0.1, seed=0, steps=2)
    assert found.control_name == "shuffled pixels"


def test_the_picture_of_the_matrix_has_the_moves_in_the_order_of_cosets() -> None:
    confusion = of_hooks().confusion
    axes = draw_confusion(confusion).axes[0]
    names = list(confusion.order)
    assert [label.get_text() for label in axes.get_yticklabels()] == names
    assert [label.get_text() for label in axes.get_xticklabels()] == names
    assert np.array_equal(np.asarray(axes.images[0].get_array()), confusion.matrix)
    assert [(patch.get_x(), patch.get_width()) for patch in axes.patches] == [(-0.5, 4), (3.5, 4)]


def test_the_picture_of_pairs_shows_images_beside_what_the_move_made_of_them() -> None:
    found = of_hooks()
    told = {name: found.pairs[name] for name in FLIPS}
    for name, pairs in told.items():
        assert [pair.gain for pair in pairs] == sorted((pair.gain for pair in pairs), reverse=True)
        for pair in pairs:
            assert np.array_equal(pair.moved.ravel(), pair.image.ravel()[MOVES[name]])
            assert pair.label in ("even", "odd")
    figure = draw_pairs(told)
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == 2 * sum(map(len, told.values()))
    best = max(told, key=lambda name: told[name][0].gain)
    first, second = (np.asarray(axes.images[0].get_array()) for axes in shown[:2])
    assert np.array_equal(second.ravel(), first.ravel()[MOVES[best]])
    assert best in shown[1].get_title()
    assert shown[0].get_title() == told[best][0].label


def test_moves_that_are_told_apart_are_no_coset() -> None:
    """Predictions that were made: two moves that look alike, and one that does not."""
    generator = np.random.default_rng(0)
    strength = np.array([[3.0, 3, 0], [3, 3, 0], [0, 0, 3]])
    logs = strength[:, None, :] + 0.5 * generator.normal(size=(3, 200, 3))
    found = compare_moves(("identity", "a", "b"), logs, np.arange(200), 0.2)
    assert found.cosets == (("identity", "a"), ("b",))
    assert compare_moves(("identity", "a", "b"), logs, np.arange(200), 0.999).distances[0, 2] > 0.9


Plot = Callable[[Discovery], Figure | None]


@pytest.mark.slow
@pytest.mark.parametrize("config", ["c4", "none"])
def test_the_group_of_digits_is_the_coset_of_the_identity(config: str) -> None:
    from gdatasets import load_arrays

    digits = load_arrays("g-digits", config, "train")
    found = discover(digits.images, digits.labels, "d4", method="classifier")
    truth = {"c4": C4[1:], "none": ()}[config]
    assert found.classification is not None
    assert set(found.classification.confusion.cosets[0]) == {"identity", *truth}
    assert set(found.named("broken")) == set(MOVES) - set(truth)
    assert found.margin == 0.1
    assert set(found.methods.values()) == {"classifier"}
    plots: tuple[Plot, ...] = (Discovery.plot, Discovery.plot_confusion, Discovery.plot_pairs)
    assert all(plot(found) is not None for plot in plots)
