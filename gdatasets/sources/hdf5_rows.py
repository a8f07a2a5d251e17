"""Images and labels in HDF5 files, read by h5py in blocks of rows."""

import gzip
import tempfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import SourceError
from gdatasets.sources.source import SourceArrays, cache_folder
from gdatasets.sources.splits import Order

_BLOCK_BYTES = 32 << 20
_COPY_BYTES = 1 << 20
_OVERHEAD = 64 << 20


@dataclass(frozen=True)
class Hdf5File:
    """An opened HDF5 file.

    Attributes:
        file: what h5py opened.
        where: names it in errors.
        content: the temporary file that it is in, if it is.
    """

    file: Any
    where: str
    content: IO[bytes] | None = None

    def images(self, name: str, shape: tuple[int, ...]) -> Any:
        """The dataset of that name, uint8 (n, *shape), not yet read; raises SourceError."""
        if name not in self.file or tuple(self.file[name].shape[1:]) != shape or self.file[name].dtype != np.uint8:
            expected = " x ".join(map(str, ("n", *shape)))
            raise SourceError(f'{self.where} has no "{name}" of {expected} bytes; delete it and fetch it again.')
        return self.file[name]

    def labels(self, name: str, most: int) -> NDArray[np.int64]:
        """The dataset of that name, at most so many integers along its first axis: int64 (n,); raises SourceError."""
        found = self.file.get(name)
        if found is None or found.dtype.kind not in "iu" or not 0 <= found.size == found.shape[0] <= most:
            raise SourceError(f'{self.where} has no "{name}" of at most {most:,} integers; fetch it again.')
        return np.asarray(found[:], dtype=np.int64).reshape(-1)

    def close(self) -> None:
        """Close the file; a temporary one is gone then."""
        self.file.close()
        if self.content is not None:
            self.content.close()


def open_hdf5(path: Path, content: IO[bytes] | None = None) -> Hdf5File:
    """Open an HDF5 file, or its unpacked content.

    Raises:
        SourceError: h5py is not installed, or the file is none.
    """
    try:
        import h5py  # in the extra `hdf5`
    except ImportError as error:
        raise SourceError(f"{path} is read by h5py; install it: pip install 'aenbench[hdf5]'.") from error
    try:
        return Hdf5File(h5py.File(content or path, "r"), str(path), content)
    except (OSError, ValueError, RuntimeError) as error:
        if content is not None:
            content.close()
        raise SourceError(f"{path} is no readable HDF5 file ({error}); delete it and fetch it again.") from error


def unpacked(path: Path, most: int) -> IO[bytes]:
    """The content of a gzip file in a temporary file of the cache, which is gone when it is closed.

    Args:
        path: the packed file, compared with its digest before.
        most: bytes of the values in it; 64 MiB more are unpacked at most.

    Raises:
        SourceError: it is no gzip file, is larger, or the disk is full.
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        content = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        try:
            with gzip.open(path) as packed:
                while block := packed.read(_COPY_BYTES):
                    if content.tell() + len(block) > most + _OVERHEAD:
                        raise SourceError(f"{path} unpacks to more than {most + _OVERHEAD:,} bytes; fetch it again.")
                    content.write(block)
        except SourceError:
            raise
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(f"{path} cannot be unpacked into {folder} ({error}).") from error
        content.seek(0)
        stack.pop_all()  # open until the split that reads it is gone
    return content


@dataclass
class Rows:
    """Consecutive images of one file; the block that was read last is kept.

    Attributes:
        images: uint8 (n, height, width, 3), sliced by rows.
        labels: int64 (n,).
    """

    images: Any
    labels: NDArray[np.int64]
    _block: tuple[int, NDArray[np.uint8]] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, start: int, stop: int) -> SourceArrays:
        length = block_length(self.images.shape)
        parts = [np.empty((0, *self.images.shape[1:]), dtype=np.uint8)]
        for first in range(start - start % length, stop, length):
            if self._block is None or self._block[0] != first:
                self._block = first, np.asarray(self.images[first : min(first + length, len(self))])
            parts.append(self._block[1][max(0, start - first) : stop - first])
        return SourceArrays(np.concatenate(parts), self.labels[start:stop])


@dataclass(frozen=True)
class Joined:
    """Splits one after another."""

    parts: tuple[Rows, ...]

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def read(self, start: int, stop: int) -> SourceArrays:
        pieces, before = [], 0
        for part in self.parts:
            pieces.append(part.read(max(0, start - before), max(0, min(len(part), stop - before))))
            before += len(part)
        return SourceArrays(*(np.concatenate(column) for column in zip(*pieces, strict=True)))


def reordered(images: Any, labels: NDArray[np.int64], order: Order) -> Rows:
    """Some images of a file in another order, copied block by block into a temporary file of the cache.

    A compressed file is read fast only from its beginning to its end.

    Args:
        images: uint8 (n, height, width, 3), sliced by rows.
        labels: int64 (n,).
        order: the images that are wanted, int64 (m,).
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as content:
        copy = np.memmap(content, dtype=np.uint8, mode="w+", shape=(len(order), *images.shape[1:]))
    places = np.full(len(labels), -1, dtype=np.int64)
    places[order] = np.arange(len(order))
    length = block_length(images.shape)
    for first in range(0, len(labels), length):
        wanted = places[first : first + length]
        copy[wanted[wanted >= 0]] = np.asarray(images[first : first + length])[wanted >= 0]
    return Rows(copy, labels[order])


def block_length(shape: tuple[int, ...]) -> int:
    """Images in a block of at most 32 MiB."""
    return max(1, _BLOCK_BYTES // int(np.prod(shape[1:])))
