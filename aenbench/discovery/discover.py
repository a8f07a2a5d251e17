"""`discover`: which candidate moves are symmetries of labelled images, and the group that they generate."""

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aenbench.discovery.angles import measure_angles
from aenbench.discovery.candidates import Candidates, Moves, find_candidates
from aenbench.discovery.exchanges import Exchange, find_exchanges
from aenbench.discovery.findings import Discovery
from aenbench.discovery.kernel import Measured, measure
from aenbench.discovery.sample import Sample, draw_sample
from aenbench.discovery.usage import MAX_PAIRS
from aenbench.discovery.verdicts import MARGIN, Verdict, decide
from aenbench.errors import InvalidArgumentError
from aenbench.nn.sharing import parameter_sharing

_CONTROL = "the control"
_BLIND = (
    "shuffled pixels have an effect of {:.4f} only: the kernel is blind to these images, and small effects say nothing"
)
IMAGES = 4_000
"""Images that are looked at by default, drawn at random."""


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
        candidates: `actions`, `d4`, `angles` (rotations by multiples of 15 degrees; `angles:5`), a `Group`,
            permutations (k, rows * columns), or permutations by name.
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
    sample, notices = draw_sample(images, labels, clusters, limit, jitter, generator)
    moves = find_candidates(candidates, sample.shape, step)
    if moves.angles:
        found, control = _ask_angles(sample, moves, level, generator)
        if control.low <= margin:
            notices.append(_BLIND.format(control.effect))
        verdicts, spent = decide(found, control, level, margin), time.process_time() - start
        return Discovery(found, control, verdicts, moves, len(sample), level, margin, tuple(notices), spent)
    notices += [f"{name} is left out: {why}" for name, why in moves.left_out.items()]
    asked = {**moves.on_pixels(sample.channels), _CONTROL: _shuffle(sample.shape, sample.channels, generator)}
    found = measure(
        sample.pixels,
        sample.labels,
        asked,
        clusters=sample.clusters,
        level=level,
        seed=int(generator.integers(1 << 31)),
    )
    control = found.pop(_CONTROL)
    if control.low <= margin:
        notices.append(_why_blind(control, asked[_CONTROL], moves, found, margin, sample.channels))
    verdicts = decide(found, control, level, margin)
    exchanges = _exchanges(sample, asked, verdicts, control, level, margin, int(generator.integers(1 << 31)))
    spent = time.process_time() - start
    return Discovery(found, control, verdicts, moves, len(sample), level, margin, tuple(notices), spent, exchanges)


def _exchanges(
    sample: Sample,
    moves: Mapping[str, NDArray[np.int64]],
    verdicts: Mapping[str, Verdict],
    control: Measured,
    level: float,
    margin: float,
    seed: int,
) -> dict[str, Exchange]:
    """Broken moves that are symmetries up to an exchange of classes; of images in clusters none is looked for."""
    broken = {name: moves[name] for name, verdict in verdicts.items() if verdict == "broken"}
    if not broken or sample.has_clusters or len(np.unique(sample.labels)) < 2:
        return {}
    found = find_exchanges(sample.pixels, sample.labels, sample.classes, broken, level=level, margin=margin, seed=seed)
    judged = decide({name: each.measured for name, each in found.items()}, control, level, margin)
    return {name: each for name, each in found.items() if judged[name] in ("symmetry", "approximate")}


def _why_blind(
    control: Measured,
    shuffle: NDArray[np.int64],
    moves: Moves,
    found: Mapping[str, Measured],
    margin: float,
    channels: int,
) -> str:
    """Why shuffled pixels have a small effect: they are in the group of the small effects, or the kernel is blind."""
    small = moves.group_of(tuple(name for name, each in found.items() if each.high < margin))
    row = shuffle[::channels] // channels
    sharing = parameter_sharing(small, small)[0] if small.degree**2 <= MAX_PAIRS else None
    if (sharing is None or np.array_equal(sharing[row][:, row], sharing)) and row in small:  # the first is quicker
        return "the shuffle of pixels is itself a product of moves with small effects: the power of the test is unknown"
    return _BLIND.format(control.effect)


def _ask_angles(
    sample: Sample, moves: Moves, level: float, generator: np.random.Generator
) -> tuple[dict[str, Measured], Measured]:
    if sample.has_clusters:
        raise InvalidArgumentError("Angles cannot be asked of images in clusters; give one image of each cluster.")
    images = sample.images.astype(np.float32)
    return measure_angles(images, sample.labels, moves.angles, level=level, generator=generator)


def _shuffle(shape: tuple[int, int], channels: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """A random permutation of the pixels of flattened images, in pairs: of order 2, the quickest to test."""
    order = generator.permutation(shape[0] * shape[1])
    half = len(order) // 2
    row = np.arange(len(order))
    row[order[:half]], row[order[half : 2 * half]] = order[half : 2 * half], order[:half]
    return (row[:, None] * channels + np.arange(channels)).ravel()
