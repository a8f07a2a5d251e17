"""Augmentations: torchvision's pixels, the released code's distributions, and draws that depend on nothing else."""

import hashlib
import math
import os
import pickle
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torchvision.transforms.v2 import functional as v2

from aenbench.errors import InvalidArgumentError
from aenbench.execution.threads import one_thread
from aenbench.training.augmentation import ALL_AUGMENTATIONS, AUGMENTATIONS, Augmentation, draw_parameters
from gdatasets.errors import UnknownNameError
from gdatasets.sources.published import load_source

ROOT = Path(__file__).resolve().parents[3]
EVERY = [*((name,) for name in ALL_AUGMENTATIONS), AUGMENTATIONS, ALL_AUGMENTATIONS]
every_choice = pytest.mark.parametrize("names", EVERY, ids="+".join)
BLACK = (-0.4242, -1.5, 0.25)  # unlike any pixel of the random images, and another one in each channel


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Small images on a shared machine: more threads only wait for each other."""
    with one_thread():
        yield


def random_images(count, channels=1, height=28, width=28, seed=0):
    return torch.randn(count, channels, height, width, generator=torch.Generator().manual_seed(seed))


MOVES = {
    "rotate360": lambda x, p, fill: v2.rotate(x, p.turn, fill=fill),
    "rotate": lambda x, p, fill: v2.rotate(x, p.angle, fill=fill),
    "hflip": lambda x, p, _: v2.horizontal_flip(x) if p.hflip else x,
    "vflip": lambda x, p, _: v2.vertical_flip(x) if p.vflip else x,
    "translate": lambda x, p, fill: v2.affine(x, 0.0, [p.right, p.down], 1.0, [0.0, 0.0], fill=fill),
    "scale": lambda x, p, fill: v2.affine(x, 0.0, [0, 0], p.scale, [0.0, 0.0], fill=fill),
    "shear": lambda x, p, fill: v2.affine(x, 0.0, [0, 0], 1.0, [p.shear, 0.0], fill=fill),
}

TIE = 1e-4
"""Of a pixel. torchvision finds by a matrix product in float32 where a pixel is read from, and the last bits of that
depend on the CPU's BLAS: so a place this close to the middle between two pixels may fall to either."""


def one_by_one(name, images, drawn, fill):
    """The reference: a function of torchvision's v2, called for each image."""
    return torch.stack([MOVES[name](image, parameters, fill) for image, parameters in zip(images, drawn, strict=True)])


def ties(name, drawn, height, width):
    """Which pixels are read from the middle between two, (batch, 1, height, width): by geometry, in float64."""
    y, x = (
        np.mgrid[:height, :width].reshape(2, 1, height, width)
        - np.array([height - 1, width - 1]).reshape(2, 1, 1, 1) / 2
    )
    turned_by = "turn" if name == "rotate360" else "angle"
    turn, scale, lean = (
        np.array([getattr(each, of) for each in drawn]).reshape(-1, 1, 1) for of in (turned_by, "scale", "shear")
    )
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    none = np.zeros_like(turn)
    places = {
        "rotate360": (cos * x - sin * y, sin * x + cos * y),
        "rotate": (cos * x - sin * y, sin * x + cos * y),
        "scale": (x / scale, y / scale),
        "shear": (x + np.tan(np.radians(lean)) * y, y + none),
    }.get(name, (x + none, y + none))
    near = [abs((at + (side - 1) / 2) % 1 - 0.5) < TIE for at, side in zip(places, (width, height), strict=True)]
    return torch.from_numpy(near[0] | near[1]).unsqueeze(1)


def assert_pixels_are_torchvisions(images, epoch, seed, fill, drawn=None):
    """One augmentation after the other, each from the same images: equal but for ties, of which there are few."""
    samples = torch.arange(len(images))
    drawn = drawn or draw_parameters(samples, epoch, seed, *images.shape[2:])
    for name in ALL_AUGMENTATIONS:
        moved = Augmentation((name,)).augment(images, samples, epoch, seed, fill)
        tied = ties(name, drawn, *images.shape[2:])
        assert torch.equal(*(torch.where(tied, 0.0, each) for each in (moved, one_by_one(name, images, drawn, fill))))
        assert tied.double().mean() < 2e-3
        images = moved


# The pixels


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 28, 28), (3, 32, 32), (2, 17, 40), (1, 1, 1)])
def test_the_pixels_are_those_of_torchvision_image_by_image(channels, height, width):
    assert_pixels_are_torchvisions(random_images(200, channels, height, width), 3, 7, list(BLACK[:channels]))


