"""How final trainings went, from the `history.csv` of an entry: its author states it, and no score rests on it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from aenbench.leaderboard.entry_folder import HISTORY_FILE
from aenbench.leaderboard.entry_tables import read_by_seed
from aenbench.leaderboard.untrusted.rows import real
from aenbench.training.history import COLUMNS, MAX_LOSS, Pass

MAX_PASSES = 100_000
"""Rows of the file."""

STILL_RISING = 0.002
"""Shares of accuracy that a converged training gains, at most, over its last tenth."""

_MAX_RATE = 1e6


def read_history(folder: Path) -> dict[int, list[Pass]]:
    """The passes of each seed's final training, in order; nothing where the entry has no `history.csv`.

    Raises:
        EntryError: the file is too large or malformed: other columns, a number that is none or out of its bounds,
            passes that are not counted from 1.
    """
    return read_by_seed(folder, HISTORY_FILE, COLUMNS, MAX_PASSES, _row, "accuracies 0 to 1")


def _row(_: Sequence[Pass], values: Sequence[str]) -> Pass:
    """A row; raises ValueError for one that no training writes."""
    loss, accuracy, rate = values
    return Pass(real("loss", loss, 0, MAX_LOSS), real("accuracy", accuracy, 0, 1), real("rate", rate, 0, _MAX_RATE))


def still_rising(histories: Mapping[int, Sequence[Pass]]) -> float:
    """How much accuracy the trainings gained at last: the last tenth of the passes against the tenth before it.

    Both are means over passes and seeds, so that the noise of one pass weighs little. 0 for trainings of one pass.
    """
    gains = []
    for history in histories.values():
        accuracies = [each.accuracy for each in history]
        tenth = max(1, len(accuracies) // 10)
        if len(accuracies) > 1:
            gains.append(float(np.mean(accuracies[-tenth:]) - np.mean(accuracies[-2 * tenth : -tenth])))
    return float(np.mean(gains)) if gains else 0.0
