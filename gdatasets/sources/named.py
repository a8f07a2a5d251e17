"""Image datasets by name, as their publishers made them: what each is, and how it is read.

Files are looked for in the `root` argument, `$GDATASETS_ROOT` and the user's cache, in torchvision's layout; what is
found nowhere is fetched into the cache. Files are compared with the published MD5 before a byte of them is parsed.
"""

import os
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from gdatasets.errors import SourceError, UnknownNameError
from gdatasets.sources.cifar import CifarBatches
from gdatasets.sources.download import PublishedFile, check, fetch, holds
from gdatasets.sources.idx import EmnistLetters, KmnistFiles
from gdatasets.sources.source import SourceArrays, data_roots
from gdatasets.sources.svhn import SvhnMatrices
from gdatasets.sources.text_rows import RotatedMnistArchive, SignLanguageTables

_DIGITS = tuple(string.digits)


class Reader(Protocol):
    """The published files of a dataset and their format."""

    def files(self, split: str, /) -> tuple[PublishedFile, ...]:
        """The files that a split needs."""

    def read(self, root: Path, split: str, count: int, /) -> SourceArrays:
        """Parse a split of `count` samples from files in `root` that were checked; class numbers begin at 0.

        Raises:
            SourceError: the contents are not what the format and the dataset say.
        """


