"""Kuzushiji-MNIST and EMNIST: compressed IDX files.

The published MD5s are those of the compressed files, and torchvision compares nothing once it has unpacked them. So
the compressed files, which torchvision leaves beside the unpacked ones, are read; never more than the expected size.
"""

import gzip
import math
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import SourceError
from gdatasets.sources.download import PublishedFile
from gdatasets.sources.source import SourceArrays

_SIZE = 28


@dataclass(frozen=True)
class KmnistFiles:
    """`KMNIST/raw/train-images-idx3-ubyte.gz` and its three companions."""

    def files(self, split: str, /) -> tuple[PublishedFile, ...]:
        from torchvision.datasets import KMNIST

        stem = "train" if split == "train" else "t10k"
        return tuple(
            PublishedFile(f"KMNIST/raw/{name}", md5, KMNIST.mirrors[0] + name)
            for name, md5 in KMNIST.resources
            if name.startswith(stem)
        )

    def read(self, root: Path, split: str, count: int, /) -> SourceArrays:
        images, labels = (root / file.path for file in self.files(split))
        with images.open("rb") as image_stream, labels.open("rb") as label_stream:
            return SourceArrays(
                _read_idx(image_stream, (count, _SIZE, _SIZE), str(images)),
                _read_idx(label_stream, (count,), str(labels)).astype(np.int64),
            )


@dataclass(frozen=True)
class EmnistLetters:
    """The letters of `EMNIST/raw/gzip.zip`.

    The files hold each image column by column, a transposed letter when read as IDX says; here letters stand upright.
    Labels 1..26 of the files become 0..25.
    """

    def files(self, _split: str, /) -> tuple[PublishedFile, ...]:
        from torchvision.datasets import EMNIST

        return (PublishedFile("EMNIST/raw/gzip.zip", EMNIST.md5, EMNIST.url),)

    def read(self, root: Path, split: str, count: int, /) -> SourceArrays:
        path = root / self.files(split)[0].path
        stem = f"gzip/emnist-letters-{split}"
        try:
            with (
                zipfile.ZipFile(path) as archive,
                archive.open(f"{stem}-images-idx3-ubyte.gz") as images,
                archive.open(f"{stem}-labels-idx1-ubyte.gz") as labels,
            ):
                columns_first = _read_idx(images, (count, _SIZE, _SIZE), f"{path}: {stem}-images-idx3-ubyte.gz")
                numbers = _read_idx(labels, (count,), f"{path}: {stem}-labels-idx1-ubyte.gz")
        except (zipfile.BadZipFile, KeyError) as error:
            raise SourceError(f"{path} lacks the EMNIST letters ({error}); delete it and fetch it again.") from error
        return SourceArrays(columns_first.transpose(0, 2, 1), numbers.astype(np.int64) - 1)


def _read_idx(compressed: IO[bytes], shape: tuple[int, ...], where: str) -> NDArray[np.uint8]:
    """An IDX array of bytes that must have this shape."""
    header = struct.pack(f">{1 + len(shape)}i", 0x800 + len(shape), *shape)
    size = len(header) + math.prod(shape)
    try:
        content = gzip.GzipFile(fileobj=compressed).read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{where} cannot be unpacked ({error}); delete it and fetch it again.") from error
    if len(content) != size or not content.startswith(header):
        raise SourceError(
            f"{where} does not hold the expected {' x '.join(map(str, shape))} bytes in IDX format; "
            "delete it and fetch it again."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=len(header)).reshape(shape)
