"""Part c: whether deep Q-learning gets better at choosing networks while it searches.

<out>/c/
├── progress.md             what was found
├── progress.csv            every network trained, in order, with epsilon
└── <protocol>.png, .svg    rolling means of accuracy against networks trained, with epsilon

A search trains each network once, so that the best ones cannot come again: even a perfect learner's rolling mean falls
in the end. So the means over *states visited*, which the released code would train, are reported too: there are 4,096
of them, and a search visits at most 1,000.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aenbench.paper.context import Setting
from aenbench.paper.figures import Progress, search_panels
from aenbench.paper.found_networks import PROTOCOLS, TaskName, searches_of
from aenbench.paper.searches import fitting_table, replay, space_of
from aenbench.reports.markdown import csv_text, markdown_table
from aenbench.search.dqn import epsilon_at
from aenbench.search.record import Trial
from aenbench.statistics.intervals import estimate, points_cell, share_cell
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import Protocol
from gdatasets.files import make_folder, write_whole

WINDOW = 25  # networks of a rolling mean
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Walk:
    """One search.

    Attributes:
        trials: networks trained, in order.
        visited: value of each state visited, in order, (states,), 0..1.
        epsilons: share of random moves when each was visited, (states,).
        space_mean: mean value of all 4,096 states, which a random walk would come to; None without a table.
    """

    trials: Sequence[Trial]
    visited: Floats
    epsilons: Floats
    space_mean: float | None

    @property
    def gained(self) -> float:
        """Mean value of the last quarter of the states visited above that of the first, in points."""
        quarter = max(1, len(self.visited) // 4)
        return 100 * float(self.visited[-quarter:].mean() - self.visited[:quarter].mean())


Walks = Mapping[tuple[TaskName, Protocol, int], Walk]


def run(setting: Setting) -> Path:
    """Search where that is missing and write the part's folder."""
    walks = {}
    searches, results = searches_of(setting)
    for key, of in searches.items():
        result, images = results[of.key], Images(of.task, of.root)
        table = fitting_table(of, images)
        everywhere = None
        if table is not None:
            everywhere = float(np.mean([table.evaluate(of.seed)(state) for states in table.states for state in states]))
        states = of.budget.search.states
        epsilons = np.array([epsilon_at(max(0, number - 1), states) for number in range(len(result["states"]))])
        record = replay(space_of(images), result, of.budget)
        walks[key] = Walk(record.trials, np.array(result["values"]), epsilons, everywhere)
    return write(walks, setting.out / "c", f"scale {setting.scale.name}")


def write(walks: Walks, folder: Path, title: str) -> Path:
    """Write what was found into a folder.

    Raises:
        OutputError: the folder cannot be written to.
    """
    make_folder(folder)
    for protocol in PROTOCOLS:
        for suffix, content in search_panels(_panels(walks, protocol), WINDOW).items():
            write_whole(folder / f"{protocol}.{suffix}", content)
    write_whole(folder / "progress.csv", _csv(walks).encode())
    write_whole(folder / "progress.md", markdown(walks, title).encode())
    return folder


def _panels(walks: Walks, protocol: Protocol) -> list[Progress]:
    panels = []
    for task in _tasks(walks):
        of = _seeds(walks, task, protocol)
        accuracies = [100 * np.array([trial.value for trial in walk.trials]) for walk in of]
        epsilons = [np.array([trial.epsilon for trial in walk.trials], dtype=np.float64) for walk in of]
        panels.append(Progress(f"{task.dataset} / {task.configuration}", accuracies, epsilons))
    return panels


def markdown(walks: Walks, title: str) -> str:
    """What was found, as text with tables."""
    parts = [
        f"# What deep Q-learning learns, {title}",
        "*Gained* is the mean accuracy of the states that a search visits last, a quarter of them, above that of the "
        "first quarter, in points: on validation images under `standard`, on the first 1,000 test images under "
        "`paper`. Epsilon falls from 1 to about .1 on the way, so learning shows as a gain. *Random* is the mean of "
        "all 4,096 states, which states drawn at random come to, above the first quarter: to gain more than that is "
        "more than to leave the neighborhood of the zero state, where every search begins. Intervals (95 %, Student's "
        "t) are for other seeds.",
    ]
    for protocol in PROTOCOLS:
        picture = f"![Rolling mean of accuracy, and epsilon, against networks trained]({protocol}.png)"
        parts.append(f"## `{protocol}`\n\n{picture}\n\n{_table(walks, protocol)}")
    return "\n\n".join(parts) + "\n"


def _table(walks: Walks, protocol: Protocol) -> str:
    rows = []
    for task in _tasks(walks):
        of = _seeds(walks, task, protocol)
        gained = np.array([walk.gained for walk in of])
        quarters = np.array([walk.visited[: max(1, len(walk.visited) // 4)].mean() for walk in of])
        random = np.array([np.nan if walk.space_mean is None else walk.space_mean for walk in of])
        networks = np.mean([len(walk.trials) for walk in of])
        states = np.mean([len(walk.visited) for walk in of])
        cells = [points_cell(estimate(values)) for values in (gained, 100 * (random - quarters))]
        rows.append([*task, f"{states:.0f}", f"{networks:.0f}", *cells])
    return markdown_table(["dataset", "moves", "states visited", "networks trained", "gained", "random"], rows)


def _tasks(walks: Walks) -> list[TaskName]:
    return list(dict.fromkeys(task for task, _, _ in walks))


def _seeds(walks: Walks, task: TaskName, protocol: Protocol) -> list[Walk]:
    return [walk for (of, under, _), walk in walks.items() if (of, under) == (task, protocol)]


def _csv(walks: Walks) -> str:
    what = ["dataset", "configuration", "protocol", "seed"]
    lines: list[list[object]] = [[*what, "network", "states_visited", "state", "canonical", "value", "epsilon"]]
    for (task, protocol, seed), walk in walks.items():
        for number, trial in enumerate(walk.trials, start=1):
            facts = [trial.states_visited, trial.state, trial.canonical, share_cell(trial.value), trial.epsilon]
            lines.append([*task, protocol, seed, number, *facts])
    return csv_text(lines)
