"""The pictures of the parts, each as a PNG and an SVG file."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
        colours: what the colour shows, of the same shape; white is zero.
        rows, columns: their names.
        framed: cells to be framed, as (row, column).
        title: of the picture.
    """

    numbers: Floats
    colours: Floats
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
    limit = max(float(np.abs(of.colours).max()), 1e-9)
    shown = axes.imshow(of.colours, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(of.columns)), of.columns, rotation=35, ha="right")
    axes.set_yticks(range(len(of.rows)), of.rows)
    for (row, column), number in np.ndenumerate(of.numbers):
        dark = abs(of.colours[row, column]) > 0.6 * limit
        colour = "white" if dark else "black"
        axes.text(column, row, f"{number:.1f}", ha="center", va="center", fontsize="small", color=colour)
    for row, column in of.framed:
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=2))
    axes.set_xlabel("images moved by")
    axes.set_ylabel("network equivariant to")
    axes.set_title(of.title)
    figure.colorbar(shown, label="points over no sharing")
    return encode(figure)
