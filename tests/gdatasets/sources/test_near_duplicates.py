"""Copies across splits are found however they were coded again; other images are not."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from gdatasets.cli.main import main
from gdatasets.errors import InvalidArgumentError
from gdatasets.sources.image_folder import FolderSource
from gdatasets.sources.near_duplicates import NEAR, describe, find_near_duplicates
from gdatasets.sources.source import Source, SourceArrays


def scenes(count: int, seed: int) -> NDArray[np.uint8]:
    """Smooth random pictures, uint8 (count, 32, 32, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(each).resize((32, 32), Image.Resampling.BICUBIC)) for each in coarse])


def coded_again(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    stream = io.BytesIO()
    Image.fromarray(image // 2 + 40).save(stream, "JPEG", quality=75)
    return np.asarray(Image.open(stream))


class Splits:
    """An image source of given arrays."""

    def __init__(self, **images: NDArray[np.uint8]) -> None:
        self.images = images
        self.image_shape = images["train"].shape[1:]
        counts = {split: len(array) for split, array in images.items()}
        self.about = Source("toy", "Toy", ("a", "b"), counts, "", "", "", self.image_shape)

    def digest(self) -> str:
        return "0" * 64

    def read(self, split: str, start: int, stop: int) -> SourceArrays:
        images = self.images[split][start:stop]
        return SourceArrays(images, np.arange(start, stop) % 2)


def test_copies_are_found_and_other_pictures_are_not() -> None:
    train, test = scenes(200, 0), scenes(40, 1)
    test[3], test[5], test[8] = train[70], coded_again(train[9]), coded_again(train[10])
    test[11] = np.full((32, 32, 3), 77, np.uint8)
    source = Splits(train=train, test=test)
    found = find_near_duplicates(source, ("test", 0, 40), ("train", 0, 200))
    assert (found.images, found.others, found.identical, found.near, found.flat) == (40, 200, 1, 2, 1)
    assert found.examples == ((5, 9), (8, 10))
    assert found.two_labels == 0  # 5 and 9 are both odd, 8 and 10 even
    nothing = find_near_duplicates(Splits(train=train, test=scenes(40, 1)), ("test", 0, 40), ("train", 0, 200))
    assert (nothing.identical, nothing.near) == (0, 0)


def test_two_labels_of_one_picture_are_counted() -> None:
    train, test = scenes(20, 0), scenes(4, 1)
    test[0] = coded_again(train[7])
    found = find_near_duplicates(Splits(train=train, test=test), ("test", 0, 4), ("train", 0, 20))
    assert (found.near, found.two_labels) == (1, 1)


def test_only_so_many_are_looked_for_and_pieces_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Splits(train=scenes(64, 0), test=scenes(64, 0))
    assert find_near_duplicates(source, ("test", 0, 64), ("train", 0, 64), most=10).images == 10
    whole = find_near_duplicates(source, ("test", 0, 64), ("train", 0, 64))
    monkeypatch.setattr("gdatasets.sources.near_duplicates._PIECE_BYTES", 7 * 32 * 32 * 3)
    assert find_near_duplicates(source, ("test", 0, 64), ("train", 0, 64)) == whole
    assert whole.identical == 64
    with pytest.raises(InvalidArgumentError, match="at least 1"):
        find_near_duplicates(source, ("test", 0, 64), ("train", 0, 64), most=0)


@pytest.mark.parametrize("size", [28, 32, 50, 62, 64, 96, 6])
def test_a_picture_is_like_itself_at_any_size(size: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, size, size), dtype=np.uint8)
    vectors = describe(images)
    assert np.allclose((vectors**2).sum(axis=1), 1, atol=1e-5)
    brighter = describe((images // 2 + 30).astype(np.uint8))
    assert ((vectors * brighter).sum(axis=1) > NEAR).all()
    assert abs(vectors[0] @ vectors[1]) < 0.7


def test_the_command_compares_test_and_validation_images(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gdatasets", "duplicates", "g-digits", "--most", "50"])
    with pytest.raises(SystemExit, match="0"):
        main()
    said = capsys.readouterr().out
    assert "test: of 50 images, 0 are among 1,137 training images" in said
    assert "validation (the end of train): of 50 images" in said


@pytest.mark.slow
def test_frames_of_a_recording_are_found_in_real_images(data_root: Path) -> None:
    signs, numbers = data_root / "asl-alphabet-14k.zip", data_root / "svhn-10k.zip"
    if not (signs.exists() and numbers.exists()):
        pytest.skip("no ASL photographs and house numbers in the data root")
    frames = find_near_duplicates(FolderSource(signs), ("test", 0, 2_900), ("train", 0, 11_600), 200)
    houses = find_near_duplicates(FolderSource(numbers), ("test", 0, 2_000), ("train", 0, 8_000), 200)
    assert frames.near >= 8
    assert houses.near <= 2
