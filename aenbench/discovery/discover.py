"""`discover`: which candidate moves are symmetries of labelled images, and the group that they generate."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aenbench.discovery.candidates import Candidates, Moves, find_candidates
from aenbench.discovery.kernel import Measured, measure
from aenbench.discovery.verdicts import MARGIN, Verdict, decide, holm
from aenbench.errors import InvalidArgumentError
from gdatasets.groups.actions import ACTIONS, bits_from_actions
from gdatasets.groups.group import Group

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MIN_CLASS = 20
"""Images, or clusters of images, that a class needs to be asked."""
_CONTROL = "the control"
IMAGES = 4_000
"""Images that are looked at by default, drawn at random."""


@dataclass(frozen=True, eq=False)
class Discovery:
    """Which moves keep the law of the images within each class.

    Attributes:
        measured: effect, interval and raw p-value of each candidate.
        control: the same of a random permutation of the pixels, which leaves nothing of an image: what is as small as
            the margin there cannot be told from a symmetry by this statistic.
        verdicts: `symmetry`, `approximate`, `broken` or `cannot tell`, by candidate.
        moves: the candidates.
        images: how many were looked at.
        level: of the tests, all together, and of the intervals.
        margin: the largest effect that counts as small.
        notices: what was left out or assumed, one line each.
        seconds: processor time.
    """

    measured: Mapping[str, Measured]
    control: Measured
    verdicts: Mapping[str, Verdict]
    moves: Moves
    images: int
    level: float
    margin: float
    notices: tuple[str, ...]
    seconds: float

    @property
    def effects(self) -> dict[str, float]:
        """0 = moved images have the law of images, 1 = they are like none; by candidate."""
        return {name: each.effect for name, each in self.measured.items()}

    @property
    def p_values(self) -> dict[str, float]:
        """Of the hypothesis that a candidate is a symmetry, adjusted for the number of candidates (Holm)."""
        return holm({name: each.p_value for name, each in self.measured.items()})

    def named(self, *verdicts: Verdict) -> tuple[str, ...]:
        """The candidates with one of these verdicts."""
        return tuple(name for name, verdict in self.verdicts.items() if verdict in verdicts)

    @cached_property
    def group(self) -> Group:
        """The group that the symmetries generate; approximate ones are not in it unless they are products of others."""
        return self.moves.group_of(self.named("symmetry"))

    @property
    def state(self) -> str | None:
        """The twelve bits of the actions in the group, in the order of `ACTIONS`; None where they are not square."""
        if not self.group.is_square:
            return None
        return bits_from_actions(name for name in self.group.closure if name in ACTIONS)

    @cached_property
    def contradictions(self) -> tuple[str, ...]:
        """Candidates that were told apart, though symmetries generate them: one of these verdicts is wrong."""
        told = self.named("broken", "approximate")
        return tuple(name for name in told if self.moves.permutations[name] in self.group)

    def to_frame(self) -> "pd.DataFrame":
        """One row a candidate: effect, low, high, p_value (raw), p_adjusted, verdict."""
        import pandas as pd

        adjusted = self.p_values
        rows = {
            name: {
                "effect": each.effect,
                "low": each.low,
                "high": each.high,
                "p_value": each.p_value,
                "p_adjusted": adjusted[name],
                "verdict": self.verdicts[name],
            }
            for name, each in self.measured.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    def plot(self) -> "Figure":
        """A picture of the effects with their intervals, the margin and the control."""
        from aenbench.discovery.pictures import draw_effects

        return draw_effects(self.measured, self.verdicts, self.control, self.margin)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        adjusted = self.p_values
        return {
            "images": self.images,
            "level": self.level,
            "margin": self.margin,
            "control": self.control.effect,
            "seconds": round(self.seconds, 3),
            "candidates": {
                name: {
                    "effect": each.effect,
                    "interval": [each.low, each.high],
                    "p_value": each.p_value,
                    "p_adjusted": adjusted[name],
                    "verdict": self.verdicts[name],
                }
                for name, each in self.measured.items()
            },
            "group": {"generators": list(self.named("symmetry")), "order": self.group.order, "state": self.state},
            "contradictions": list(self.contradictions),
            "notices": list(self.notices),
        }


def discover(
    images: ArrayLike,
    labels: ArrayLike | None = None,
    candidates: Candidates = "actions",
    *,
    clusters: ArrayLike | None = None,
    limit: int | None = IMAGES,
    level: float = 0.05,
    margin: float = MARGIN,
    jitter: int = 0,
    step: int = 4,
    seed: int = 0,
) -> Discovery:
    """Ask labelled images which moves keep the law of each class; nothing is trained.

    Args:
        images: (n, rows, columns) or (n, rows, columns, channels), numbers.
        labels: integers (n,), or None: then the images are taken together.
        candidates: `actions`, `d4`, a `Group`, permutations (k, rows * columns), or permutations by name.
        clusters: (n,), which images belong together (frames of a recording, cells of a slide): true symmetries of
            such data are rejected when each image is taken for independent.
        limit: images that are looked at, drawn at random; all for None.
        level: of the tests, all candidates together, and of each interval.
        margin: the largest effect that counts as small.
        jitter: crop each image by so many rows and columns at a random place first, so that borders and centering
            up to these pixels do not pass for asymmetry: symmetries are then those "up to small shifts".
        step: pixels that the rolls among the actions move by.
        seed: of everything random.

    Raises:
        UnknownNameError: a name of candidates that means nothing.
        InvalidArgumentError: images, labels or candidates that nothing can be said of.
    """
    start = time.process_time()
    if not 0 < level < 1 or not 0 < margin < 1:
        raise InvalidArgumentError(f"Expected a level and a margin between 0 and 1, got {level} and {margin}.")
    generator = np.random.default_rng(seed)
    array = _checked(images)
    if jitter:
        array = _crop(array, jitter, generator)
    pixels, shape, channels = array.reshape(len(array), -1), array.shape[1:3], (*array.shape, 1)[3]
    notices = [f"up to shifts: each image was cropped by {jitter} pixels at a random place"] if jitter else []
    names, numbers = _labels(labels, len(pixels), notices)
    belonging = _clusters(clusters, len(pixels))
    moves = find_candidates(candidates, shape, step)
    notices += [f"{name} is left out: {why}" for name, why in moves.left_out.items()]
    chosen = _choose(belonging, limit, generator)
    chosen = chosen[_large_enough(names, numbers[chosen], belonging[chosen], notices)]
    asked = {**moves.on_pixels(channels), _CONTROL: _shuffle(shape, channels, generator)}
    found = measure(
        pixels[chosen].astype(np.float32),
        numbers[chosen],
        asked,
        clusters=belonging[chosen],
        level=level,
        seed=int(generator.integers(1 << 31)),
    )
    control = found.pop(_CONTROL)
    if control.low <= margin:
        notices.append(
            f"shuffled pixels have an effect of {control.effect:.4f} only: the kernel is blind to these images, and "
            "small effects say nothing"
        )
    verdicts, spent = decide(found, control, level, margin), time.process_time() - start
    return Discovery(found, control, verdicts, moves, len(chosen), level, margin, tuple(notices), spent)


def _shuffle(shape: tuple[int, int], channels: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """A random permutation of the pixels of flattened images, in pairs: of order 2, the quickest to test."""
    order = generator.permutation(shape[0] * shape[1])
    half = len(order) // 2
    row = np.arange(len(order))
    row[order[:half]], row[order[half : 2 * half]] = order[half : 2 * half], order[:half]
    return (row[:, None] * channels + np.arange(channels)).ravel()


def _crop(images: NDArray[Any], jitter: int, generator: np.random.Generator) -> NDArray[Any]:
    """Each image without `jitter` of its rows and columns, of which some are taken from either side at random."""
    count, rows, columns = images.shape[:3]
    if not 0 < jitter < min(rows, columns):
        raise InvalidArgumentError(f"Expected a jitter from 0 to {min(rows, columns) - 1} pixels, got {jitter}.")
    top, left = generator.integers(0, jitter + 1, (2, count))
    down = top[:, None] + np.arange(rows - jitter)
    across = left[:, None] + np.arange(columns - jitter)
    cropped: NDArray[Any] = images[np.arange(count)[:, None, None], down[:, :, None], across[:, None, :]]
    return cropped


def _checked(images: ArrayLike) -> NDArray[Any]:
    """Images as an array of finite numbers that are not all equal."""
    try:
        array = np.asarray(images)
    except ValueError as error:
        raise InvalidArgumentError("The images differ in size; crop or resize them to one.") from error
    if array.ndim not in (3, 4) or not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise InvalidArgumentError(
            f"Expected images as numbers (n, rows, columns) or (n, rows, columns, channels), got {array.dtype} "
            f"{array.shape}."
        )
    if not array.size or np.issubdtype(array.dtype, np.complexfloating) or not np.isfinite(array).all():
        raise InvalidArgumentError(f"Expected finite real pixels, got {array.dtype} {array.shape}.")
    if array.max() == array.min():
        raise InvalidArgumentError("All pixels of all images are equal; nothing can be told from them.")
    return array


def _labels(labels: ArrayLike | None, images: int, notices: list[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Names of the classes, and the number of each image's class."""
    if labels is None:
        notices.append("there are no labels: the law of all images together is tested, not that of each class")
        return ["all"], np.zeros(images, dtype=np.int64)
    array = np.asarray(labels)
    if array.shape != (images,):
        raise InvalidArgumentError(f"Expected one label for each of {images:,} images, got {array.shape}.")
    found, numbers = np.unique(array, return_inverse=True)
    if len(found) < 2:
        raise InvalidArgumentError("All images have one label; leave the labels out to test the images together.")
    return [str(name) for name in found.tolist()], numbers.astype(np.int64)


