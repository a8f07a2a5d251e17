"""Kuzushiji-MNIST and EMNIST letters."""

import gzip
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision.datasets import EMNIST, KMNIST
from torchvision.datasets.utils import extract_archive

from gdatasets.errors import SourceError
from gdatasets.sources.named import NamedDataset
from gdatasets.sources.source import SourceArrays


def test_torchvision_reads_the_same_kmnist(publisher: Any) -> None:
    dataset = publisher.publish("kmnist")
    for path in (publisher.root / "KMNIST" / "raw").glob("*.gz"):
        extract_archive(path)
    for split in ("train", "test"):
        ours, theirs = dataset.load(split, publisher.root), KMNIST(publisher.root, train=split == "train")
        assert np.array_equal(ours.images, theirs.data.numpy())
        assert np.array_equal(ours.labels, theirs.targets.numpy())


def test_unpacked_files_which_have_no_published_digest_are_not_read(publisher: Any) -> None:
    dataset = publisher.publish("kmnist")
    for path in (publisher.root / "KMNIST" / "raw").glob("*.gz"):
        extract_archive(path)
        path.unlink()
    assert len(KMNIST(publisher.root).data) == 10  # torchvision takes them unseen
    with pytest.raises(SourceError, match=r"train-images-idx3-ubyte\.gz"):
        dataset.load("train", publisher.root, download=False)


def test_letters_stand_upright(publisher: Any) -> None:
    letter = np.zeros((28, 28), dtype=np.uint8)
    letter[4:24, 8] = letter[23, 8:20] = 255  # an L: a stroke down, then one to the right
    contents = publisher.contents("emnist-letters")
    contents["test"] = SourceArrays(np.stack([letter] * 4), np.full(4, 11))
    dataset = publisher.publish("emnist-letters", contents)
    images, labels = dataset.load("test", publisher.root)
    assert [dataset.classes[label] for label in labels] == ["l"] * 4
    assert np.array_equal(images[0], letter)
    assert not np.array_equal(letter, letter.T)


def test_torchvision_gives_the_letters_transposed_and_counts_from_one(publisher: Any) -> None:
    dataset = publisher.publish("emnist-letters")
    raw = publisher.root / "EMNIST" / "raw"
    extract_archive(raw / "gzip.zip", raw)
    for path in (raw / "gzip").glob("*.gz"):
        extract_archive(path, raw)
    ours, theirs = dataset.load("test", publisher.root), EMNIST(publisher.root, "letters", train=False)
    assert np.array_equal(ours.images, theirs.data.numpy().transpose(0, 2, 1))
    assert not np.array_equal(ours.images, theirs.data.numpy())
    assert np.array_equal(ours.labels, theirs.targets.numpy() - 1)


def test_no_more_than_the_expected_size_is_unpacked(publisher: Any) -> None:
    publisher.publish("kmnist")
    path = publisher.first_file("kmnist")
    path.write_bytes(gzip.compress(bytes(200 << 20), compresslevel=1))
    dataset = publisher.pin("kmnist")
    assert unpacked_at_most(dataset, publisher.root, path.name) < 64 << 10


def test_no_more_than_the_expected_size_is_unpacked_from_the_archive(publisher: Any) -> None:
    publisher.publish("emnist-letters")
    path = publisher.first_file("emnist-letters")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in ("images-idx3", "labels-idx1"):
            content = gzip.compress(bytes(50 << 20), compresslevel=1)
            archive.writestr(f"gzip/emnist-letters-train-{part}-ubyte.gz", content)
    dataset = publisher.pin("emnist-letters")
    assert unpacked_at_most(dataset, publisher.root, "emnist-letters-train-images-idx3-ubyte.gz") < 64 << 10


def unpacked_at_most(dataset: NamedDataset, root: Path | None, name: str) -> int:
    """The most bytes asked of any compressed stream while the training split is refused."""
    asked = []
    read = gzip.GzipFile.read

    def counted(stream, size=-1):
        asked.append(size)
        return read(stream, size)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gzip.GzipFile, "read", counted)
        with pytest.raises(SourceError, match=f"{name} does not hold"):
            dataset.load("train", root)
    assert min(asked) > 0
    return max(asked)


OTHER_SHAPE = gzip.compress(struct.pack(">4i", 0x803, 10, 14, 56) + bytes(7840))
NO_IMAGES = {
    "another shape": OTHER_SHAPE,
    "too short": gzip.compress(b"short"),
    "cut off": OTHER_SHAPE[:-9],
    "no gzip": b"no gzip at all",
}


@pytest.mark.parametrize("content", NO_IMAGES.values(), ids=list(NO_IMAGES))  # gzip writes the time: no name of a test
def test_a_pinned_file_that_is_no_images_is_refused(publisher: Any, content: bytes) -> None:
    publisher.publish("kmnist")
    path = publisher.first_file("kmnist")
    path.write_bytes(content)
    dataset = publisher.pin("kmnist")
    with pytest.raises(SourceError) as caught:
        dataset.load("train", publisher.root)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_without_the_letters_is_refused(publisher: Any) -> None:
    publisher.publish("emnist-letters")
    path = publisher.first_file("emnist-letters")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("gzip/emnist-digits-train-images-idx3-ubyte.gz", b"")
    dataset = publisher.pin("emnist-letters")
    with pytest.raises(SourceError, match="lacks the EMNIST letters"):
        dataset.load("train", publisher.root)
