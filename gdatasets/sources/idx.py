"""IDX files of images and labels: as they are, packed with gzip, or packed inside a ZIP archive.

What is unpacked or read is never more than the expected size.
"""

import gzip
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import SourceError
from gdatasets.sources.source import PublishedFile, SourceArrays


@dataclass(frozen=True)
class IdxFiles:
    """A file of images and one of labels for each split.

    Attributes:
        size: pixels along a side of an image.
        packed: the files are compressed with gzip.
        columns_first: the files hold each image column by column: a transposed image when read as IDX says.
        first_label: the lowest label in the files, which becomes 0.
        members: for each split the names of both files inside a ZIP archive, and the archive is the only file; by
            default the files lie in the root.
    """

    size: int = 28
    packed: bool = False
    columns_first: bool = False
    first_label: int = 0
    members: Mapping[str, tuple[str, str]] | None = None

    def read(self, root: Path, files: tuple[PublishedFile, ...], split: str, count: int, /) -> SourceArrays:
        with ExitStack() as stack:
            image_stream, label_stream = self._open(root, files, split, stack)
            images = self._array(image_stream, (count, self.size, self.size))
            labels = self._array(label_stream, (count,))
        return SourceArrays(
            images.transpose(0, 2, 1) if self.columns_first else images, labels.astype(np.int64) - self.first_label
        )

    def _open(
        self, root: Path, files: tuple[PublishedFile, ...], split: str, stack: ExitStack
    ) -> list[tuple[IO[bytes], str]]:
        """Both streams, each with its name for errors."""
        if self.members is None:
            return [(stack.enter_context((root / file.path).open("rb")), str(root / file.path)) for file in files]
        path, names = root / files[0].path, self.members[split]
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
            return [(stack.enter_context(archive.open(name)), f"{path}: {name}") for name in names]
        except (zipfile.BadZipFile, KeyError) as error:
            raise SourceError(f"{path} lacks {' or '.join(names)} ({error}); delete it and fetch it again.") from error

    def _array(self, opened: tuple[IO[bytes], str], shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """An IDX array of bytes that must have this shape."""
        stream, where = opened
        header = struct.pack(f">{1 + len(shape)}i", 0x800 + len(shape), *shape)
        size = len(header) + math.prod(shape)
        try:
            content = (gzip.GzipFile(fileobj=stream) if self.packed else stream).read(size + 1)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise SourceError(f"{where} cannot be unpacked ({error}); delete it and fetch it again.") from error
        if len(content) != size or not content.startswith(header):
            raise SourceError(
                f"{where} does not hold the expected {' x '.join(map(str, shape))} bytes in IDX format; "
                "delete it and fetch it again."
            )
        return np.frombuffer(content, dtype=np.uint8, offset=len(header)).reshape(shape)
