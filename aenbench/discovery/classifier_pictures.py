"""Pictures of what the classifier found: its predictions coset by coset, and the images that it tells apart best."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aenbench.discovery.classification import Pair
from aenbench.discovery.confusion import Confusion

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 8
"""Candidates whose pairs are shown: those told apart best."""


def draw_confusion(confusion: Confusion) -> "Figure":
    """Mean predicted probability of each move (columns) after each move (rows), cosets framed."""
    from matplotlib.patches import Rectangle

    from aenbench.discovery.notebook_figure import NotebookFigure

    names, matrix = confusion.order, confusion.matrix
    side = 2.5 + 0.42 * len(names)
    figure = NotebookFigure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(matrix, vmin=0, cmap="Blues")
    start = 0
    for coset in confusion.cosets:
        size = len(coset)
        axes.add_patch(Rectangle((start - 0.5, start - 0.5), size, size, fill=False, edgecolor="#D55E00", linewidth=2))
        start += size
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted move")
    axes.set_ylabel("applied move")
    axes.set_title("a frame: moves that are not told apart", fontsize="medium")
    figure.colorbar(image, label="mean probability, images not trained on")
    return figure


def draw_pairs(pairs: Mapping[str, tuple[Pair, ...]]) -> "Figure":
    """A row for each candidate, those told apart best first: images, each beside what the move made of it."""
    from aenbench.discovery.notebook_figure import NotebookFigure

    names = sorted(pairs, key=lambda name: -pairs[name][0].gain)[:MOST_ROWS]
    columns = max(len(pairs[name]) for name in names)
    figure = NotebookFigure(figsize=(2 + 2.2 * columns, 1.5 * len(names)), layout="constrained")
    grid = figure.subplots(len(names), 2 * columns, squeeze=False)
    for row, name in zip(grid, names, strict=True):
        for axes in row:
            axes.set_axis_off()
        for place, pair in enumerate(pairs[name]):
            left, right = row[2 * place], row[2 * place + 1]
            for axes, image in ((left, pair.image), (right, pair.moved)):
                axes.imshow(shown_image(image, pair.image), cmap="gray", vmin=0, vmax=1)
            left.set_title(pair.label, fontsize="small")
            first = f"{name}\n" if not place else ""
            right.set_title(f"{first}log odds {pair.gain:.1f}", fontsize="small")
    return figure


def shown_image(image: NDArray[Any], reference: NDArray[Any]) -> NDArray[np.float32]:
    """An image from 0 to 1 by the range of another: (rows, columns, 3), or (rows, columns) where it is not in color."""
    low, high = float(reference.min()), float(reference.max())
    scaled: NDArray[np.float32] = (image.astype(np.float32) - low) / max(high - low, 1e-12)
    return scaled if scaled.shape[2] == 3 else scaled.mean(axis=2)