@pytest.mark.parametrize("name", ALL_AUGMENTATIONS)
def test_the_reference_tells_other_parameters_apart(name):
    fields = {"rotate360": ["turn"], "rotate": ["angle"], "translate": ["right", "down"]}.get(name, [name])
    drawn, others = (draw_parameters(torch.arange(200), epoch, 7, 28, 28) for epoch in (3, 4))
    mixed = [
        one._replace(**{field: getattr(other, field) for field in fields})
        for one, other in zip(drawn, others, strict=True)
    ]
    with pytest.raises(AssertionError):
        assert_pixels_are_torchvisions(random_images(200), 3, 7, list(BLACK[:1]), mixed)


def test_the_pixels_of_real_images_are_those_of_torchvision(data_root):
    images = torch.from_numpy(load_source("mnist", "test", data_root).images[:500].astype(np.float32)).unsqueeze(1)
    assert_pixels_are_torchvisions((images / 255 - 0.1307) / 0.3081, 0, 0, [-0.1307 / 0.3081])


@pytest.mark.slow
@pytest.mark.parametrize("size", [28, 32, 96])
def test_no_pixel_of_many_images_differs_from_torchvision(size):
    assert_pixels_are_torchvisions(random_images(4_000, 1, size, size), 1, 2, list(BLACK[:1]))


@pytest.mark.parametrize(("name", "axis"), [("hflip", 3), ("vflip", 2)])
def test_flips_are_exact_and_strike_half_of_the_images(name, axis):
    images, samples = random_images(400, 3), torch.arange(400)
    moved = Augmentation((name,)).augment(images, samples, 0, 0, BLACK)
    flipped = torch.tensor([torch.equal(*pair) for pair in zip(moved, images.flip(axis), strict=True)])
    same = torch.tensor([torch.equal(*pair) for pair in zip(moved, images, strict=True)])
    assert torch.equal(flipped, ~same)
    assert stats.binomtest(int(flipped.sum()), 400).pvalue > 1e-3


@pytest.mark.parametrize("size", [28, 32])
def test_translations_move_whole_pixels_and_fill_what_they_leave(size):
    images, samples = random_images(60, 2, size, size), torch.arange(60)
    moved = Augmentation(("translate",)).augment(images, samples, 0, 0, BLACK[:2])
    for image, result, drawn in zip(images, moved, draw_parameters(samples, 0, 0, size, size), strict=True):
        expected = torch.tensor(BLACK[:2]).view(2, 1, 1).expand(2, size, size).clone()
        for row in range(size):
            for column in range(size):
                if 0 <= row - drawn.down < size and 0 <= column - drawn.right < size:
                    expected[:, row, column] = image[:, row - drawn.down, column - drawn.right]
        assert torch.equal(result, expected)


def test_a_rotation_by_a_positive_angle_is_counter_clockwise():
    image = torch.zeros(1, 1, 29, 29)
    image[0, 0, 14, 15:] = 1  # a ray from the center to the right
    samples = torch.arange(200)
    moved = Augmentation(("rotate",)).augment(image.expand(200, -1, -1, -1), samples, 0, 0, [0.0])
    for result, drawn in zip(moved, draw_parameters(samples, 0, 0, 29, 29), strict=True):
        rows, columns = result[0].nonzero(as_tuple=True)
        seen = math.degrees(math.atan2((14 - rows).sum(), (columns - 14).sum()))
        assert seen == pytest.approx(drawn.angle, abs=3)


def test_every_pixel_is_one_of_the_image_or_the_fill_of_its_channel():
    images = random_images(50, 3, 32, 32)
    moved = Augmentation(AUGMENTATIONS).augment(images, torch.arange(50), 0, 0, BLACK)
    for image, result in zip(images, moved, strict=True):
        for channel, black in enumerate(BLACK):
            outside = result[channel] == black
            assert outside.any()
            assert torch.isin(result[channel][~outside], image[channel]).all()


def test_the_choice_is_applied_one_after_the_other_in_bit_order_and_each_draws_the_same_as_alone():
    images, samples = random_images(50), torch.arange(50)
    step_by_step = images
    for name in ALL_AUGMENTATIONS:
        step_by_step = Augmentation((name,)).augment(step_by_step, samples, 2, 5, BLACK[:1])
    assert torch.equal(Augmentation(ALL_AUGMENTATIONS[::-1]).augment(images, samples, 2, 5, BLACK[:1]), step_by_step)


def test_images_are_not_changed_and_none_is_made_without_augmentations():
    images, samples = random_images(20), torch.arange(20)
    before = images.clone()
    assert not torch.equal(Augmentation(AUGMENTATIONS).augment(images, samples, 0, 0, [0.0]), before)
    assert torch.equal(images, before)
    assert Augmentation(()).augment(images, samples, 0, 0, [0.0]) is images


