"""Smaller images of a source: made from its pixels, a dataset of another name, never enlarged."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gdatasets.cli.main import main
from gdatasets.errors import InvalidArgumentError
from gdatasets.folder.manifest import read_manifest
from gdatasets.sources.image_folder import FolderSource
from gdatasets.sources.published import PublishedSource
from gdatasets.sources.sized import SizedSource, at_size, shrink

DIGITS = PublishedSource("digits")


def call(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and everything that was said."""
    monkeypatch.setattr("sys.argv", ["gdatasets", *words])
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four images of 20x24, two classes, in both splits."""
    for number, name in enumerate(("train/cat/1", "train/dog/1", "test/cat/1", "test/dog/1")):
        path = tmp_path / "photos" / f"{name}.png"
        path.parent.mkdir(parents=True)
        pixels = np.random.default_rng(number).integers(0, 256, (24, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return tmp_path / "photos"


def test_shrinking_is_pillows_and_keeps_means() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8))
    half = np.asarray(shrink(image, 32, "it"))
    assert np.array_equal(half, np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR)))
    assert abs(half.mean() - np.asarray(image).mean()) < 1
    assert np.array_equal(np.asarray(shrink(image, 64, "it")), np.asarray(image))


def test_a_smaller_source_has_the_same_labels_and_another_digest() -> None:
    small = SizedSource(DIGITS, 14)
    images, labels = small.read("train", 3, 7)
    whole = DIGITS.read("train", 3, 7)
    assert images.shape == (4, 14, 14)
    assert np.array_equal(labels, whole.labels)
    expected = Image.fromarray(whole.images[2]).resize((14, 14), Image.Resampling.BILINEAR)
    assert np.array_equal(images[2], np.asarray(expected))
    assert len({small.digest(), SizedSource(DIGITS, 16).digest(), DIGITS.digest()}) == 3
    assert at_size(DIGITS, 28) is DIGITS
    assert at_size(DIGITS, None) is DIGITS


@pytest.mark.parametrize(("size", "says"), [(56, "never enlarged. Use --size 28"), (15, "an even --size"), (0, "even")])
def test_no_source_is_enlarged(size: int, says: str) -> None:
    with pytest.raises(InvalidArgumentError, match=says):
        at_size(DIGITS, size)


def test_own_images_are_not_enlarged_unless_asked(photos: Path) -> None:
    assert FolderSource(photos, 20).read("train", 0, 2).images.shape == (2, 20, 20, 3)
    with pytest.raises(InvalidArgumentError, match=r"train/cat/1\.png is 20x24, smaller than --size 22.*--size 20"):
        FolderSource(photos, 22).read("train", 0, 2)
    assert FolderSource(photos, 22, enlarge=True).read("train", 0, 2).images.shape == (2, 22, 22, 3)


def test_a_named_dataset_is_built_smaller_and_rebuilt_from_its_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["build", "g-digits", "d4", "--size", "14", "--out", str(out), "--quiet"]
    assert call(words, monkeypatch, capsys) == (0, "")
    manifest = read_manifest(out)
    assert (manifest.dataset, manifest.shape) == ("g-digits-14", (14, 14))
    code, said = call(["verify", str(out), "--rebuild", "--quiet"], monkeypatch, capsys)
    assert (code, "1,797 samples" in said) == (0, True), said
    again = ["build", "small", "d4", "--source", "digits", "--size", "14", "--out", str(tmp_path / "b"), "--quiet"]
    assert call(again, monkeypatch, capsys) == (0, "")
    assert read_manifest(tmp_path / "b").source.sha256 == manifest.source.sha256
    for size in ("28", "64"):
        code, said = call([*words[:4], size, "--out", str(tmp_path / size), "--quiet"], monkeypatch, capsys)
        assert (code, (tmp_path / size).exists()) == ((0, True) if size == "28" else (2, False)), said
    assert read_manifest(tmp_path / "28").dataset == "g-digits"


@pytest.mark.parametrize("name", ["g-digits", "digits", "cifar10"])
def test_own_images_are_not_offered_as_a_published_dataset(
    name: str, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = photos.parent / "out"
    words = ["build", name, "d4", "--source", str(photos), "--size", "20", "--out", str(out), "--quiet"]
    code, said = call(words, monkeypatch, capsys)
    assert code == 2
    assert f"(4 images) is not the published {name}" in said
    own = f"{name.removeprefix('g-')}-4"
    assert f"such as {own}." in said
    assert not out.exists()
    assert call(["build", own, *words[2:]], monkeypatch, capsys) == (0, "")
