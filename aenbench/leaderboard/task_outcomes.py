"""What the entries of a board give `aenbench.scoring.verdict`: methods by their entries' names, costs, who is tied."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aenbench.leaderboard.entry import Entry
from aenbench.scoring.verdict import Outcome, Outcomes, pareto

if TYPE_CHECKING:
    from aenbench.leaderboard.board import Board, Row


def outcomes_of(board: "Board") -> Outcomes:
    """What the entries of `compared_rows` give."""
    return {
        task: {name: Outcome(row.score.per_seed, frozenset(row.tied), *_costs(row.entry)) for name, row in rows.items()}
        for task, rows in compared_rows(board).items()
    }


def compared_rows(board: "Board") -> Mapping[str, Mapping[str, "Row"]]:
    """The entries of all tasks of the protocol `standard` with fixed recipes, by task and name.

    Others are compared with none of them.
    """
    return {
        f"{standing.task.dataset} / {standing.task.configuration}": {row.entry.name: row for row in standing.rows}
        for standing in board.standings
        if standing.task.protocol.is_default and not standing.is_open
    }


def fronts(rows: Sequence["Row"]) -> Mapping[str, tuple[str, ...]]:
    """At which of its costs, parameters and seconds, no entry of the task is more accurate for less; by name."""
    costs = [_costs(row.entry) for row in rows]
    accuracies = [row.score.mean for row in rows]
    on = {
        "parameters": pareto(accuracies, [parameters for parameters, _ in costs]),
        "seconds": pareto(accuracies, [seconds for _, seconds in costs]),
    }
    return {row.entry.name: tuple(name for name in on if on[name][place]) for place, row in enumerate(rows)}


def _costs(entry: Entry) -> tuple[float, float | None]:
    """Parameters, and seconds of search and training as stated, means over seeds; None where a seed does not say."""
    parameters = float(np.mean([seed.parameters for seed in entry.seeds]))
    seconds = [(seed.search_seconds, seed.training_seconds) for seed in entry.seeds]
    known = [search + training for search, training in seconds if search is not None and training is not None]
    return parameters, float(np.mean(known)) if len(known) == len(seconds) else None
