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
from gdatasets.sources.published import load_source, source_is_local
from gdatasets.sources.source import Source, SourceArrays


def test_torchvision_reads_the_same_kmnist(publisher: Any) -> None:
    dataset = publisher.publish("kmnist")
    for path in (publisher.root / "KMNIST" / "raw").glob("*.gz"):
        extract_archive(path)
    for split in ("train", "test"):
        ours, theirs = load_source(dataset.name, split, publisher.root), KMNIST(publisher.root, train=split == "train")
        assert np.array_equal(ours.images, theirs.data.numpy())
        assert np.array_equal(ours.labels, theirs.targets.numpy())


def test_unpacked_files_which_have_no_published_digest_are_not_read(publisher: Any) -> None:
    dataset = publisher.publish("kmnist")
    for path in (publisher.root / "KMNIST" / "raw").glob("*.gz"):
        extract_archive(path)
        path.unlink()
    assert len(KMNIST(publisher.root).data) == 10  # torchvision takes them unseen
    with pytest.raises(SourceError, match=r"train-images-idx3-ubyte\.gz"):
        load_source(dataset.name, "train", publisher.root, download=False)


def test_letters_stand_upright(publisher: Any) -> None:
    letter = np.zeros((28, 28), dtype=np.uint8)
    letter[4:24, 8] = letter[23, 8:20] = 255  # an L: a stroke down, then one to the right
    contents = publisher.contents("emnist-letters")
    contents["test"] = SourceArrays(np.stack([letter] * 4), np.full(4, 11))
    dataset = publisher.publish("emnist-letters", contents)
    images, labels = load_source(dataset.name, "test", publisher.root)
    assert [dataset.classes[label] for label in labels] == ["l"] * 4
    assert np.array_equal(images[0], letter)
    assert not np.array_equal(letter, letter.T)


def test_torchvision_gives_the_letters_transposed_and_counts_from_one(publisher: Any) -> None:
    dataset = publisher.publish("emnist-letters")
    packed = load_source(dataset.name, "test", publisher.root)
    raw = publisher.root / "EMNIST" / "raw"
    extract_archive(raw / "gzip.zip", raw)
    for path in (raw / "gzip").glob("*.gz"):
        extract_archive(path, raw)
    publisher.pin("emnist-letters")
    ours, theirs = load_source(dataset.name, "test", publisher.root), EMNIST(publisher.root, "letters", train=False)
    assert np.array_equal(ours.images, theirs.data.numpy().transpose(0, 2, 1))
    assert not np.array_equal(ours.images, theirs.data.numpy())
    assert np.array_equal(ours.images, packed.images)
    assert np.array_equal(ours.labels, theirs.targets.numpy() - 1)


def test_unpacked_letters_are_the_packed_ones(publisher: Any) -> None:
    contents = publisher.contents("emnist-letters")
    name = publisher.publish("emnist-letters", contents).name
    packed = {split: load_source(name, split, publisher.root) for split in contents}
    (publisher.root / "EMNIST/raw/gzip.zip").unlink()
    assert not source_is_local(name, publisher.root)
    publisher.unpack_letters(contents)
    assert source_is_local(name, publisher.root)
    for split in contents:
        unpacked = load_source(name, split, publisher.root, download=False)
        assert np.array_equal(unpacked.images, packed[split].images)
        assert np.array_equal(unpacked.labels, packed[split].labels)
        assert not np.array_equal(unpacked.images, packed[split].images.transpose(0, 2, 1))


def test_half_of_the_unpacked_letters_does_not_hide_the_archive(publisher: Any) -> None:
    contents = publisher.contents("emnist-letters")
    name = publisher.publish("emnist-letters", contents).name
    half = publisher.root / "EMNIST/raw/emnist-letters-train-images-idx3-ubyte"
    half.write_bytes(b"half")
    assert len(load_source(name, "train", publisher.root, download=False).labels) == 10
    (publisher.root / "EMNIST/raw/gzip.zip").unlink()
    with pytest.raises(SourceError, match=r"has 4 bytes|is missing, although the files"):
        load_source(name, "train", publisher.root, download=False)


def test_the_real_letters_are_found_and_upright(data_root: Path) -> None:
    if not source_is_local("emnist-letters", data_root):
        pytest.skip("no real EMNIST letters in the data root")
    images, labels = load_source("emnist-letters", "test", data_root, download=False)
    assert np.bincount(labels).tolist() == [800] * 26
    means = np.stack([images[labels == label].mean(axis=0) for label in range(26)])
    letter_l, letter_t = means[11], means[19]
    assert letter_l.sum(axis=0).max() > 1.5 * letter_l.sum(axis=1).max()  # a stroke down in one column
    assert letter_t[4:12].sum() > 1.5 * letter_t[16:24].sum()  # the bar on top


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


def unpacked_at_most(dataset: Source, root: Path | None, name: str) -> int:
    """The most bytes asked of any compressed stream while the training split is refused."""
    asked = []
    read = gzip.GzipFile.read

    def counted(stream, size=-1):
        asked.append(size)
        return read(stream, size)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gzip.GzipFile, "read", counted)
        with pytest.raises(SourceError, match=f"{name} does not hold"):
            load_source(dataset.name, "train", root)
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
        load_source(dataset.name, "train", publisher.root)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_without_the_letters_is_refused(publisher: Any) -> None:
    publisher.publish("emnist-letters")
    path = publisher.first_file("emnist-letters")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("gzip/emnist-digits-train-images-idx3-ubyte.gz", b"")
    dataset = publisher.pin("emnist-letters")
    with pytest.raises(SourceError, match="lacks gzip/emnist-letters-train-images-idx3"):
        load_source(dataset.name, "train", publisher.root)
