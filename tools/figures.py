"""Draw the pictures of the documentation: the twelve actions, and one image with its orbit.

    python tools/figures.py            # writes docs/img/actions.png and docs/img/orbit.png
    python tools/figures.py --check    # exit code 1 if the committed ones have other pixels

The image is a handwritten digit of G-Digits, which scikit-learn brings along: nothing is fetched. Every quadrant of it
has a color, so that one sees where its pixels go. Letters are those of Pillow's bitmap font: each pixel is the same
everywhere.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gdatasets.groups.actions import ACTIONS, act
from gdatasets.sources.published import load_source

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "img"
COLUMNS = 4

_DIGIT = 0  # of the test split: a 2, which no symmetry of the square leaves as it is
_QUADRANTS = ((0, 86, 134), (170, 75, 0), (0, 112, 82), (153, 72, 118))  # Okabe and Ito's, darkened: for every eye
_SCALE = 5
_MARGIN = 14
_LABEL = 34
_INK = 40

Picture = NDArray[np.uint8]


def colored_digit() -> Picture:
    """uint8 (1, 28, 28, 3): a white digit, the quadrants behind it in four colors."""
    gray = load_source("digits", "test").images[_DIGIT].astype(np.uint32)[..., None]
    top, bottom = (np.repeat([left, right], 14, axis=0) for left, right in (_QUADRANTS[:2], _QUADRANTS[2:]))
    paper = np.stack([top] * 14 + [bottom] * 14).astype(np.uint32)
    colored: Picture = ((gray * 255 + (255 - gray) * paper) // 255).astype(np.uint8)[None]
    return colored


def moved_by(actions: Sequence[str]) -> Picture:
    """uint8 (28, 28, 3): the digit after these actions, one after the other."""
    image = colored_digit()
    for action in actions:
        image = act(action, image)
    one: Picture = image[0]
    return one


def action_tiles() -> dict[str, Picture]:
    """The digit, each action alone, and three compositions."""
    pairs = (("rotation", "hflip"), ("hflip", "vflip"), ("htrans", "vtrans"))
    tiles = {"original": moved_by(())} | {action: moved_by([action]) for action in ACTIONS}
    return tiles | {"+".join(pair).replace("rotation", "rot"): moved_by(pair) for pair in pairs}


def orbit_tiles() -> dict[str, Picture]:
    """The eight images that the digit becomes under the symmetries of the square."""
    turned = {f"turned {90 * turns}" if turns else "original": ["rotation"] * turns for turns in range(4)}
    mirrored = {f"hflip, {90 * turns}" if turns else "hflip": ["hflip", *["rotation"] * turns] for turns in range(4)}
    return {label: moved_by(actions) for label, actions in (turned | mirrored).items()}


def sheet(tiles: dict[str, Picture]) -> Picture:
    """Tiles in rows of four, their labels below: uint8 (height, width, 3)."""
    side = 28 * _SCALE
    pitch = side + 2 * _MARGIN, side + _LABEL + _MARGIN
    rows = -(-len(tiles) // COLUMNS)
    page = np.full((rows * pitch[1] + _MARGIN, COLUMNS * pitch[0], 3), 255, dtype=np.uint8)
    for number, (label, tile) in enumerate(tiles.items()):
        row, column = divmod(number, COLUMNS)
        top, left = _MARGIN + row * pitch[1], column * pitch[0] + _MARGIN
        page[top : top + side, left : left + side] = tile.repeat(_SCALE, axis=0).repeat(_SCALE, axis=1)
        text = _lettering(label)
        start = left + (side - text.shape[1]) // 2
        page[top + side + 6 : top + side + 6 + len(text), start : start + text.shape[1]] = text
    return page


def _lettering(text: str) -> Picture:
    """A line of text, dark on white, each pixel of the font twice as large: uint8 (height, width, 3)."""
    font = ImageFont.load_default_imagefont()
    left, top, right, bottom = font.getbbox(text)
    drawn = Image.new("L", (int(right - left), int(bottom - top)), 255)
    ImageDraw.Draw(drawn).text((0, 0), text, fill=_INK, font=font)
    gray = np.asarray(drawn).repeat(2, axis=0).repeat(2, axis=1)
    return np.repeat(gray[..., None], 3, axis=2)


def pictures() -> dict[str, Picture]:
    """Every picture by its file's name."""
    return {"actions.png": sheet(action_tiles()), "orbit.png": sheet(orbit_tiles())}


def has_drifted(name: str, picture: Picture) -> bool:
    """Whether the committed file is missing or has other pixels."""
    path = FOLDER / name
    return not path.is_file() or not np.array_equal(np.asarray(Image.open(path).convert("RGB")), picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 on other pixels")
    checking = parser.parse_args().check
    drifted = [name for name, picture in pictures().items() if has_drifted(name, picture)]
    if checking and drifted:
        raise SystemExit(f"Drawn again, these have other pixels: {', '.join(drifted)}. Run: python tools/figures.py")
    for name in drifted:
        Image.fromarray(pictures()[name]).save(FOLDER / name, optimize=True)


if __name__ == "__main__":
    main()
