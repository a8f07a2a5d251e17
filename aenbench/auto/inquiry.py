"""What the images are asked, and how: the seven moves of the square, without borders and up to small shifts.

The kernel is asked first. Where it finds every move broken, that is the answer, after a second. Otherwise a classifier
is trained and asked too, because the kernel does not see textures: spirals of galaxies that turn the other way in a
mirror look alike to it. A move that either of them finds broken is broken.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from aenbench.discovery.answers import Method
from aenbench.discovery.discover import LEVEL, discover
from aenbench.discovery.findings import Discovery
from aenbench.discovery.kernel import Measured
from aenbench.discovery.pictures import draw_effects
from aenbench.discovery.verdicts import Verdict
from aenbench.errors import InvalidArgumentError
from aenbench.reports.figures import encode_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEED = 0
LARGEST_ASKED = 96
"""Pixels a side; larger images are asked as means of 2 x 2, 4 x 4, ... pixels, which turn and flip as they do."""
_BORDER, _LEAST_SHIFTED = 16, 16
_SHIFT = 3
_METHODS = 2

Progress = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class Asked:
    """What was found of one move.

    Attributes:
        move: its name.
        effect: 0 for a symmetry, near 1 where moved images have nothing in common with images.
        low, high: of its interval.
        p_value: of the hypothesis that the move is a symmetry, adjusted for the number of moves and methods.
        verdict: `symmetry`, `approximate`, `broken` or `cannot tell`.
        method: whose verdict it is, `kernel` or `classifier`.
        margin: the largest effect that counts as small to that method.
    """

    move: str
    effect: float
    low: float
    high: float
    p_value: float
    verdict: Verdict
    method: Method
    margin: float


@dataclass(frozen=True)
class Inquiry:
    """What the images said.

    Attributes:
        moves: one for each move of the square.
        how: a sentence on how they were asked.
        notices: what was left out or assumed, one line each.
        control: what the last method that was asked says of a move that leaves nothing of an image, in words.
        seconds: processor time.
    """

    moves: tuple[Asked, ...]
    how: str
    notices: tuple[str, ...]
    control: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        moves = tuple(Asked(**each) for each in values["moves"])
        return cls(**{**values, "moves": moves, "notices": tuple(values["notices"])})


def ask(
    images: NDArray[np.uint8], labels: NDArray[Any], report: Progress | None = None, device: str = "cpu"
) -> tuple[Inquiry, dict[str, bytes]]:
    """Ask images about the moves of the square; with pictures of the answer, PNG files by name.

    A sixteenth is cut from each side first, and then three rows and columns at a random place (one of images below 16
    pixels): what the camera or the file does at a border, and a center that is a pixel off, is nothing that a
    convolution cares about. EuroSAT's files repeat their first row and column, and without the cut only that is found.

    Args:
        images: uint8 (n, size, size) or (n, size, size, 3), to learn from.
        labels: names of their classes, (n,).
        report: of the training of a classifier: what, steps done, of how many, a note.
        device: where a classifier is trained.

    Raises:
        InvalidArgumentError: such images cannot be asked: all are one color, or no class has 20.
    """
    size = images.shape[1]
    border = size // _BORDER
    shift = _SHIFT if size >= _LEAST_SHIFTED else 1
    inner: NDArray[Any] = images[:, border : size - border, border : size - border]
    factor = 1
    while inner.shape[1] // factor > LARGEST_ASKED:
        factor *= 2
    inner = _means(inner, factor)

    def by(method: Method) -> Discovery:
        return discover(
            inner,
            labels,
            "d4",
            method=method,
            level=LEVEL / _METHODS,
            jitter=shift,
            seed=SEED,
            report=report,
            device=device,
        )

    try:
        answers = [by("kernel")]
        if set(answers[0].verdicts.values()) != {"broken"}:
            answers.append(by("classifier"))
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"The images cannot be asked for symmetries. {error}") from error
    blocks = f", means of {factor} x {factor} pixels were taken" if factor > 1 else ""
    how = (
        f"{answers[0].images:,} of the {len(images):,} images to learn from were asked, without a border of "
        f"{_pixels(border)}{blocks}, each cropped by {_pixels(shift)} at a random place."
    )
    control, name = answers[-1].control, answers[-1].control_name
    seen = "it is not seen, so nothing can be concluded"
    if control.share < 1:
        seen = f"a symmetry that {control.share:.0%} of the images broke in this way would be seen"
    inquiry = Inquiry(
        tuple(_merged(move, answers) for move in answers[0].measured),
        how,
        tuple(dict.fromkeys(notice for each in answers for notice in each.notices)),
        f"The control, {name}, has an effect of {control.effect:.3f}: {seen}.",
        sum(each.seconds for each in answers),
    )
    figures: dict[str, Figure | None] = {
        "effects.png": _draw(inquiry, answers[-1]),
        "pairs.png": answers[-1].plot_pairs(),
    }
    return inquiry, {name: encode_png(figure) for name, figure in figures.items() if figure is not None}


def _pixels(count: int) -> str:
    return f"{count} pixel{'' if count == 1 else 's'}"


def _merged(move: str, answers: Sequence[Discovery]) -> Asked:
    """One answer of one or two: broken if either says so; the first one's only where the second saw nothing."""
    last = answers[-1]
    chosen = next((each for each in answers if each.verdicts[move] == "broken"), last)
    if chosen.verdicts[move] == "cannot tell" and _METHODS * last.p_values[move] > LEVEL:
        chosen = next((each for each in answers if each.verdicts[move] != "cannot tell"), last)
    found = chosen.measured[move]
    return Asked(
        move,
        found.effect,
        found.low,
        found.high,
        min(1.0, _METHODS * chosen.p_values[move]),
        chosen.verdicts[move],
        chosen.methods[move],
        chosen.margin,
    )


def _draw(inquiry: Inquiry, last: Discovery) -> "Figure":
    """Effects of all moves as multiples of their margins, with the control of the method that was asked last."""
    names = {each.move: f"{each.move} ({each.method})" for each in inquiry.moves}
    measured = {names[each.move]: _scaled(each, each.margin) for each in inquiry.moves}
    verdicts = {names[each.move]: each.verdict for each in inquiry.moves}
    control = _scaled(last.control, last.margin)
    scale = "effect as a multiple of the method's margin: 0 = a symmetry (linear below 1)"
    return draw_effects(measured, verdicts, control, 1.0, last.control_name, scale)


def _scaled(found: Asked | Measured, margin: float) -> Measured:
    return Measured(found.effect / margin, found.low / margin, found.high / margin, found.p_value)


def _means(images: NDArray[Any], factor: int) -> NDArray[Any]:
    """Means of blocks of pixels; rows and columns that are left over are shared out to both ends."""
    if factor == 1:
        return images
    count, side = len(images), images.shape[1] // factor
    start = (images.shape[1] - side * factor) // 2
    whole = images[:, start : start + side * factor, start : start + side * factor]
    means: NDArray[Any] = whole.reshape(count, side, factor, side, factor, -1).mean(axis=(2, 4), dtype=np.float32)
    return means
