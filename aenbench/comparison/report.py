"""A comparison of search algorithms as files: tables to read, numbers to compute with, a picture.

<folder>/
├── comparison.md       regret after so many networks and so much time, the last choices, and which differences are real
├── comparison.png      mean regret with its 95 % band, against networks and against time
├── regret.csv          the curves of the picture against networks, with percentiles of runs
└── differences.csv     every pair of algorithms at every checkpoint
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aenbench.comparison.compare import (
    CHECKPOINTS,
    SIGNIFICANCE,
    Comparison,
    Curves,
    Difference,
    checkpoints,
    significance,
)
from aenbench.reports.figures import Curve, regret_curves
from aenbench.reports.markdown import csv_text, markdown_table
from aenbench.statistics.hypothesis_tests import Floats, Summary, summarize
from gdatasets.files import make_folder, write_whole

CUT_NOTE = (
    "Runs of an algorithm without numbers of networks and states ended as soon as they had trained the network of the "
    "highest validation accuracy: after that nothing changes their choice."
)
AHEAD_NOTE = (
    "An algorithm that chooses before it trains asks the images: it is judged by the network that it settles on, and "
    "the time of its look at them is counted."
)
_POINTS = 200  # of a curve against time


def write_comparison(comparison: Comparison, folder: Path, title: str, at: Sequence[int] = CHECKPOINTS) -> None:
    """Write a comparison into a folder, which is made where it is missing.

    Args:
        comparison: what was run.
        folder: gets the files.
        title: of the task and the protocol.
        at: numbers of networks to compare at.

    Raises:
        OutputError: the folder cannot be written to.
    """
    differences = significance(comparison, at)
    make_folder(folder)
    write_whole(folder / "comparison.md", markdown(comparison, differences, title, at).encode())
    write_whole(folder / "comparison.png", picture(comparison, title))
    write_whole(folder / "regret.csv", regret_csv(comparison).encode())
    write_whole(folder / "differences.csv", differences_csv(differences).encode())


def markdown(
    comparison: Comparison, differences: Sequence[Difference], title: str, at: Sequence[int] = CHECKPOINTS
) -> str:
    """The tables, as text."""
    at = checkpoints(comparison, at)
    parts = [
        f"# Search algorithms on {title}",
        "Regret: how far the network with the best validation accuracy so far is below the best one of the table, by "
        f"mean test accuracy over the {comparison.seeds} training seeds, in percentage points. Mean over runs, with "
        "the 95 % interval of that mean for further runs on the same trainings, then the 5th and 95th percentile of "
        "runs. A run that ends by itself keeps its choice; - is beyond a budget."
        + (f" {AHEAD_NOTE}" if any(curves.chooses_ahead for curves in comparison.curves.values()) else ""),
        "![Mean regret with its 95 % band, against networks trained and against time](comparison.png)",
        f"## By number of networks trained\n\n{_regret_table(comparison, at)}",
        f"## After so much time\n\nOne training takes {comparison.training_seconds:.3g} s in the mean.\n\n"
        f"{_time_table(comparison, at)}",
        f"## When the runs had ended\n\n{_ends_note(comparison)}\n\n{_ends_table(comparison)}",
    ]
    if len(comparison.curves) > 1:
        parts.append(f"## Which of them differ\n\n{_differences_table(comparison, differences)}")
    return "\n\n".join(parts).rstrip() + "\n"


def _regret_table(comparison: Comparison, at: Sequence[int]) -> str:
    rows = [
        [name, _runs(curves), *_cells(summarize(curves.regret_after(at), curves.columns))]
        for name, curves in comparison.curves.items()
    ]
    return markdown_table(["algorithm", "runs", *(f"{number} networks" for number in at)], rows)


def _time_table(comparison: Comparison, at: Sequence[int]) -> str:
    """Regret at the times in which so many average trainings fit."""
    seconds = comparison.training_seconds * np.array([number for number in at if number])
    seconds = seconds[seconds >= _all_have_one(comparison)]
    rows = [
        [name, *_cells(summarize(curves.regret_at(seconds), curves.columns))]
        for name, curves in comparison.curves.items()
    ]
    return markdown_table(["algorithm", *(f"{second:.0f} s" for second in seconds)], rows)


def _ends_note(comparison: Comparison) -> str:
    return (
        f"The best network of the table is `{comparison.best}`: {100 * comparison.best_accuracy:.2f} % in the mean of "
        f"{comparison.seeds} trainings. Ranks are those of the runs' last choices. Duplicates are states "
        "visited whose network had been trained already."
        + ("" if all(curves.whole for curves in comparison.curves.values()) else f" {CUT_NOTE}")
    )


def _ends_table(comparison: Comparison) -> str:
    rows = []
    for name, curves in comparison.curves.items():
        choice, times = Counter(curves.choices).most_common(1)[0]
        rows.append(
            [
                name,
                *_spent(curves),
                f"{np.median(curves.ranks):.0f}",
                str(curves.ranks.max()),
                f"{100 * (curves.ranks == 1).mean():.0f} %",
                f"`{choice}`: {100 * times / len(curves.choices):.0f} %",
            ]
        )
    spent = ["algorithm", "networks trained", "states visited", "duplicates"]
    return markdown_table([*spent, "median rank", "worst rank", "found the best", "most frequent choice"], rows)


def _spent(curves: Curves) -> list[str]:
    """Of a mean run: networks trained, states visited, duplicates among these."""
    if not curves.whole:
        return ["-"] * 3
    duplicates = 100 * (1 - curves.trained.sum() / curves.visited.sum()) if curves.visited.any() else 0.0
    return [f"{curves.trained.mean():.0f}", f"{curves.visited.mean():.0f}", f"{duplicates:.0f} %"]


def _differences_table(comparison: Comparison, differences: Sequence[Difference]) -> str:
    rows = [
        [
            str(difference.networks),
            f"{difference.first} - {difference.second}",
            f"{100 * difference.regret:+.2f}",
            f"{difference.agreeing} of {comparison.seeds}",
            "-" if np.isnan(difference.p) else f"{difference.p:.2g}",
            better(difference),
        ]
        for difference in sorted(differences, key=lambda difference: difference.networks)
    ]
    note = (
        "Regret of the first minus that of the second; on how many training seeds it has that sign; p corrected by "
        f"Holm over all rows; level {SIGNIFICANCE}."
    )
    return f"{note}\n\n{markdown_table(['networks', 'pair', 'points', 'seeds', 'p', 'better'], rows)}"


def better(difference: Difference) -> str:
    """The name of the better one, or why there is none."""
    if np.isnan(difference.p):
        return "not tested"
    if not difference.is_real:
        return "cannot be told apart"
    return difference.first if difference.regret < 0 else difference.second


def _runs(curves: Curves) -> str:
    return f"{len(curves.regret)} (deterministic)" if curves.deterministic else str(len(curves.regret))


def _cells(summary: Summary) -> list[str]:
    """Such as `0.62 [0.55, 0.70] (0.00 to 1.61)`, in percentage points."""
    rows = 100 * np.stack([summary.mean, summary.low, summary.high, summary.fifth, summary.ninety_fifth], axis=1)
    return ["-" if np.isnan(row[0]) else _cell(*row) for row in rows]


def _cell(mean: float, low: float, high: float, fifth: float, ninety_fifth: float) -> str:
    interval = "" if np.isnan(low) else f"[{low:.2f}, {high:.2f}] "
    return f"{mean:.2f} {interval}({fifth:.2f} to {ninety_fifth:.2f})"


def regret_csv(comparison: Comparison) -> str:
    """One line for each algorithm and number of networks; shares, not percent."""
    lines: list[list[object]] = [["algorithm", "networks", "runs", "mean", "low", "high", "fifth", "ninety_fifth"]]
    for name, curves in comparison.curves.items():
        numbers = range(0 if curves.chooses_ahead else 1, comparison.networks + 1)
        summary = summarize(curves.regret_after(numbers), curves.columns)
        parts = (summary.mean, summary.low, summary.high, summary.fifth, summary.ninety_fifth)
        for number, values in zip(numbers, zip(*parts, strict=True), strict=True):
            shown = ["" if np.isnan(value) else f"{value:.6f}" for value in values]
            lines.append([name, number, len(curves.regret), *shown])
    return csv_text(lines)


def differences_csv(differences: Sequence[Difference]) -> str:
    """One line for each pair and number of networks; shares, not percent."""
    lines: list[list[object]] = [["networks", "first", "second", "regret_difference", "seeds_agreeing", "p_holm"]]
    for d in differences:
        p = "" if np.isnan(d.p) else f"{d.p:.6f}"
        lines.append([d.networks, d.first, d.second, f"{d.regret:.6f}", d.agreeing, p])
    return csv_text(lines)


def picture(comparison: Comparison, title: str) -> bytes:
    """Mean regret with its band against networks and against time, as the bytes of a PNG file."""
    ends = [
        curves.seconds[np.isfinite(curves.seconds)].max(initial=curves.first_seconds.max())
        for curves in comparison.curves.values()
    ]
    seconds = np.geomspace(_all_have_one(comparison), max(ends), _POINTS)
    seconds[0] = _all_have_one(comparison)  # the power may round below it
    by_time = [_curve(name, seconds, curves, curves.regret_at(seconds)) for name, curves in comparison.curves.items()]
    return regret_curves(curves_by_networks(comparison), by_time, title)


def curves_by_networks(comparison: Comparison) -> list[Curve]:
    """Mean regret of each algorithm with its band, in percentage points, against networks."""
    networks = np.arange(1, comparison.networks + 1, dtype=np.float64)
    return [_curve(name, networks, curves, curves.regret) for name, curves in comparison.curves.items()]


def _curve(name: str, x: Floats, curves: Curves, regret: Floats) -> Curve:
    summary = summarize(regret, curves.columns)
    label = f"{name}, {len(curves.regret)} {'deterministic ' if curves.deterministic else ''}runs"
    return Curve(label, x, 100 * summary.mean, 100 * summary.low, 100 * summary.high)


def _all_have_one(comparison: Comparison) -> float:
    """Seconds until every run has its first network."""
    return float(max(curves.first_seconds.max() for curves in comparison.curves.values()))
