"""Files that somebody else published: found in a root, compared with their digests, fetched whole."""

import hashlib
import tempfile
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

from gdatasets.errors import SourceError
from gdatasets.network import REACH_TIMEOUT_S, any_reachable, socket_timeout
from gdatasets.sources.source import PublishedFile


def holds(root: Path, files: Sequence[PublishedFile]) -> bool:
    """Whether all these files lie in a root (without reading them)."""
    return all((root / file.path).is_file() for file in files)


def check(root: Path, file: PublishedFile) -> None:
    """Compare a file with its published size and digest, as far as they are known.

    Raises:
        SourceError: it is missing, cannot be read, or is not the published file.
    """
    path = root / file.path
    if not path.is_file():
        raise SourceError(
            f"{path} is missing, although the files that belong with it exist; copy it there, or move them away."
        )
    try:
        size = path.stat().st_size
        if file.size not in (None, size):
            raise SourceError(
                f"{path} has {size:,} bytes, the published file {file.size:,}; delete it and fetch it again."
            )
        found = _digest(path, file)
    except SourceError:
        raise
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    if found != file.digest:
        kind = "SHA-256" if file.sha256 else "MD5"
        raise SourceError(
            f"{path} is not the published file ({kind} {found[:16]}..., expected {file.digest[:16]}...); "
            "delete it and fetch it again."
        )


def _digest(path: Path, file: PublishedFile) -> str:
    """The digest of a file, of the kind that was published for it; empty where none was."""
    with path.open("rb") as stream:
        if file.sha256:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() if file.md5 else ""


def fetch(files: Sequence[PublishedFile], root: Path) -> None:
    """Download files into a root, with torchvision; each appears there whole and checked, or not at all.

    Raises:
        SourceError: no server answered in time, the download failed, or what came is not the published file.
    """
    if not any_reachable(tuple(dict.fromkeys(url for file in files for url in file.urls))):
        raise SourceError(f"no server answered within {REACH_TIMEOUT_S:g} s")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as scratch, socket_timeout():
            for file in files:
                if not (Path(scratch) / file.path).exists():  # an archive may hold several
                    _download(file, Path(scratch))
            for file in files:
                check(Path(scratch), file)
            for file in files:
                (root / file.path).parent.mkdir(parents=True, exist_ok=True)
                (Path(scratch) / file.path).replace(root / file.path)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SourceError(f"fetching failed ({reason})") from error


def _download(file: PublishedFile, folder: Path) -> None:
    """Fetch a file, or the archive that holds it, from the first address that gives it."""
    from torchvision.datasets.utils import download_and_extract_archive, download_url  # takes seconds to import

    path = folder / file.path
    for number, url in enumerate(file.urls, 1):
        try:
            if not file.archive_md5:
                download_url(url, path.parent, path.name, file.md5 or None)
            elif url.endswith(".gz") and not url.endswith(".tar.gz"):
                download_and_extract_archive(url, path.parent, md5=file.archive_md5)
            else:
                download_and_extract_archive(url, folder, md5=file.archive_md5)
        except (OSError, RuntimeError, HTTPException):
            if number == len(file.urls):
                raise
        else:
            return
