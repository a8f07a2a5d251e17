"""The pictures of the parts, each as a PNG and an SVG file."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aenbench.reports.figures import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
_SALT = "aenbench"  # of the names inside an SVG file, which are random otherwise


def encode(figure: "Figure") -> dict[str, bytes]:
    """The picture as the content of files, by suffix; the same figure gives the same bytes."""
    import matplotlib

    files = {}
    for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        buffer = io.BytesIO()
        with matplotlib.rc_context({"svg.hashsalt": _SALT}):
            figure.savefig(buffer, format=suffix, dpi=100, metadata=metadata)
        files[suffix] = buffer.getvalue()
    return files


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A matrix with a number in each cell.

    Attributes:
        numbers: written into the cells, (rows, columns).
        colors: what the color shows, of the same shape; white is zero.
        rows, columns: their names.
        framed: cells to be framed, as (row, column).
        title: of the picture.
    """

    numbers: Floats
    colors: Floats
    rows: Sequence[str]
    columns: Sequence[str]
    framed: Sequence[tuple[int, int]]
    title: str


def heat_map(of: HeatMap) -> Mapping[str, bytes]:
    """The picture of a matrix, networks downwards and moves of the images to the right."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    figure = Figure(figsize=(2.2 + 0.62 * len(of.columns), 1.6 + 0.42 * len(of.rows)), layout="constrained")
    axes = figure.subplots()
    limit = max(float(np.abs(of.colors).max()), 1e-9)
    shown = axes.imshow(of.colors, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(of.columns)), of.columns, rotation=35, ha="right")
    axes.set_yticks(range(len(of.rows)), of.rows)
    for (row, column), number in np.ndenumerate(of.numbers):
        dark = abs(of.colors[row, column]) > 0.6 * limit
        color = "white" if dark else "black"
        axes.text(column, row, f"{number:.1f}", ha="center", va="center", fontsize="small", color=color)
    for row, column in of.framed:
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=2))
    axes.set_xlabel("images moved by")
    axes.set_ylabel("network equivariant to")
    axes.set_title(of.title)
    figure.colorbar(shown, label="points over no sharing")
    return encode(figure)


@dataclass(frozen=True, eq=False)
class Bars:
    """One panel of grouped bars.

    Attributes:
        title: of the panel.
        groups: names of the groups, from left to right.
        values: of each kind of bar, for each group the values of the seeds, (seeds,).
    """

    title: str
    groups: Sequence[str]
    values: Mapping[str, Sequence[Floats]]


def grouped_bars(panels: Sequence[Bars]) -> Mapping[str, bytes]:
    """Mean accuracies as bars and each seed as a dot; two panels side by side."""
    from matplotlib.figure import Figure

    rows = -(-len(panels) // 2)
    figure = Figure(figsize=(11, 3.4 * rows), layout="constrained")
    for axes, panel in zip(figure.subplots(rows, 2, squeeze=False).flat, panels, strict=False):
        width = 0.8 / len(panel.values)
        for number, (kind, groups) in enumerate(panel.values.items()):
            places = np.arange(len(groups)) + (number + 0.5) * width - 0.4
            axes.bar(places, [group.mean() for group in groups], width, color=COLORS[number], label=kind, alpha=0.85)
            dots = [(place, value) for place, group in zip(places, groups, strict=True) for value in group]
            axes.plot(*zip(*dots, strict=True), ".", color="black", markersize=3)
        axes.set_xticks(range(len(panel.groups)), panel.groups)
        axes.set_title(panel.title)
        axes.set_ylabel("test accuracy, %")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return encode(figure)


@dataclass(frozen=True, eq=False)
class Progress:
    """One panel of searches.

    Attributes:
        title: of the panel.
        accuracies: of each seed's search, in percent, in the order in which networks were trained, (networks,).
        epsilons: of the same.
    """

    title: str
    accuracies: Sequence[Floats]
    epsilons: Sequence[Floats]


def search_panels(panels: Sequence[Progress], window: int, columns: int = 3) -> Mapping[str, bytes]:
    """Rolling means of accuracy against networks trained, one line a seed, with epsilon dotted."""
    from matplotlib.figure import Figure

    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(3.6 * columns, 2.2 * rows + 0.8), layout="constrained")
    for axes, panel in zip(figure.subplots(rows, columns, squeeze=False).flat, panels, strict=False):
        share = axes.twinx()
        for number, (accuracies, epsilons) in enumerate(zip(panel.accuracies, panel.epsilons, strict=True)):
            networks = np.arange(1, len(accuracies) + 1)
            color = COLORS[number % len(COLORS)]
            axes.plot(networks, rolling_mean(accuracies, window), color=color, label=f"seed {number}")
            share.plot(networks, epsilons, ":", color=color, linewidth=1)
        share.set_ylim(0, 1.05)
        axes.set_title(panel.title, fontsize="medium")
    figure.suptitle(f"Rolling mean of {window} networks, one line a seed; dotted, on the right: epsilon")
    figure.supxlabel("distinct networks trained")
    figure.supylabel("accuracy, %")
    return encode(figure)


def rolling_mean(values: Floats, window: int) -> Floats:
    """The mean of the last so many values up to each, (n,), of fewer at the beginning."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    means: Floats = (sums[ends] - sums[starts]) / (ends - starts)
    return means


@dataclass(frozen=True, eq=False)
class Lines:
    """One panel of lines on logarithmic axes.

    Attributes:
        title: of the panel.
        lines: of each kind, places on the two axes, each (points,); NaN breaks a line.
    """

    title: str
    lines: Mapping[str, tuple[Floats, Floats]]


def log_log_panels(panels: Sequence[Lines]) -> Mapping[str, bytes]:
    """Seconds against pairs of an input and an output, panels side by side with one scale."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.9 * len(panels), 4.2), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), sharex=True, sharey=True), panels, strict=True):
        for number, (kind, (x, y)) in enumerate(panel.lines.items()):
            axes.loglog(x, y, ".-", color=COLORS[number % len(COLORS)], label=kind)
        axes.set_title(panel.title)
        axes.grid(color="0.9")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    figure.supxlabel("pairs of an input and an output")
    figure.supylabel("seconds of processor time")
    return encode(figure)
