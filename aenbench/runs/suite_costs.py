"""What the runs of a suite will cost, by entries that are there."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aenbench.errors import EntryError
from aenbench.leaderboard.entry_folder import find_entries, read_description

Measured = Mapping[tuple[str, str], Sequence[float]]
"""Seconds of each seed, by dataset and entry."""


class Cost(NamedTuple):
    """Seconds of a seed on one core, None where no entry tells; and whether entries of the same kind tell it."""

    seconds: float | None
    exact: bool


def measure(base: Path) -> dict[tuple[str, str], list[float]]:
    """Seconds a seed of the entries below a folder, as stated, by dataset and name; malformed ones are left out."""
    found: dict[tuple[str, str], list[float]] = {}
    try:
        folders = find_entries(base)
    except EntryError:
        return found
    for folder in folders:
        try:
            entry = read_description(folder)
        except EntryError:
            continue
        for seed in entry.seeds:
            if seed.training_seconds is not None:
                spent = seed.training_seconds + (seed.search_seconds or 0.0)
                found.setdefault((entry.dataset, entry.name), []).append(spent)
    return found


def expected(measured: Measured, dataset: str, name: str, *like: str) -> Cost:
    """What a seed will cost, by the entries of its name on this dataset; otherwise on others, which is not exact.

    Args:
        measured: what `measure` gives.
        dataset: of the run.
        name: of its entry.
        like: of entries that cost about as much, asked in this order where there is none of that name.
    """
    if here := measured.get((dataset, name)):
        return Cost(float(np.mean(here)), exact=True)
    elsewhere = [value for (_, other), values in measured.items() if other == name for value in values]
    if elsewhere:
        return Cost(float(np.mean(elsewhere)), exact=False)
    return expected(measured, dataset, *like)._replace(exact=False) if like else Cost(None, exact=False)
