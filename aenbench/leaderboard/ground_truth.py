"""Answer sheets: what scoring needs of images that nobody else can fetch, kept beside their entries.

They let entries about somebody's own folder or .zip file be recomputed where that file is missing, for example by the
workflow for pull requests. `<dataset>/<configuration>/answers.json` holds the test labels, the digest of the test
images and the few of them that the page shows. It is generated where the images are (`aenbench leaderboard`), never
read there, and never for a dataset that this package can name: those are scored by their own labels.
"""

import base64
import binascii
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from aenbench.errors import EntryError
from aenbench.leaderboard.entry import Count, DatasetName, Line, SafeName, Sha256, Strict
from aenbench.leaderboard.untrusted.files import open_bounded, read_bounded
from aenbench.leaderboard.untrusted.json_yaml import parse_json
from aenbench.leaderboard.untrusted.text import printable
from aenbench.scoring import Facet, task_facets
from aenbench.tasks.datasets import Dataset
from aenbench.tasks.images import Images
from aenbench.tasks.task import Root, Task
from gdatasets.errors import SourceError, UnknownNameError
from gdatasets.generation.specs import DATASETS
from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.source import SourceArrays

ANSWERS_FILE = "answers.json"
MAX_ANSWERS_BYTES = 4 << 20

ROWS = 3
MAX_CLASSES = 13
"""The page shows the first images of each class, of datasets with more classes those of the first ones."""

MAX_SIDE = 1_024
"""Pixels of a side, of images that a sheet describes: three larger ones would not fit in its bytes."""

MAX_IMAGE_BYTES = 4 << 30
"""Of all test images that a sheet describes. Memory is taken for those that it holds only."""

_Size = Annotated[int, Field(strict=True, ge=2, le=MAX_SIDE)]


def _square(shape: tuple[int, ...]) -> tuple[int, ...]:
    if shape not in ((shape[0],) * 2, (*(shape[0],) * 2, 3)):
        raise ValueError(f"is {shape}; expected square images, (size, size) or (size, size, 3)")
    return shape


class AnswerSheet(Strict):
    """The test split of a dataset without its images, but for those on the page's picture."""

    schema_version: Literal[1] = 1
    dataset: DatasetName
    dataset_version: Line
    configuration: SafeName
    test_content_sha256: Sha256
    classes: Annotated[tuple[Line, ...], Field(min_length=1, max_length=256)]
    image_shape: Annotated[tuple[_Size, ...], Field(min_length=2, max_length=3), AfterValidator(_square)]
    train_images: Count
    validation_images: Count
    test_images: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    labels: str = Field(description="of the test images in dataset order, uint8, base64")
    shown: tuple[Count, ...] = Field(
        description="numbers of the test images that are kept", max_length=ROWS * MAX_CLASSES
    )
    pixels: str = Field(description="of those, uint8 (shown, *image_shape), base64")


def can_be_fetched(dataset: str) -> bool:
    """Whether the package knows where a dataset's images come from."""
    return dataset in DATASETS or dataset in SOURCES


def make_sheet(dataset: Dataset) -> bytes:
    """The content of a dataset's answer sheet."""
    test = dataset.read("test")
    shown = _pictured(test.labels, len(dataset.classes))
    sheet = AnswerSheet(
        dataset=dataset.name,
        dataset_version=dataset.version,
        configuration=dataset.configuration,
        test_content_sha256=dataset.digest("test"),
        classes=dataset.classes,
        image_shape=dataset.image_shape,
        train_images=dataset.samples["train"],
        validation_images=dataset.validation,
        test_images=dataset.samples["test"],
        labels=base64.b64encode(test.labels.astype(np.uint8).tobytes()).decode("ascii"),
        shown=tuple(shown),
        pixels=base64.b64encode(test.images[shown].tobytes()).decode("ascii"),
    )
    return sheet.model_dump_json(indent=1).encode() + b"\n"


def _pictured(labels: NDArray[np.int64], classes: int) -> list[int]:
    """Numbers of the test images that the page shows."""
    return [
        int(sample) for label in range(min(MAX_CLASSES, classes)) for sample in np.flatnonzero(labels == label)[:ROWS]
    ]


def find_images(task: Task, root: Root, folder: Path) -> Images:
    """A task's images, or what the answer sheet in a folder tells of them.

    Raises:
        UnknownNameError: no such dataset or configuration, nor a sheet.
        EntryError: the sheet is malformed, or another dataset's.
    """
    try:
        return Images(task, root)
    except (UnknownNameError, SourceError):
        if can_be_fetched(task.dataset) or not (folder / ANSWERS_FILE).is_file():
            raise
    return Images(task, root, read_sheet(folder / ANSWERS_FILE, task))


