"""Files that a stranger may have written: opened without following links, read within bounds."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from aenbench.errors import EntryError
from aenbench.leaderboard.untrusted.text import printable


def absolute(folder: Path) -> Path:
    """The path from the file system's root, in which symbolic links stay what they are."""
    return Path(os.path.abspath(folder))  # noqa: PTH100


def read_bounded(stream: BinaryIO, limit: int, where: str) -> bytes:
    """All of a file that must not have more bytes than this, even if it grows while it is read."""
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise _too_large(where, limit)
    return content


def open_bounded(path: Path, limit: int) -> AbstractContextManager[BinaryIO]:
    """A file that the user named, open for reading: a plain one of no more than so many bytes.

    Raises:
        EntryError: it cannot be opened, is no plain file (a pipe, say, on which reading might wait for ever), or is
            too large.
    """
    return open_plain(str(path), limit, shown(path))


@contextmanager
def open_plain(path: str, limit: int, where: str, flags: int = 0, directory: int | None = None) -> Iterator[BinaryIO]:
    """Opened first, then looked at: what was looked at cannot be exchanged any more."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | flags, dir_fd=directory)
    except OSError as error:
        raise _unreadable(where, error) from error
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise EntryError(f"{where} is not a plain file.")
        if about.st_size > limit:
            raise _too_large(where, limit)
        with open(descriptor, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


@contextmanager
def open_folder(folder: Path) -> Iterator[int]:
    """A descriptor of a folder that is no symbolic link."""
    if folder.is_symlink():
        raise EntryError(f"{shown(folder)} is a symbolic link; an entry is a folder of plain files.")
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
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
        return EntryError(f"{where} is a symbolic link; an entry is a folder of plain files.")
    return EntryError(f"{where} cannot be read ({error.strerror}).")


def _too_large(where: str, limit: int) -> EntryError:
    return EntryError(f"{where} is larger than {limit:,} bytes.")
