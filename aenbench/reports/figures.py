"""Pictures of results, as the bytes of PNG files."""

import io
import math
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colors, which color-blind readers can tell apart; lines differ in their dashes too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES = ("-", "--", "-.", ":")
_TITLE_WIDTH = 72  # letters on a line


def encode_png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, metadata={"Software": None})
    return buffer.getvalue()


class Curve(NamedTuple):
    """A line with its band, each (points,); NaN where there is no band."""

    label: str
    x: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def regret_curves(by_networks: Sequence[Curve], by_seconds: Sequence[Curve], title: str) -> bytes:
    """Mean regret of several searches with 95 % bands, against networks trained and against time.

    Args:
        by_networks: regret in percentage points against distinct networks trained.
        by_seconds: the same against seconds.
        title: of the picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw(left, by_networks, "distinct networks trained")
    _draw(right, by_seconds, "seconds of training and of the search itself")
    left.set_ylabel("regret, points of test accuracy (linear below 1)")
    left.legend(title="mean, 95 % band", loc="lower left")
    figure.suptitle(f"Search on {title}")
    return encode_png(figure)


def regret_panels(panels: Mapping[str, Sequence[Curve]]) -> bytes:
    """Mean regret of several searches with 95 % bands against networks trained, a panel for each table.

    Args:
        panels: of each table by name, regret in percentage points against distinct networks trained.
    """
    from matplotlib.figure import Figure

    across = min(len(panels), 3)
    down = math.ceil(len(panels) / across)
    figure = Figure(figsize=(0.8 + 3.6 * across, 0.8 + 2.8 * down), layout="constrained")
    places = figure.subplots(down, across, sharex=True, squeeze=False)
    for place in places.flat[len(panels) :]:
        place.set_visible(False)
    for axes, (name, curves) in zip(places.flat, panels.items(), strict=False):
        _draw(axes, curves, "")
        axes.set_title(name, fontsize="medium")
    figure.supxlabel("distinct networks trained")
    figure.supylabel("regret, points of test accuracy (linear below 1)")
    handles, labels = places.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=across + 1, title="mean, 95 % band")
    return encode_png(figure)


def _draw(axes: "Axes", curves: Sequence[Curve], label: str) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    for number, curve in enumerate(curves):
        color, dashes = COLORS[number % len(COLORS)], _DASHES[number % len(_DASHES)]
        axes.plot(curve.x, curve.mean, dashes, color=color, label=curve.label, drawstyle="steps-post")
        axes.fill_between(curve.x, curve.low, curve.high, color=color, alpha=0.2, linewidth=0, step="post")
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=1)  # linear below one point, where zero is, and most of what matters
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1, 2, 5, 10, 20, 50])
    top = max(np.nanmax([curve.mean, curve.high]) for curve in curves)
    axes.set_ylim(0, 1.1 * max(top, 1.0))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(color="0.9")
    axes.set_xlabel(label)


def effect_bars(
    names: Sequence[str],
    shares: Sequence[float],
    lows: Sequence[float],
    highs: Sequence[float],
    kinds: Sequence[str],
    title: str,
) -> bytes:
    """Shares of the variance as bars with 95 % intervals, one color for each kind.

    Args:
        names: of the bars, from above.
        shares: in percent.
        lows, highs: of the intervals, in percent; NaN for none.
        kinds: of the bars.
        title: of the picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1.2 + 0.28 * len(names)), layout="constrained")
    axes = figure.subplots()
    for color, kind in zip(COLORS, dict.fromkeys(kinds), strict=False):
        chosen = [place for place, other in enumerate(kinds) if other == kind]
        axes.barh(chosen, [shares[place] for place in chosen], color=color, alpha=0.8, label=kind)
    axes.hlines(range(len(names)), lows, highs, color="black", linewidth=1.5)
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel("% of the variance of accuracy, with 95 % intervals")
    figure.legend(loc="outside lower center", ncols=4)
    figure.suptitle(fill(f"What explains accuracy on {title}", _TITLE_WIDTH))
    return encode_png(figure)
