"""Files that appear whole or not at all, and their digests."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gdatasets.errors import BusyError, OutputError

_BLOCK = 1 << 20


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name only once it is complete and on disk; nothing is left behind on an error.

    Raises:
        OutputError: the folder is read-only or the disk is full.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        with suppress(OSError):
            beside.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Write a small file atomically."""
    with writing(path) as stream:
        stream.write(content)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; raises `OutputError` where that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error


def output_error(path: Path, error: OSError) -> OutputError:
    """What could not be written, and why, in one line."""
    if isinstance(error, OutputError):
        return error
    return OutputError(
        f"{path} cannot be written ({error.strerror or error}); free space or choose another folder, then run the "
        "same command again: what is finished is kept."
    )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, made where it is missing, for one process; the system lets go when the process ends, however.

    The holder may remove the folder. Raises `OutputError` while another process holds it.
    """
    path = folder / ".lock"
    while True:
        make_folder(folder)
        try:
            stream = path.open("ab")
        except FileNotFoundError:
            continue  # its holder removed the folder in between
        except OSError as error:
            raise output_error(path, error) from error
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same(path, stream):
                break
        except OSError as error:
            stream.close()
            raise BusyError(
                f"Another process is writing to {folder.parent}; wait for it or choose another --out."
            ) from error
        stream.close()
    with stream:
        yield


def _is_same(path: Path, stream: BinaryIO) -> bool:
    """Whether the open file still has this name; a holder may have removed it before the lock was taken."""
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    opened = os.fstat(stream.fileno())
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def matches(path: Path, size: int, sha256: str) -> bool:
    """Whether a plain file with this content is there."""
    return path.is_file() and path.stat().st_size == size and file_sha256(path) == sha256


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows opens no folders; NTFS journals renames itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
