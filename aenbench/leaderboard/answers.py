"""What the entries of a task are scored by: read once for all of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aenbench.data import Images, Root, Task
from aenbench.datasets import Dataset
from aenbench.leaderboard.sheets import find_images
from aenbench.scoring import Facet, task_facets


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
            folder: where its answer sheet may be, should its images not be at hand.

        Raises:
            UnknownNameError: no such dataset or configuration.
            SourceError: the dataset's source is not at hand.
            EntryError: the answer sheet is malformed.
        """
        if task not in self._known:
            images = find_images(task, self.root, folder) if folder else Images(task, self.root)
            labels = images.test_labels()
            facets = task_facets(images.dataset.name, task.configuration, len(labels))
            self._known[task] = Answers(images, labels, images.dataset.digest("test"), facets)
        return self._known[task]
