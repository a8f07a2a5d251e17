"""The images of a person's folder as a dataset that can be learned from: squares of one size, with a test split.

A folder that has both is taken as it is. Otherwise an ordinary archive of class folders is made of it, for `aenbench
run` and everything else that takes one.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aenbench.auto.network_pair import takes
from aenbench.tasks.datasets import (
    Dataset,
    Root,
    as_typed,
    check_benchmark,
    check_own_name,
    default_configuration,
    open_dataset,
)
from aenbench.tasks.task import TaskShape
from gdatasets.errors import SourceError
from gdatasets.files import writing
from gdatasets.folder.manifest import is_build
from gdatasets.generation.specs import own_spec
from gdatasets.sources.image_folder import FolderSource
from gdatasets.sources.source import SourceArrays
from gdatasets.sources.splits import cut_each_class

LARGEST_AS_IT_IS = 128
"""Pixels a side up to which images that are all squares of one size are not resized."""
LARGEST_MADE = 64
"""Pixels a side that others are resized to, at most."""
LEAST_OF_A_CUT = 10
"""Images of each class where a test split has to be cut: one in five is tested, one in ten chosen by."""

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that an archive can hold: equal images give equal archives


@dataclass(frozen=True, eq=False)
class FoundImages:
    """Images that can be learned from.

    Attributes:
        dataset: opened and read.
        name: what a task calls it: its path or name; where an archive was made, that is to be moved to its place.
        configuration: of the dataset.
        archive: made of the folder; None where that is taken as it is.
        notes: what was done to the images, a sentence each.
    """

    dataset: Dataset
    name: str
    configuration: str
    archive: Path | None
    notes: tuple[str, ...]

    def to_learn(self) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
        """The images to learn from, uint8 (n, size, size) or (n, size, size, 3), and the names of their classes."""
        images, labels = self.dataset.read("train")
        count = len(labels) - self.dataset.validation
        return images[:count], np.asarray(self.dataset.classes)[labels[:count]]


def find_images(typed: str, root: Root, scratch: Path) -> FoundImages:
    """Read a folder or .zip file of class folders, a build or a dataset; nothing is written but below `scratch`.

    Args:
        typed: a path, or the name of a dataset.
        root: a folder to look for named datasets in first.
        scratch: an empty folder for an archive, where one is needed.

    Raises:
        UnknownNameError: no such dataset.
        SourceError: an image cannot be read, or there are too few.
        InvalidArgumentError: the images are too small, or the folder has the name of a published dataset.
    """
    name = as_typed(typed)
    path = Path(name).expanduser()
    archive: Path | None = None
    notes: tuple[str, ...] = ()
    if path.exists() and not (path.is_dir() and is_build(path)):
        path = path if path.name not in ("", "..") else path.resolve()
        name = str(path)
        archive, notes = _as_archive(path, scratch)
    configuration = default_configuration(name, root) if archive is None else "none"
    dataset = open_dataset(name if archive is None else str(archive), configuration, root)
    for split in ("train", "test"):
        dataset.read(split)  # what cannot be read ends here, before any work
    return FoundImages(dataset, name, configuration, archive, notes)


def _as_archive(path: Path, scratch: Path) -> tuple[Path | None, tuple[str, ...]]:
    """An archive of a folder's images, with splits and a size; None where the folder has both."""
    source = FolderSource(path)
    splits = source.about.samples
    is_cut = "test" not in splits
    if set(splits) not in ({"train"}, {"train", "test"}, {"train", "validation", "test"}):
        check_benchmark(str(path), source.about.classes, splits)
    survey, notes = source.survey(), []
    channels = 3 if survey.has_color else 1

    def fits(size: int) -> bool:
        return takes(TaskShape(classes=len(source.about.classes), image_size=size, channels=channels))

    if survey.square is not None and survey.square <= LARGEST_AS_IT_IS and fits(survey.square):
        size = survey.square
        if not is_cut and not (survey.has_color and survey.has_gray):
            return None, ()
    else:
        limit = min(LARGEST_MADE, survey.smallest_side)
        size = next((size for size in range(limit, 0, -1) if fits(size)), 0)
        if not size:
            raise SourceError(
                f"{path} has an image of {limit} pixels a side; 8 or more are needed. Remove small images."
            )
        notes.append(f"The central square of each image was resized to {size} x {size} pixels.")
    name = own_spec(source).name.lower()
    check_own_name(name, str(path), sum(splits.values()))
    resized = FolderSource(path, size=size, color=survey.has_color)
    parts = {split: resized.read(split, 0, count) for split, count in splits.items()}
    if is_cut:
        parts = _cut(name, str(path), source, parts["train"])
        sizes = ", ".join(f"{len(part.labels):,} {split}" for split, part in parts.items())
        notes.append(
            "The folder has no test split: of each class, in the order of the file names, the last fifth became the "
            f"test images and the tenth before it those that choices are made by ({sizes})."
        )
    check_benchmark(str(path), source.about.classes, {split: len(part.labels) for split, part in parts.items()})
    archive = scratch / f"{name}.zip"
    _write(archive, source.about.classes, parts)
    return archive, tuple(notes)


def _cut(name: str, where: str, source: FolderSource, whole: SourceArrays) -> dict[str, SourceArrays]:
    """The three parts of a folder that has none, by the rule for sources that were published without."""
    for label, count in source.class_sizes("train").items():
        if count < LEAST_OF_A_CUT:
            raise SourceError(
                f'{where} has {count} images of the class "{label}" and no folder test; a fifth is held out then, '
                f"which takes {LEAST_OF_A_CUT} or more of each. Add images, remove the class, or make folders train "
                "and test."
            )
    cut = cut_each_class(name, whole.labels)
    held_out = sum(count // 10 for count in source.class_sizes("train").values())
    learn, validation = np.split(cut["train"], [len(cut["train"]) - held_out])
    rows = {"train": learn, "validation": validation, "test": cut["test"]}
    return {split: SourceArrays(whole.images[row], whole.labels[row]) for split, row in rows.items()}


def _write(path: Path, classes: tuple[str, ...], parts: Mapping[str, SourceArrays]) -> None:
    with writing(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        for split, (images, labels) in parts.items():
            for number, (image, label) in enumerate(zip(images, labels, strict=True)):
                content = io.BytesIO()
                Image.fromarray(image).save(content, "PNG")
                member = zipfile.ZipInfo(f"{split}/{classes[label]}/{number:07}.png", _DATE)
                archive.writestr(member, content.getvalue())
