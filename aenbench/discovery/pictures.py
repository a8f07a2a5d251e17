"""Pictures of what `discover` found."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aenbench.discovery.kernel import Measured
from aenbench.discovery.verdicts import VERDICTS, Verdict
from aenbench.reports.figures import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_effects(
    measured: Mapping[str, Measured],
    verdicts: Mapping[str, Verdict],
    control: Measured,
    margin: float,
    control_name: str = "shuffled pixels",
    scale: str = "effect: 0 = a symmetry, 1 = nothing in common (linear below the margin)",
) -> "Figure":
    """Effects with their intervals, from above, on an axis that is linear up to the margin; the control last."""
    from matplotlib.ticker import FuncFormatter

    from aenbench.discovery.notebook_figure import NotebookFigure

    names = [*measured, f"({control_name})"]
    figure = NotebookFigure(figsize=(8, 1.6 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(0, margin, color="0.92", label="below the margin")
    axes.axvline(0, color="0.4", linewidth=0.8)
    colors: dict[str, str] = {**dict(zip(VERDICTS, COLORS, strict=False)), "control": COLORS[-1]}
    kinds = [*verdicts.values(), "control"]
    for kind in dict.fromkeys(kinds):
        rows = [row for row, other in enumerate(kinds) if other == kind]
        found = [[*measured.values(), control][row] for row in rows]
        centers = [each.effect for each in found]
        errors = [[each.effect - each.low for each in found], [each.high - each.effect for each in found]]
        axes.errorbar(centers, rows, xerr=errors, fmt="o", capsize=3, color=colors[kind], label=kind)
    axes.set_xscale("symlog", linthresh=margin)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(scale)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def draw_confidences(confidences: Mapping[str, float], threshold: float, words: Mapping[str, str]) -> "Figure":
    """Confidences as bars, from above, in the color of their word; the threshold as a line."""
    from aenbench.discovery.notebook_figure import NotebookFigure

    figure = NotebookFigure(figsize=(8, 1.6 + 0.3 * len(confidences)), layout="constrained")
    axes = figure.subplots()
    for color, word in zip(COLORS, dict.fromkeys(words.values()), strict=False):
        rows = [row for row, name in enumerate(confidences) if words[name] == word]
        axes.barh(rows, [list(confidences.values())[row] for row in rows], color=color, label=word)
    axes.axvline(threshold, color="0.4", linewidth=0.8, label="threshold")
    axes.set_yticks(range(len(confidences)), list(confidences))
    axes.invert_yaxis()
    axes.set_xlabel("confidence: of one trained network, no p-value")
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def draw_profile(
    angles: Mapping[str, float], measured: Mapping[str, Measured], control: Measured, margin: float
) -> "Figure":
    """Effects of rotations by their angle, either way, with their intervals; the margin and the control as circles."""
    import numpy as np

    from aenbench.discovery.notebook_figure import NotebookFigure

    figure = NotebookFigure(figsize=(6, 6.4), layout="constrained")
    axes = figure.subplots(subplot_kw={"projection": "polar"})
    degrees = [0.0, *angles.values()]
    around = np.deg2rad([*degrees, *(360 - angle for angle in degrees[-2::-1])])

    def both_ways(values: list[float]) -> list[float]:
        return [max(0.0, value) for value in [0.0, *values, *values[-2::-1], 0.0]]

    found = [measured[name] for name in angles]
    low, high = both_ways([each.low for each in found]), both_ways([each.high for each in found])
    axes.fill_between(around, low, high, color=COLORS[0], alpha=0.3, label="interval")
    axes.plot(around, both_ways([each.effect for each in found]), "o-", color=COLORS[0], markersize=4, label="effect")
    circle = np.linspace(0, 2 * np.pi, 200)
    axes.plot(circle, np.full(200, margin), color="0.5", linewidth=1, label="margin")
    axes.plot(circle, np.full(200, control.effect), color=COLORS[-1], linestyle="--", label="shuffled pixels")
    axes.set_ylim(bottom=0)
    axes.set_title("effect of a rotation by this angle: at the center a symmetry")
    figure.legend(loc="outside lower center", ncols=4)
    return figure
