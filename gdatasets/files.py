"""Files that are read without waiting for anybody, appear whole or not at all, and their digests."""

import errno
import hashlib
import os
import platform
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from gdatasets.errors import BusyError, GDatasetsError, OutputError

_BLOCK = 1 << 20
_READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
_MAX_HOLDER_BYTES = 1_000
_LOCK_S = 0.5  # time enough to try again where the holder has just removed the folder


@contextmanager
def reading(
    path: str | os.PathLike[str], limit: int | None = None, flags: int = 0, folder: int | None = None
) -> Iterator[BinaryIO]:
    """A plain file to read, which somebody else may have put there; everything of this project is opened by this.

    It is opened first, then looked at, so that it cannot be exchanged in between. A pipe, a socket, a device or a
    folder is refused; reading one might wait for ever.

    Args:
        path: the file.
        limit: bytes that it may have.
        flags: more of `os.open`.
        folder: descriptor of the folder that `path` is relative to.

    Raises:
        OSError: it cannot be opened, is no plain file (`EINVAL`) or larger (`EFBIG`); `strerror` says which.
    """
    try:
        descriptor = os.open(path, _READ | flags, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket, or a pipe
            raise _not_plain(path) from error
        raise
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise _not_plain(path)
        if limit is not None and about.st_size > limit:
            raise _too_large(path, limit)
        with open(descriptor, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


def read_whole(path: str | os.PathLike[str], limit: int) -> bytes:
    """All of a plain file of no more than so many bytes, even if it grows meanwhile; raises as `reading` does."""
    with reading(path, limit) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise _too_large(path, limit)
    return content


def holds(path: Path, content: bytes) -> bool:
    """Whether a plain file with this content is there; of a larger one no more is read than that."""
    try:
        return read_whole(path, len(content)) == content
    except OSError:
        return False


def _not_plain(path: str | os.PathLike[str]) -> OSError:
    return OSError(errno.EINVAL, "is not a plain file", os.fspath(path))


def _too_large(path: str | os.PathLike[str], limit: int) -> OSError:
    return OSError(errno.EFBIG, f"is larger than {limit:,} bytes", os.fspath(path))


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


def output_error(path: Path, error: OSError) -> OSError:
    """What could not be written, and why, in one line; an error that says so itself, of a source say, as it is."""
    if isinstance(error, GDatasetsError):
        return error
    if isinstance(error, IsADirectoryError):
        return OutputError(
            f"{path} is a folder, but a file has to be written there; move it away or choose another place."
        )
    if isinstance(error, FileExistsError | NotADirectoryError):
        return OutputError(
            f"{path} cannot be made: a file stands where a folder belongs; move it away or choose another place."
        )
    return OutputError(
        f"{path} cannot be written ({error.strerror or error}); free space or choose another folder, then run the "
        "same command again: what is finished is kept."
    )


@contextmanager
def locked(folder: Path, work: Path | None = None, option: str = "--out") -> Iterator[None]:
    """Hold a folder, made where it is missing, for one process; the system lets go when the process ends, however.

    The holder may remove the folder.

    Args:
        folder: holds the lock, and says whose it is.
        work: what the holder works on, for the error; by default the folder around it.
        option: of the command that names another place to work in, for the error.

    Raises:
        BusyError: another process holds it; says which, where and since when, as far as it is known.
    """
    path, holder = folder / ".lock", folder / ".holder"
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
                f"Another process{_said(holder)} is at work on {work or folder.parent}; wait for it or choose another "
                f"{option}."
            ) from error
        except OSError as error:
            raise output_error(path, error) from error
    try:
        with suppress(OSError):  # the lock counts, not its label
            holder.unlink(missing_ok=True)
            with holder.open("x") as stream:  # made here: nothing is written through a link or into a pipe
                stream.write(f"number {os.getpid()} on {platform.node()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _said(holder: Path) -> str:
    """Who holds a lock, in brackets; nothing where it is not said."""
    try:
        said = read_whole(holder, _MAX_HOLDER_BYTES).decode().strip()
    except (OSError, ValueError):
        return ""
    return f" ({said})" if said else ""


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with reading(path) as stream:
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
