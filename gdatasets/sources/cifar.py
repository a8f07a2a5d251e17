"""CIFAR-10's pickled batches, opened by torchvision only, and only after their MD5 was compared."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gdatasets.sources.documentation import Documentation
from gdatasets.sources.source import Edition, MovedDataset, PublishedFile, Source, SourceArrays

_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}


@dataclass(frozen=True)
class CifarBatches:
    """`cifar-10-batches-py/data_batch_1` to `5`, `test_batch` and `batches.meta`.

    torchvision compares all batches whichever split is read, hence all are needed for either.
    """

    def read(self, root: Path, _files: tuple[PublishedFile, ...], split: str, _count: int, /) -> SourceArrays:
        from torchvision import datasets

        batches = datasets.CIFAR10(root, train=split == "train")
        return SourceArrays(batches.data, np.asarray(batches.targets))


_FILES = tuple(
    PublishedFile(
        f"cifar-10-batches-py/{name}",
        md5=md5,
        urls=("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
        archive_md5="c58f30108f718f92721af3b95e74349a",
    )
    for name, md5 in _MD5.items()
)

CIFAR10 = Source(
    name="cifar10",
    title="CIFAR-10",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    samples={"train": 50_000, "test": 10_000},
    license="none stated",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    citation="Krizhevsky, A.: Learning multiple layers of features from tiny images. Technical report, "
    "University of Toronto, 2009.",
    image_shape=(32, 32, 3),
    validation=5_000,
    editions=(Edition({"train": _FILES, "test": _FILES}, CifarBatches()),),
    documentation=Documentation(
        collection="Photographs that image search engines gave for nouns (80 Million Tiny Images), reduced to 32x32 "
        "pixels; "
        "published 2009.",
        annotation="By paid students: whether a photograph shows the class; the author checked them.",
        biases="What the web and search engines of about 2006 showed for English nouns. Its parent was withdrawn in "
        "2020 for offensive labels, which these ten classes are not.",
        limitations="About 3 % of the test images have near duplicates among the training images (Barz and Denzler "
        "2020); "
        "some labels are wrong. Photographers and copyright are not stated.",
        symmetry="A left-right mirror keeps the classes; photographs are upright, so turns make images that do not "
        "occur.",
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known symmetries.",
        personal="A few photographs may show people; none is named.",
    ),
    moved=MovedDataset("g-cifar10", "G-CIFAR-10"),
)
