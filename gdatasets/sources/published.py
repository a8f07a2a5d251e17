"""Reading any source of the catalog: its files are found or fetched, compared with their digests, and parsed.

The raw files are looked for in this order: the `root` argument, `$GDATASETS_ROOT`, the user's cache
(`$XDG_CACHE_HOME/gdatasets`, by default `~/.cache/gdatasets`). Each is a torchvision-style root:

    <root>/MNIST/raw/train-images-idx3-ubyte          <root>/KMNIST/raw/train-images-idx3-ubyte.gz
    <root>/MNIST/raw/train-labels-idx1-ubyte          <root>/cifar-10-batches-py/data_batch_1
    <root>/MNIST/raw/t10k-images-idx3-ubyte           ...
    <root>/MNIST/raw/t10k-labels-idx1-ubyte

Files found nowhere are fetched into the cache. Whatever their origin, they are compared with the published size and
digest before a byte is parsed, and the arrays with what the source says afterwards.
"""

import hashlib
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gdatasets.errors import SourceError, UnknownNameError
from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.download import check, fetch, holds
from gdatasets.sources.source import Edition, PieceReader, Pieces, PublishedFile, Source, SourceArrays, data_roots

Root = str | os.PathLike[str] | None


@dataclass(frozen=True)
class PublishedSource:
    """One of `SOURCES` as an `ImageSource`.

    Attributes:
        name: one of `SOURCES`, or an import path.
        root: a torchvision-style root to look in first.
        download: fetch files that are found nowhere.
    """

    name: str
    root: Root = None
    download: bool = True
    _opened: dict[str, Pieces] = field(default_factory=dict, repr=False, compare=False)

    @property
    def about(self) -> Source:
        return SOURCES.find(self.name)

    @property
    def image_shape(self) -> tuple[int, ...]:
        return self.about.image_shape

    def digest(self) -> str:
        """`Source.digest`; where no digest of the files was published, over all the images and labels."""
        known = self.about.digest
        if known is not None:
            return known
        whole = hashlib.sha256(f"gdatasets-source-1 {self.about.name} {self.image_shape}\n".encode())
        for split, count in self.about.samples.items():
            images, labels = self.read(split, 0, count)
            whole.update(f"{split} {count}\n".encode())
            whole.update(images.tobytes())
            whole.update(labels.astype("<i8").tobytes())
        return whole.hexdigest()

    def read(self, split: str, start: int, stop: int) -> SourceArrays:
        if split not in self._opened:
            self._opened[split] = _open(self.about, split, self.root, self.download)
        return self._opened[split].read(start, stop)


def load_source(name: str, split: str = "train", root: Root = None, download: bool = True) -> SourceArrays:
    """Read one split of a source: images uint8 (n, *image_shape) and labels int64 (n,), read-only, as published.

    Args:
        name: one of `SOURCES`, or an import path.
        split: `train` or `test`.
        root: a torchvision-style root to look in first.
        download: fetch files that are found nowhere.

    Raises:
        UnknownNameError: no such source or split.
        SourceError: the files are missing and cannot be fetched, or are not the published ones.
    """
    source = SOURCES.find(name)
    return _open(source, split, root, download).read(0, source.samples.get(split, 0))


def source_is_local(name: str, root: Root = None) -> bool:
    """Whether all files of a source lie in `root`, `$GDATASETS_ROOT` or the cache (without reading them)."""
    source = SOURCES.find(name)
    source = source.original or source
    roots = data_roots(root)
    return all(
        any(holds(base, edition.files.get(split, ())) for base in roots for edition in source.editions)
        for split in source.samples
    )


def source_is_fetchable(name: str) -> bool:
    """Whether all files of a source can be fetched without an account (nothing is asked of the network)."""
    source = SOURCES.find(name)
    source = source.original or source
    return all(_fetchable(source, split) is not None for split in source.samples)


def _fetchable(source: Source, split: str) -> Edition | None:
    return next((each for each in source.editions if all(file.urls for file in each.files.get(split, ()))), None)


@dataclass(frozen=True)
class _Whole:
    """A split in memory."""

    arrays: SourceArrays

    def __len__(self) -> int:
        return len(self.arrays.labels)

    def read(self, start: int, stop: int) -> SourceArrays:
        return SourceArrays(self.arrays.images[start:stop], self.arrays.labels[start:stop])


@dataclass(frozen=True)
class _Checked:
    """Pieces whose every sample is compared with what the source says."""

    source: Source
    pieces: Pieces
    where: str

    def __len__(self) -> int:
        return len(self.pieces)

    def read(self, start: int, stop: int) -> SourceArrays:
        arrays = self.pieces.read(start, stop)
        _check_samples(self.source, arrays, self.where)
        return _frozen(arrays)


