"""What a search trained, from the `trials.csv` of its entry: its author states it, and no score rests on it."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from aenbench.leaderboard.entry_folder import TRIALS_FILE
from aenbench.leaderboard.entry_tables import read_by_seed
from aenbench.leaderboard.untrusted.rows import real, whole

COLUMNS = ("seed", "network", "state", "canonical", "value", "states_visited", "epsilon", "reward")
"""Of the file, as `aenbench.search.record.trials_csv` writes it."""

MAX_TRIALS = 100_000
"""Rows of the file."""

MAX_SEARCHES = 10
"""Seeds whose search is shown: the first ones."""

MAX_POINTS = 400
"""Points shown of a search. Longer searches are thinned evenly; the first and the last point are kept."""

_MAX_NUMBER = 10**9  # states
_MAX_REWARD = 3.5e38  # rewards of the protocol `paper` end where float32 ends
_STATE = re.compile("[01]{0,256}")


class TrialRow(NamedTuple):
    """One network that a search trained: the state that asked for it, its value 0..1, states visited until then."""

    state: str
    value: float
    states_visited: int


class Point(NamedTuple):
    """Where a search, or a training, stood: networks or passes so far, the value 0..1 of the last, the best so far."""

    number: int
    value: float
    best: float


def read_trials(folder: Path) -> dict[int, list[TrialRow]]:
    """The networks that each seed's search trained, in order; nothing where the entry has no `trials.csv`.

    Raises:
        EntryError: the file is too large or malformed: other columns, a number that is none or out of its bounds,
            networks that are not counted from 1.
    """
    return read_by_seed(folder, TRIALS_FILE, COLUMNS, MAX_TRIALS, _row, "values 0 to 1")


def _row(before: Sequence[TrialRow], values: Sequence[str]) -> TrialRow:
    """A row after those before; raises ValueError for one that no search writes."""
    state, canonical, value, visited, epsilon, reward = values
    for text in (state, canonical):
        if not _STATE.fullmatch(text):
            raise ValueError(f"state {text[:20]}")
    if epsilon:
        real("epsilon", epsilon, 0, 1)
    if reward:
        real("reward", reward, -_MAX_REWARD, _MAX_REWARD)
    least = before[-1].states_visited if before else 0
    states = whole("states_visited", visited, _MAX_NUMBER)
    if states <= least:
        raise ValueError(f"states_visited {states}, expected more than {least}")
    return TrialRow(state, real("value", value, 0, 1), states)


def progress(trials: Mapping[int, Sequence[TrialRow]]) -> dict[int, list[Point]]:
    """How each seed's search went, of the first seeds and thinned."""
    return curves({seed: [trial.value for trial in rows] for seed, rows in trials.items()})


def curves(values: Mapping[int, Sequence[float]]) -> dict[int, list[Point]]:
    """Values 0..1 by seed as they are shown: of the first seeds, and thinned."""
    return {seed: _thinned(values[seed]) for seed in sorted(values)[:MAX_SEARCHES]}


def _thinned(values: Sequence[float]) -> list[Point]:
    step = math.ceil(len(values) / MAX_POINTS)
    points, best = [], 0.0
    for network, value in enumerate(values, start=1):
        best = max(best, value)
        if network % step == 0 or network in (1, len(values)):
            points.append(Point(network, value, best))
    return points
