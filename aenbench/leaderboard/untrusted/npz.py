"""One array from a .npz file that is not trusted.

A .npz is a zip, and a zip says many things of itself twice and differently. Believed here is only what is found while
inflating: the array's own header first, then exactly as many bytes as the expected shape takes, and the end.
"""

import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import EntryError
from aenbench.leaderboard.untrusted import npy
from aenbench.leaderboard.untrusted.files import open_bounded
from aenbench.leaderboard.untrusted.text import printable

MAX_NPZ_BYTES = 256 << 20
MAX_ARRAY_BYTES = 256 << 20  # inflated

_END = struct.Struct("<4s4H2LH")  # signature, disk, its start, entries here, entries, bytes and offset of them, comment
_ZIP64_LOCATOR_BYTES = 20
_MAX_DIRECTORY = 1_000


@dataclass(frozen=True)
class Expected:
    """What an array must be: `integers` or `floats`, of this shape."""

    numbers: str
    shape: tuple[int, ...]

    def fits(self, header: npy.Header) -> bool:
        return header.shape == self.shape and header.dtype.kind in {"integers": "iu", "floats": "f"}[self.numbers]

    def __str__(self) -> str:
        return f"{self.numbers} {self.shape}"


def read_npz(path: Path, expected: Mapping[str, Expected]) -> tuple[str, NDArray[np.generic]]:
    """The array of a file as `numpy.savez` or `numpy.savez_compressed` write it, and its name.

    Args:
        path: of the .npz file, which holds exactly one array.
        expected: the names that it may have, and what each of them must be.

    Raises:
        EntryError: it is anything else. No array is inflated before its type and shape have been compared.
    """
    where, names = printable(path, 1_000), " or ".join(expected)
    try:
        with open_bounded(path, MAX_NPZ_BYTES) as stream:
            _check_end(stream, where, names)
            with zipfile.ZipFile(stream) as archive:
                return _read_member(archive, where, expected)
    except EntryError:
        raise
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise EntryError(f"{where} is damaged ({printable(error)}).") from error


def _check_end(stream: BinaryIO, where: str, names: str) -> None:
    """That the zip ends as NumPy ends it, lists one array, and has a list that is small enough to read."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END.size - _ZIP64_LOCATOR_BYTES))
    tail = stream.read()
    signature, *_, entries, directory_bytes, _, _ = _END.unpack(tail[-_END.size :].rjust(_END.size, b"\0"))
    if signature != b"PK\x05\x06":
        raise EntryError(f"{where} is not a .npz file; write it with numpy.savez_compressed(path, predictions=array).")
    if entries != 1:
        raise EntryError(f"{where} holds {entries:,} arrays; expected one, named {names}.")
    if directory_bytes > _MAX_DIRECTORY or tail.startswith(b"PK\x06\x07"):
        raise EntryError(f"{where} is no .npz as NumPy writes it; write it with numpy.savez_compressed.")


def _read_member(
    archive: zipfile.ZipFile, where: str, expected: Mapping[str, Expected]
) -> tuple[str, NDArray[np.generic]]:
    members = archive.infolist()
    if len(members) != 1 or members[0].filename not in {f"{name}.npy" for name in expected}:
        found = printable(", ".join(member.filename for member in members))
        raise EntryError(f"{where} holds {found}; expected one array, named {' or '.join(expected)}.")
    [member] = members
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise EntryError(f"{where} is encrypted or packed in an unusual way; write it with numpy.savez_compressed.")
    name = member.filename.removesuffix(".npy")
    what = f"{where}: {name}"
    with archive.open(member) as opened:
        inflating = cast("BinaryIO", opened)
        header = npy.read_header(inflating, what)
        if not expected[name].fits(header):
            raise EntryError(f"{what}: expected {expected[name]}, got {printable(header)}.")
        if header.bytes > MAX_ARRAY_BYTES:
            raise EntryError(f"{what} takes {header.bytes:,} bytes; at most {MAX_ARRAY_BYTES:,} are read.")
        return name, npy.read_body(inflating, header, what)
