"""Rotations by any angle: resampled alike on both sides, so that a symmetry is not broken by the resampling."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import rotate

from aenbench import discover
from aenbench.discovery.angles import Disc, summarize
from aenbench.discovery.candidates import find_candidates
from aenbench.discovery.verdicts import Verdict
from aenbench.errors import InvalidArgumentError
from gdatasets import load_arrays


def turned_digits(most: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Digits turned by an angle up to so many degrees either way."""
    arrays, generator = load_arrays("g-digits", "none", "train"), np.random.default_rng(0)
    by = generator.uniform(-most, most, len(arrays.labels))
    turned = [rotate(image, angle, reshape=False, order=1) for image, angle in zip(arrays.images, by, strict=True)]
    return np.stack(turned), arrays.labels


def test_a_turned_disc_is_what_scipy_turns() -> None:
    images = np.random.default_rng(0).normal(size=(3, 9, 9, 2)).astype(np.float32)
    disc = Disc((9, 9))
    grid = np.stack(np.meshgrid(np.arange(9), np.arange(9), indexing="ij"), -1) - 4
    inside = np.hypot(grid[..., 0], grid[..., 1]) <= 4
    for angle in (0.0, 17.0, 90.0, -60.0):
        expected = rotate(images, angle, axes=(1, 2), reshape=False, order=1)[:, inside]
        found = disc.turned(images, angle).reshape(3, 2, -1).transpose(0, 2, 1)
        assert np.allclose(found, expected, atol=1e-5)
    assert np.allclose(disc.turned(images[..., :1], 90), np.rot90(images, 1, (1, 2))[:, inside][..., 0], atol=1e-5)


def test_digits_turned_by_any_angle_are_symmetric_under_all() -> None:
    found = discover(*turned_digits(180), candidates="angles")
    assert set(found.verdicts.values()) == {"symmetry"}
    assert found.profile == "symmetric under all angles, asked every 15 degrees"
    assert found.group.order == 4  # of the right angles, which permute pixels
    assert found.state == "100000000000"


def test_digits_turned_by_right_angles_are_symmetric_under_these_only() -> None:
    arrays = load_arrays("g-digits", "c4", "train")
    found = discover(arrays.images, arrays.labels, candidates="angles")
    assert found.named("symmetry") == ("90 degrees", "180 degrees")
    assert found.profile == "symmetric under multiples of 90 degrees only"
    assert found.to_json()["profile"] == found.profile
    assert found.contradictions == ()


def test_plain_digits_and_partly_turned_ones_have_no_angle() -> None:
    plain = discover(*turned_digits(0), candidates="angles:30")
    part = discover(*turned_digits(45), candidates="angles:30")
    assert set(plain.verdicts.values()) == set(part.verdicts.values()) == {"broken"}
    assert part.effects["30 degrees"] < 0.5 * plain.effects["30 degrees"]
    assert plain.profile == "no angle keeps the law"


def test_white_noise_is_not_called_symmetric() -> None:
    """It is turned into noise of the same law, but so it is by a shuffle: the kernel is blind."""
    generator = np.random.default_rng(0)
    found = discover(generator.normal(size=(400, 12, 12)), np.arange(400) % 2, "angles:45")
    assert found.named("symmetry", "approximate") == ()


def test_images_that_are_not_square_are_turned_in_their_disc() -> None:
    images, labels = turned_digits(0)
    found = discover(images[:, :, 2:-2], labels, "angles:90")
    assert tuple(found.moves.permutations) == ("180 degrees",)
    assert found.verdicts["90 degrees"] == "broken"


def test_the_profile_is_drawn_either_way() -> None:
    found = discover(*turned_digits(0), candidates="angles:45")
    [axes] = found.plot().axes
    assert axes.name == "polar"
    line = axes.get_lines()[0]
    assert np.rad2deg(line.get_xdata()).round().tolist() == [0, 45, 90, 135, 180, 225, 270, 315, 360]
    radii = np.asarray(line.get_ydata())
    assert radii.tolist() == radii[::-1].tolist()
    assert radii[2] == pytest.approx(found.effects["90 degrees"])


@pytest.mark.parametrize(
    ("small", "says"),
    [
        ((60, 120, 180), "multiples of 60 degrees only"),
        ((30,), "up to 30 degrees either way"),
        ((30, 60), "up to 60 degrees either way"),
        ((90, 150), "these angles: 90, 150 degrees"),
        ((), "no angle"),
        ((30, 60, 90, 120, 150, 180), "all angles"),
    ],
)
def test_the_summary_of_a_profile(small: tuple[int, ...], says: str) -> None:
    angles = find_candidates("angles:30", (8, 8)).angles
    verdicts: dict[str, Verdict] = {n: "symmetry" if angle in small else "broken" for n, angle in angles.items()}
    assert says in summarize(angles, verdicts)
    unsure: dict[str, Verdict] = {n: "cannot tell" if v == "broken" else v for n, v in verdicts.items()}
    assert ("are undecided" in summarize(angles, unsure)) == (len(small) < 6)


@pytest.mark.parametrize("text", ["angles:", "angles:0", "angles:7", "angles:120", "angles:x", "angles:-15"])
def test_angles_that_mean_nothing_are_one_line(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="divide 180"):
        discover(*turned_digits(0), candidates=text)


def test_clusters_are_not_asked_for_angles() -> None:
    images, labels = turned_digits(0)
    with pytest.raises(InvalidArgumentError, match="clusters"):
        discover(images, labels, "angles", clusters=np.arange(len(labels)) // 2)
