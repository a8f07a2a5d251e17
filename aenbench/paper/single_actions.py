"""Part a: each single action as a network on each single action as a move of the images.

<out>/a/
├── actions.md          what was found
├── accuracy.csv        means over seeds, of each network on each configuration
├── trainings.csv       every training
└── <dataset>.png, .svg  heat maps

Protocol `paper`: the table of the paper reports the best of ten epochs on the 1,000 images that choose it. The kept
network is judged on the other test images too, so that one sees what choosing on test images adds; and the matching and
the plain network are trained again with the initialization and the bias of protocol `standard`, one and both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aenbench.execution.store import Result
from aenbench.paper.context import Setting
from aenbench.paper.figures import HeatMap, heat_map
from aenbench.paper.trainings import MEASURES, VARIANTS, By, Training, Variant, architecture, measured, train
from aenbench.reports.markdown import csv_text, markdown_table
from aenbench.statistics.intervals import diagonal_p, estimate, points_cell, share_cell
from aenbench.tasks.protocol import PAPER
from gdatasets.files import make_folder, write_whole
from gdatasets.groups.actions import ACTIONS

PLAIN = "none"
NETWORKS = (PLAIN, *ACTIONS)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """One training, by what makes it different from the others."""

    dataset: str
    configuration: str
    network: str
    variant: Variant
    seed: int


@dataclass(frozen=True, eq=False)
class Actions:
    """The trainings of part a.

    Attributes:
        cells: every training's result.
        seeds: repetitions.
        datasets: in the order of the report.
    """

    cells: Mapping[Cell, Result]
    seeds: int
    datasets: Sequence[str]

    def accuracy(self, dataset: str, by: By) -> Floats:
        """Of the released variant, (networks, configurations, seeds), 0..1; NaN where no image is unseen."""
        return np.array(
            [
                [
                    [self._value(Cell(dataset, column, row, "released", seed), by) for seed in range(self.seeds)]
                    for column in ACTIONS
                ]
                for row in NETWORKS
            ]
        )

    def gain_of_match(self, dataset: str, variant: Variant, by: By) -> Floats:
        """Of the matching network over the plain one, mean over configurations, (seeds,), in points."""
        gains = [
            [
                self._value(Cell(dataset, column, column, variant, seed), by)
                - self._value(Cell(dataset, column, PLAIN, variant, seed), by)
                for column in ACTIONS
            ]
            for seed in range(self.seeds)
        ]
        points: Floats = 100 * np.array(gains).mean(axis=1)
        return points

    def _value(self, cell: Cell, by: By) -> float:
        return measured(self.cells[cell], PAPER, by)


def cells(datasets: Sequence[str], seeds: int) -> list[Cell]:
    """All trainings: those of the released code first; those of one task in a row, whose images are read once."""
    released = [
        Cell(dataset, column, row, "released", seed)
        for dataset in datasets
        for column in ACTIONS
        for seed in range(seeds)
        for row in NETWORKS
    ]
    causes = [
        Cell(dataset, column, row, variant, seed)
        for dataset in datasets
        for column in ACTIONS
        for seed in range(seeds)
        for variant in VARIANTS
        for row in (PLAIN, column)
        if variant != "released"
    ]
    return released + causes


def run(setting: Setting) -> Path:
    """Train what is missing and write the part's folder."""
    wanted = cells(setting.datasets, setting.scale.seeds)
    trainings = {cell: _training(setting, cell) for cell in wanted}
    tasks = [setting.images(dataset, column, PAPER) for dataset in setting.datasets for column in ACTIONS]
    store = setting.store("a", tasks)
    results = setting.evaluate(store, "a: trainings", train, {each.key: each for each in trainings.values()})
    found = Actions(
        {cell: results[each.key] for cell, each in trainings.items()}, setting.scale.seeds, setting.datasets
    )
    return write(found, setting.out / "a", f"scale {setting.scale.name}")


def _training(setting: Setting, cell: Cell) -> Training:
    images = setting.images(cell.dataset, cell.configuration, PAPER)
    actions = () if cell.network == PLAIN else (cell.network,)
    network = architecture(images, actions, cell.variant)
    return Training(images.task, setting.root, network, setting.scale.actions, cell.seed)


def write(found: Actions, folder: Path, title: str) -> Path:
    """Write what was found into a folder.

    Raises:
        OutputError: the folder cannot be written to.
    """
    make_folder(folder)
    for dataset in found.datasets:
        for suffix, content in heat_map(_picture(found, dataset)).items():
            write_whole(folder / f"{dataset}.{suffix}", content)
    write_whole(folder / "accuracy.csv", _means_csv(found).encode())
    write_whole(folder / "trainings.csv", _trainings_csv(found).encode())
    write_whole(folder / "actions.md", markdown(found, title).encode())
    return folder


