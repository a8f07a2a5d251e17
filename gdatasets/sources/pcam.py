"""PatchCamelyon: patches of lymph nodes, 96x96, in HDF5 files that are packed with gzip."""

import weakref
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gdatasets.errors import SourceError
from gdatasets.sources.documentation import Documentation
from gdatasets.sources.hdf5_rows import Joined, Rows, open_hdf5, unpacked
from gdatasets.sources.source import Edition, MovedDataset, Pieces, PublishedFile, Source

_SHAPE = (96, 96, 3)
_PARTS = {"train": 262_144, "valid": 32_768, "test": 32_768}
_MD5 = {
    "train_x": "1571f514728f59376b705fc836ff4b63",
    "train_y": "35c2d7259d906cfc8143347bb8e05be7",
    "valid_x": "d5b63470df7cfa627aeec8b9dc0c066e",
    "valid_y": "2b85f58b927af9964a4c15b8f7e8f179",
    "test_x": "d8c2d60d490dbd479f8199bdfa0cf6ec",
    "test_y": "60a7035772fbdb7f34eb86d4420cf66a",
}


def _file(name: str) -> PublishedFile:
    file = f"camelyonpatch_level_2_split_{name}.h5.gz"
    return PublishedFile(f"pcam/{file}", md5=_MD5[name], urls=(f"https://zenodo.org/records/2546921/files/{file}",))


_FILES = {
    "train": tuple(_file(name) for name in ("train_x", "train_y", "valid_x", "valid_y")),
    "test": tuple(_file(name) for name in ("test_x", "test_y")),
}


@dataclass(frozen=True)
class PatchFiles:
    """Pairs of files: `x` (n, 96, 96, 3) and `y` (n, 1, 1, 1); the pairs of a split one after another.

    Images are unpacked to a temporary file in the cache, 27,648 bytes each, and read from there in blocks.
    """

    def open(self, root: Path, files: tuple[PublishedFile, ...], _split: str, count: int, /) -> Pieces:
        parts = []
        for images, answers in zip(files[::2], files[1::2], strict=True):
            where = root / answers.path
            with closing(open_hdf5(where, unpacked(where, count))) as table:
                labels = table.labels("y", count)
            packed = root / images.path
            file = open_hdf5(packed, unpacked(packed, count * int(np.prod(_SHAPE))))
            rows = Rows(file.images("x", _SHAPE), labels)
            weakref.finalize(rows, file.close)
            if len(rows.images) != len(labels):
                raise SourceError(f"{packed} has {len(rows.images):,} images, its labels are {len(labels):,}.")
            parts.append(rows)
        return Joined(tuple(parts))


PCAM = Source(
    name="pcam",
    title="PatchCamelyon",
    classes=("no tumor in the center", "tumor in the center"),
    samples={"train": _PARTS["train"] + _PARTS["valid"], "test": _PARTS["test"]},
    license="CC0-1.0",
    homepage="https://github.com/basveeling/pcam",
    citation="Veeling, B. S., Linmans, J., Winkens, J., Cohen, T., Welling, M.: Rotation equivariant CNNs for digital "
    "pathology. MICCAI 2018. Slides: Ehteshami Bejnordi, B. et al.: Diagnostic assessment of deep learning algorithms "
    "for detection of lymph node metastases in women with breast cancer. JAMA 318(22), 2199-2210, 2017.",
    image_shape=_SHAPE,
    validation=_PARTS["valid"],
    held_out="slides: the published validation split",
    split_rule="as published; `train` has the published training images and, after them, the published validation "
    "images. No slide is in two of the published splits",
    editions=(Edition(_FILES, PatchFiles()),),
    documentation=Documentation(
        collection="Patches of 96x96 pixels, .97 micrometers each, of 400 stained slides of lymph nodes from two Dutch "
        "hospitals (Camelyon16); published 2018.",
        annotation="From outlines that pathologists drew in Camelyon16: whether the central 32x32 pixels hold a "
        "pixel of "
        "tumor.",
        biases="Two hospitals, their scanners and stains; classes are balanced, unlike in practice.",
        limitations="Patches are not patients: an accuracy here is no accuracy of a diagnosis. Nearly empty patches "
        "occur.",
        symmetry="Seen through a microscope: all turns and mirrors keep the classes.",
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known "
        "symmetries. Never for diagnosis.",
        personal="Tissue of patients, anonymized by its publishers; no names or dates.",
    ),
    moved=MovedDataset("g-pcam", "G-PCam"),
)