def read_sheet(path: Path, task: Task) -> Dataset:
    """The test split that a sheet describes; it has no training split, and black images where it has none.

    Raises:
        EntryError: it cannot be read, is malformed, or another dataset's.
    """
    where = printable(path, 1_000)
    with open_bounded(path, MAX_ANSWERS_BYTES) as stream:
        sheet = parse_json(read_bounded(stream, MAX_ANSWERS_BYTES, where), AnswerSheet, where)
    if (sheet.dataset, sheet.configuration) != (task.dataset, task.configuration):
        raise EntryError(f"{where} is about {sheet.dataset}/{sheet.configuration}.")
    labels = _numbers(sheet.labels, (sheet.test_images,), f"{where}: labels").astype(np.int64)
    if labels.max() >= len(sheet.classes):
        raise EntryError(f"{where}: labels reach {labels.max()}; expected 0 to {len(sheet.classes) - 1}.")
    if list(sheet.shown) != (expected := _pictured(labels, len(sheet.classes))):
        raise EntryError(f"{where}: shown is {printable(list(sheet.shown), 60)}; its labels give {expected}.")
    if not 1 <= sheet.validation_images <= sheet.train_images:
        raise EntryError(
            f"{where}: validation_images is {sheet.validation_images:,}, expected 1 to train_images, "
            f"{sheet.train_images:,}."
        )
    if (size := len(labels) * math.prod(sheet.image_shape)) > MAX_IMAGE_BYTES:
        raise EntryError(f"{where}: its images would take {size:,} bytes; at most {MAX_IMAGE_BYTES:,} are described.")
    kept = _numbers(sheet.pixels, (len(sheet.shown), *sheet.image_shape), f"{where}: pixels")

    def check(split: str) -> None:
        if split != "test":
            raise SourceError(f"{sheet.dataset} is not available; give --root, the folder that has it.")

    def read(split: str) -> SourceArrays:
        check(split)
        images = np.zeros((len(labels), *sheet.image_shape), dtype=np.uint8)
        images[list(sheet.shown)] = kept
        return SourceArrays(images, labels)

    def digest(split: str) -> str:
        check(split)
        return sheet.test_content_sha256

    samples = {"train": sheet.train_images, "test": sheet.test_images}
    return Dataset(
        sheet.dataset,
        sheet.dataset_version,
        sheet.configuration,
        sheet.classes,
        sheet.image_shape,
        samples,
        sheet.validation_images,
        read,
        digest,
    )


def _numbers(text: str, shape: tuple[int, ...], where: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise EntryError(f"{where}: {error}.") from error
    if len(content) != math.prod(shape):
        raise EntryError(f"{where}: {len(content):,} bytes, expected uint8 {shape}.")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


@dataclass(frozen=True, eq=False)
class Answers:
    """The truth about a task's test images.

    Attributes:
        images: where they are from.
        labels: int64 (n,), of the images that the score rests on.
        digest: `content_sha256` of the test split.
        facets: how those images were moved.
    """

    images: Images
    labels: NDArray[np.int64]
    digest: str
    facets: tuple[Facet, ...]

    @property
    def dataset(self) -> Dataset:
        """What they are from."""
        return self.images.dataset


class AnswerBook:
    """The answers of every task that was asked for.

    Args:
        root: a folder to look for the sources in first.
    """

    def __init__(self, root: Root = None) -> None:
        self.root = root
        self._known: dict[Task, Answers] = {}

    def of(self, task: Task, folder: Path | None = None) -> Answers:
        """The answers of a task.

        Args:
            task: the task.
            folder: where its answer sheet may be, in case its images are not available.

        Raises:
            UnknownNameError: no such dataset or configuration.
            SourceError: the dataset's source is not available.
            EntryError: the answer sheet is malformed.
        """
        if task not in self._known:
            self.add(task, find_images(task, self.root, folder) if folder else Images(task, self.root))
        return self._known[task]

    def add(self, task: Task, images: Images) -> None:
        """Take the answers of a task from these images, which a path or an import path may have named."""
        labels = images.test_labels()
        facets = task_facets(images.dataset.name, task.configuration, images.reported)
        self._known[task] = Answers(images, labels, images.dataset.digest("test"), facets)