def _clusters(clusters: ArrayLike | None, images: int) -> NDArray[np.int64]:
    if clusters is None:
        return np.arange(images)
    array = np.asarray(clusters)
    if array.shape != (images,):
        raise InvalidArgumentError(f"Expected one cluster for each of {images:,} images, got {array.shape}.")
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def _choose(clusters: NDArray[np.int64], limit: int | None, generator: np.random.Generator) -> NDArray[np.int64]:
    """Whole clusters in random order until so many images are chosen; image numbers, ascending."""
    if limit is not None and limit < 1:
        raise InvalidArgumentError(f"Expected at least 1 image to look at, got {limit}.")
    if limit is None or limit >= len(clusters):
        return np.arange(len(clusters))
    sizes = np.bincount(clusters)
    order = generator.permutation(len(sizes))
    kept = order[np.cumsum(sizes[order]) <= limit]
    return np.flatnonzero(np.isin(clusters, kept))


def _large_enough(
    names: list[str], labels: NDArray[np.int64], clusters: NDArray[np.int64], notices: list[str]
) -> NDArray[np.int64]:
    """Places of the images whose class has enough clusters."""
    kept = []
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        count = len(np.unique(clusters[places]))
        if count >= MIN_CLASS:
            kept.append(places)
        else:
            notices.append(
                f"class {names[label]} is left out: it has {count} of the {MIN_CLASS} independent images it needs"
            )
    if not kept:
        raise InvalidArgumentError(
            f"No class has {MIN_CLASS} independent images, which a test needs; give more images, or leave labels out."
        )
    return np.sort(np.concatenate(kept))
