"""Methods that ask one trained network and give confidences, not p-values: no error rate is controlled."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from aenbench.discovery.candidates import Candidates, Moves, find_candidates
from aenbench.discovery.choice import Choice
from aenbench.discovery.sample import Sample, draw_sample
from aenbench.errors import InvalidArgumentError
from gdatasets.errors import UnknownNameError

if TYPE_CHECKING:
    from aenbench.discovery.post_hoc import Asked, Model

TrainingMethod = Literal["learned-augmentation", "post-hoc"]
TRAINING_METHODS: tuple[TrainingMethod, ...] = get_args(TrainingMethod)


def choose_by_training(
    method: TrainingMethod,
    images: ArrayLike,
    labels: ArrayLike | None,
    candidates: Candidates = "actions",
    *,
    clusters: ArrayLike | None = None,
    limit: int | None = 4_000,
    jitter: int = 0,
    step: int = 4,
    seed: int = 0,
    report: Callable[[str, int, int, str], None] | None = None,
    network: "Model | None" = None,
) -> Choice:
    """Train a network on half of the images, or take a trained one, and say which candidates it speaks for.

    Args:
        method: `learned-augmentation` or `post-hoc`.
        images: (n, rows, columns) or (n, rows, columns, channels), numbers.
        labels: (n,); a network is trained on them.
        candidates: as for `discover`, but for angles.
        clusters: (n,), which images belong together, or None: each by itself.
        limit: images that are looked at, drawn at random; all for None.
        jitter: pixels that each image is cropped by at a random place.
        step: pixels that the rolls among the actions move by.
        seed: of all random draws.
        report: of the training: what, passes done, of how many, a note.
        network: for `post-hoc`, one that is trained already, instead of a plain one that is trained here: a module or
            function from images float32 (n, channels, rows, columns) to logits (n, classes). It gets all images, with
            pixels as they are given; labels are the columns of its logits.

    Raises:
        UnknownNameError: there is no such method, or a name of candidates that means nothing.
        InvalidArgumentError: images, labels or candidates that nothing can be said of; a network that cannot be asked.
    """
    start = time.process_time()
    if method not in TRAINING_METHODS:
        raise UnknownNameError("method", method, TRAINING_METHODS)
    if network is not None and method != "post-hoc":
        raise InvalidArgumentError(f"A network of your own needs --method post-hoc, got {method}.")
    if labels is None:
        raise InvalidArgumentError(f"The method {method} needs labels to judge a network by; use --method kernel.")
    generator = np.random.default_rng(seed)
    sample, notices = draw_sample(images, labels, clusters, limit, jitter, generator)
    moves = find_candidates(candidates, sample.shape, step)
    if moves.angles:
        raise InvalidArgumentError(f"The method {method} moves pixels only; ask about angles by --method kernel.")
    notices += [f"{name} is left out: {why}" for name, why in moves.left_out.items()]
    if network is not None:
        from aenbench.discovery.post_hoc import ask_network  # PyTorch only where a network is asked

        chance = float(np.bincount(sample.labels).max()) / len(sample)
        choice = _of_post_hoc(ask_network(network, sample, moves), sample, moves, len(sample), chance)
    else:
        choice = _train(method, sample, moves, seed, generator, report)
    return choice.told(tuple(notices), time.process_time() - start)


def _train(
    method: TrainingMethod,
    sample: Sample,
    moves: Moves,
    seed: int,
    generator: np.random.Generator,
    report: Callable[[str, int, int, str], None] | None,
) -> Choice:
    from aenbench.discovery import learned_augmentation, post_hoc
    from aenbench.discovery.plain_network import halve

    halves = halve(sample, generator)
    on_pass = None if report is None else partial(_report_pass, report, method)
    if method == "post-hoc":
        asked = post_hoc.ask_plain_network(halves, moves, seed, on_pass)
        return _of_post_hoc(asked, sample, moves, len(halves.ask), halves.chance)
    learned = learned_augmentation.learn_augmentation(halves, moves, seed, on_pass)
    return Choice(
        method,
        learned.probabilities,
        learned_augmentation.THRESHOLD,
        {},
        moves,
        len(sample),
        len(halves.ask),
        learned.accuracy,
        halves.chance,
    )


def _report_pass(report: Callable[[str, int, int, str], None], method: str, done: int, passes: int) -> None:
    report(method, done, passes, "passes")


def _of_post_hoc(asked: "Asked", sample: Sample, moves: Moves, images_asked: int, chance: float) -> Choice:
    from aenbench.discovery.post_hoc import LEVEL

    return Choice(
        "post-hoc",
        {name: change.confidence for name, change in asked.changes.items()},
        LEVEL / len(moves.permutations),
        {name: change.details for name, change in asked.changes.items()},
        moves,
        len(sample),
        images_asked,
        asked.accuracy,
        chance,
        frozenset(name for name, change in asked.changes.items() if change.is_invariant),
    )
