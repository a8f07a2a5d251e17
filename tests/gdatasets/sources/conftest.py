"""Small files in each publisher's own format, and the datasets pinned to them instead of to the real ones."""

import gzip
import hashlib
import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray
from torchvision.datasets import CIFAR10, SVHN

from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.source import Edition, PublishedFile, Source, SourceArrays

SAMPLES = {"train": 10, "test": 4}
Contents = dict[str, SourceArrays]


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def idx(array: NDArray[np.integer]) -> bytes:
    """The IDX format: 0, 0, type 8 (bytes), number of axes, big-endian sizes, contents."""
    sizes = struct.pack(f">{array.ndim}i", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def write_cifar(root: Path, contents: Contents) -> None:
    folder = root / "cifar-10-batches-py"
    folder.mkdir(exist_ok=True)
    images, labels = contents["train"]
    cuts = [0, 2, 4, 6, 8, len(images)]
    parts = {f"data_batch_{number + 1}": slice(*cuts[number : number + 2]) for number in range(5)}
    for name, (pixels, numbers) in {
        **{name: (images[part], labels[part]) for name, part in parts.items()},
        "test_batch": contents["test"],
    }.items():
        planes = pixels.transpose(0, 3, 1, 2).reshape(len(pixels), -1)
        (folder / name).write_bytes(pickle.dumps({"data": planes, "labels": numbers.tolist()}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list(SOURCES["cifar10"].classes)}))


def write_svhn(root: Path, contents: Contents) -> None:
    for split, (images, labels) in contents.items():
        digits = np.where(labels == 0, 10, labels).astype(np.uint8)[:, None]
        scipy.io.savemat(root / f"{split}_32x32.mat", {"X": images.transpose(1, 2, 3, 0), "y": digits})


def write_idx(root: Path, contents: Contents, name: str, packed: bool) -> None:
    folder = root / name / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    for split, (images, labels) in contents.items():
        stem = "train" if split == "train" else "t10k"
        for array, part in ((images, "images-idx3-ubyte"), (labels, "labels-idx1-ubyte")):
            content = gzip.compress(idx(array)) if packed else idx(array)
            (folder / f"{stem}-{part}{'.gz' if packed else ''}").write_bytes(content)


def write_emnist(root: Path, contents: Contents) -> None:
    folder = root / "EMNIST" / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "gzip.zip", "w") as archive:
        for split, (images, labels) in contents.items():
            stem = f"gzip/emnist-letters-{split}"
            archive.writestr(f"{stem}-images-idx3-ubyte.gz", gzip.compress(idx(images.transpose(0, 2, 1))))
            archive.writestr(f"{stem}-labels-idx1-ubyte.gz", gzip.compress(idx(labels + 1)))


def write_unpacked_emnist(root: Path, contents: Contents) -> None:
    folder = root / "EMNIST" / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    for split, (images, labels) in contents.items():
        (folder / f"emnist-letters-{split}-images-idx3-ubyte").write_bytes(idx(images.transpose(0, 2, 1)))
        (folder / f"emnist-letters-{split}-labels-idx1-ubyte").write_bytes(idx(labels + 1))


