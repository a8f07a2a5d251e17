"""Methods that train one network and give confidences, not p-values: baselines to compare `discover` with."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from aenbench.discovery.candidates import Candidates, find_candidates
from aenbench.discovery.choice import Choice
from aenbench.discovery.sample import draw_sample
from aenbench.errors import InvalidArgumentError
from gdatasets.errors import UnknownNameError

TRAINING_METHODS = ("learned-augmentation", "post-hoc")


def choose_by_training(
    method: str,
    images: ArrayLike,
    labels: ArrayLike | None,
    candidates: Candidates = "actions",
    *,
    clusters: ArrayLike | None = None,
    limit: int | None = 4_000,
    jitter: int = 0,
    step: int = 4,
    seed: int = 0,
    on_pass: Callable[[int, int], None] | None = None,
) -> Choice:
    """Train a network on half of the images, and say which candidates it speaks for.

    Args:
        method: `learned-augmentation` or `post-hoc`.
        images: (n, rows, columns) or (n, rows, columns, channels), numbers.
        labels: (n,); a network is trained on them.
        candidates: as for `discover`.
        clusters: (n,), which images belong together, or None: each by itself.
        limit: images that are looked at, drawn at random; all for None.
        jitter: pixels that each image is cropped by at a random place.
        step: pixels that the rolls among the actions move by.
        seed: of everything random.
        on_pass: called with (passes done, passes in all).

    Raises:
        UnknownNameError: there is no such method, or a name of candidates that means nothing.
        InvalidArgumentError: images, labels or candidates that nothing can be said of.
    """
    start = time.process_time()
    if method not in TRAINING_METHODS:
        raise UnknownNameError("method", method, TRAINING_METHODS)
    if labels is None:
        raise InvalidArgumentError(f"The method {method} trains a network on labels, got none; use --method kernel.")
    generator = np.random.default_rng(seed)
    sample, notices = draw_sample(images, labels, clusters, limit, jitter, generator)
    moves = find_candidates(candidates, sample.shape, step)
    notices += [f"{name} is left out: {why}" for name, why in moves.left_out.items()]
    from aenbench.discovery import learned_augmentation, post_hoc  # PyTorch only where it trains
    from aenbench.discovery.plain_network import halve

    halves = halve(sample, generator)
    if method == "post-hoc":
        asked = post_hoc.ask_plain_network(halves, moves, seed, on_pass)
        details = {name: change.details for name, change in asked.changes.items()}
        confidences = {name: change.confidence for name, change in asked.changes.items()}
        threshold, accuracy = post_hoc.LEVEL / len(moves.permutations), asked.accuracy
    else:
        learned = learned_augmentation.learn_augmentation(halves, moves, seed, on_pass)
        details, confidences = {}, learned.probabilities
        threshold, accuracy = learned_augmentation.THRESHOLD, learned.accuracy
    return Choice(
        method,
        confidences,
        threshold,
        details,
        moves,
        len(sample),
        len(halves.ask),
        accuracy,
        halves.chance,
        tuple(notices),
        time.process_time() - start,
    )
