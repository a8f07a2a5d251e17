"""The letters of EMNIST, in IDX files: as unpacked from its archive, or inside it."""

import string

from gdatasets.sources.documentation import Documentation
from gdatasets.sources.idx import IdxFiles
from gdatasets.sources.source import Edition, MovedDataset, PublishedFile, Source

_SAMPLES = {"train": 124_800, "test": 20_800}
_SHA256 = {
    "train-images-idx3": "7a786db773b2096a7b9a3f3275388a27711f4451548c3ca8be96f09ae94371ae",
    "train-labels-idx1": "e8e94c3f4353d5532fd9604b939cb4c76e7847945b9b0d9ff7884d881dead6bc",
    "test-images-idx3": "d5895e82d14765b22a84342337bc5c25f1affd61cc97d3821d4e65504bbf8dbc",
    "test-labels-idx1": "22dbcde0a929a7f166bdac863b9195b2994d840a1e082f8f6daaeac5606376a6",
}
_ARCHIVE = PublishedFile(
    "EMNIST/raw/gzip.zip",
    md5="58c8d27c78d21e728a6bc7b3cc06412e",
    urls=("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",),
)


def _unpacked(split: str) -> tuple[PublishedFile, ...]:
    sizes = {"images-idx3": 16 + _SAMPLES[split] * 784, "labels-idx1": 8 + _SAMPLES[split]}
    return tuple(
        PublishedFile(f"EMNIST/raw/emnist-letters-{split}-{part}-ubyte", _SHA256[f"{split}-{part}"], size=size)
        for part, size in sizes.items()
    )


def _members(split: str) -> tuple[str, str]:
    stem = f"gzip/emnist-letters-{split}"
    return f"{stem}-images-idx3-ubyte.gz", f"{stem}-labels-idx1-ubyte.gz"


EMNIST_LETTERS = Source(
    name="emnist-letters",
    title="EMNIST letters",
    classes=tuple(string.ascii_lowercase),
    samples=_SAMPLES,
    license="none stated",
    homepage="https://www.nist.gov/itl/products-and-services/emnist-dataset",
    citation="Cohen, G., Afshar, S., Tapson, J., van Schaik, A.: EMNIST: an extension of MNIST to handwritten "
    "letters. arXiv:1702.05373, 2017.",
    validation=20_800,
    editions=(
        Edition({split: _unpacked(split) for split in _SAMPLES}, IdxFiles(columns_first=True, first_label=1)),
        Edition(
            dict.fromkeys(_SAMPLES, (_ARCHIVE,)),
            IdxFiles(
                packed=True, columns_first=True, first_label=1, members={split: _members(split) for split in _SAMPLES}
            ),
        ),
    ),
    documentation=Documentation(
        collection="Letters on forms of NIST special database 19, made like MNIST's digits in 28x28 pixels; "
        "published 2017.",
        annotation="By NIST, from the forms; upper and lower case of a letter are one class.",
        biases="American writers of about 1990; classes are balanced.",
        limitations="Some forms are ambiguous without case or context, i and l for example; some labels are wrong.",
        symmetry="Upright letters: a turn or a mirror makes another letter of some, d and p, n and u, b and d for "
        "example; labels stay those of the source.",
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known "
        "symmetries. Not for judging character recognition in use.",
        personal="Handwriting without names; writers are not identified.",
    ),
    moved=MovedDataset("g-emnist-letters", "G-EMNIST-Letters", released="2026-11-26"),
)
