"""The samples of a dataset folder: which files they are in, and whether they are those that the manifest says.

A manifest that somebody rewrote agrees with files of any content. So what counts is `content_sha256`, computed from
the samples themselves; it is a function of the shards' bytes, and is remembered for them in the cache.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gdatasets.errors import IntegrityError, OutputError
from gdatasets.files import make_folder, matches, read_whole, write_whole
from gdatasets.folder.manifest import NAME, FileRecord, Manifest, SplitRecord
from gdatasets.folder.shards import read_shard
from gdatasets.generation.arrays import Arrays
from gdatasets.generation.digests import ContentHasher
from gdatasets.generation.group_moves import NUMBER_DTYPE
from gdatasets.generation.moves import ELEMENT_DTYPE
from gdatasets.sources.source import cache_folder

_OTHERS = re.compile(r"\.(git|gitattributes|gitignore|cache|partial|DS_Store|.*\.part)")
"""Hidden files of git, of a download, of a build and of a desktop, which nobody reads as data."""


@dataclass(frozen=True)
class SplitContents:
    """The samples of one split.

    Attributes:
        folder: the dataset folder.
        manifest: its manifest.
        config: a configuration.
        split: a split of it.
    """

    folder: Path
    manifest: Manifest
    config: str
    split: str

    @property
    def record(self) -> SplitRecord:
        return self.manifest.configurations[self.config].splits[self.split]

    @property
    def order(self) -> int | None:
        """Of the group of the user's own, if it is one."""
        group = self.manifest.configurations[self.config].group
        return group.order if group else None

    @property
    def elements(self) -> np.dtype[np.void]:
        return ELEMENT_DTYPE if self.order is None else NUMBER_DTYPE

    def hasher(self) -> ContentHasher:
        """Of no samples yet."""
        return ContentHasher(self.manifest.shape, self.elements)

    def read(self, shard: FileRecord) -> Iterator[Arrays]:
        """The samples of one shard, a piece at a time; raises `IntegrityError` where it is no shard of this split."""
        path, classes = self.folder / shard.path, tuple(self.manifest.classes)
        for piece in read_shard(path, classes, self.manifest.shape, shard.samples, self.elements):
            if self.order is not None and len(piece):
                numbers = piece.elements["element"]
                if not 0 <= numbers.min() <= numbers.max() < self.order:
                    raise IntegrityError(f"An element is outside 0..{self.order - 1}.")
            yield piece

    def digest(self) -> str:
        """The `content_sha256` of shards that are intact, computed once for their bytes and then remembered.

        Raises:
            IntegrityError: a shard is no shard of this split.
        """
        remembered = cache_folder() / "contents" / self._key()
        with suppress(OSError):
            text = read_whole(remembered, 64).decode("ascii", "replace")
            if re.fullmatch(r"[0-9a-f]{64}", text):
                return text
        hasher = self.hasher()
        for shard in self.record.shards:
            for piece in self.read(shard):
                hasher.update(piece.images, piece.labels, piece.source_index, piece.elements)
        digest = hasher.hexdigest()
        with suppress(OutputError):  # a cache that cannot be written costs time only
            make_folder(remembered.parent)
            write_whole(remembered, digest.encode())
        return digest

    def _key(self) -> str:
        """SHA-256 over all that the digest depends on."""
        files = [(shard.sha256, shard.samples) for shard in self.record.shards]
        key = ["contents-1", self.manifest.shape, self.manifest.classes, self.order, files]
        return hashlib.sha256(json.dumps(key).encode()).hexdigest()


def unlisted_files(folder: Path, manifest: Manifest, parts: tuple[str, ...] = ()) -> list[str]:
    """Files of a folder that its manifest does not list, but for hidden ones of git and of downloads.

    Args:
        folder: a dataset folder.
        manifest: its manifest.
        parts: the folders in it to look into, beside its top level; none means all.
    """
    listed = {file.path for file in manifest.all_files()} | {NAME}
    places = [folder.glob("*"), *((folder / part).rglob("*") for part in parts)] if parts else [folder.rglob("*")]
    found = {path.relative_to(folder) for place in places for path in place if not path.is_dir()}
    return [
        path.as_posix()
        for path in sorted(found)
        if not _OTHERS.fullmatch(path.parts[0]) and path.as_posix() not in listed
    ]


def differing_files(folder: Path, manifest: Manifest, config: str) -> list[str]:
    """The files of one configuration, with the card, against the manifest; one line for each that differs.

    Of the other files that describe the folder, those that are there; a download leaves them out.
    """
    records = [shard for split in manifest.configurations[config].splits.values() for shard in split.shards]
    records += [file for file in manifest.files if file.path == "README.md" or (folder / file.path).exists()]
    return [
        *(
            f"{file.path} differs from the manifest"
            for file in records
            if not matches(folder / file.path, file.bytes, file.sha256)
        ),
        *(f"{path} is not in the manifest" for path in unlisted_files(folder, manifest, (config,))),
    ]


def differing_contents(folder: Path, manifest: Manifest, config: str) -> list[str]:
    """The samples of one configuration, whose files are intact, against the manifest; one line for each difference."""
    findings = []
    for split, record in manifest.configurations[config].splits.items():
        contents = SplitContents(folder, manifest, config, split)
        try:
            found = contents.digest()
        except IntegrityError as error:
            findings.append(f"{config}/{split}: {str(error).removesuffix('.')}")
            continue
        expected = record.content_sha256
        if found != expected:
            findings.append(
                f"{config}/{split}: content_sha256 {found[:16]}... is not the manifest's {expected[:16]}..."
            )
    return findings
