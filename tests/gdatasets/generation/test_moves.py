import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gdatasets.errors import InvalidArgumentError
from gdatasets.generation.arrays import Arrays, SplitPlan
from gdatasets.generation.digests import ContentHasher
from gdatasets.generation.load import generate_arrays, load_arrays
from gdatasets.generation.moves import draw_elements, element_bits, move, undo
from gdatasets.generation.specs import CONFIGURATIONS, DATASETS, pinned_digest
from gdatasets.groups.actions import ACTIONS, act
from gdatasets.groups.group import Group
from gdatasets.sources.published import PublishedSource, load_source, source_is_local

SOURCES_BY_DATASET = {name: spec.source_name for name, spec in DATASETS.items()}
COMMON = DATASETS["g-digits"].configurations
PIXEL_EXACT = [name for name in COMMON if CONFIGURATIONS[name].pixel_exact]


def joined(pieces: list[Arrays]) -> str:
    hasher = ContentHasher(pieces[0].images.shape[1:])
    for piece in pieces:
        hasher.update(piece.images, piece.labels, piece.source_index, piece.elements)
    return hasher.hexdigest()


@pytest.mark.parametrize("config", COMMON)
def test_every_split_of_g_digits_has_its_pinned_digest(config: str) -> None:
    for split in ("train", "test"):
        assert generate_arrays("g-digits", config, split).content_sha256 == pinned_digest("g-digits", config, split)


def _need(dataset: str, root: Path) -> None:
    if not source_is_local(SOURCES_BY_DATASET[dataset], root):
        pytest.skip(f"no real files of {dataset} in {root}")


@pytest.mark.parametrize("dataset", ["g-mnist", "g-fashion-mnist", "g-emnist-letters"])
def test_every_test_split_of_the_real_sources_has_its_pinned_digest(dataset: str, data_root: Path) -> None:
    _need(dataset, data_root)
    source = PublishedSource(SOURCES_BY_DATASET[dataset], data_root)
    for config in COMMON:
        plan = SplitPlan(DATASETS[dataset], CONFIGURATIONS[config], source, "test")
        assert plan.generate(0, len(plan)).content_sha256 == pinned_digest(dataset, config, "test"), config


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["g-mnist", "g-fashion-mnist", "g-emnist-letters"])
@pytest.mark.parametrize("config", COMMON)
def test_every_train_split_of_the_real_sources_has_its_pinned_digest(
    dataset: str, config: str, data_root: Path
) -> None:
    _need(dataset, data_root)
    arrays = generate_arrays(dataset, config, "train", data_root)
    assert arrays.content_sha256 == pinned_digest(dataset, config, "train")


def test_every_configuration_has_its_own_stream() -> None:
    digests = [pinned_digest("g-mnist", config, split) for config in COMMON for split in ("train", "test")]
    assert len(set(digests)) == 2 * len(COMMON)


@pytest.mark.parametrize("chunk", [1, 7, 1_000])
@pytest.mark.parametrize("config", ["aug2", "aug5", "d4-roll"])
def test_samples_do_not_depend_on_chunks_nor_on_their_order(chunk: int, config: str) -> None:
    plan = SplitPlan(DATASETS["g-digits"], CONFIGURATIONS[config], PublishedSource("digits"), "train")
    starts = range(0, len(plan), chunk)
    forwards = [plan.generate(start, min(len(plan), start + chunk)) for start in starts]
    backwards = [plan.generate(start, min(len(plan), start + chunk)) for start in reversed(starts)]
    pinned = pinned_digest("g-digits", config, "train")
    assert joined(forwards) == pinned
    assert joined(backwards[::-1]) == pinned


@pytest.mark.parametrize("split", ["train", "test"])
def test_mnist_rot_has_its_pinned_digests_whatever_the_chunks_and_their_order(split: str, data_root: Path) -> None:
    spec = DATASETS["mnist-rot"]
    plan = SplitPlan(spec, spec.configuration(), PublishedSource("mnist-resplit", data_root), split)
    chunk = {"train": 7, "test": 777}[split]
    backwards = [plan.generate(start, min(len(plan), start + chunk)) for start in reversed(range(0, len(plan), chunk))]
    pinned = pinned_digest("mnist-rot", "any-angle", split)
    assert joined(list(plan.pieces(0, len(plan)))) == pinned
    assert joined(backwards[::-1]) == pinned


def test_mnist_rot_holds_disjoint_images_of_mnist_and_tells_which(data_root: Path) -> None:
    original = [load_source("mnist", split, data_root) for split in ("train", "test")]
    images, labels = (np.concatenate(column) for column in zip(*original, strict=True))
    splits = [generate_arrays("mnist-rot", None, split, data_root, stop=50_000) for split in ("train", "test")]
    assert [len(split) for split in splits] == [12_000, 50_000]
    numbers = np.concatenate([split.source_index for split in splits])
    assert np.array_equal(numbers, np.r_[0:52_000, 60_000:70_000])
    for split in splits:
        assert np.array_equal(split.labels, labels[split.source_index])
        assert (split.elements["bits"] == 1).all()
        unturned = np.flatnonzero(split.elements["angle"] % 900 == 0)
        assert len(unturned)
        assert np.array_equal(
            undo(split.images[unturned], split.elements[unturned]), images[split.source_index][unturned]
        )


def test_every_angle_of_mnist_rot_is_drawn_equally_often() -> None:
    spec = DATASETS["mnist-rot"]
    angles = draw_elements(spec, spec.configuration(), "test", 0, 50_000)["angle"]
    assert (angles.min(), angles.max()) == (-1799, 1800)
    counts = np.bincount(angles + 1799, minlength=3_600)
    expected = 50_000 / 3_600
    assert abs(((counts - expected) ** 2 / expected).sum() - 3_599) < 6 * np.sqrt(
        2 * 3_599
    )  # chi-square within 6 sigma


