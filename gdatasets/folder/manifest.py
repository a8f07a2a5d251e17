"""`manifest.json`: what a dataset folder holds, with the digest of every file and of every split.

The file has one canonical form (JSON, keys in the order below, indent 1, one final newline) and ends the chain of
digests with its own: `sha256` is the SHA-256 of the canonical form with that field empty. So any changed byte, white
space too, shows. It protects against accidents; against somebody who rewrites the manifest as well, compare with the
digests that the package pins (`gdatasets verify` does) or that a paper cites.
"""

import hashlib
import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from gdatasets.errors import IntegrityError
from gdatasets.files import read_whole, write_whole

NAME = "manifest.json"
FORMAT = "gdatasets-manifest-1"
_MAX_BYTES = 16 << 20
_SHA256 = r"^[0-9a-f]{64}$"
_Count = Annotated[int, Field(ge=0, lt=1 << 53)]
_Length = Annotated[int, Field(ge=1, le=4_096)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FileRecord(_Record):
    """A file of the folder: its path from the folder, bytes and SHA-256; `samples` for shards."""

    path: str
    bytes: _Count
    sha256: str = Field(pattern=_SHA256)
    samples: _Count = 0


class SplitRecord(_Record):
    """A split of a configuration: its identity and its shards, in order."""

    samples: _Count
    content_sha256: str = Field(pattern=_SHA256)
    shards: list[FileRecord]


class GroupRecord(_Record):
    """A group of the user's own: its order, and its generators as gather indices with spaces between, by name."""

    order: int = Field(ge=1, lt=1 << 62)
    generators: dict[
        Annotated[str, Field(pattern=r"^[\w .:,()+*^-]{1,96}$")],
        Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,6})( (0|[1-9][0-9]{0,6}))*$")],
    ]


class ConfigRecord(_Record):
    """A configuration: what it is and its splits; `group` only where it is a group of the user's own."""

    family: str
    actions: list[str]
    step: _Count
    fingerprint: str = Field(pattern=_SHA256)
    splits: dict[str, SplitRecord]
    group: GroupRecord | None = None

    @model_serializer(mode="wrap")
    def _without_absent(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        return {name: value for name, value in written.items() if name != "group" or value is not None}


class SourceRecord(_Record):
    """Where the images came from."""

    name: str
    title: str
    license: str
    homepage: str
    citation: str
    sha256: str = Field(pattern=_SHA256)


class Manifest(_Record):
    """Everything in a dataset folder but the manifest itself."""

    format: str = FORMAT
    dataset: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$")
    title: str
    version: str = Field(pattern=r"^[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}$")
    image_shape: list[_Length] = Field(min_length=2, max_length=3)
    classes: list[str] = Field(min_length=1)
    source: SourceRecord
    configurations: dict[str, ConfigRecord]
    files: list[FileRecord]
    sha256: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.image_shape)

    def all_files(self) -> list[FileRecord]:
        """Every file that the manifest covers: metadata, then shards."""
        splits = [split for config in self.configurations.values() for split in config.splits.values()]
        return [*self.files, *(shard for split in splits for shard in split.shards)]


def is_build(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder is, or says that it is, a finished build; nothing of it is trusted yet."""
    path = Path(folder) / NAME
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return FORMAT.encode() in stream.read(256)


def _canonical(manifest: Manifest) -> bytes:
    return (json.dumps(manifest.model_dump(), indent=1, ensure_ascii=False) + "\n").encode()


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Write the manifest with its own digest, atomically."""
    bare = manifest.model_copy(update={"sha256": ""})
    sealed = bare.model_copy(update={"sha256": hashlib.sha256(_canonical(bare)).hexdigest()})
    write_whole(folder / NAME, _canonical(sealed))
    return sealed


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a dataset folder.

    Raises:
        IntegrityError: there is none, or it is not as it was written.
    """
    path = folder / NAME
    try:
        content = read_whole(path, _MAX_BYTES)
    except FileNotFoundError as error:
        raise IntegrityError(f"{folder} has no {NAME}, so it is not a finished build; build it first.") from error
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read ({error.strerror}).") from error
    return parse_manifest(content, str(path))


def parse_manifest(content: bytes, where: str) -> Manifest:
    """A manifest from its bytes; `where` names them in errors."""
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise IntegrityError(f"{where} is not a manifest: {place}: {first['msg']}.") from error
    bare = manifest.model_copy(update={"sha256": ""})
    if _canonical(manifest) != content or hashlib.sha256(_canonical(bare)).hexdigest() != manifest.sha256:
        raise IntegrityError(f"{where} was changed after it was written: its own digest differs.")
    if manifest.format != FORMAT:
        raise IntegrityError(f"{where} has the format {manifest.format}; this version reads {FORMAT}.")
    paths = [file.path for file in manifest.all_files()]
    for listed in paths:
        if not _is_inside(listed):
            raise IntegrityError(f"{where} lists the path {listed!r}, which is not plainly inside the folder.")
    if len(set(paths)) != len(paths):
        raise IntegrityError(f"{where} lists a file twice.")
    return manifest


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and "/".join(parts) == path and all(re.fullmatch(r"[\w][\w.\-]*", part) for part in parts)
