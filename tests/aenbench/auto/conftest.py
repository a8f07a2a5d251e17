"""Folders of made images: each moved by a random symmetry of the square, or all upright."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

MakeFolder = Callable[..., Path]
SIZE = 16


def picture(rng: np.random.Generator, label: int, symmetric: bool) -> NDArray[np.uint8]:
    """A bar or a block on noise, uint8 (16, 16); all upper left unless it is moved."""
    image = rng.integers(0, 60, (SIZE, SIZE)).astype(np.uint8)
    row, column = rng.integers(3, 13 if symmetric else 6, 2)
    if label:
        image[row - 2 : row + 3, column - 2 : column + 3] = 255
    else:
        image[row - 1 : row + 2, max(0, column - 4) : column + 5] = 255
    if symmetric:
        image = np.rot90(image, rng.integers(4))
        image = image.T if rng.integers(2) else image
    return np.ascontiguousarray(image)


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Writes class folders `bar` and `block`; with `splits`, below train and test."""

    def make(name: str = "shapes", count: int = 400, symmetric: bool = True, splits: bool = False) -> Path:
        rng, folder = np.random.default_rng(0), tmp_path / name
        for number in range(count):
            label = number % 2
            split = ("test" if number % 10 > 7 else "train") if splits else "."
            path = folder / split / ("bar", "block")[label] / f"{number:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture(rng, label, symmetric)).save(path)
        return folder

    return make
