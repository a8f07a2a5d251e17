"""Where the images come from: MNIST and Fashion-MNIST files, and scikit-learn's handwritten digits.

The raw files are looked for in this order: the `root` argument, `$GDATASETS_ROOT`, the user's cache
(`$XDG_CACHE_HOME/gdatasets`, by default `~/.cache/gdatasets`). Each is a torchvision-style root:

    <root>/MNIST/raw/train-images-idx3-ubyte          <root>/FashionMNIST/raw/train-images-idx3-ubyte
    <root>/MNIST/raw/train-labels-idx1-ubyte          ...
    <root>/MNIST/raw/t10k-images-idx3-ubyte
    <root>/MNIST/raw/t10k-labels-idx1-ubyte

Files found nowhere are fetched by torchvision (its mirrors and checks) into the cache. Whatever their origin, size
and SHA-256 are compared with the published ones before a byte is parsed.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import InvalidArgumentError, SourceError, UnknownNameError
from gdatasets.network import REACH_TIMEOUT_S, any_reachable, socket_timeout

_DIGITS = tuple(str(digit) for digit in range(10))
_GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


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


def _idx_files(images: dict[str, str], labels: dict[str, str]) -> dict[str, tuple[RawFile, RawFile]]:
    """The four IDX files of an MNIST-like source, from their SHA-256 by split."""
    return {
        split: (
            RawFile(f"{stem}-images-idx3-ubyte", 16 + count * 784, images[split]),
            RawFile(f"{stem}-labels-idx1-ubyte", 8 + count, labels[split]),
        )
        for split, stem, count in (("train", "train", 60_000), ("test", "t10k", 10_000))
    }


_MNIST_FILES = _idx_files(
    images={
        "train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
    labels={
        "train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)
_MNIST_MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")
_MNIST_CITATION = (
    "LeCun, Y., Bottou, L., Bengio, Y., Haffner, P.: Gradient-based learning applied to document recognition. "
    "Proceedings of the IEEE 86(11), 2278-2324, 1998."
)

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            name="mnist",
            title="MNIST handwritten digits",
            classes=_DIGITS,
            samples={"train": 60_000, "test": 10_000},
            licence="CC-BY-SA-3.0",
            homepage="http://yann.lecun.com/exdb/mnist/",
            citation=_MNIST_CITATION,
            folder="MNIST",
            files=_MNIST_FILES,
            mirrors=_MNIST_MIRRORS,
        ),
        Source(
            name="mnist-resplit",
            title="MNIST handwritten digits, 12,000 for training and 50,000 for test",
            classes=_DIGITS,
            samples={"train": 12_000, "test": 50_000},
            licence="CC-BY-SA-3.0",
            homepage="http://yann.lecun.com/exdb/mnist/",
            citation=f"{_MNIST_CITATION} Sizes of the splits after: Larochelle, H., Erhan, D., Courville, A., "
            "Bergstra, J., Bengio, Y.: An empirical evaluation of deep architectures on problems with many factors of "
            "variation. ICML 2007.",
            folder="MNIST",
            files=_MNIST_FILES,
            mirrors=_MNIST_MIRRORS,
            ranges={"train": (range(12_000),), "test": (range(12_000, 52_000), range(60_000, 70_000))},
        ),
        Source(
            name="fashion-mnist",
            title="Fashion-MNIST article images",
            classes=_GARMENTS,
            samples={"train": 60_000, "test": 10_000},
            licence="MIT",
            homepage="https://github.com/zalandoresearch/fashion-mnist",
            citation="Xiao, H., Rasul, K., Vollgraf, R.: Fashion-MNIST: a novel image dataset for benchmarking "
            "machine learning algorithms. arXiv:1708.07747, 2017.",
            folder="FashionMNIST",
            files=_idx_files(
                images={
                    "train": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                    "test": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                },
                labels={
                    "train": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                    "test": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                },
            ),
            mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        ),
        Source(
            name="digits",
            title="Optical recognition of handwritten digits (UCI), as bundled with scikit-learn",
            classes=_DIGITS,
            samples={"train": 1_437, "test": 360},
            licence="CC-BY-4.0",
            homepage="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
            citation="Alpaydin, E., Kaynak, C.: Optical recognition of handwritten digits. UCI Machine Learning "
            "Repository, 1998. https://doi.org/10.24432/C50P49",
        ),
    )
}


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


@dataclass(frozen=True)
class PublishedSource:
    """One of `SOURCES` as an `ImageSource`.

    Attributes:
        name: one of `SOURCES`.
        root: a torchvision-style root to look in first.
        download: fetch files that are found nowhere.
    """

    name: str
    root: str | os.PathLike[str] | None = None
    download: bool = True
    _loaded: dict[str, SourceArrays] = field(default_factory=dict, repr=False, compare=False)

    @property
    def about(self) -> Source:
        return SOURCES[self.name]

    @property
    def image_shape(self) -> tuple[int, ...]:
        return (28, 28)

    def digest(self) -> str:
        digests = [file.sha256 for pair in (self.about.files or {}).values() for file in pair]
        digests = digests or [_DIGITS_IMAGES_SHA256, _DIGITS_LABELS_SHA256]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()

    def read(self, split: str, start: int, stop: int) -> SourceArrays:
        if split not in self._loaded:
            self._loaded[split] = load_source(self.name, split, self.root, self.download)
        whole = self._loaded[split]
        return SourceArrays(whole.images[start:stop], whole.labels[start:stop])


_DIGITS_IMAGES_SHA256 = "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
_DIGITS_LABELS_SHA256 = "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"


def cache_folder() -> Path:
    """The folder for fetched sources: `$XDG_CACHE_HOME/gdatasets`, by default `~/.cache/gdatasets`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "gdatasets"


