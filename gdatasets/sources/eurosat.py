"""EuroSAT, RGB: satellite images of land use, 64x64 JPEG files in one archive."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gdatasets.errors import SourceError
from gdatasets.sources.archived_images import ArchivedImages, open_archive
from gdatasets.sources.documentation import Documentation
from gdatasets.sources.source import Edition, MovedDataset, Pieces, PublishedFile, Source
from gdatasets.sources.splits import CUT_RULE, cut_each_class

_CLASSES = (
    "AnnualCrop",
    "Forest",
    "HerbaceousVegetation",
    "Highway",
    "Industrial",
    "Pasture",
    "PermanentCrop",
    "Residential",
    "River",
    "SeaLake",
)
_ARCHIVE = PublishedFile(
    "eurosat/EuroSAT.zip",
    md5="c8fa014336c82ac7804f0398fcb19387",
    urls=(
        "https://huggingface.co/datasets/torchgeo/eurosat/resolve/c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip",
        "https://madm.dfki.de/files/sentinel/EuroSAT.zip",
    ),
)


@dataclass(frozen=True)
class EurosatArchive:
    """`2750/CLASS/CLASS_N.jpg`, in the order of class and N; the splits are those of `cut_each_class`."""

    def open(self, root: Path, files: tuple[PublishedFile, ...], split: str, _count: int, /) -> Pieces:
        path = root / files[0].path
        archive = open_archive(path)
        members = []
        for name in archive.namelist():
            if found := re.fullmatch(r"(?:[^/]+/)?([A-Za-z]+)/\1_([0-9]{1,6})\.jpg", name):
                if found[1] not in _CLASSES:
                    raise SourceError(f"{path} holds {name!r}, of no class that is known; fetch it again.")
                members.append((_CLASSES.index(found[1]), int(found[2]), name))
        members.sort()
        labels = np.array([label for label, _, _ in members], dtype=np.int64)
        order = cut_each_class("eurosat", labels)[split] if len(labels) else labels
        return ArchivedImages(archive, [members[number][2] for number in order], labels[order], 64)


EUROSAT = Source(
    name="eurosat",
    title="EuroSAT, RGB",
    classes=_CLASSES,
    samples={"train": 21_600, "test": 5_400},
    license="MIT",
    homepage="https://github.com/phelber/EuroSAT",
    citation="Helber, P., Bischke, B., Dengel, A., Borth, D.: EuroSAT: a novel dataset and deep learning benchmark for "
    "land use and land cover classification. IEEE Journal of Selected Topics in Applied Earth Observations and Remote "
    "Sensing 12(7), 2217-2226, 2019.",
    image_shape=(64, 64, 3),
    validation=2_700,
    held_out="consecutive numbers of each class",
    split_rule=CUT_RULE,
    editions=(Edition(dict.fromkeys(("train", "test"), (_ARCHIVE,)), EurosatArchive()),),
    documentation=Documentation(
        collection="Patches of 64x64 pixels, 10 m each, of Sentinel-2 images of European places; the bands red, "
        "green and "
        "blue as JPEG; published 2017.",
        annotation="By the authors, after the European Urban Atlas and with manual checks; one class a patch.",
        biases="34 European countries; scenes with few clouds.",
        limitations="No split was published, and nothing says which patches are neighbors: a test patch may border "
        "on a "
        "training patch. 17 % of the images, mostly water and forest, have hardly any contrast.",
        symmetry="Seen from above: all turns and mirrors keep the classes.",
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known "
        "symmetries. Not for maps or decisions about land.",
        personal="None: 10 m a pixel.",
    ),
    moved=MovedDataset("g-eurosat", "G-EuroSAT"),
)
