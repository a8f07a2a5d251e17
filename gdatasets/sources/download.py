"""Files that somebody else published: found in a root, compared with their MD5, fetched whole."""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from io import BufferedReader
from pathlib import Path

from gdatasets.errors import SourceError
from gdatasets.network import REACH_TIMEOUT_S, any_reachable, socket_timeout


@dataclass(frozen=True)
class PublishedFile:
    """A file as its publisher made it.

    Attributes:
        path: where it lies in a torchvision-style root.
        md5: hexadecimal; empty where none was published.
        url: of the file, or of the archive that holds it at `path`; empty where it cannot be fetched.
        archive_md5: of that archive; empty where `url` is the file itself.
    """

    path: str
    md5: str = ""
    url: str = ""
    archive_md5: str = ""


def holds(root: Path, files: Sequence[PublishedFile]) -> bool:
    """Whether all these files lie in a root (without reading them)."""
    return all((root / file.path).is_file() for file in files)


def check(root: Path, file: PublishedFile) -> None:
    """Compare a file with its published MD5.

    Raises:
        SourceError: it is missing, cannot be read, or is not the published file.
    """
    path = root / file.path
    if not path.is_file():
        raise SourceError(f"{path} is missing though its companions are there; copy it there, or move them away.")
    try:
        with path.open("rb") as stream:
            found = _md5(stream) if file.md5 else ""
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    if found != file.md5:
        raise SourceError(
            f"{path} is not the published file (MD5 {found}, expected {file.md5}); delete it and fetch it again."
        )


def _md5(stream: BufferedReader) -> str:
    return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def fetch(files: Sequence[PublishedFile], root: Path) -> None:
    """Download files into a root, with torchvision; each appears there whole and checked, or not at all.

    Raises:
        SourceError: no server answered in time, the download failed, or what came is not the published file.
    """
    addresses = dict.fromkeys((file.url, file.archive_md5) for file in files)
    if not any_reachable(tuple(url for url, _ in addresses)):
        raise SourceError(f"no server answered within {REACH_TIMEOUT_S:g} s")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as scratch:
            _download(files, Path(scratch))
            for file in files:
                check(Path(scratch), file)
            for file in files:
                (root / file.path).parent.mkdir(parents=True, exist_ok=True)
                (Path(scratch) / file.path).replace(root / file.path)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SourceError(f"fetching failed ({reason})") from error


def _download(files: Sequence[PublishedFile], folder: Path) -> None:
    from torchvision.datasets.utils import download_and_extract_archive, download_url  # takes seconds to import

    with socket_timeout():
        for url, archive_md5 in dict.fromkeys((file.url, file.archive_md5) for file in files if file.archive_md5):
            download_and_extract_archive(url, folder, md5=archive_md5)
        for file in files:
            if not file.archive_md5:
                path = folder / file.path
                download_url(file.url, path.parent, path.name, file.md5)