def load_source(
    name: str, split: str = "train", root: str | os.PathLike[str] | None = None, download: bool = True
) -> SourceArrays:
    """Read one split of a source, checked against its published SHA-256.

    Args:
        name: one of `SOURCES`.
        split: `train` or `test`.
        root: a torchvision-style root to look in first.
        download: fetch files that are found nowhere.

    Raises:
        UnknownNameError: no such source or split.
        SourceError: the files are missing and cannot be fetched, or are not the published ones.
    """
    if name not in SOURCES:
        raise UnknownNameError("source", name, SOURCES)
    source = SOURCES[name]
    if split not in source.samples:
        raise UnknownNameError("split", split, source.samples)
    if source.files is None:
        return _digits(split)
    if source.ranges is None:
        return _read_files(source, source.files[split], root, download)
    originals = [_read_files(source, files, root, download) for files in source.files.values()]
    numbers = source.image_numbers(split, 0, source.samples[split])
    arrays = SourceArrays(*(np.concatenate(column)[numbers] for column in zip(*originals, strict=True)))
    for array in arrays:
        array.flags.writeable = False
    return arrays


def _read_files(
    source: Source, files: tuple[RawFile, RawFile], root: str | os.PathLike[str] | None, download: bool
) -> SourceArrays:
    """The images and labels of one pair of files."""
    image_file, label_file = files
    folder = _locate(source, files, root, download)
    pixels = _read_checked(folder / image_file.name, image_file)[16:]
    labels = _read_checked(folder / label_file.name, label_file)[8:]
    images = np.frombuffer(pixels, dtype=np.uint8).reshape(-1, 28, 28)
    classes = np.frombuffer(labels, dtype=np.uint8).astype(np.int64)
    classes.flags.writeable = False
    return SourceArrays(images, classes)


def source_is_local(name: str, root: str | os.PathLike[str] | None = None) -> bool:
    """Whether all files of a source lie in `root`, `$GDATASETS_ROOT` or the cache (without reading them)."""
    source = SOURCES[name]
    if source.files is None:
        return True
    files = [file for pair in source.files.values() for file in pair]
    return any(_holds(base / source.folder / "raw", files) for base in data_roots(root))


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


def _holds(folder: Path, files: list[RawFile]) -> bool:
    return all((folder / file.name).is_file() for file in files)


def _locate(
    source: Source, files: tuple[RawFile, RawFile], root: str | os.PathLike[str] | None, download: bool
) -> Path:
    """The folder that holds these files, fetched into the cache where no root has them."""
    folders = [base / source.folder / "raw" for base in data_roots(root)]
    for folder in folders:
        if any((folder / file.name).is_file() for file in files):  # half of a pair is an error, not a reason to go on
            return folder
    if not download:
        raise SourceError(_missing(source, folders, "and fetching was not asked for"))
    try:
        _fetch(source)
    except SourceError as error:
        raise SourceError(_missing(source, folders, str(error))) from error
    return folders[-1]


def _missing(source: Source, folders: list[Path], why: str) -> str:
    looked = ", ".join(str(folder) for folder in folders)
    return f"{source.title}: no raw files in {looked}, {why}. Put the files there, or name their root with --root."


def _read_checked(path: Path, file: RawFile) -> bytes:
    """The bytes of a published file; size and SHA-256 are checked before anyone parses them."""
    try:
        found = path.stat().st_size
        content = path.read_bytes() if found == file.size else b""
    except FileNotFoundError as error:
        raise SourceError(
            f"{path} is missing though its companion is there; copy it there, or move both away."
        ) from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    if found != file.size:
        raise SourceError(
            f"{path} has {found:,} bytes, the published file {file.size:,}; delete it and fetch it again."
        )
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        raise SourceError(
            f"{path} is not the published file (SHA-256 {digest[:16]}..., expected {file.sha256[:16]}...); "
            "delete it and fetch it again."
        )
    return content


def _fetch(source: Source) -> None:
    """Download a source's files into the cache; each appears there whole and checked, or not at all."""
    if not any_reachable(source.mirrors):
        raise SourceError(f"and no mirror answered within {REACH_TIMEOUT_S:g} s")
    try:
        from torchvision import datasets as vision  # imports torch, so only here

        folder = cache_folder() / source.folder / "raw"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_folder()) as scratch, socket_timeout():
            getattr(vision, source.folder)(scratch, download=True)
            for pair in (source.files or {}).values():
                for file in pair:
                    fetched = Path(scratch) / source.folder / "raw" / file.name
                    _read_checked(fetched, file)
                    fetched.replace(folder / file.name)
    except (OSError, RuntimeError) as error:
        raise SourceError(f"and fetching failed ({str(error).splitlines()[0]})") from error


@lru_cache(maxsize=2)
def _digits(split: str) -> SourceArrays:
    """Digits of 8x8 pixels and 17 grey levels, scaled to 0..255, each pixel made 3x3, padded by 2.

    scikit-learn gives no split. Its order is by writer, so the last 360 images are the test split: other hands.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    raw, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
    for array, expected in ((raw, _DIGITS_IMAGES_SHA256), (labels, _DIGITS_LABELS_SHA256)):
        if hashlib.sha256(array.tobytes()).hexdigest() != expected:
            raise SourceError("scikit-learn's digits are not the published ones; reinstall scikit-learn.")
    levels = (raw.astype(np.uint16) * 255 // 16).astype(np.uint8)
    images = np.pad(levels.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    train = SOURCES["digits"].samples["train"]
    part = slice(None, train) if split == "train" else slice(train, None)
    arrays = SourceArrays(images[part], labels[part].astype(np.int64))
    for array in arrays:
        array.flags.writeable = False
    return arrays
