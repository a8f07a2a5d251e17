"""Files that appear whole or not at all, and their digests."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from gdatasets.errors import BusyError, OutputError

_BLOCK = 1 << 20
_LOCK_S = 0.5  # time enough to try again where the holder has just removed the folder


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
    lock = FileLock(path, timeout=_LOCK_S, fallback_to_soft=False)  # a soft lock would outlive a killed process
    while True:
        make_folder(folder)
        try:
            lock.acquire()
            break
        except FileNotFoundError:
            continue  # its holder removed the folder in between
        except Timeout as error:
            raise BusyError(
                f"Another process is writing to {folder.parent}; wait for it or choose another --out."
            ) from error
        except OSError as error:
            raise output_error(path, error) from error
    try:
        yield
    finally:
        lock.release()


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
