"""Pictures of what `discover` found."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aenbench.discovery.kernel import Measured
from aenbench.discovery.verdicts import VERDICTS, Verdict
from aenbench.reports.figures import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_effects(
    measured: Mapping[str, Measured],
    verdicts: Mapping[str, Verdict],
    control: Measured,
    margin: float,
    control_name: str = "shuffled pixels",
) -> "Figure":
    """Effects with their intervals, from above, on an axis that is linear up to the margin; the control last."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    names = [*measured, f"({control_name})"]
    figure = Figure(figsize=(8, 1.6 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(0, margin, color="0.92", label="below the margin")
    axes.axvline(0, color="0.4", linewidth=0.8)
    colors: dict[str, str] = {**dict(zip(VERDICTS, COLOURS, strict=False)), "control": COLOURS[-1]}
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
    axes.set_xlabel("effect: 0 = a symmetry, 1 = nothing in common (linear below the margin)")
    figure.legend(loc="outside lower center", ncols=3)
    return figure
