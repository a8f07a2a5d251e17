"""Entries recomputed: what they say beside what their predictions give."""

from pathlib import Path

from aenbench.data import Images, Root
from aenbench.errors import EntryError
from aenbench.leaderboard.entry import Entry
from aenbench.leaderboard.files import absolute, find_entries, read_entry
from aenbench.scoring import Score, score
from gdatasets.errors import GDatasetsError


def rescore(folder: Path, root: Root = None) -> tuple[Entry, Score, list[str]]:
    """Score an entry from its predictions and the pinned labels.

    Returns:
        The entry, its score, and every difference between what it says and what was found, one line each.

    Raises:
        EntryError: the entry is malformed.
        SourceError: the dataset's source is not at hand.
    """
    entry, predictions = read_entry(folder, root)
    images = Images(entry.task, root)
    result = score(predictions, images.test_labels())
    differences = []
    if predictions.max() >= images.classes:
        differences.append(f"class {predictions.max()} does not exist in {entry.dataset}")
    if entry.dataset_version != images.dataset.version:
        differences.append(f"{entry.dataset} {entry.dataset_version} is not at hand, but {images.dataset.version}")
    elif entry.test_content_sha256 != images.dataset.digest("test"):
        differences.append(f"test_content_sha256 is not that of {entry.dataset} {entry.dataset_version}")
    if absolute(folder).parts[-3:] != (entry.dataset, entry.configuration, entry.name):
        differences.append(f"it belongs in {entry.dataset}/{entry.configuration}/{entry.name}")
    stated = {f"seed {seed.seed}: accuracy": seed.accuracy for seed in entry.seeds}
    if len(stated) != len(entry.seeds):
        differences.append("a seed appears twice")
    found = dict(zip(stated, result.per_seed, strict=False))
    stated |= {f"accuracy {part}": getattr(entry.accuracy, part) for part in ("mean", "low", "high")}
    found |= {f"accuracy {part}": getattr(result, part) for part in ("mean", "low", "high")}
    for name, value in stated.items():
        if abs(value - found[name]) > 1e-9:
            differences.append(f"{name} is {found[name]:.6f} by its predictions, {value:.6f} is stated")
    return entry, result, differences


def verify(base: Path, root: Root = None) -> tuple[list[Path], list[str]]:
    """Recompute every entry at or below a folder.

    Returns:
        The entries looked at, and one line for each thing that is wrong with them.
    """
    folders = find_entries(base)
    problems = []
    for folder in folders:
        try:
            problems += [f"{folder}: {difference}" for difference in rescore(folder, root)[2]]
        except EntryError as error:
            problems.append(str(error))
        except GDatasetsError as error:
            problems.append(f"{folder}: {error}")
    return folders, problems
