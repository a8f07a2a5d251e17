"""`discover` and its command, on G-Digits, which needs no download, and on made images."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aenbench import Discovery, discover
from aenbench.cli import main as cli
from aenbench.errors import InvalidArgumentError
from gdatasets import Group, load_arrays
from gdatasets.errors import GDatasetsError, UnknownNameError

GROUPS = {
    "c4": ("rotation",),
    "v4": ("hflip", "vflip"),
    "d4": ("rotation", "hflip", "vflip"),
    "none": (),
}


def digits(config: str) -> tuple[Any, Any]:
    arrays = load_arrays("g-digits", config, "train")
    return arrays.images, arrays.labels


@pytest.mark.parametrize("config", GROUPS)
def test_the_group_that_moved_the_images_is_found(config: str) -> None:
    found = discover(*digits(config))
    assert found.named("symmetry") == GROUPS[config]
    assert found.group.order == Group(GROUPS[config], 28).order
    assert found.state == "".join("1" if name in GROUPS[config] else "0" for name in found.moves.permutations)
    assert found.contradictions == ()
    assert 0 < found.seconds <= time.process_time()


def test_what_is_told_of_each_candidate() -> None:
    found = discover(*digits("v4"), candidates="d4", level=0.01)
    assert found.named("symmetry") == ("half turn", "left-right flip", "top-bottom flip")
    assert found.verdicts["quarter turn"] == "broken"
    assert found.group.order == 4
    frame = found.to_frame()
    assert list(frame.columns) == ["effect", "low", "high", "p_value", "p_adjusted", "verdict", "method"]
    assert dict(frame["effect"]) == found.effects
    assert dict(frame["p_adjusted"]) == found.p_values
    assert all(frame["low"] <= frame["effect"])
    assert all(frame["effect"] <= frame["high"])
    assert repr(found).startswith("<Discovery: 7 moves, 1,437 images; symmetry: half turn, left-right flip, top-bottom")


def test_a_group_and_permutations_of_ones_own_are_candidates() -> None:
    images, labels = digits("c4")
    group = Group(["rotation", "hflip"], 28)
    by_group = discover(images, labels, group)
    by_rows = discover(images, labels, group.permutations)
    by_name = discover(images, labels, {"turn": group.permutations[0], "mirror": group.permutations[1]})
    assert by_group.verdicts == {"rotation": "symmetry", "hflip": "broken"}
    assert list(by_rows.effects.values()) == list(by_group.effects.values()) == list(by_name.effects.values())
    assert by_name.named("symmetry") == ("turn",)
    assert by_name.state == by_group.state == "100000000000"


def test_color_images_of_any_shape() -> None:
    generator = np.random.default_rng(0)
    images = generator.normal(size=(400, 6, 9, 3)) + np.linspace(0, 2, 6)[:, None, None]
    mirror, upside_down = (np.arange(54).reshape(6, 9)[turn].ravel() for turn in (np.s_[:, ::-1], np.s_[::-1]))
    moves = {"mirror": mirror, "upside down": upside_down}
    found = discover(images, np.arange(400) % 2, moves, method="kernel", margin=0.1)
    assert found.verdicts["upside down"] == "broken"
    assert found.effects["mirror"] < 0.05
    assert found.state is None


def test_odd_sizes_leave_the_scrambles_out() -> None:
    images, labels = digits("c4")
    found = discover(images[:, 1:, 1:], labels)
    assert "scramble1" not in found.verdicts
    assert sum("odd size" in notice for notice in found.notices) == 7


def test_without_labels_the_images_are_tested_together() -> None:
    images, _ = digits("c4")
    found = discover(images)
    assert found.verdicts["rotation"] == "symmetry"
    assert "no labels" in found.notices[0]


def test_small_classes_are_left_out_and_named() -> None:
    images, labels = digits("c4")
    names = np.where(np.arange(len(labels)) < 5, "rare", labels.astype(str))
    found = discover(images, names)
    assert any("class rare is left out: it has 5 of the 20" in notice for notice in found.notices)


def test_what_the_kernel_does_not_see_is_not_called_a_symmetry() -> None:
    """White noise looks the same however its pixels are moved, to a kernel that compares pixels with pixels."""
    generator = np.random.default_rng(0)
    found = discover(generator.normal(size=(400, 8, 8)), np.arange(400) % 2, method="kernel")
    assert found.named("symmetry", "approximate") == ()
    assert any("blind" in notice for notice in found.notices)


def test_a_control_inside_the_group_is_left_out() -> None:
    """Images of independent pixels, asked for all permutations: a shuffle is one of them, and says nothing of power."""
    generator = np.random.default_rng(0)
    images = generator.normal(size=(2_000, 2, 3)) ** 2
    cycle, swap = np.roll(np.arange(6), 1), np.array([1, 0, 2, 3, 4, 5])
    found = discover(images, np.arange(2_000) % 2, {"cycle": cycle, "swap": swap}, margin=0.1)
    assert any("itself a product" in notice for notice in found.notices)
    assert found.named("symmetry") == ()


def test_power_grows_with_the_number_of_images() -> None:
    images, labels = digits("none")
    few, many = (discover(images, labels, "d4", limit=limit).control.share for limit in (300, None))
    assert 0 < many < few < 0.5
    assert discover(images, labels, "d4").to_json()["control"]["smallest_share_seen"] == many


def test_verdicts_that_contradict_a_group_are_named() -> None:
    found = discover(*digits("d4"), candidates="d4")
    verdicts = {**found.verdicts, "half turn": "broken"}
    doubtful = Discovery(**{**vars(found), "verdicts": verdicts})
    assert doubtful.contradictions == ("half turn",)
    assert found.contradictions == ()


def test_up_to_small_shifts_a_mirror_that_moves_the_center_is_a_symmetry() -> None:
    """A mirror of images that lie a pixel to the right: broken pixel by pixel, kept up to shifts of two pixels."""
    generator = np.random.default_rng(0)
    images = np.zeros((1_200, 16, 16))
    rows, columns = generator.integers(6, 9, 1_200), generator.integers(7, 10, 1_200)  # the center is 7.5
    for image, row, column in zip(images, rows, columns, strict=True):
        image[row - 1 : row + 2, column - 1 : column + 2] = 1
    labels = np.arange(1_200) % 2
    found = discover(images, labels, "d4", method="kernel")
    assert found.verdicts["left-right flip"] == "broken"
    shifted = discover(images, labels, "d4", method="kernel", jitter=8)
    assert shifted.effects["left-right flip"] < 0.3 * found.effects["left-right flip"]
    assert "cropped by 8 pixels" in shifted.notices[0]
    assert shifted.moves.shape == (8, 8)


def test_the_picture_shows_every_candidate_and_the_control() -> None:
    found = discover(*digits("c4"), candidates="d4")
    figure = found.plot()
    [axes] = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [*found.measured, "(shuffled pixels)"]
    assert figure._repr_png_().startswith(b"\x89PNG"), "Jupyter shows it without pyplot, too"  # type: ignore[attr-defined]


IMAGES = np.random.default_rng(0).normal(size=(60, 8, 8))
LABELS = np.arange(60) % 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"labels": np.arange(60)}, "No class has 20"),
        ({"labels": np.zeros(60)}, "one label"),
        ({"labels": LABELS[:50]}, "one label for each of 60"),
        ({"images": np.ones((60, 8, 8))}, "all images are equal"),
        ({"images": IMAGES[:, :, :6]}, "move square images"),
        ({"images": [np.ones((4, 4)), np.ones((5, 5))]}, "differ in size"),
        ({"images": IMAGES.astype(str)}, "Expected images as numbers"),
        ({"images": np.where(IMAGES > 2, np.nan, IMAGES)}, "finite"),
        ({"images": IMAGES[:, 0, 0]}, "Expected images as numbers"),
        ({"images": IMAGES[:0]}, "finite"),
        ({"candidates": np.arange(64)}, "moves nothing"),
        ({"candidates": np.arange(16)[::-1]}, "cannot act on the shape"),
        ({"candidates": {}}, "no candidate"),
        ({"candidates": "d5"}, "d4"),
        ({"candidates": Group(["hflip"], 6)}, "make them fit"),
        ({"clusters": np.arange(10)}, "one cluster for each of 60"),
        ({"clusters": np.zeros(60)}, "No class has 20"),
        ({"level": 1.5}, "between 0 and 1"),
        ({"margin": 0}, "between 0 and 1"),
        ({"limit": 0}, "at least 1 image"),
        ({"jitter": 8}, "from 0 to 7 pixels"),
        ({"jitter": -1}, "from 0 to 7 pixels"),
        ({"method": "guess"}, "auto, kernel, classifier"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_nothing_can_be_said_of_is_one_line(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises((GDatasetsError, UnknownNameError, InvalidArgumentError), match=says) as caught:
        discover(**{"images": IMAGES, "labels": LABELS, **arguments})
    assert "\n" not in str(caught.value)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["aenbench", "discover", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_the_command_tells_moves_group_and_time(run: Run, tmp_path: Path) -> None:
    code, out, err = run(
        "g-digits", "--config", "c4", "--json", tmp_path / "deep/found.json", "--out", tmp_path / "out"
    )
    assert (code, err) == (0, "")
    assert "Symmetries: rotation; a group of order 4, state 100000000000." in out
    saved = json.loads((tmp_path / "deep" / "found.json").read_text())
    group = {"symmetries": ["rotation"], "generators": ["rotation"], "order": 4, "closure": ["rotation"]}
    assert saved["group"] == {**group, "state": "100000000000", "sharing": {"free": 153_664, "weights": 614_656}}
    assert saved["commands"][1] == "aenbench run --baseline gcnn:c4 --dataset g-digits --config c4"
    assert saved["candidates"]["hflip"]["verdict"] == "broken"
    assert json.loads((tmp_path / "out/discovery.json").read_text()) == saved
    assert (tmp_path / "out/effects.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_command_writes_what_the_classifier_saw(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aenbench.discovery.classifier.STEPS", 40)
    arguments = ("g-digits", "--config", "c4", "--candidates", "d4", "--method", "classifier", "--out", tmp_path)
    code, out, err = run(*arguments)
    assert code == 0
    assert "Moves that the classifier does not tell apart: identity" in out
    assert "(exchanged halves)" in out
    assert "classifier: 40 of 40, loss" in err
    saved = json.loads((tmp_path / "discovery.json").read_text())
    assert sorted(saved["classifier"]["moves"]) == sorted(["identity", *saved["candidates"]])
    assert {each["method"] for each in saved["candidates"].values()} == {"classifier"}
    for name in ("effects.png", "confusion.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert run(*arguments, "--quiet")[2] == ""


def test_the_command_takes_permutations_from_a_file(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "own.npy", Group(["rotation", "vflip"], 28).permutations)
    code, out, _ = run("g-digits", "--config", "c4", "--candidates", tmp_path / "own.npy", "--images", 1000)
    assert code == 0
    assert "candidate 0" in out
    assert "a group of order 4" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("g-nothing",), "g-digits"),
        (("g-digits", "--candidates", "d5"), "d4"),
        (("g-digits", "--candidates", "missing.npy"), "missing.npy"),
        (("g-digits", "--level", "2"), "between 0 and 1"),
        (("g-digits", "--images", "0"), "at least 1"),
        (("g-digits", "--method", "guess"), "auto, kernel, classifier"),
    ],
)
def test_mistakes_of_the_command_are_one_line(run: Run, arguments: tuple[str, ...], says: str) -> None:
    code, _, err = run(*arguments)
    assert (code, err.count("\n")) == (2, 1)
    assert says in err
