"""Images inside a published ZIP archive, decoded piece by piece; nothing is unpacked to disk."""

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import SourceError
from gdatasets.sources.source import SourceArrays

MAX_FILE_BYTES = 256 << 20
"""No image file has more."""
_MAX_MEMBERS = 1_000_000
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BLOCK = 1 << 20


@dataclass(frozen=True)
class ArchivedImages:
    """RGB images of an archive, in a stated order.

    Attributes:
        archive: the ZIP file.
        members: names in it.
        labels: int64 (members,), class numbers.
        size: every image must be a square of so many pixels a side, or is made one by `fit`.
        fit: cut out the central square and resize it (Pillow, bilinear), larger too; else other sizes are an error.
    """

    archive: zipfile.ZipFile
    members: Sequence[str]
    labels: NDArray[np.int64]
    size: int
    fit: bool = False

    def __len__(self) -> int:
        return len(self.members)

    def read(self, start: int, stop: int) -> SourceArrays:
        """Samples start..stop-1: uint8 (n, size, size, 3) and their labels.

        Raises:
            SourceError: an image cannot be decoded or has another size.
        """
        members = self.members[start:stop]
        images = np.empty((len(members), self.size, self.size, 3), dtype=np.uint8)
        for number, name in enumerate(members):
            images[number] = self._pixels(name)
        return SourceArrays(images, self.labels[start:stop])

    def _pixels(self, name: str) -> NDArray[np.uint8]:
        from PIL import Image  # takes long to import, and the catalog imports this module

        from gdatasets.sources.sized import shrink

        where = f"{self.archive.filename}: {name}"
        try:
            content = unpack_member(self.archive, name, where)
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "PPM")) as opened:
                if not self.fit and opened.size != (self.size, self.size):
                    raise SourceError(f"{where} is {opened.width}x{opened.height}, expected {self.size}x{self.size}.")
                image = opened.convert("RGB")
        except SourceError:
            raise
        except (OSError, SyntaxError, ValueError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise SourceError(f"{where} cannot be read as an image ({error}); fetch the archive again.") from error
        return np.asarray(shrink(image, self.size, where, enlarge=True))


def open_archive(path: Path) -> zipfile.ZipFile:
    """A ZIP file of at most a million members; raises SourceError."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceError(f"{path} is no readable .zip file ({error}); delete it and fetch it again.") from error
    if len(archive.infolist()) > _MAX_MEMBERS:
        raise SourceError(f"{path} has {len(archive.infolist()):,} members, at most {_MAX_MEMBERS:,} are read.")
    return archive


def unpack_member(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    """A member of an archive, of which no more is unpacked than it declares; raises SourceError."""
    info = archive.getinfo(name)
    if info.file_size > MAX_FILE_BYTES:
        raise SourceError(f"{where} has {info.file_size:,} bytes, at most {MAX_FILE_BYTES:,} are read.")
    if info.compress_type not in _COMPRESSIONS:
        raise SourceError(f"{where} is compressed in a way that is not read; use stored or deflated members.")
    content = bytearray()
    with archive.open(info) as stream:
        while block := stream.read(_BLOCK):  # never all at once: then zipfile would unpack it whole before it counts
            content += block
    return bytes(content)