def write_rotmnist(root: Path, contents: Contents) -> None:
    with zipfile.ZipFile(root / "mnist_rotation_new.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for split, (images, labels) in contents.items():
            table = np.column_stack([images.reshape(len(images), -1) / 255, labels[: len(images)]])
            text = io.StringIO()
            np.savetxt(text, table, fmt="%.8g")
            name = "train_valid" if split == "train" else "test"
            archive.writestr(f"mnist_all_rotation_normalized_float_{name}.amat", text.getvalue())


def write_asl(root: Path, contents: Contents) -> None:
    header = ",".join(["label", *(f"pixel{number}" for number in range(1, 785))])
    for split, (images, labels) in contents.items():
        letters = labels + (labels >= 9)
        table = np.column_stack([letters[: len(images)], images.reshape(len(images), -1)])
        np.savetxt(root / f"sign_mnist_{split}.csv", table, fmt="%d", delimiter=",", header=header, comments="")


WRITERS: dict[str, Callable[[Path, Contents], None]] = {
    "mnist": partial(write_idx, name="MNIST", packed=False),
    "fashion-mnist": partial(write_idx, name="FashionMNIST", packed=False),
    "cifar10": write_cifar,
    "svhn": write_svhn,
    "kmnist": partial(write_idx, name="KMNIST", packed=True),
    "emnist-letters": write_emnist,
    "rotmnist": write_rotmnist,
    "asl": write_asl,
}

FIRST_FILES = {
    "mnist": "MNIST/raw/train-images-idx3-ubyte",
    "fashion-mnist": "FashionMNIST/raw/train-images-idx3-ubyte",
    "cifar10": "cifar-10-batches-py/data_batch_1",
    "svhn": "train_32x32.mat",
    "kmnist": "KMNIST/raw/train-images-idx3-ubyte.gz",
    "emnist-letters": "EMNIST/raw/gzip.zip",
    "rotmnist": "mnist_rotation_new.zip",
    "asl": "sign_mnist_train.csv",
}


@dataclass
class Publisher:
    """Publishes small datasets in a folder, and pins the package to their digests."""

    root: Path
    monkeypatch: pytest.MonkeyPatch

    def contents(self, name: str) -> Contents:
        """Random images and every label that fits."""
        about = SOURCES[name]
        generator = np.random.default_rng(0)
        return {
            split: SourceArrays(
                generator.integers(0, 256, (count, *about.image_shape), dtype=np.uint8),
                np.linspace(0, len(about.classes) - 1, count).round().astype(np.int64),
            )
            for split, count in SAMPLES.items()
        }

    def publish(self, name: str, contents: Contents | None = None) -> Source:
        WRITERS[name](self.root, contents or self.contents(name))
        return self.pin(name)

    def pin(self, name: str, **changes: object) -> Source:
        """Take the files as they are now for the published ones, of all sources with this name in this process."""
        source = SOURCES[name]
        editions = tuple(
            Edition({split: tuple(map(self._pinned, files)) for split, files in each.files.items()}, each.reader)
            for each in source.editions
        )
        if name == "cifar10":  # torchvision compares once more
            folder = self.root / CIFAR10.base_folder
            for batches in ("train_list", "test_list"):
                pinned = [[file, md5(folder / file)] for file, _ in getattr(CIFAR10, batches)]
                self.monkeypatch.setattr(CIFAR10, batches, pinned)
            self.monkeypatch.setitem(CIFAR10.meta, "md5", md5(folder / "batches.meta"))
        elif name == "svhn":
            for split in SAMPLES:
                url, file, _ = SVHN.split_list[split]
                self.monkeypatch.setitem(SVHN.split_list, split, [url, file, md5(self.root / file)])
        return self.replace(name, samples=SAMPLES, editions=editions, **changes)

    def unpack_letters(self, contents: Contents) -> Source:
        """Publish the letters as unpacked files too."""
        write_unpacked_emnist(self.root, contents)
        return self.pin("emnist-letters")

    def replace(self, name: str, **changes: Any) -> Source:
        """Have another source in the place of one of the package."""
        source = replace(SOURCES[name], **changes)
        self.monkeypatch.setitem(SOURCES._values, name, source)
        return source

    def serve(self, name: str, **changes: Any) -> Source:
        """Have every file of a source somewhere else: other `urls`, given the file, or `archive_md5`."""
        editions = tuple(
            Edition(
                {
                    split: tuple(replace(file, **{key: of(file) for key, of in changes.items()}) for file in files)
                    for split, files in each.files.items()
                },
                each.reader,
            )
            for each in SOURCES[name].editions
        )
        return self.replace(name, editions=editions)

    def _pinned(self, file: PublishedFile) -> PublishedFile:
        path = self.root / file.path
        if not path.is_file():
            return file
        content = path.read_bytes()
        return replace(
            file,
            sha256=hashlib.sha256(content).hexdigest() if file.sha256 else "",
            md5=md5(path) if file.md5 else "",
            size=len(content) if file.size is not None else None,
        )

    @staticmethod
    def md5(path: Path) -> str:
        return md5(path)

    def first_file(self, name: str) -> Path:
        return self.root / FIRST_FILES[name]


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    monkeypatch.delenv("GDATASETS_ROOT", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "root").mkdir()
    return Publisher(tmp_path / "root", monkeypatch)
