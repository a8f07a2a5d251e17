"""Files that a stranger may have written: opened without following links, read within bounds."""

import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from aenbench.errors import EntryError
from aenbench.leaderboard.untrusted.text import printable
from gdatasets.files import reading

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)  # Windows has none of these flags
_HAS_DESCRIPTORS = os.open in os.supports_dir_fd and NO_FOLLOW != 0

Place = int | Path
"""A folder that is open; its path where the system (Windows) opens no folders."""


def absolute(folder: Path) -> Path:
    """The path from the file system's root, in which symbolic links stay what they are."""
    return Path(os.path.abspath(folder))  # noqa: PTH100


def read_bounded(stream: BinaryIO, limit: int, where: str) -> bytes:
    """All of a file that must not have more bytes than this, even if it grows while it is read."""
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise EntryError(f"{where} is larger than {limit:,} bytes.")
    return content


def open_bounded(path: Path, limit: int) -> AbstractContextManager[BinaryIO]:
    """A file that the user named, open for reading: a plain one of no more than so many bytes.

    Raises:
        EntryError: it cannot be opened, is no plain file (such as a pipe, on which reading might wait for ever), or is
            too large.
    """
    return open_plain(str(path), limit, shown(path))


@contextmanager
def open_plain(path: str, limit: int, where: str, flags: int = 0, place: Place | None = None) -> Iterator[BinaryIO]:
    """Opened first, then looked at: what was looked at cannot be exchanged any more."""
    if isinstance(place, Path):
        path, place = str(place / path), None
        if Path(path).is_symlink():
            raise _is_link(where)
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(reading(path, limit, flags, place))
        except OSError as error:
            raise _unreadable(where, error) from error
        yield stream


@contextmanager
def open_folder(folder: Path) -> Iterator[Place]:
    """A descriptor of a folder that is no symbolic link."""
    if folder.is_symlink():
        raise _is_link(shown(folder))
    if not _HAS_DESCRIPTORS:
        if not folder.is_dir():
            raise EntryError(f"{shown(folder)} cannot be read (not a folder).")
        yield folder
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | NO_FOLLOW)
    except OSError as error:
        raise _unreadable(shown(folder), error) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def shown(folder: Path, name: str = "") -> str:
    return printable(folder / name, 1_000)


def _unreadable(where: str, error: OSError) -> EntryError:
    if error.errno == errno.ELOOP:
        return _is_link(where)
    if error.errno in (errno.EINVAL, errno.EFBIG):  # of `reading`, in its words
        return EntryError(f"{where} {error.strerror}.")
    return EntryError(f"{where} cannot be read ({error.strerror}).")


def _is_link(where: str) -> EntryError:
    return EntryError(f"{where} is a symbolic link; an entry is a folder of plain files.")
