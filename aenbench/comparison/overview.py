"""Comparisons on several tables side by side, as files.

<folder>/
├── overview.md     mean regret on each table, and on how many of them two algorithms really differ; it names the
│                   comparison of a table as `<its name>/comparison.md`
├── overview.png    the curves of each table
└── overview.csv    the numbers of the tables, with intervals
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from aenbench.comparison.compare import CHECKPOINTS, Comparison, Curves, Difference, checkpoints, significance
from aenbench.comparison.report import AHEAD_NOTE, CUT_NOTE, better, curves_by_networks
from aenbench.reports.figures import regret_panels
from aenbench.reports.markdown import csv_text, markdown_table
from aenbench.statistics.hypothesis_tests import Floats, Summary, means, summarize
from aenbench.statistics.intervals import t_half_width
from gdatasets.files import make_folder, write_whole


def write_overview(comparisons: Mapping[str, Comparison], folder: Path, at: Sequence[int] = CHECKPOINTS) -> None:
    """Write comparisons of the same algorithms into a folder, which is made where it is missing.

    Args:
        comparisons: by the name of the table, which is that of the folder of its comparison, too.
        folder: gets the files.
        at: numbers of networks to compare at.

    Raises:
        OutputError: the folder cannot be written to.
    """
    make_folder(folder)
    panels = {name: curves_by_networks(comparison) for name, comparison in comparisons.items()}
    write_whole(folder / "overview.md", markdown(comparisons, at).encode())
    write_whole(folder / "overview.csv", _csv(comparisons, at).encode())
    write_whole(folder / "overview.png", regret_panels(panels))


def markdown(comparisons: Mapping[str, Comparison], at: Sequence[int] = CHECKPOINTS) -> str:
    """The tables, as text."""
    at = sorted({number for comparison in comparisons.values() for number in checkpoints(comparison, at)})
    parts = [
        f"# Search algorithms on {len(comparisons)} tables",
        "Regret: how far the network with the best validation accuracy so far is below the best one of the table, by "
        "mean test accuracy over the table's training seeds, in percentage points; mean over runs. The lowest of a row "
        "is bold, whether or not it is really lower: see below. A table's name leads to its intervals, times and tests."
        + (f" {AHEAD_NOTE}" if any(curves.chooses_ahead for curves in _every(comparisons)) else ""),
        "![Mean regret against networks trained, one panel for each table](overview.png)",
        *(f"## After {number} networks\n\n{_regret_table(comparisons, number)}" for number in at),
        f"## Over the tables\n\n{_over_tables(comparisons, at)}",
        f"## When the runs had ended\n\n{_ends_table(comparisons)}",
        f"## What they chose then\n\n{_choices_table(comparisons)}",
    ]
    if len(_algorithms(comparisons)) > 1:
        parts.append(f"## On how many tables they differ\n\n{_differences_table(comparisons, at)}")
    return "\n\n".join(parts) + "\n"


def _regret_table(comparisons: Mapping[str, Comparison], networks: int) -> str:
    names = _algorithms(comparisons)
    regret = 100 * np.array([_means_at(comparison, networks) for comparison in comparisons.values()])
    rows = [[_link(table), *_bold_lowest(values)] for table, values in zip(comparisons, regret, strict=True)]
    rows.append(["mean", *_bold_lowest(regret.mean(axis=0))])
    return markdown_table(["table", *names], rows)


def _link(table: str) -> str:
    """The table's name, leading to its comparison."""
    return f"[{table}]({table}/comparison.md)"


def _over_tables(comparisons: Mapping[str, Comparison], at: Sequence[int]) -> str:
    """Of each algorithm after so many networks the mean over tables, with its interval."""
    regret = np.array([[_means_at(comparison, number) for comparison in comparisons.values()] for number in at])
    rows = [
        [name, *(_mean_cell(tuple(values)) for values in 100 * regret[:, :, place])]
        for place, name in enumerate(_algorithms(comparisons))
    ]
    note = (
        "Mean regret over tables; in brackets its 95 % interval for other tables of this kind, Student's t of the "
        "tables' means, cut off at zero."
    )
    return f"{note}\n\n{markdown_table(['algorithm', *(f'{number} networks' for number in at)], rows)}"


def _mean_cell(values: tuple[float, ...]) -> str:
    """Such as `0.35 [0.10, 0.60]`."""
    mean = float(np.mean(values))
    if np.isnan(mean):
        return "-"
    if len(values) < 2:
        return f"{mean:.2f}"
    half = t_half_width(values)
    return f"{mean:.2f} [{max(mean - half, 0.0):.2f}, {mean + half:.2f}]"


def _algorithms(comparisons: Mapping[str, Comparison]) -> list[str]:
    return list(next(iter(comparisons.values())).curves)


