"""Text files of gray 28x28 images, one a line: Rotated MNIST (AMAT) and Sign Language MNIST (CSV).

Lines are read with a bounded length and never more of them than expected, so that no file can exhaust the memory.
"""

import io
import string
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import SourceError
from gdatasets.sources.documentation import Documentation
from gdatasets.sources.source import Edition, MovedDataset, PublishedFile, Source, SourceArrays

_SIZE = 28
_PIXELS = _SIZE * _SIZE
_MAX_LINE_BYTES = 32 * (_PIXELS + 1)
_BLOCK_BYTES = 1 << 20
_LETTER_J = 9


@dataclass(frozen=True)
class RotatedMnistArchive:
    """`mnist_rotation_new.zip`: 784 gray values 0..1 and the label on a line, separated by spaces.

    Values become the nearest of 256 gray levels. Pixels are taken row by row: so does the loader that an author of the
    dataset wrote (skdata, J. Bergstra), which transposes other datasets of the same paper, not this one; so do those of
    the papers on equivariant networks. `train` is the smaller file, `..._train_valid.amat`, of 12,000 images.
    """

    def read(self, root: Path, files: tuple[PublishedFile, ...], split: str, count: int, /) -> SourceArrays:
        path = root / files[0].path
        member = f"mnist_all_rotation_normalized_float_{'train_valid' if split == 'train' else 'test'}.amat"
        try:
            with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
                buffered = io.BufferedReader(cast("io.RawIOBase", stream), _BLOCK_BYTES)  # many times faster by lines
                rows = _read_rows(buffered, count, None, f"{path}: {member}")
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
            raise SourceError(
                f"{path} lacks {member} or part of it ({error}); delete it and fetch it again."
            ) from error
        levels = rows[:, :-1]
        np.rint(np.multiply(levels, 255, out=levels), out=levels)
        return _as_arrays(levels, rows[:, -1], f"{path}: {member}")


@dataclass(frozen=True)
class SignLanguageTables:
    """`sign_mnist_train.csv` and `sign_mnist_test.csv`: the label and 784 gray levels 0..255, row by row.

    Labels count the letters of the alphabet: 0..24 without 9 (J and Z are movements). Here they are 0..23.

    No digest was published: shape, number of rows, and the range of levels and labels are checked, nothing more.
    """

    def read(self, root: Path, files: tuple[PublishedFile, ...], _split: str, count: int, /) -> SourceArrays:
        path = root / files[0].path
        header = ",".join(["label", *(f"pixel{number}" for number in range(1, _PIXELS + 1))])
        with path.open("rb") as stream:
            if stream.readline(_MAX_LINE_BYTES).rstrip(b"\r\n") != header.encode():
                raise SourceError(f'{path} does not begin with the line "label,pixel1,...,pixel784"; fetch it again.')
            rows = _read_rows(stream, count, ",", str(path))
        images, letters = _as_arrays(rows[:, 1:], rows[:, 0], str(path))
        if (letters == _LETTER_J).any():
            raise SourceError(f"{path} has the label {_LETTER_J} (J), which no published image has; fetch it again.")
        return SourceArrays(images, letters - (letters > _LETTER_J))


def _read_rows(stream: IO[bytes], count: int, delimiter: str | None, where: str) -> NDArray[np.float32]:
    """`count` lines of 785 numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # no line at all is a warning only
            rows = np.loadtxt(_lines(stream), dtype=np.float32, delimiter=delimiter, ndmin=2, max_rows=count + 1)
    except (ValueError, UserWarning) as error:
        reason = str(error).splitlines()[0][:200]
        raise SourceError(f"{where} is not a table of numbers ({reason}); delete it and fetch it again.") from error
    if rows.shape != (count, _PIXELS + 1):
        found = f"more than {count:,}" if len(rows) > count else f"{len(rows):,}"
        raise SourceError(
            f"{where} has {found} rows of {rows.shape[1]} numbers, expected {count:,} of {_PIXELS + 1}; "
            "delete it and fetch it again."
        )
    return rows


def _lines(stream: IO[bytes]) -> Iterator[str]:
    while line := stream.readline(_MAX_LINE_BYTES):
        if not line.isspace():
            yield line.decode("ascii")


def _as_arrays(levels: NDArray[np.float32], labels: NDArray[np.float32], where: str) -> SourceArrays:
    """Images from gray levels (n, 784) and class numbers from (n,), both of which must be whole numbers."""
    if not ((levels >= 0) & (levels <= 255) & (levels == np.rint(levels))).all():
        raise SourceError(f"{where} has pixels that are no gray levels; delete it and fetch it again.")
    if not (labels == np.rint(labels)).all():
        raise SourceError(f"{where} has labels that are no whole numbers; delete it and fetch it again.")
    return SourceArrays(levels.astype(np.uint8).reshape(-1, _SIZE, _SIZE), labels.astype(np.int64))


_ARCHIVE = PublishedFile(
    "mnist_rotation_new.zip",
    md5="0f9a947ff3d30e95cd685462cbf3b847",  # its authors published none; several public loaders pin this one
    urls=("http://www.iro.umontreal.ca/~lisa/icml2007data/mnist_rotation_new.zip",),
)

ROTATED_MNIST = Source(
    name="rotmnist",
    title="Rotated MNIST",
    classes=tuple(string.digits),
    samples={"train": 12_000, "test": 50_000},
    license="none stated",
    homepage="https://sites.google.com/a/lisa.iro.umontreal.ca/public_static_twiki/variations-on-the-mnist-digits",
    citation="Larochelle, H., Erhan, D., Courville, A., Bergstra, J., Bengio, Y.: An empirical evaluation of "
    "deep architectures on problems with many factors of variation. ICML 2007.",
    validation=2_000,
    editions=(Edition({"train": (_ARCHIVE,), "test": (_ARCHIVE,)}, RotatedMnistArchive()),),
)

SIGN_LANGUAGE_MNIST = Source(
    name="asl",
    title="Sign Language MNIST",
    classes=tuple(letter for letter in string.ascii_uppercase if letter not in "JZ"),
    samples={"train": 27_455, "test": 7_172},
    license="CC0-1.0",
    homepage="https://www.kaggle.com/datasets/datamunge/sign-language-mnist",
    citation="tecperson: Sign Language MNIST. Kaggle, 2017.",
    validation=2_745,
    editions=(  # behind an account on Kaggle; copies on the Hub are in other formats and no better vouched for
        Edition(
            {split: (PublishedFile(f"sign_mnist_{split}.csv"),) for split in ("train", "test")}, SignLanguageTables()
        ),
    ),
    documentation=Documentation(
        collection="Photographs of hands that form letters of American Sign Language, made gray, cropped and reduced "
        "to "
        "28x28 pixels, multiplied by filters and small changes; published 2017 on Kaggle.",
        annotation="By the author; the letters J and Z, which are movements, are left out.",
        biases="Few people, of whom nothing is stated; skin tones and hands are not balanced.",
        limitations="About 1,700 photographs were multiplied to 34,627 images, and which belong together is not "
        "stated: "
        "scores are optimistic. Single letters are not sign language.",
        symmetry="A mirror makes a left-handed sign of the same letter; turned signs do not occur, and some would be "
        "other letters.",
        uses="Measuring image classifiers, and how well networks learn from images that are moved by known "
        "symmetries. Not for interpreting signs in use.",
        personal="Hands without faces or names.",
    ),
    moved=MovedDataset("g-asl", "G-ASL"),
)
