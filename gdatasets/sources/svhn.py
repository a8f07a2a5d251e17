"""The cropped street-view house numbers: MATLAB files, read by torchvision and SciPy."""

import string
from dataclasses import dataclass
from pathlib import Path

from gdatasets.sources.documentation import WRITTEN_BY_HAND, Documentation
from gdatasets.sources.source import Edition, MovedDataset, PublishedFile, Source, SourceArrays


@dataclass(frozen=True)
class SvhnMatrices:
    """`train_32x32.mat` and `test_32x32.mat`; the digit 0, label 10 in the files, becomes 0 (torchvision does so)."""

    def read(self, root: Path, _files: tuple[PublishedFile, ...], split: str, _count: int, /) -> SourceArrays:
        from torchvision import datasets

        numbers = datasets.SVHN(root, split)
        return SourceArrays(numbers.data.transpose(0, 2, 3, 1), numbers.labels)


def _file(split: str, sha256: str, size: int) -> tuple[PublishedFile, ...]:
    name = f"{split}_32x32.mat"
    return (PublishedFile(name, sha256, size=size, urls=(f"http://ufldl.stanford.edu/housenumbers/{name}",)),)


SVHN = Source(
    name="svhn",
    title="SVHN, the cropped street-view house numbers",
    classes=tuple(string.digits),
    samples={"train": 73_257, "test": 26_032},
    license="for non-commercial use only",
    homepage="http://ufldl.stanford.edu/housenumbers/",
    citation="Netzer, Y., Wang, T., Coates, A., Bissacco, A., Wu, B., Ng, A. Y.: Reading digits in natural "
    "images with unsupervised feature learning. NIPS Workshop on Deep Learning and Unsupervised Feature "
    "Learning, 2011.",
    image_shape=(32, 32, 3),
    validation=7_325,
    editions=(
        Edition(
            {
                "train": _file(
                    "train", "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8", 182_040_794
                ),
                "test": _file("test", "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b", 64_275_384),
            },
            SvhnMatrices(),
        ),
    ),
    documentation=Documentation(
        collection="House numbers cut out of Google Street View images, one digit in the middle of 32x32 pixels; "
        "published "
        "2011.",
        annotation="Boxes and digits by paid workers of Amazon Mechanical Turk.",
        biases="Streets that were photographed before 2011, mostly of a few countries; the digit 1 is three times as "
        "frequent as 9.",
        limitations="Neighboring digits are in the picture; digits of one house are in one split, of one street "
        "perhaps in "
        "both.",
        symmetry=WRITTEN_BY_HAND,
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known "
        "symmetries. Non-commercial use only.",
        personal="House numbers without addresses or people.",
    ),
    moved=MovedDataset("g-svhn", "G-SVHN"),
)
