"""What an image source is: its files, license and citation, and the arrays that it gives."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import InvalidArgumentError, SourceError
from gdatasets.sources.documentation import NOT_STATED, Documentation

_NON_COMMERCIAL = r"non[-_ ]?commercial|\b(no|not for) commercial|(?<![a-z])nc(?![a-z])"


class SourceArrays(NamedTuple):
    """One split of a source."""

    images: NDArray[np.uint8]
    """(n, height, width) or (n, height, width, 3), row 0 on top; read-only."""
    labels: NDArray[np.int64]
    """(n,), class numbers; read-only."""


@dataclass(frozen=True)
class PublishedFile:
    """A file as its publisher made it.

    Attributes:
        path: where it lies in a root.
        sha256: hexadecimal; empty where none is known.
        md5: hexadecimal; what is compared where no SHA-256 is known. Empty where none was published either.
        size: bytes; None where it is not known.
        urls: addresses of the file, or of an archive that unpacks to it (a .gz file beside `path`, any other archive in
            the root), in the order in which they are tried; none where it cannot be fetched.
        archive_md5: of that archive; empty where the addresses are of the file itself.
    """

    path: str
    sha256: str = ""
    md5: str = ""
    size: int | None = None
    urls: tuple[str, ...] = ()
    archive_md5: str = ""

    @property
    def digest(self) -> str:
        """The strongest published digest, empty where there is none."""
        return self.sha256 or self.md5


class Reader(Protocol):
    """A format of image files."""

    def read(self, root: Path, files: tuple[PublishedFile, ...], split: str, count: int, /) -> SourceArrays:
        """Parse a split of `count` samples from files in `root` that were checked; class numbers begin at 0.

        Raises:
            SourceError: the contents are not what the format and the source say.
        """


class Pieces(Protocol):
    """The samples of a split, read piece by piece."""

    def __len__(self) -> int:
        """How many there are."""

    def read(self, start: int, stop: int, /) -> SourceArrays:
        """Samples start..stop-1; raises SourceError where the contents are not what the format says."""


@runtime_checkable
class PieceReader(Protocol):
    """A format of image files that are too large to hold in memory whole."""

    def open(self, root: Path, files: tuple[PublishedFile, ...], split: str, count: int, /) -> Pieces:
        """A split of `count` samples in files in `root` that were checked; class numbers begin at 0.

        Raises:
            SourceError: the contents are not what the format and the source say.
        """


@dataclass(frozen=True)
class Edition:
    """One form in which the images of a source are published.

    Attributes:
        files: that each split needs; none where the images come with a package.
        reader: their format.
    """

    files: Mapping[str, tuple[PublishedFile, ...]]
    reader: Reader | PieceReader


@dataclass(frozen=True)
class MovedDataset:
    """The dataset of a source's moved images, as the registry of datasets lists it.

    Attributes:
        name: such as `g-mnist`.
        title: for people.
        version: MAJOR.MINOR.PATCH.
        released: the day on which the digests of this version were published, YYYY-MM-DD; empty where they were not.
        configurations: by default those that every dataset has.
        default_configuration: by default the usual one.
    """

    name: str
    title: str
    version: str = "1.0.0"
    released: str = ""
    configurations: tuple[str, ...] = ()
    default_configuration: str = ""


@dataclass(frozen=True)
class Source:
    """A set of labeled images that somebody else published.

    Attributes:
        name: what `load_source` takes.
        title: for people.
        classes: class names, by label.
        samples: images in each split.
        license: SPDX identifier of the original data, or what its publisher says instead.
        homepage: where the original is described and to be had.
        citation: how its authors ask to be cited, one line.
        image_shape: (size, size) or (size, size, 3).
        validation: how many images at the end of `train` choices are made by.
        held_out: what of these is kept together, such as `tracks of a sign`: then they are the end of `train` as it is
            read, and `train` is mixed already. Empty where the publisher's order knows no groups.
        split_rule: how the splits were cut, where they or their order are not as published.
        size_rule: how the images came to their size, where that is not the published one.
        editions: the forms in which the same images are published; the first one that is found is read.
        original: the source whose images are split again by `ranges`, instead of editions.
        ranges: for each split which images of the original it has, counted over all, those of `train` first.
        array_sha256: digests of images and labels that come with a package instead of in files.
        moved: the dataset of its moved images, if there is one.
        documentation: how the images came about, and what they are not for.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    samples: Mapping[str, int]
    license: str
    homepage: str
    citation: str
    image_shape: tuple[int, ...] = (28, 28)
    validation: int = 0
    held_out: str = ""
    split_rule: str = ""
    size_rule: str = ""
    editions: tuple[Edition, ...] = ()
    original: "Source | None" = None
    ranges: Mapping[str, tuple[range, ...]] | None = None
    array_sha256: tuple[str, ...] = ()
    moved: MovedDataset | None = None
    documentation: Documentation = NOT_STATED

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def digest(self) -> str | None:
        """SHA-256 over the published digests of the images, which names them; None where a digest is missing."""
        if self.original is not None:
            return self.original.digest
        files = [file for split in self.editions[0].files.values() for file in split] if self.editions else []
        digests = list(dict.fromkeys(file.digest for file in files)) or list(self.array_sha256)
        return hashlib.sha256("\n".join(digests).encode()).hexdigest() if digests and all(digests) else None

    @property
    def restriction(self) -> str:
        """What a non-commercial or GPL license demands of derived images; empty of others."""
        if re.search(_NON_COMMERCIAL, self.license, re.IGNORECASE):
            return "RESTRICTED: no commercial use, of derived images either"
        is_copyleft = re.search(r"gpl|general public", self.license, re.IGNORECASE)
        return "RESTRICTED: derived images only under the same license" if is_copyleft else ""

    @property
    def terms(self) -> str:
        """The license, with what it demands of derived images."""
        license = self.license or "not stated"
        return f"{license} ({self.restriction})" if self.restriction else license

    @property
    def index_meaning(self) -> str:
        """What a `source_index` counts, for people."""
        if self.split_rule:
            return (
                "the image of the same split that was moved, counted in the order in which gdatasets reads the source"
            )
        if self.ranges is None:
            return "the image of the same split of the source that was moved"
        return "the image of the source that was moved, counted over its original training and then test images"

    def subset_name(self, count: int) -> str:
        """The name under which `count` of its images may be used, so that nobody takes them for the whole."""
        return f"{self.name}-{count // 1000}k" if count >= 1000 else f"{self.name}-{count}"

    def image_numbers(self, split: str, start: int, stop: int) -> NDArray[np.int64]:
        """`source_index` of samples start..stop-1 of a split: int64 (stop - start,), ascending."""
        if self.ranges is None:
            return np.arange(start, stop, dtype=np.int64)
        return np.concatenate([np.arange(r.start, r.stop, dtype=np.int64) for r in self.ranges[split]])[start:stop]

    def sample_numbers(self, split: str, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which samples of a split have these `source_index`, int64 (n,): the inverse of `image_numbers`.

        Raises:
            InvalidArgumentError: an image is not in the split.
        """
        known = self.image_numbers(split, 0, self.samples[split])
        samples = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
        if not np.array_equal(known[samples], numbers):
            stranger = int(numbers[known[samples] != numbers][0])
            raise InvalidArgumentError(f'Image {stranger} of {self.name} is not in the split "{split}".')
        return samples


class ImageSource(Protocol):
    """Labeled images that are read piece by piece; anything of this shape can be built into a dataset."""

    @property
    def about(self) -> Source:
        """Names, classes, number of samples, license and citation."""

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(size, size), or (size, size, channels)."""

    def digest(self) -> str:
        """SHA-256 that names the source's content."""

    def read(self, split: str, start: int, stop: int) -> SourceArrays:
        """Samples start..stop-1 of a split."""


def cache_folder() -> Path:
    """The folder for fetched sources: `$XDG_CACHE_HOME/gdatasets`, by default `~/.cache/gdatasets`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "gdatasets"


def data_roots(root: str | os.PathLike[str] | None) -> list[Path]:
    """Where raw files are looked for, in order: `root`, `$GDATASETS_ROOT`, the cache (the last, which may be missing).

    Raises:
        SourceError: `root` or `$GDATASETS_ROOT` is given and is not a folder.
    """
    roots = []
    if root is not None:
        roots.append(Path(root).expanduser())
    if os.environ.get("GDATASETS_ROOT"):
        roots.append(Path(os.environ["GDATASETS_ROOT"]).expanduser())
    for given in roots:
        if not given.is_dir():
            raise SourceError(f"The data root {given} is not a folder; check --root and GDATASETS_ROOT.")
    return [*roots, cache_folder()]
