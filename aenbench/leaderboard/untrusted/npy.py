"""Arrays in .npy files that are not trusted: plain numbers of an expected shape, or nothing.

Only what `numpy.save` writes today for an array in C order is read: format 1.0 and a header of one dictionary
(numpy.lib.format). The header is never evaluated, and no array is read before its shape has been compared.
"""

import io
import math
import re
import struct
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import EntryError
from aenbench.leaderboard.untrusted.text import printable

_MAGIC = b"\x93NUMPY"
_MAX_HEADER = 1_000
_PIECE = 1 << 20
_NUMBER = re.compile(r"[<>|=]?([iu][1248]|f[248])")
_SHAPE = r"\(((?:-?[0-9]{1,20}, ?)*(?:-?[0-9]{1,20})?)\)"
_HEADER = re.compile(rf"\{{'descr': '([^'\\]{{1,20}})', 'fortran_order': (True|False), 'shape': {_SHAPE}, \}} *\n?")


@dataclass(frozen=True)
class Header:
    """What a .npy file says it holds: numbers in C order."""

    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


def encode(array: NDArray[np.generic]) -> bytes:
    """An array as the bytes of a .npy file, without pickle."""
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()


def decode(content: bytes, dtype: type[np.generic], shape: tuple[int, ...], where: str) -> NDArray[np.generic]:
    """The array in a .npy file of exactly this dtype and shape.

    Raises:
        EntryError: it holds anything else; `where` names the file.
    """
    stream = io.BytesIO(content)
    header = read_header(stream, where)
    expected = Header(np.dtype(dtype), shape)
    if header != expected:
        raise EntryError(f"{where}: expected {expected}, got {printable(header)}.")
    return read_body(stream, header, where)


def read_header(stream: IO[bytes], where: str) -> Header:
    """The header at the start of a .npy file; the stream then stands where the numbers begin.

    Raises:
        EntryError: it is no .npy file of format 1.0, or holds objects, fields, text or an array in Fortran order.
    """
    start = stream.read(len(_MAGIC) + 4)
    if len(start) < len(_MAGIC) + 4 or not start.startswith(_MAGIC):
        raise EntryError(f"{where} is not a .npy file.")
    major, minor, length = struct.unpack("<BBH", start[len(_MAGIC) :])
    if (major, minor) != (1, 0) or length > _MAX_HEADER:
        raise EntryError(
            f"{where}: a .npy header of format {major}.{minor} with {length:,} bytes; expected format 1.0 with at most "
            f"{_MAX_HEADER:,}, as numpy.save writes it."
        )
    text = stream.read(length).decode("latin-1")
    match = _HEADER.fullmatch(text)
    if match is None:
        raise EntryError(f"{where}: its .npy header is not that of an array of numbers: {printable(text.strip(), 80)}")
    dtype = _number_type(match[1], where)
    shape = tuple(int(size) for size in match[3].split(",") if size.strip())
    if match[2] == "True":
        raise EntryError(f"{where} is in Fortran order; save it as numpy.ascontiguousarray(array).")
    if any(size < 0 for size in shape):
        raise EntryError(f"{where} has the impossible shape {printable(shape)}.")
    return Header(dtype, shape)


def _number_type(description: str, where: str) -> np.dtype[np.generic]:
    if "O" in description:
        raise EntryError(f"{where} holds pickled Python objects, which are never read; save an array of numbers.")
    if not _NUMBER.fullmatch(description):
        raise EntryError(f"{where} holds {printable(description)}; expected integers or floats of at most 64 bits.")
    return np.dtype(description)


def read_body(stream: IO[bytes], header: Header, where: str) -> NDArray[np.generic]:
    """The numbers after a header; not a byte more is taken from the stream than is needed to see that no more follow.

    Raises:
        EntryError: there are fewer or more than the header says.
    """
    size = header.bytes
    content = _read(stream, size + 1)
    if len(content) != size:
        found = f"more than {size:,}" if len(content) > size else f"{len(content):,}"
        raise EntryError(f"{where} holds {found} bytes of numbers; expected {size:,} for {printable(header)}.")
    return np.frombuffer(content, dtype=header.dtype).reshape(header.shape)


def _read(stream: IO[bytes], size: int) -> bytes:
    """At most so many bytes, in pieces: memory follows what is there, not what was announced."""
    pieces = []
    while size > 0 and (piece := stream.read(min(size, _PIECE))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
