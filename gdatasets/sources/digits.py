"""scikit-learn's bundled handwritten digits, enlarged and padded to 28 x 28."""

import hashlib
import string
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import SourceError
from gdatasets.sources.documentation import WRITTEN_BY_HAND, Documentation
from gdatasets.sources.source import Edition, MovedDataset, PublishedFile, Source, SourceArrays

_FILE = Path("datasets", "data", "digits.csv.gz")
_TRAIN_IMAGES = 1_437
_IMAGES_SHA256 = "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"
_LABELS_SHA256 = "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"


@dataclass(frozen=True)
class BundledDigits:
    """Digits of 8x8 pixels and 17 gray levels, scaled to 0..255, each pixel made 3x3, padded by 2.

    scikit-learn gives no split. Its order is by writer, so the last 360 images are the test split: other hands.
    """

    def read(self, _root: Path, _files: tuple[PublishedFile, ...], split: str, _count: int, /) -> SourceArrays:
        return _digits(split)


@lru_cache(maxsize=2)
def _digits(split: str) -> SourceArrays:
    raw, labels = _raw_digits()
    for array, expected in ((raw, _IMAGES_SHA256), (labels, _LABELS_SHA256)):
        if hashlib.sha256(array.tobytes()).hexdigest() != expected:
            raise SourceError("scikit-learn's digits are not the published ones; reinstall scikit-learn.")
    levels = (raw.astype(np.uint16) * 255 // 16).astype(np.uint8)
    images = np.pad(levels.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    part = slice(None, _TRAIN_IMAGES) if split == "train" else slice(_TRAIN_IMAGES, None)
    return SourceArrays(images[part], labels[part].astype(np.int64))


def _raw_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Gray levels (1797, 8, 8) and labels (1797,).

    scikit-learn's file is read without importing scikit-learn, which takes a second, where the file is in its place.
    """
    package = find_spec("sklearn")
    for folder in (package and package.submodule_search_locations) or ():
        if (file := Path(folder) / _FILE).is_file():
            table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
            return table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)


DIGITS = Source(
    name="digits",
    title="Optical recognition of handwritten digits (UCI), as bundled with scikit-learn",
    classes=tuple(string.digits),
    samples={"train": _TRAIN_IMAGES, "test": 360},
    license="CC-BY-4.0",
    homepage="https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
    citation="Alpaydin, E., Kaynak, C.: Optical recognition of handwritten digits. UCI Machine Learning "
    "Repository, 1998. https://doi.org/10.24432/C50P49",
    validation=300,
    editions=(Edition({}, BundledDigits()),),
    array_sha256=(_IMAGES_SHA256, _LABELS_SHA256),
    documentation=Documentation(
        collection="Digits that 43 people wrote on forms, reduced to 8x8 pixels of 17 levels (UCI, 1998); here each "
        "pixel "
        "is 3x3, padded to 28x28: no detail was added.",
        annotation="From the forms: writers were told which digit to write.",
        biases="43 writers, in order; the test split has writers that the training split may share.",
        limitations="1,797 images: intervals are wide, a single image is .3 points of the test split.",
        symmetry=WRITTEN_BY_HAND,
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known "
        "symmetries. First of all a dataset that needs no download.",
        personal="Handwriting without names; writers are not identified.",
    ),
    moved=MovedDataset("g-digits", "G-Digits", released="2026-11-23"),
)
