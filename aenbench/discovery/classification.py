"""Candidates asked of a classifier: trained on some images, tested on the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aenbench.discovery.candidates import shuffle
from aenbench.discovery.classifier import LogProbabilities, MoveClassifier, Report
from aenbench.discovery.confusion import IDENTITY, Confusion, compare_moves
from aenbench.discovery.kernel import (
    MAX_CLUSTERED_ORDER,
    MAX_ORDER,
    Measured,
    Permutation,
    order_up_to,
    powers,
    random_moves,
)
from aenbench.discovery.sample import Sample
from aenbench.discovery.separation import separate
from aenbench.errors import InvalidArgumentError
from aenbench.execution.device import CPU, Device

TRAINED = 0.6
"""Share of the images that the classifier is trained on."""
MOST_HELD_OUT = 4_000
"""Images that are tested at most; the others are trained on, too."""
PAIRS = 4
"""Images of each candidate that are kept: those told apart best."""


@dataclass(frozen=True, eq=False)
class Pair:
    """An image and what the move made of it, which the classifier told apart.

    Attributes:
        image: (rows, columns, channels)
        moved: likewise.
        label: name of its class.
        gain: log odds of the move for the moved image, less that for the image.
    """

    image: NDArray[Any]
    moved: NDArray[Any]
    label: str
    gain: float


@dataclass(frozen=True, eq=False)
class Classification:
    """What a classifier says of candidates.

    Attributes:
        measured: effect, interval and raw p-value of each candidate.
        control: the same of `control_name`.
        control_name: exchanged halves, or shuffled pixels where those are a candidate.
        confusion: predictions, of all candidates and the identity.
        pairs: images told apart best, by candidate, the best first.
        trained: images that were trained on.
        held_out: images that were tested.
    """

    measured: Mapping[str, Measured]
    control: Measured
    control_name: str
    confusion: Confusion
    pairs: Mapping[str, tuple[Pair, ...]]
    trained: int
    held_out: int

    def to_json(self) -> dict[str, Any]:
        """All of it but the pairs, as plain values."""
        confusion = self.confusion
        return {
            "trained": self.trained,
            "held_out": self.held_out,
            "margin": confusion.margin,
            "control": {
                "name": self.control_name,
                "effect": self.control.effect,
                "smallest_share_seen": self.control.share,
            },
            "candidates": {
                name: {"effect": each.effect, "interval": [each.low, each.high], "p_value": each.p_value}
                for name, each in self.measured.items()
            },
            "cosets": [list(coset) for coset in confusion.cosets],
            "moves": list(confusion.order),
            "predicted": confusion.matrix.round(4).tolist(),
        }


def classify(
    sample: Sample,
    candidates: Mapping[str, Permutation],
    *,
    level: float,
    tests: int,
    margin: float,
    seed: int,
    report: Report | None = None,
    steps: int | None = None,
    device: Device = CPU,
) -> Classification:
    """Train one classifier on some of the images, and measure each candidate on the others.

    Args:
        sample: images with labels and clusters.
        candidates: gather indices of the pixels, (rows * columns,), by name.
        level: of the intervals, and of the family of tests.
        tests: how many are in the family.
        margin: the largest distance within a coset.
        seed: of the choice, the training and the random moves.
        report: of the training.
        steps: of the training, as of a `MoveClassifier`.
        device: of the training.

    Raises:
        InvalidArgumentError: there are clusters, and a move of a large order.
    """
    generator = np.random.default_rng(seed)
    control_name, control = _control(sample.shape, candidates, generator)
    moves = {**candidates, control_name: control}
    is_clustered = len(np.unique(sample.clusters)) < len(sample)
    most = MAX_CLUSTERED_ORDER if is_clustered else MAX_ORDER
    orders = {name: order_up_to(move, most) for name, move in moves.items()}
    for name, order in orders.items():
        if is_clustered and order > most:
            raise InvalidArgumentError(
                f'"{name}" has an order above {most}: images in clusters cannot be moved by all its powers; leave it '
                "out."
            )
    trained, held_out = _split(sample.clusters, generator)
    classifier = MoveClassifier(
        sample, list(moves.values()), trained, seed=seed, report=report, steps=steps, device=device
    )
    known = _Predictions(classifier, held_out)
    labels, clusters = sample.labels[held_out], sample.clusters[held_out]
    measured = {}
    for place, (name, move) in enumerate(moves.items(), 1):
        asked = powers(move, orders[name] if orders[name] <= most else 2)
        scores = np.stack([known.of(power)[:, place] - known.of(power)[:, 0] for power in asked]).astype(np.float64)
        measured[name] = separate(
            scores,
            labels,
            clusters,
            exchanges=orders[name] > most,
            level=level,
            tests=tests,
            number=random_moves(tests, level),
            generator=generator,
        )
    still = np.arange(sample.shape[0] * sample.shape[1])
    logs = np.stack([known.of(move)[:, : len(moves)] for move in (still, *candidates.values())])  # the control is last
    confusion = compare_moves((IDENTITY, *candidates), logs, clusters, margin)
    pairs = {
        name: _best_pairs(sample, held_out, move, known, place)
        for place, (name, move) in enumerate(candidates.items(), 1)
    }
    return Classification(
        {name: measured[name] for name in candidates},
        measured[control_name],
        control_name,
        confusion,
        pairs,
        len(trained),
        len(held_out),
    )


class _Predictions:
    """What is predicted of the held-out images after each move, asked once for each."""

    def __init__(self, classifier: MoveClassifier, held_out: NDArray[np.int64]) -> None:
        self._classifier, self._held_out = classifier, held_out
        self._known: dict[bytes, LogProbabilities] = {}

    def of(self, move: Permutation) -> LogProbabilities:
        """log p (n, moves), the identity first."""
        key = move.tobytes()
        if key not in self._known:
            self._known[key] = self._classifier.predict(self._held_out, move)
        return self._known[key]


def _control(
    shape: tuple[int, int], candidates: Mapping[str, Permutation], generator: np.random.Generator
) -> tuple[str, Permutation]:
    """Left and right halves exchanged, which leaves all but a seam; where that is a candidate, shuffled pixels."""
    grid = np.arange(shape[0] * shape[1]).reshape(shape)
    half = shape[1] // 2
    exchanged = grid.copy()
    exchanged[:, :half], exchanged[:, shape[1] - half :] = grid[:, shape[1] - half :], grid[:, :half]
    halves = exchanged.ravel()
    if half and not any(np.array_equal(halves, move) for move in candidates.values()):
        return "exchanged halves", halves
    return "shuffled pixels", shuffle(shape, generator)


def _split(clusters: NDArray[np.int64], generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Images to train on and images to test, whole clusters."""
    _, numbers = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(numbers)
    order = generator.permutation(len(sizes))
    wanted = max(int(TRAINED * len(clusters)), len(clusters) - MOST_HELD_OUT)
    last = int(np.searchsorted(np.cumsum(sizes[order]), wanted)) + 1
    is_trained = np.isin(numbers, order[: min(last, len(sizes) - 2)])
    return np.flatnonzero(is_trained), np.flatnonzero(~is_trained)


def _best_pairs(
    sample: Sample, held_out: NDArray[np.int64], move: Permutation, known: _Predictions, place: int
) -> tuple[Pair, ...]:
    after, before = known.of(move), known.of(np.arange(len(move)))
    gains = (after[:, place] - after[:, 0]) - (before[:, place] - before[:, 0])
    pairs = []
    for row in np.argsort(-gains, kind="stable")[:PAIRS]:
        image = sample.images[held_out[row]]
        moved = image.reshape(-1, sample.channels)[move].reshape(image.shape)
        pairs.append(Pair(image, moved, sample.classes[sample.labels[held_out[row]]], float(gains[row])))
    return tuple(pairs)