def _open(source: Source, split: str, root: Root, download: bool) -> Pieces:
    """A split from its files, or from the package that has it; read whole only where its format is."""
    if split not in source.samples:
        raise UnknownNameError("split", split, source.samples)
    if source.original is not None:
        original = source.original
        wholes = [_open(original, part, root, download).read(0, count) for part, count in original.samples.items()]
        numbers = source.image_numbers(split, 0, source.samples[split])
        return _Whole(_frozen(SourceArrays(*(np.concatenate(column)[numbers] for column in zip(*wholes, strict=True)))))
    place, edition = _locate(source, split, root, download)
    files, count = edition.files.get(split, ()), source.samples[split]
    for file in files:
        _check(place, file, source)
    paths = [place / file.path for file in files]
    where = str(paths[0] if len(paths) == 1 else paths[0].parent if paths else source.title)
    if isinstance(edition.reader, PieceReader):
        pieces = edition.reader.open(place, files, split, count)
        _check_count(source, split, (len(pieces), len(pieces)), where)
        return _Checked(source, pieces, where)
    arrays = edition.reader.read(place, files, split, count)
    _check_count(source, split, (len(arrays.images), len(arrays.labels)), where)
    _check_samples(source, arrays, where)
    return _Whole(_frozen(arrays))


def _check(root: Path, file: PublishedFile, source: Source) -> None:
    """`check`, which also says how a subset that lies in the place of the published archive may be used."""
    try:
        check(root, file)
    except SourceError as error:
        path, samples = root / file.path, 0
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                samples = sum(name.lower().endswith((".jpg", ".jpeg", ".png", ".ppm")) for name in archive.namelist())
        if not samples:
            raise
        raise SourceError(
            f"{error} A subset ({samples:,} images) goes by a name of its own: gdatasets build "
            f"{source.subset_name(samples)} --source FILE.zip."
        ) from error


def _frozen(arrays: SourceArrays) -> SourceArrays:
    images, labels = np.ascontiguousarray(arrays.images), np.ascontiguousarray(arrays.labels, dtype=np.int64)
    images.flags.writeable = labels.flags.writeable = False
    return SourceArrays(images, labels)


def _locate(source: Source, split: str, root: Root, download: bool) -> tuple[Path, Edition]:
    """The root that holds an edition, and that edition; the cache, into which it is fetched, where none does."""
    if not source.editions[0].files:
        return Path(), source.editions[0]
    roots = data_roots(root)
    for base in roots:
        for edition in source.editions:
            if holds(base, edition.files[split]):
                return base, edition
        for edition in source.editions:
            if any((base / file.path).is_file() for file in edition.files[split]):
                return base, edition  # some of them are an error, not a reason to look further
    fetchable = _fetchable(source, split)
    if fetchable is None:
        raise SourceError(_missing(source, source.editions[0], split, roots, "it cannot be fetched without an account"))
    if not download:
        raise SourceError(_missing(source, fetchable, split, roots, "fetching was not asked for"))
    try:
        fetch(fetchable.files[split], roots[-1])
    except SourceError as error:
        raise SourceError(_missing(source, fetchable, split, roots, str(error))) from error
    return roots[-1], fetchable


def _missing(source: Source, edition: Edition, split: str, roots: list[Path], why: str) -> str:
    files = edition.files[split]
    wanted = files[0].path + (f" (and {len(files) - 1} more)" if len(files) > 1 else "")
    looked = ", ".join(map(str, roots))
    unpack = ", unpack it" if files[0].archive_md5 else ""
    return (
        f"{source.title}: {wanted} is in none of {looked}; {why}. Get it from {source.homepage}{unpack} and put it "
        "there, or name its root with --root."
    )


def _check_count(source: Source, split: str, found: tuple[int, int], where: str) -> None:
    """Whether there are as many images and labels as the source says."""
    count = source.samples[split]
    if found != (count, count):
        raise SourceError(
            f"{where} holds {found[0]:,} images and {found[1]:,} labels for {split}, expected {count:,} of "
            "each; delete it and fetch it again."
        )


def _check_samples(source: Source, arrays: SourceArrays, where: str) -> None:
    """Whether samples have the shape and the classes that the source says."""
    images, labels = arrays
    if images.shape[1:] != source.image_shape or images.dtype != np.uint8:
        shape = " x ".join(map(str, source.image_shape))
        raise SourceError(f"{where} holds other images than the expected {shape} bytes; fetch it again.")
    if len(labels) and (labels.min() < 0 or labels.max() >= len(source.classes)):
        raise SourceError(
            f"{where} has a label that is none of its {len(source.classes)} classes; delete it and fetch it again."
        )
