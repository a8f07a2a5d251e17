"""Entries recomputed: all that is shown of an entry, and what it says beside what was found.

`aenbench verify` and `aenbench leaderboard` both call `check_entries`: a board shows nothing of an entry that `verify`
does not compute.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import EntryError
from aenbench.leaderboard.entry import Entry
from aenbench.leaderboard.entry_folder import Contents, check_files, read_contents, read_description
from aenbench.leaderboard.ground_truth import AnswerBook, Answers
from aenbench.leaderboard.networks import format_networks
from aenbench.leaderboard.recount import other_recipe, recount
from aenbench.leaderboard.reproduction import Trust, trust_of
from aenbench.leaderboard.search_curves import Point, TrialRow, curves, progress, read_trials
from aenbench.leaderboard.training_curves import STILL_RISING, read_history, still_rising
from aenbench.leaderboard.untrusted.files import absolute
from aenbench.scoring import Details, Scored, detail, score
from aenbench.scoring.scores import SCORES, Evidence
from aenbench.tasks.images import Images
from aenbench.tasks.task import Root
from aenbench.training.history import Pass
from gdatasets.errors import GDatasetsError
from gdatasets.journal import recover


@dataclass(frozen=True, eq=False)
class Shown:
    """What a board shows of an entry beside its accuracy, but for what needs the other entries.

    Attributes:
        scores: all that are registered, by name; None where the entry does not keep what one needs.
        details: accuracy by class and by how images were moved, calibration where there are logits, and invariance
            where there are predictions for moved images.
        network: each seed's network, in words.
        counted: whether its parameters were counted again; otherwise its authors state them.
        progress: of the search of each seed, where there was one.
        training: accuracy on the images to choose by, of each seed's final training, where it is known.
        still_rising: accuracy, as a share, that the trainings gained over their last tenth.
        other_recipe: how they differ from the fixed recipe of today; empty where they do not.
        trust: how far it can be trusted.
    """

    scores: Mapping[str, Scored | None]
    details: Details
    network: str
    counted: bool
    progress: Mapping[int, Sequence[Point]]
    training: Mapping[int, Sequence[Point]]
    still_rising: float
    other_recipe: str
    trust: Trust

    @property
    def has_converged(self) -> bool:
        """Whether no training gained much at last, as far as the entry tells how they went."""
        return self.still_rising <= STILL_RISING


@dataclass(frozen=True, eq=False)
class Checked:
    """An entry beside what its predictions give.

    Attributes:
        folder: where it lies, absolute.
        entry: what it says.
        predictions: uint8 (seeds, n).
        score: by its predictions and the pinned labels.
        differences: between what it says and what was found, one line each.
        shown: what a board shows of it; None where there are differences.
    """

    folder: Path
    entry: Entry
    predictions: NDArray[np.uint8]
    score: Scored
    differences: tuple[str, ...]
    shown: Shown | None = None


def check_entries(folders: Iterable[Path], book: AnswerBook) -> tuple[list[Checked], list[str]]:
    """Check the entries of one board, each by itself: none keeps another one from being checked.

    Returns:
        The entries that say what was found; and one line for each thing that is wrong with one of the others.
    """
    good: list[Checked] = []
    problems: list[str] = []
    for folder in folders:
        try:
            checked = check_entry(folder, book)
        except GDatasetsError as error:
            problems.append(str(error) if str(folder) in str(error) else f"{folder}: {error}")
        except Exception as error:  # a defect that an entry finds here stops the board of no other entry
            problems.append(f"{folder}: it cannot be checked ({type(error).__name__}: {error}); please report this.")
        else:
            problems += [f"{folder}: {difference}" for difference in checked.differences]
            good += [] if checked.differences else [checked]
    return good, problems


def check_entry(folder: Path, book: AnswerBook) -> Checked:
    """Recompute an entry from its files and the pinned labels, which the book reads once for all entries of a task.

    Raises:
        EntryError: the entry is malformed, or lies elsewhere than it says.
        UnknownNameError: its dataset or configuration is not known here.
        SourceError: the dataset's source is not available.
    """
    folder = absolute(folder)
    recover(folder.parent)
    check_files(folder)
    described = read_description(folder)
    if folder.parts[-3:] != (described.dataset, described.configuration, described.name):
        belongs = f"{described.dataset}/{described.configuration}/{described.name}"
        raise EntryError(f"{folder}: it belongs in {belongs}.")  # before an answer sheet of another folder is read
    answers = book.of(described.task, folder.parent)
    contents = read_contents(folder, book.root, answers.images)
    entry, predictions = contents.entry, contents.predictions
    result = score(predictions, answers.labels)
    found = [*_misplaced(entry, predictions, answers), *_misstated(entry, result)]
    trust = trust_of(folder, entry, predictions, answers.labels)
    shown = None
    if not found:
        trials, histories = read_trials(folder), read_history(folder)
        counted, found = recount(entry, trials, histories, answers.images)
        shown = None if found else _show(contents, answers, counted, trials, histories, trust)
    if found:
        found += trust.problems
    return Checked(folder, entry, predictions, result, tuple(found), shown)


def _show(
    contents: Contents,
    answers: Answers,
    counted: bool,
    trials: Mapping[int, Sequence[TrialRow]],
    histories: Mapping[int, Sequence[Pass]],
    trust: Trust,
) -> Shown:
    entry, predictions, labels = contents.entry, contents.predictions, answers.labels
    evidence = Evidence(predictions, labels, contents.logits, contents.moved)
    classes = answers.dataset.classes
    return Shown(
        scores={name: each.function(evidence) for name, each in SCORES.items()},
        details=detail(predictions, labels, classes, answers.facets, contents.logits, contents.moved),
        network=format_networks(entry),
        counted=counted,
        progress=progress(trials),
        training=curves({seed: [each.accuracy for each in passes] for seed, passes in histories.items()}),
        still_rising=still_rising(histories),
        other_recipe=other_recipe(entry, histories, answers.images),
        trust=trust,
    )


def _misplaced(entry: Entry, predictions: NDArray[np.uint8], answers: Answers) -> list[str]:
    """Whether it is about these images and these classes."""
    differences = []
    dataset = answers.dataset
    if predictions.max() >= len(dataset.classes):
        differences.append(f"class {predictions.max()} does not exist in {entry.dataset}")
    if entry.dataset_version != dataset.version:
        differences.append(f"{entry.dataset} {entry.dataset_version} is not available, but {dataset.version}")
    elif entry.test_content_sha256 != answers.digest:
        differences.append(f"test_content_sha256 is not that of {entry.dataset} {entry.dataset_version}")
    if entry.image_size != answers.images.size:
        differences.append(f"image_size is {answers.images.size} by the dataset, {entry.image_size} is stated")
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