@every_choice
def test_an_empty_batch_stays_one(names):
    moved = Augmentation(names).augment(random_images(0), torch.arange(0), 0, 0, [0.0])
    assert moved.shape == (0, 1, 28, 28)


# What is drawn


def test_the_words_of_a_sample_are_two_blocks_of_philox():
    """Written from the documentation alone: key, counter, the words' meaning, 53 bits of each."""
    samples = [0, 1, 1_023, 1_024, 59_999, 2**40, 2**63 - 1]
    key = int.from_bytes(hashlib.sha256(b"aenbench/augmentation/-3/12").digest()[:16], "little")
    for sample, drawn in zip(samples, draw_parameters(torch.tensor(samples), 12, -3, 30, 28), strict=True):
        words = np.random.Philox(key=key, counter=2 * sample).random_raw(8).tolist()
        angle, hflip, vflip, right, down, scale, shear, _ = ((word >> 11) / 2**53 for word in words)
        assert drawn.angle == pytest.approx(-30 + 60 * angle)
        assert (drawn.hflip, drawn.vflip) == (hflip < 0.5, vflip < 0.5)
        assert (drawn.right, drawn.down) == (round(-5.6 + 11.2 * right), round(-6 + 12 * down))
        assert drawn.scale == pytest.approx(0.9 + 0.2 * scale)
        assert drawn.shear == pytest.approx(-10 + 20 * shear)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("angle", -30, 30), ("scale", 0.9, 1.1), ("shear", -10, 10)], ids=lambda value: str(value)
)
@pytest.mark.parametrize("epoch", [0, 1])
def test_angles_scales_and_shears_are_uniform(name, low, high, epoch):
    values = np.array([getattr(drawn, name) for drawn in draw_parameters(torch.arange(20_000), epoch, 0, 28, 28)])
    assert low <= values.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < values.max() <= high
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("size", "ends"), [(28, 0.1), (32, 0.9), (50, 0.5)])
def test_translations_are_a_uniform_number_up_to_a_fifth_of_the_size_rounded(size, ends):
    """`ends`: how much of the interval rounds to the largest shift, 5.5..5.6 for 28 pixels."""
    drawn = draw_parameters(torch.arange(20_000), 0, 0, size, size)
    largest = round(0.2 * size)
    shares = np.array([ends, *[1] * (2 * largest - 1), ends]) / (0.4 * size)
    for shifts in ([each.right for each in drawn], [each.down for each in drawn]):
        counts = np.bincount(np.array(shifts) + largest, minlength=2 * largest + 1)
        assert len(counts) == 2 * largest + 1
        assert stats.chisquare(counts, 20_000 * shares).pvalue > 1e-3


def test_parameters_of_a_sample_do_not_go_together_nor_do_those_of_neighbors_epochs_and_seeds():
    samples = torch.arange(10_000)
    tables = [np.array(draw_parameters(samples, epoch, seed, 28, 28)) for epoch, seed in [(0, 0), (1, 0), (0, 1)]]
    columns = np.concatenate([*tables, np.roll(tables[0], 1, axis=0)], axis=1)  # (samples, 28)
    correlations = np.corrcoef(columns, rowvar=False) - np.eye(columns.shape[1])
    assert np.abs(correlations).max() < 5 / np.sqrt(len(samples))


def test_heights_and_widths_bound_their_own_translations():
    drawn = draw_parameters(torch.arange(500), 0, 0, 10, 100)
    assert max(abs(each.down) for each in drawn) == 2
    assert 18 <= max(abs(each.right) for each in drawn) <= 20


@every_choice
def test_epochs_seeds_and_samples_each_change_the_images(names):
    images = random_images(1).expand(64, -1, -1, -1)  # one image, so that only the draws differ
    samples = torch.arange(64)
    augmentation = Augmentation(names)
    base, again, *others = (
        augmentation.augment(images, samples + offset, epoch, seed, BLACK[:1])
        for epoch, seed, offset in [(0, 0, 0), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 64)]
    )
    assert torch.equal(base, again)
    assert not any(torch.equal(base, other) for other in others)
    assert not all(torch.equal(*pair) for pair in pairwise(base))


# What is drawn depends on nothing else


@given(st.permutations(range(12)), st.integers(1, 12), st.sampled_from(EVERY))
def test_batches_and_their_order_change_nothing(order, batch, names):
    images, samples = random_images(12, 2), torch.tensor([5, 1_023, 1_024, 0, 70_000, 9, 5_000, 1, 2, 3, 4, 6])
    augmentation = Augmentation(names)
    whole = augmentation.augment(images, samples, 1, 1, BLACK[:2])
    parts = [
        augmentation.augment(images[part], samples[part], 1, 1, BLACK[:2])
        for part in torch.split(torch.tensor(order), batch)
    ]
    assert torch.equal(torch.cat(parts), whole[list(order)])


