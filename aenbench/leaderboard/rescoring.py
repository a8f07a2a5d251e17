"""Entries recomputed: what they say beside what their predictions give."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aenbench.leaderboard.entry import Entry
from aenbench.leaderboard.entry_folder import read_description, read_entry
from aenbench.leaderboard.ground_truth import AnswerBook, Answers
from aenbench.leaderboard.untrusted.files import absolute
from aenbench.scoring import Scored, score
from aenbench.tasks.images import Images
from aenbench.tasks.task import Root
from gdatasets.journal import recover


@dataclass(frozen=True, eq=False)
class Checked:
    """An entry beside what its predictions give.

    Attributes:
        folder: where it lies, absolute.
        entry: what it says.
        predictions: uint8 (seeds, n).
        score: by its predictions and the pinned labels.
        differences: between what it says and what was found, one line each.
    """

    folder: Path
    entry: Entry
    predictions: NDArray[np.uint8]
    score: Scored
    differences: tuple[str, ...]


def check_entry(folder: Path, book: AnswerBook) -> Checked:
    """Score an entry from its predictions and the pinned labels, which the book reads once for all entries of a task.

    Raises:
        EntryError: the entry is malformed.
        UnknownNameError: its dataset or configuration is not known here.
        SourceError: the dataset's source is not at hand.
    """
    folder = absolute(folder)
    recover(folder.parent)
    answers = book.of(read_description(folder).task, folder.parent)
    entry, predictions = read_entry(folder, book.root, answers.images)
    result = score(predictions, answers.labels)
    found = (*_misplaced(folder, entry, predictions, answers), *_misstated(entry, result))
    return Checked(folder, entry, predictions, result, found)


def _misplaced(folder: Path, entry: Entry, predictions: NDArray[np.uint8], answers: Answers) -> list[str]:
    """Whether it is about these images, these classes, and in the folder that it names."""
    differences = []
    dataset = answers.dataset
    if predictions.max() >= len(dataset.classes):
        differences.append(f"class {predictions.max()} does not exist in {entry.dataset}")
    if entry.dataset_version != dataset.version:
        differences.append(f"{entry.dataset} {entry.dataset_version} is not at hand, but {dataset.version}")
    elif entry.test_content_sha256 != answers.digest:
        differences.append(f"test_content_sha256 is not that of {entry.dataset} {entry.dataset_version}")
    if absolute(folder).parts[-3:] != (entry.dataset, entry.configuration, entry.name):
        differences.append(f"it belongs in {entry.dataset}/{entry.configuration}/{entry.name}")
    return differences


def _misstated(entry: Entry, result: Scored) -> list[str]:
    """Numbers that its predictions do not give."""
    differences = []
    stated = {f"seed {seed.seed}: accuracy": seed.accuracy for seed in entry.seeds}
    if len(stated) != len(entry.seeds):
        differences.append("a seed appears twice")
    found = dict(zip(stated, result.per_seed, strict=False))
    stated |= {f"accuracy {part}": getattr(entry.accuracy, part) for part in ("mean", "low", "high")}
    found |= {f"accuracy {part}": getattr(result, part) for part in ("mean", "low", "high")}
    for name, value in stated.items():
        if abs(value - found[name]) > 1e-9:
            differences.append(f"{name} is {found[name]:.6f} by its predictions, {value:.6f} is stated")
    return differences


def rescore(folder: Path, root: Root = None, images: Images | None = None) -> tuple[Entry, Scored, list[str]]:
    """Score one entry; raises as `check_entry` does.

    Args:
        folder: of the entry.
        root: a folder to look for the sources in first.
        images: of the entry's task, where its dataset was named by a path that the entry does not have.

    Returns:
        The entry, its score, and every difference between what it says and what was found, one line each.
    """
    book = AnswerBook(root)
    if images is not None:
        book.add(read_description(absolute(folder)).task, images)
    checked = check_entry(folder, book)
    return checked.entry, checked.score, list(checked.differences)
