"""Contact sheets: what a configuration does to images, at a glance."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gdatasets.errors import IntegrityError, InvalidArgumentError
from gdatasets.files import reading
from gdatasets.folder.shards import decode_image
from gdatasets.generation.configured import AnyConfiguration, draw, move_by
from gdatasets.generation.specs import DatasetSpec
from gdatasets.groups.actions import Images
from gdatasets.sources.source import ImageSource

_PAPER = 96  # the gray between the tiles
_GAP = 2


def contact_sheet(
    spec: DatasetSpec, config: AnyConfiguration, source: ImageSource, rows: int = 10, moves: int = 10
) -> Images:
    """A grid of images: one row a source image, the original first, then its moves.

    The first move is the one in the dataset; the others apply the elements of later samples to the same image.

    Args:
        rows: source images, one of each class in turn while the first thousand have it.
        moves: moved copies of each.

    Returns:
        uint8 (height, width) or (height, width, 3).

    Raises:
        InvalidArgumentError: no rows or no moves.
    """
    if not 1 <= rows <= 100 or not 1 <= moves <= 100:
        raise InvalidArgumentError(f"Expected 1 to 100 rows and moves, got {rows} and {moves}.")
    split, total = next((name, count) for name, count in source.about.samples.items() if count)
    size = source.image_shape[0]
    originals, labels = source.read(split, 0, min(total, 1_000))
    chosen = _one_of_each(labels.tolist(), rows)
    lines = []
    for row, sample in enumerate(chosen):
        own = draw(spec, config, split, sample, sample + 1, size)
        first = total + row * moves
        elements = np.concatenate([own, draw(spec, config, split, first, first + moves - 1, size)])
        copies = np.repeat(originals[sample][None], moves, axis=0)
        lines.append(np.concatenate([copies[:1], move_by(config, copies, elements)]))
    return _tile(np.stack(lines))


def class_sheet(images: Images, labels: NDArray[np.int64], classes: int, rows: int) -> Images:
    """A grid of samples: one column a class, its first samples from the top; what a class lacks stays gray.

    Args:
        images: uint8 (n, size, size) or (n, size, size, 3).
        labels: (n,).
        classes: columns, for the classes 0 up to that.
        rows: samples of each class.

    Returns:
        uint8 (height, width) or (height, width, 3).
    """
    tiles = np.full((rows, classes, *images.shape[1:]), _PAPER, dtype=np.uint8)
    for label in range(classes):
        for row, sample in enumerate(np.flatnonzero(labels == label)[:rows]):
            tiles[row, label] = images[sample]
    return _tile(tiles, first_apart=False)


def _one_of_each(labels: list[int], rows: int) -> list[int]:
    """The first sample of every class, then the second of every class, and so on."""
    seen: dict[int, int] = {}
    ranked = []
    for sample, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        ranked.append((seen[label], label, sample))
    return [sample for _, _, sample in sorted(ranked)[:rows]]


def _tile(tiles: Images, first_apart: bool = True) -> Images:
    """(rows, columns, size, size, ...) as one picture; where the first column is apart, a wider gap follows it."""
    rows, columns, size = tiles.shape[:3]
    pitch, wider = size + _GAP, 2 * _GAP * first_apart
    sheet = np.full((rows * pitch + _GAP, columns * pitch + _GAP + wider, *tiles.shape[4:]), _PAPER, dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = _GAP + row * pitch, _GAP + column * pitch + (wider if column else 0)
            sheet[top : top + size, left : left + size] = tiles[row, column]
    return sheet


def sheet_png(sheet: Images, scale: int = 1) -> bytes:
    """A contact sheet as a PNG file, each pixel `scale` times as large."""
    stream = io.BytesIO()
    Image.fromarray(sheet.repeat(scale, axis=0).repeat(scale, axis=1)).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def shows(path: Path, sheet: Images) -> bool:
    """Whether a PNG file, which anybody may have written, has the pixels of a contact sheet."""
    try:
        with reading(path) as stream:
            content = stream.read(2 * sheet.size + (1 << 16))
        return np.array_equal(decode_image(content, sheet.shape), sheet)
    except (OSError, IntegrityError):
        return False
