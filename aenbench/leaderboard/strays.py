"""What lies beside the entries of a board and is none: named, so that nobody takes it for a part of the board."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from aenbench.leaderboard.ground_truth import ANSWERS_FILE
from aenbench.leaderboard.untrusted.files import absolute, shown
from gdatasets.journal import is_journal

_OF_RUNS = re.compile(r"\.{1,3}[a-z0-9._-]+\.(trials(\.[0-9a-f.]+(part)?)?(-journal)?|running)")
"""What runs keep beside the entries that they make, or left there when they were interrupted."""


def find_strays(base: Path, entries: Sequence[Path]) -> list[str]:
    """One line for each file or folder beside entries that is no part of a board; hidden ones too.

    Args:
        base: where the entries were looked for; what lies outside is not looked at.
        entries: their folders, as `find_entries` gives them.
    """
    found = {absolute(folder) for folder in entries}
    top = absolute(base)
    configurations = {folder.parent for folder in found if top in folder.parents and not folder.is_symlink()}
    datasets = {folder.parent for folder in configurations if top in folder.parents}
    strays = [path for folder in configurations for path in _items(folder) if path not in found and not _is_ours(path)]
    strays += [path for folder in datasets for path in _items(folder) if not path.is_dir()]
    return [f"{shown(path)} is no part of a board; move it away." for path in sorted(set(strays) - found)]


def _items(folder: Path) -> Iterator[Path]:
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return  # `find_entries` says why
    for name in names:
        if not is_journal(name) and not _OF_RUNS.fullmatch(name):
            yield folder / name


def _is_ours(path: Path) -> bool:
    """Whether it is an answer sheet, or a folder that holds entries further below, which are named themselves."""
    return path.name == ANSWERS_FILE if not path.is_dir() or path.is_symlink() else any(path.rglob("entry.json"))