@dataclass(frozen=True)
class NamedDataset:
    """A published dataset of labelled images.

    Attributes:
        name: in `NAMED`.
        title: for people.
        classes: class names, by label.
        image_shape: (height, width) or (height, width, 3).
        samples: images in each split.
        validation: how many images of `train` choices are made by.
        licence: SPDX identifier of the original data, or what its publisher says instead.
        homepage: where the original is described and to be had.
        citation: how its authors ask to be cited, one line.
        reader: its files and their format.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    image_shape: tuple[int, ...]
    samples: Mapping[str, int]
    validation: int
    licence: str
    homepage: str
    citation: str
    reader: Reader

    def __hash__(self) -> int:
        return hash(self.name)

    def load(self, split: str, root: str | os.PathLike[str] | None = None, download: bool = True) -> SourceArrays:
        """Read one split: images uint8 (n, *image_shape) and labels int64 (n,), read-only, in the publisher's order.

        Args:
            split: `train` or `test`.
            root: a torchvision-style root to look in first.
            download: fetch files that are found nowhere.

        Raises:
            UnknownNameError: no such split.
            SourceError: files are missing and cannot be fetched, or are not the published ones.
        """
        if split not in self.samples:
            raise UnknownNameError("split", split, self.samples)
        files = self.reader.files(split)
        found = self._locate(files, root, download)
        for file in files:
            check(found, file)
        arrays = self.reader.read(found, split, self.samples[split])
        where = found / files[0].path
        self._check_contents(arrays, split, where if len(files) == 1 else where.parent)
        images, labels = np.ascontiguousarray(arrays.images), np.ascontiguousarray(arrays.labels, dtype=np.int64)
        images.flags.writeable = labels.flags.writeable = False
        return SourceArrays(images, labels)

    def is_local(self, root: str | os.PathLike[str] | None = None) -> bool:
        """Whether all files lie in `root`, `$GDATASETS_ROOT` or the cache (without reading them)."""
        roots = data_roots(root)
        return all(any(holds(base, self.reader.files(split)) for base in roots) for split in self.samples)

    def _locate(self, files: tuple[PublishedFile, ...], root: str | os.PathLike[str] | None, download: bool) -> Path:
        """The root that holds these files; the cache, into which they are fetched, where none does."""
        roots = data_roots(root)
        for base in roots:
            if any((base / file.path).is_file() for file in files):  # some of them are an error, not a reason to go on
                return base
        if not all(file.url for file in files):
            raise SourceError(self._missing(files, roots, "it cannot be fetched without an account"))
        if not download:
            raise SourceError(self._missing(files, roots, "fetching was not asked for"))
        try:
            fetch(files, roots[-1])
        except SourceError as error:
            raise SourceError(self._missing(files, roots, str(error))) from error
        return roots[-1]

    def _missing(self, files: tuple[PublishedFile, ...], roots: list[Path], why: str) -> str:
        wanted = files[0].path + (f" (and {len(files) - 1} more)" if len(files) > 1 else "")
        looked = ", ".join(map(str, roots))
        unpack = ", unpack it" if files[0].archive_md5 else ""
        return (
            f"{self.title}: {wanted} is in none of {looked}; {why}. Get it from {self.homepage}{unpack} and put it "
            "there, or name its root with --root."
        )

    def _check_contents(self, arrays: SourceArrays, split: str, where: Path) -> None:
        images, labels = arrays
        count = self.samples[split]
        if (len(images), len(labels)) != (count, count):
            raise SourceError(
                f"{where} holds {len(images):,} images and {len(labels):,} labels for {split}, expected {count:,} of "
                "each; delete it and fetch it again."
            )
        if images.shape[1:] != self.image_shape or images.dtype != np.uint8:
            shape = " x ".join(map(str, self.image_shape))
            raise SourceError(f"{where} holds other images than the expected {shape} bytes; fetch it again.")
        if labels.min() < 0 or labels.max() >= len(self.classes):
            raise SourceError(
                f"{where} has a label that is none of its {len(self.classes)} classes; delete it and fetch it again."
            )


NAMED: dict[str, NamedDataset] = {
    dataset.name: dataset
    for dataset in (
        NamedDataset(
            name="cifar10",
            title="CIFAR-10",
            classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
            image_shape=(32, 32, 3),
            samples={"train": 50_000, "test": 10_000},
            validation=5_000,
            licence="none stated",
            homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
            citation="Krizhevsky, A.: Learning multiple layers of features from tiny images. Technical report, "
            "University of Toronto, 2009.",
            reader=CifarBatches(),
        ),
        NamedDataset(
            name="svhn",
            title="SVHN, the cropped street-view house numbers",
            classes=_DIGITS,
            image_shape=(32, 32, 3),
            samples={"train": 73_257, "test": 26_032},
            validation=7_325,
            licence="for non-commercial use only",
            homepage="http://ufldl.stanford.edu/housenumbers/",
            citation="Netzer, Y., Wang, T., Coates, A., Bissacco, A., Wu, B., Ng, A. Y.: Reading digits in natural "
            "images with unsupervised feature learning. NIPS Workshop on Deep Learning and Unsupervised Feature "
            "Learning, 2011.",
            reader=SvhnMatrices(),
        ),
        NamedDataset(
            name="kmnist",
            title="Kuzushiji-MNIST",
            classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
            image_shape=(28, 28),
            samples={"train": 60_000, "test": 10_000},
            validation=10_000,
            licence="CC-BY-SA-4.0",
            homepage="http://codh.rois.ac.jp/kmnist/",
            citation="Clanuwat, T., Bober-Irizar, M., Kitamoto, A., Lamb, A., Yamamoto, K., Ha, D.: Deep learning for "
            "classical Japanese literature. arXiv:1812.01718, 2018.",
            reader=KmnistFiles(),
        ),
        NamedDataset(
            name="emnist-letters",
            title="EMNIST letters",
            classes=tuple(string.ascii_lowercase),
            image_shape=(28, 28),
            samples={"train": 124_800, "test": 20_800},
            validation=20_800,
            licence="none stated",
            homepage="https://www.nist.gov/itl/products-and-services/emnist-dataset",
            citation="Cohen, G., Afshar, S., Tapson, J., van Schaik, A.: EMNIST: an extension of MNIST to handwritten "
            "letters. arXiv:1702.05373, 2017.",
            reader=EmnistLetters(),
        ),
        NamedDataset(
            name="rotmnist",
            title="Rotated MNIST",
            classes=_DIGITS,
            image_shape=(28, 28),
            samples={"train": 12_000, "test": 50_000},
            validation=2_000,
            licence="none stated",
            homepage="https://sites.google.com/a/lisa.iro.umontreal.ca/public_static_twiki/"
            "variations-on-the-mnist-digits",
            citation="Larochelle, H., Erhan, D., Courville, A., Bergstra, J., Bengio, Y.: An empirical evaluation of "
            "deep architectures on problems with many factors of variation. ICML 2007.",
            reader=RotatedMnistArchive(),
        ),
        NamedDataset(
            name="asl",
            title="Sign Language MNIST",
            classes=tuple(letter for letter in string.ascii_uppercase if letter not in "JZ"),
            image_shape=(28, 28),
            samples={"train": 27_455, "test": 7_172},
            validation=2_745,
            licence="CC0-1.0",
            homepage="https://www.kaggle.com/datasets/datamunge/sign-language-mnist",
            citation="tecperson: Sign Language MNIST. Kaggle, 2017.",
            reader=SignLanguageTables(),
        ),
    )
}