def test_the_layout_in_memory_changes_nothing():
    images, samples = random_images(8, 3), torch.arange(8)
    augmentation = Augmentation(AUGMENTATIONS)
    strided = images.to(memory_format=torch.channels_last)
    assert torch.equal(
        augmentation.augment(strided, samples, 0, 0, BLACK), augmentation.augment(images, samples, 0, 0, BLACK)
    )


def test_other_processes_threads_and_defaults_give_the_same_images():
    code = (
        "import hashlib, torch\n"
        "from aenbench.training.augmentation import AUGMENTATIONS, Augmentation\n"
        "images = torch.randn(40, 3, 32, 32, generator=torch.Generator().manual_seed(0))\n"
        "torch.set_num_threads(2)\n"
        "torch.set_default_dtype(torch.float64)\n"
        "moved = Augmentation(AUGMENTATIONS).augment(images, torch.arange(40), 2, 3, (-0.4242, -1.5, 0.25))\n"
        "print(hashlib.sha256(moved.numpy().tobytes()).hexdigest())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "5"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    moved = Augmentation(AUGMENTATIONS).augment(random_images(40, 3, 32, 32), torch.arange(40), 2, 3, BLACK)
    assert done.stdout.strip() == hashlib.sha256(moved.numpy().tobytes()).hexdigest()


def test_the_global_generators_are_neither_read_nor_moved():
    images, samples = random_images(10), torch.arange(10)
    results = []
    for seed in (0, 1):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            state, legacy = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
            results.append(Augmentation(AUGMENTATIONS).augment(images, samples, 0, 0, [0.0]))
            assert torch.equal(torch.get_rng_state(), state)
            assert np.array_equal(np.random.get_state()[1], legacy)  # noqa: NPY002
    assert torch.equal(*results)


# What it is made of


def test_a_choice_is_a_value_whose_names_are_in_bit_order():
    choice = Augmentation(["shear", "rotate", "shear", "vflip"])
    assert choice.names == ("rotate", "vflip", "shear")
    assert choice == Augmentation(("vflip", "shear", "rotate"))
    assert len({choice, Augmentation(("rotate", "vflip", "shear")), Augmentation()}) == 2
    assert pickle.loads(pickle.dumps(choice)) == choice
    with pytest.raises(AttributeError):
        choice.names = ()


@given(st.lists(st.one_of(st.text(), st.sampled_from(ALL_AUGMENTATIONS))))
def test_other_names_are_one_line_that_lists_those_there_are(names):
    unknown = [name for name in names if name not in ALL_AUGMENTATIONS]
    if not unknown:
        assert set(Augmentation(names).names) == set(names)
        return
    with pytest.raises(UnknownNameError) as raised:
        Augmentation(names)
    assert str(raised.value) == f'Unknown augmentation "{unknown[0]}". Choose from: {", ".join(ALL_AUGMENTATIONS)}.'


IMAGES, SAMPLES = torch.zeros(4, 3, 8, 8), torch.arange(4)


@pytest.mark.parametrize(
    ("images", "samples", "fill", "message"),
    [
        (
            IMAGES[0],
            SAMPLES,
            BLACK,
            r"images float32 \(batch, channels, height, width\), got torch.float32 \(3, 8, 8\)",
        ),
        (IMAGES.double(), SAMPLES, BLACK, "got torch.float64"),
        (IMAGES.to(torch.uint8), SAMPLES, BLACK, "got torch.uint8"),
        (IMAGES[:, :, :0], SAMPLES, BLACK, r"got torch.float32 \(4, 3, 0, 8\)"),
        (IMAGES, SAMPLES[:3], BLACK, r"index of each of 4 images, int64 \(4,\), got torch.int64 \(3,\)"),
        (IMAGES, SAMPLES.int(), BLACK, "got torch.int32"),
        (IMAGES, SAMPLES.view(4, 1), BLACK, r"got torch.int64 \(4, 1\)"),
        (IMAGES, SAMPLES - 2, BLACK, "0 or more, got -2"),
        (IMAGES, SAMPLES, BLACK[:1], r"each of 3 channels, got \[-0.4242\]"),
        (IMAGES, SAMPLES, (0.0, float("nan"), 0.0), "one finite fill value"),
        (IMAGES, SAMPLES, (), r"got \[\]"),
    ],
)
@pytest.mark.parametrize("names", [(), AUGMENTATIONS], ids=["none", "all"])
def test_mistakes_are_one_line(images, samples, fill, message, names):
    with pytest.raises(InvalidArgumentError, match=message) as raised:
        Augmentation(names).augment(images, samples, 0, 0, fill)
    assert "\n" not in str(raised.value)
