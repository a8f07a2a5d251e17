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
from pathlib import Path

import numpy as np

from gdatasets.errors import SourceError, UnknownNameError
from gdatasets.network import REACH_TIMEOUT_S, any_reachable, socket_timeout
from gdatasets.sources.digits import _DIGITS_IMAGES_SHA256, _DIGITS_LABELS_SHA256, _digits
from gdatasets.sources.mnist import _MNIST_CITATION, _MNIST_FILES, _MNIST_MIRRORS, _idx_files
from gdatasets.sources.source import RawFile, Source, SourceArrays, cache_folder, data_roots

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
