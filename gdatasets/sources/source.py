"""What an image source is: its files, licence and citation, and the arrays that it gives."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import InvalidArgumentError, SourceError


class SourceArrays(NamedTuple):
    """One split of a source."""

    images: NDArray[np.uint8]
    """(n, height, width) or (n, height, width, 3), row 0 on top; read-only."""
    labels: NDArray[np.int64]
    """(n,), class numbers; read-only."""


@dataclass(frozen=True)
class RawFile:
    """A file of a source, as its publisher made it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """A set of labelled images that somebody else published.

    Attributes:
        name: what `load_source` takes.
        title: for people.
        classes: class names, by label.
        samples: images in each split.
        licence: SPDX identifier of the original data.
        homepage: where the original is described.
        citation: how its authors ask to be cited, one line.
        folder: its folder in a torchvision-style root; empty for what ships inside a package.
        files: the image and the label file of each split.
        ranges: splits cut anew: for each split which images it has, counted over all files, those of `train` first.
        mirrors: where torchvision fetches from; asked first, so that no network is noticed at once.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    samples: dict[str, int]
    licence: str
    homepage: str
    citation: str
    folder: str = ""
    files: dict[str, tuple[RawFile, RawFile]] | None = None
    mirrors: tuple[str, ...] = ()
    ranges: dict[str, tuple[range, ...]] | None = None

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def index_meaning(self) -> str:
        """What a `source_index` counts, for people."""
        if self.ranges is None:
            return "the image of the same split of the source that was moved"
        return "the image of the source that was moved, counted over its original training and then test images"

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
    """Labelled images that are read piece by piece; anything of this shape can be built into a dataset."""

    @property
    def about(self) -> Source:
        """Names, classes, number of samples, licence and citation."""

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
