"""`discover`: which candidate moves are symmetries of labeled images, and the group that they generate."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import ArrayLike

from aenbench.discovery.answers import METHODS, Method, Question, answer
from aenbench.discovery.candidates import Candidates, find_candidates
from aenbench.discovery.choice import Choice
from aenbench.discovery.embedding import Embed
from aenbench.discovery.findings import Discovery
from aenbench.discovery.sample import draw_sample
from aenbench.discovery.training_methods import TRAINING_METHODS, TrainingMethod, choose_by_training
from aenbench.discovery.verdicts import CLASSIFIER_MARGIN, MARGIN
from aenbench.errors import InvalidArgumentError
from aenbench.execution.device import Device
from gdatasets.errors import UnknownNameError

if TYPE_CHECKING:
    from aenbench.discovery.post_hoc import Model

IMAGES = 4_000
"""Images that are looked at by default, drawn at random."""
LEVEL = 0.05


@overload
def discover(
    images: ArrayLike,
    labels: ArrayLike | None = None,
    candidates: Candidates = "actions",
    *,
    method: Method = "auto",
    clusters: ArrayLike | None = None,
    limit: int | None = IMAGES,
    level: float = LEVEL,
    margin: float | None = None,
    jitter: int = 0,
    step: int = 4,
    seed: int = 0,
    report: Callable[[str, int, int, str], None] | None = None,
    embed: Embed | None = None,
    device: str = "cpu",
) -> Discovery: ...


@overload
def discover(
    images: ArrayLike,
    labels: ArrayLike | None = None,
    candidates: Candidates = "actions",
    *,
    method: TrainingMethod,
    clusters: ArrayLike | None = None,
    limit: int | None = IMAGES,
    jitter: int = 0,
    step: int = 4,
    seed: int = 0,
    report: Callable[[str, int, int, str], None] | None = None,
    network: "Model | None" = None,
) -> Choice: ...


def discover(
    images: ArrayLike,
    labels: ArrayLike | None = None,
    candidates: Candidates = "actions",
    *,
    method: Method | TrainingMethod = "auto",
    clusters: ArrayLike | None = None,
    limit: int | None = IMAGES,
    level: float = LEVEL,
    margin: float | None = None,
    jitter: int = 0,
    step: int = 4,
    seed: int = 0,
    report: Callable[[str, int, int, str], None] | None = None,
    embed: Embed | None = None,
    network: "Model | None" = None,
    device: str = "cpu",
) -> Discovery | Choice:
    """Ask labeled images which moves keep the law of each class.

    Args:
        images: (n, rows, columns) or (n, rows, columns, channels), numbers.
        labels: integers (n,), or None: then the images are taken together.
        candidates: `actions`, `d4`, `angles` (rotations by multiples of 15 degrees; `angles:5`), a `Group`,
            permutations (k, rows * columns), or permutations by name.
        method: `kernel` trains nothing and takes a second; `classifier` trains one small network, in half a minute of
            a core, and sees textures too (asked alone it trains up to two more, for moves that exchange classes);
            `auto` asks the kernel first, and the classifier about the candidates where the kernel cannot tell.
            `learned-augmentation` and `post-hoc` train one small network, in 17 and 3 seconds of a core for 4,000
            images, and return a `Choice`: confidences and no p-values, so no level holds.
        clusters: (n,), which images belong together (frames of a recording, cells of a slide). Without it true
            symmetries of such data are rejected, because their images are not independent.
        limit: number of images to look at, drawn at random; None for all.
        level: significance level of all tests together, and of each interval.
        margin: the largest effect that counts as small: for the kernel (by default .02), or for the classifier if it
            is asked alone (by default .1, as in `auto`).
        jitter: first crop each image by this many rows and columns at a random place. Borders and centering up to
            this many pixels then break no symmetry: symmetries hold "up to small shifts".
        step: pixels that the rolls among the actions move by.
        seed: of all random draws.
        report: called during the training of a classifier with: what, steps done, of how many, a note.
        embed: maps images (n, rows, columns, channels) to features (n, d), which the kernel compares instead of
            pixels. Symmetries are then those that the features see.
        network: what `post-hoc` asks instead of a network that it trains: a module or function from images float32
            (n, channels, rows, columns), with pixels as they are given here, to logits (n, classes). Labels are then
            numbers of its classes. Give images that it was not trained on.
        device: where a classifier is trained: `cpu`, `cuda`, `cuda:1`, or `auto`, a GPU if there is one. The methods
            that return a `Choice` train on the CPU.

    Raises:
        ExecutorError: there is no such device.
        UnknownNameError: unknown candidates or an unknown method.
        InvalidArgumentError: impossible images, labels or candidates, or an option that the method does not take.
    """
    start = time.process_time()
    trained_on = Device.parse(device)
    trained_on.check()
    if method in TRAINING_METHODS:
        if trained_on.is_gpu:
            raise InvalidArgumentError(f"The method {method} trains on the CPU only, got {device}; leave --device out.")
        if level != LEVEL or margin is not None or embed is not None:
            raise InvalidArgumentError(
                f"The method {method} has no level, margin or embedding: it tests nothing; leave them out."
            )
        return choose_by_training(
            method,
            images,
            labels,
            candidates,
            clusters=clusters,
            limit=limit,
            jitter=jitter,
            step=step,
            seed=seed,
            report=report,
            network=network,
        )
    if method not in METHODS:
        raise UnknownNameError("method", method, [*METHODS, *TRAINING_METHODS])
    if network is not None:
        raise InvalidArgumentError(f"A network of your own needs --method post-hoc, got {method}.")
    margins = _margins(method, margin)
    if not 0 < level < 1 or not all(0 < each < 1 for each in margins):
        raise InvalidArgumentError(f"Expected a level and a margin between 0 and 1, got {level} and {margin}.")
    generator = np.random.default_rng(seed)
    sample, notices = draw_sample(images, labels, clusters, limit, jitter, generator)
    moves = find_candidates(candidates, sample.shape, step)
    notices += [f"{name} is left out: {why}" for name, why in moves.left_out.items()]
    question = Question(sample, moves, level, margins, int(generator.integers(1 << 31)), report, embed, trained_on)
    found = answer(question, method)
    return Discovery(
        found.measured,
        found.control,
        found.verdicts,
        moves,
        len(sample),
        level,
        margins[method == "classifier"],
        (*notices, *found.notices),
        time.process_time() - start,
        found.methods,
        found.classification,
        found.asked_exchanges,
    )


def _margins(method: Method, margin: float | None) -> tuple[float, float]:
    """Of the kernel and of the classifier."""
    if margin is None:
        return MARGIN, CLASSIFIER_MARGIN
    return (MARGIN, margin) if method == "classifier" else (margin, CLASSIFIER_MARGIN)