@pytest.mark.parametrize(("dataset", "config"), [("g-mnist", "aug5"), ("mnist-rot", "any-angle")])
def test_another_process_makes_the_same_bytes(dataset: str, config: str, data_root: Path) -> None:
    code = (
        "import sys; from gdatasets.generation.load import load_arrays\n"
        "print(load_arrays(*sys.argv[1:3], 'test', sys.argv[3]).content_sha256)"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code, dataset, config, str(data_root)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1")
    }
    assert digests == {pinned_digest(dataset, config, "test")}


def test_load_arrays_returns_the_documented_shapes() -> None:
    arrays = load_arrays("g-digits", split="test")
    assert arrays.images.shape == (360, 28, 28)
    assert arrays.images.dtype == np.uint8
    assert arrays.labels.dtype == arrays.source_index.dtype == np.int64
    assert arrays.source_index.tolist() == list(range(360))
    assert arrays.elements.shape == (360,)


@pytest.mark.parametrize("config", PIXEL_EXACT)
def test_undo_restores_every_image_of_real_mnist(config: str, data_root: Path) -> None:
    original = load_source("mnist", "test", data_root).images
    arrays = generate_arrays("g-mnist", config, "test", data_root)
    assert np.array_equal(undo(arrays.images, arrays.elements), original)
    if config != "none":
        assert not np.array_equal(arrays.images, original)  # negative control


@pytest.mark.parametrize("config", sorted(set(COMMON) - set(PIXEL_EXACT)))
def test_undo_refuses_moves_that_lose_pixels(config: str) -> None:
    arrays = generate_arrays("g-digits", config, "test")
    with pytest.raises(InvalidArgumentError, match="loses pixels"):
        undo(arrays.images, arrays.elements)


def test_every_angle_turns_real_digits_as_pillow_does(data_root: Path) -> None:
    digits = load_source("mnist", "test", data_root).images[:20]
    config = CONFIGURATIONS["rotation"]
    elements = draw_elements(DATASETS["g-mnist"], config, "test", 0, 3_600)
    elements["angle"] = np.arange(-1799, 1801)
    for digit in digits:
        turned = move(np.repeat(digit[None], 3_600, axis=0), elements)
        image = Image.fromarray(digit)
        for angle, found in zip(range(-1799, 1801), turned, strict=True):
            assert np.array_equal(found, np.asarray(image.rotate(angle / 10, Image.Resampling.NEAREST))), angle


@pytest.mark.parametrize("size", [8, 32, 66])
def test_other_sizes_and_colors_turn_as_pillow_does(size: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, size, size, 3), dtype=np.uint8)
    elements = draw_elements(DATASETS["g-mnist"], CONFIGURATIONS["rotation"], "test", 0, 50, size)
    for image, moved, angle in zip(images, move(images, elements), elements["angle"].tolist(), strict=True):
        assert np.array_equal(moved, np.asarray(Image.fromarray(image).rotate(angle / 10, Image.Resampling.NEAREST)))


@pytest.mark.parametrize("config", COMMON)
def test_moves_are_the_named_actions_one_after_the_other(config: str) -> None:
    """The naive way, one image and one action at a time, is the oracle."""
    source = load_source("digits", "test").images
    arrays = generate_arrays("g-digits", config, "test", stop=200)
    for image, moved, element in zip(source, arrays.images, arrays.elements, strict=False):
        expected = image
        for number, action in enumerate(ACTIONS):
            if not element["bits"] >> number & 1:
                continue
            if action == "rotation":
                turned = Image.fromarray(expected).rotate(int(element["angle"]) / 10, Image.Resampling.NEAREST)
                expected = np.asarray(turned)
            else:
                step = int(element["hshift"] if action == "htrans" else element["vshift"])
                expected = act(action, expected[None], step)[0]
        assert np.array_equal(moved, expected)


@pytest.mark.parametrize("config", ["c4", "d4", "v4", "roll", "d4-roll"])
def test_every_element_of_a_group_configuration_is_drawn_equally_often(config: str) -> None:
    chosen = CONFIGURATIONS[config]
    elements = draw_elements(DATASETS["g-mnist"], chosen, "train", 0, 60_000)
    pixels = np.arange(784, dtype=np.int16).reshape(1, 28, 28)
    kinds, counts = np.unique(elements, return_counts=True)
    permutations = {move(pixels, kinds[i : i + 1]).tobytes() for i in range(len(kinds))}
    order = Group(chosen.actions, 28, 4).order
    assert len(kinds) == len(permutations) == order
    expected = 60_000 / order
    assert ((counts - expected) ** 2 / expected).sum() < order + 6 * np.sqrt(2 * order)  # chi-square within 6 sigma


@pytest.mark.parametrize("config", ["aug1", "aug2", "aug3", "aug4", "aug5"])
def test_coins_of_the_paper_family_are_fair(config: str) -> None:
    bits = element_bits(draw_elements(DATASETS["g-mnist"], CONFIGURATIONS[config], "train", 0, 60_000))
    rates = np.array([list(text) for text in bits]).astype(int).mean(axis=0)
    for action, rate in zip(ACTIONS, rates.tolist(), strict=True):
        if action not in CONFIGURATIONS[config].actions:
            assert rate == 0
        elif action == "rotation":
            assert rate == 1
        else:
            assert abs(rate - 0.5) < 6 * 0.5 / np.sqrt(60_000)


def test_elements_outside_the_split_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="start"):
        draw_elements(DATASETS["g-mnist"], CONFIGURATIONS["d4"], "train", -1, 3)