def _means_at(comparison: Comparison, networks: int) -> list[float]:
    """Mean regret of each algorithm; NaN beyond a budget."""
    if networks > comparison.networks:
        return [float("nan")] * len(comparison.curves)
    return [
        float(means(curves.regret_after([networks]), curves.columns).mean()) for curves in comparison.curves.values()
    ]


def _bold_lowest(values: Floats) -> list[str]:
    shown = ["-" if np.isnan(value) else f"{value:.2f}" for value in values]
    lowest = min((text for text in shown if text != "-"), key=float, default="")
    return [f"**{text}**" if text == lowest else text for text in shown]


def _ends_table(comparisons: Mapping[str, Comparison]) -> str:
    """Of each algorithm over all tables."""
    rows = []
    for name in _algorithms(comparisons):
        curves = [comparison.curves[name] for comparison in comparisons.values()]
        trained, visited, ranks = (
            np.concatenate([getattr(of, what) for of in curves]) for what in ("trained", "visited", "ranks")
        )
        found = np.mean([(of.ranks == 1).mean() for of in curves])
        spent = ["-"] * 3
        if all(of.whole for of in curves):
            duplicates = 100 * (1 - trained.sum() / visited.sum()) if visited.any() else 0.0
            spent = [f"{trained.min():,} to {trained.max():,}", f"{visited.mean():,.0f}", f"{duplicates:.0f} %"]
        rows.append(
            [
                name,
                str(len(ranks)),
                *spent,
                f"{np.median(ranks):.0f}",
                str(ranks.max()),
                f"{100 * found:.0f} %",
            ]
        )
    facts = ["algorithm", "runs", "networks trained", "states visited", "duplicates"]
    note = "" if all(of.whole for of in _every(comparisons)) else f"{CUT_NOTE}\n\n"
    return note + markdown_table([*facts, "median rank", "worst rank", "found the best"], rows)


def _every(comparisons: Mapping[str, Comparison]) -> list[Curves]:
    return [curves for comparison in comparisons.values() for curves in comparison.curves.values()]


def _choices_table(comparisons: Mapping[str, Comparison]) -> str:
    """The best network of each table, and how near each algorithm's last choices come."""
    rows = []
    for table, comparison in comparisons.items():
        best = [f"`{comparison.best}`", f"{100 * comparison.best_accuracy:.2f}"]
        rows.append([_link(table), *best, *map(_choice_cell, comparison.curves.values())])
    note = (
        "The best network by mean test accuracy, and that accuracy in percent. Of each algorithm's last choices: mean "
        "regret in percentage points, then the median rank among all networks and, in brackets, the worst."
    )
    return f"{note}\n\n{markdown_table(['table', 'best', '%', *_algorithms(comparisons)], rows)}"


def _choice_cell(curves: Curves) -> str:
    regret = 100 * float(means(curves.regret[:, curves.reach - 1 : curves.reach], curves.columns).mean())
    return f"{regret:.2f}; {np.median(curves.ranks):.0f} ({curves.ranks.max()})"


def _differences_table(comparisons: Mapping[str, Comparison], at: Sequence[int]) -> str:
    """For each pair: on how many tables the first, and the second, is really better."""
    found = [difference for comparison in comparisons.values() for difference in significance(comparison, at)]
    rows = []
    for first, second in combinations(_algorithms(comparisons), 2):
        cells = [_tally([d for d in found if (d.first, d.second, d.networks) == (first, second, n)]) for n in at]
        rows.append([f"{first} : {second}", *cells])
    note = (
        f"Of {len(comparisons)} tables: on how many the first is really better, then on how many the second is. On the "
        "others they cannot be told apart, or neither varies from run to run, so that there is nothing to test. "
        "P-values are corrected by Holm within each table."
    )
    return f"{note}\n\n{markdown_table(['pair', *(f'{number} networks' for number in at)], rows)}"


def _tally(differences: Sequence[Difference]) -> str:
    winners = [better(difference) for difference in differences]
    if not differences:
        return "-"
    return f"{winners.count(differences[0].first)} : {winners.count(differences[0].second)}"


def _csv(comparisons: Mapping[str, Comparison], at: Sequence[int]) -> str:
    """One line for each table, algorithm and checkpoint; shares, not percent."""
    lines: list[list[object]] = [["table", "algorithm", "runs", "networks", "mean", "low", "high"]]
    for table, comparison in comparisons.items():
        numbers = checkpoints(comparison, at)
        for name, curves in comparison.curves.items():
            of = summarize(curves.regret_after(numbers), curves.columns)
            for place, number in enumerate(numbers):
                lines.append([table, name, len(curves.regret), number, *_shares(of, place)])
    return csv_text(lines)


def _shares(of: Summary, place: int) -> list[str]:
    values = (of.mean[place], of.low[place], of.high[place])
    return ["" if np.isnan(value) else f"{value:.6f}" for value in values]