def _picture(found: Actions, dataset: str) -> HeatMap:
    accuracy = 100 * found.accuracy(dataset, "reported").mean(axis=2)
    return HeatMap(
        accuracy,
        accuracy - accuracy[0],
        NETWORKS,
        ACTIONS,
        tuple((1 + place, place) for place in range(len(ACTIONS))),
        f"{dataset}: accuracy, %, and gain over no sharing (color)",
    )


def markdown(found: Actions, title: str) -> str:
    """What was found, as text with tables."""
    parts = [
        f"# Single actions on single moves, {title}",
        f"Networks with the sharing of one action (`{PLAIN}`: without sharing) on images moved by one action; protocol "
        f"`paper`, {found.seeds} {'seeds' if found.seeds > 1 else 'seed'}. *Reported* is the best epoch on the 1,000 "
        "test images that choose it, as in the released code; *last* the last epoch on those; *unseen* the network of "
        "the best epoch on the other test images. Intervals (95 %, Student's t) are for training with other seeds.",
        "## Does the matching action win its column?\n\n" + _wins_table(found),
        "A chance winner wins one column of twelve. p: how often the mean accuracy of the matching cells, each against "
        "the mean of its column's twelve actions, is as high when rows are permuted (100,000 random permutations).",
        "## What the gain of the matching action over no sharing rests on\n\n" + _causes_table(found),
    ]
    for dataset in found.datasets:
        picture = f"![Accuracy of each network on images moved by each action, gain in color]({dataset}.png)"
        parts.append(
            f"## {dataset}: matching action, column by column\n\n{picture}\n\n{_columns_table(found, dataset)}"
        )
    return "\n\n".join(parts) + "\n"


def _wins_table(found: Actions) -> str:
    rows = []
    for dataset in found.datasets:
        for by in _measures(found, dataset):
            mean = found.accuracy(dataset, by).mean(axis=2)
            actions = mean[1:]
            ranks = _ranks_of_match(actions)
            rows.append(
                [
                    dataset,
                    by,
                    f"{(ranks == 1).sum()} of {len(ACTIONS)}",
                    f"{(ranks <= 3).sum()}",
                    f"{(np.diag(actions) > mean[0]).sum()}",
                    f"{100 * (np.diag(actions) - actions.mean(axis=0)).mean():+.2f}",
                    f"{diagonal_p(actions):.2g}",
                ]
            )
    return markdown_table(
        ["dataset", "by", "wins", "among the first three", "above no sharing", "above its column's mean, points", "p"],
        rows,
    )


def _ranks_of_match(actions: Floats) -> NDArray[np.int64]:
    """The place of the matching action in each column of (actions, configurations), from 1."""
    ranks: NDArray[np.int64] = 1 + (actions > np.diag(actions)).sum(axis=0)
    return ranks


def _causes_table(found: Actions) -> str:
    rows = [
        [dataset, VARIANTS[variant].title]
        + [points_cell(estimate(found.gain_of_match(dataset, variant, by))) for by in MEASURES]
        for dataset in found.datasets
        for variant in VARIANTS
    ]
    return markdown_table(["dataset", "network", *(f"gain, points, {by}" for by in MEASURES)], rows)


def _columns_table(found: Actions, dataset: str) -> str:
    accuracy = 100 * found.accuracy(dataset, "reported")
    rows = []
    for place, column in enumerate(ACTIONS):
        mean = accuracy[:, place].mean(axis=1)
        best = int(mean.argmax())
        gain = estimate(accuracy[1 + place, place] - accuracy[0, place])
        rank = int(_ranks_of_match(accuracy[1:].mean(axis=2))[place])
        rows.append(
            [
                column,
                f"{mean[0]:.1f}",
                f"{mean[1 + place]:.1f}",
                points_cell(gain),
                str(rank),
                f"{NETWORKS[best]}: {mean[best]:.1f}",
            ]
        )
    return markdown_table(["moved by", "no sharing, %", "match, %", "gain, points", "place of 12", "best, %"], rows)


def _measures(found: Actions, dataset: str) -> list[By]:
    """Those that the dataset has test images for."""
    return [by for by in MEASURES if np.isfinite(found.accuracy(dataset, by)).all()]


def _means_csv(found: Actions) -> str:
    lines: list[list[object]] = [["dataset", "network", "configuration", *MEASURES]]
    for dataset in found.datasets:
        means = [found.accuracy(dataset, by).mean(axis=2) for by in MEASURES]
        for row, network in enumerate(NETWORKS):
            for column, configuration in enumerate(ACTIONS):
                values = [share_cell(float(each[row, column])) for each in means]
                lines.append([dataset, network, configuration, *values])
    return csv_text(lines)


def _trainings_csv(found: Actions) -> str:
    lines: list[list[object]] = [
        ["dataset", "configuration", "network", "variant", "seed", *MEASURES, "parameters", "seconds"]
    ]
    for cell, result in found.cells.items():
        scores = [share_cell(measured(result, PAPER, by)) for by in MEASURES]
        what = (cell.dataset, cell.configuration, cell.network, cell.variant, cell.seed)
        lines.append([*what, *scores, result["parameters"], result["seconds"]])
    return csv_text(lines)
