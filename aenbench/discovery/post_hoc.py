"""How far a trained network minds a move of images that it has not learned from: post-hoc invariance.

A network is asked for its answers to held-out images and to moved ones. Where a move is a symmetry of the law, moved
images are as likely as images, so the network's mean loss does not change, whatever the network is; where it changes,
the law is broken. The other direction fails: a network may not mind a move that it never saw. The network is a plain
one that is trained here, or one of the user's own, of which one wants to know what it is invariant under.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import erfc, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from aenbench.discovery.candidates import Moves
from aenbench.discovery.plain_network import Halves, as_indices, build_plain_network, move_images
from aenbench.discovery.sample import Sample
from aenbench.errors import InvalidArgumentError
from aenbench.tasks.images import LabeledImages
from aenbench.training.fit import accuracy, compute_logits, derive_seed, fit
from aenbench.training.history import Pass

STEPS = 500
"""Of the optimizer, whatever the number of images: the time of a training is bounded."""
LEVEL = 0.05
"""A move is chosen unless the loss rises more than chance allows, one-sided, all candidates together (Bonferroni)."""
TOLERANCE = 1e-4
"""Log-probabilities that differ by less, relative to the largest, differ by rounding alone."""
_BATCH = 500

Model = Callable[[Tensor], Tensor]
"""Maps images float32 (n, channels, rows, columns) to logits (n, classes); it draws no random numbers."""


@dataclass(frozen=True)
class Change:
    """What a move changes, means over images.

    Attributes:
        agreement: share of images whose most likely class stays.
        drop: of the share of right answers.
        divergence: Kullback-Leibler divergence of the predicted distributions, from images to moved images, nats.
        rise: of the cross-entropy of the right class, nats.
        error: standard error of the rise.
        is_invariant: no log-probability of any image changes, up to rounding.
    """

    agreement: float
    drop: float
    divergence: float
    rise: float
    error: float
    is_invariant: bool

    @property
    def confidence(self) -> float:
        """How likely a rise of this size or more is without a change of the mean (normal approximation), 0..1."""
        if self.is_invariant:
            return 1.0
        return erfc(self.rise / (sqrt(2) * self.error)) / 2 if self.error else float(self.rise <= 0)

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Of the rise, at this level by itself."""
        half = NormalDist().inv_cdf(1 - level / 2) * self.error
        return self.rise - half, self.rise + half

    @property
    def details(self) -> dict[str, float]:
        """All of it, by name."""
        low, high = self.interval()
        return {
            "agreement": self.agreement,
            "drop": self.drop,
            "divergence": self.divergence,
            "rise": self.rise,
            "low": low,
            "high": high,
        }


def measure_changes(
    model: Model, data: LabeledImages, moves: Moves, clusters: NDArray[np.int64] | None = None
) -> dict[str, Change]:
    """Ask any model; nothing is trained.

    Args:
        model: the network, of images as they are in `data`.
        data: images that it has not learned from.
        moves: the candidates.
        clusters: (n,), which images belong together; by default each is one.
    """
    still = model(data.images)
    before = _Answers.of(still, data.labels)
    owners = np.arange(len(data)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    changes = {}
    for name, row in as_indices(moves.permutations).items():
        after = _Answers.of(model(move_images(data.images, row)), data.labels)
        rises = (after.losses - before.losses).numpy()
        rise = float(rises.mean())
        sums = np.bincount(owners, rises - rise)
        kept = (before.logs.exp() * (before.logs - after.logs)).sum(dim=1)
        changes[name] = Change(
            float((before.classes == after.classes).double().mean()),
            float((before.right - after.right).mean()),
            float(kept.mean()),
            rise,
            float(np.sqrt(sums @ sums)) / len(rises),
            float((before.logs - after.logs).abs().max()) <= TOLERANCE * (1 + float(before.logs.abs().max())),
        )
    return changes


@dataclass(frozen=True, eq=False)
class _Answers:
    logs: Tensor
    """Log-probabilities, float64 (n, classes)."""
    classes: Tensor
    right: Tensor
    losses: Tensor

    @classmethod
    def of(cls, logits: Tensor, labels: Tensor) -> "_Answers":
        logs = logits.detach().double().log_softmax(dim=1)
        classes = logs.argmax(dim=1)
        return cls(logs, classes, (classes == labels).double(), cross_entropy(logs, labels, reduction="none"))


@dataclass(frozen=True)
class Asked:
    """What a network says of each candidate, and its share of right answers on images as they are."""

    changes: dict[str, Change]
    accuracy: float


def ask_plain_network(
    halves: Halves, moves: Moves, seed: int = 0, on_pass: Callable[[int, int], None] | None = None
) -> Asked:
    """Train a plain network on one half of the images, and measure what each move changes on the other.

    Args:
        halves: the images.
        moves: the candidates.
        seed: of all random draws.
        on_pass: called with (passes done, passes in all).
    """
    model = build_plain_network(halves.learn.images, halves.classes, derive_seed(seed, "weights"))

    def after(done: int, total: int, _: Pass) -> None:
        if on_pass is not None:
            on_pass(done, total)

    fit(model, halves.learn, halves.ask.first(1), halves.recipe(STEPS), derive_seed(seed, "post-hoc"), on_pass=after)
    changes = measure_changes(partial(compute_logits, model), halves.ask, moves, halves.clusters)
    return Asked(changes, accuracy(model, halves.ask))


def ask_network(model: Model, sample: Sample, moves: Moves) -> Asked:
    """Measure what each move changes for a network that is trained already.

    Args:
        model: an `nn.Module`, which is asked in evaluation, or any function from images float32 (n, channels, rows,
            columns), as they are in the sample, to logits (n, classes).
        sample: images that it has not learned from; the names of their classes are the columns of its logits.
        moves: the candidates.

    Raises:
        InvalidArgumentError: the network cannot be called on these images, or gives no logits for them; the classes
            are no numbers of its columns.
    """
    columns = [int(name) if name.isdecimal() else -1 for name in sample.classes]
    if min(columns) < 0:
        raise InvalidArgumentError(
            f'A network of your own knows classes by number, got the label "{sample.classes[columns.index(-1)]}"; give '
            "integer labels, the columns of its logits."
        )
    pixels = np.ascontiguousarray(sample.images.transpose(0, 3, 1, 2), dtype=np.float32)
    labels = torch.tensor(columns)[torch.from_numpy(sample.labels)]
    data = LabeledImages(torch.from_numpy(pixels), labels)
    asked = _checked(model, max(columns))
    changes = measure_changes(asked, data, moves, sample.clusters)
    return Asked(changes, float((asked(data.images).argmax(dim=1) == labels).double().mean()))


def _checked(model: Model, largest: int) -> Model:
    """The model in parts and without gradients, whose failures are said in one line."""

    def call(part: Tensor) -> Tensor:
        shape = tuple(part.shape)
        try:
            found: Any = compute_logits(model, part) if isinstance(model, nn.Module) else model(part)
        except Exception as error:  # a user's network may raise anything
            why = (str(error).splitlines() or [""])[0]
            raise InvalidArgumentError(
                f"The network cannot be called on images {shape}: {type(error).__name__}: {why:.200}"
            ) from error
        fits = isinstance(found, Tensor) and found.ndim == 2 and len(found) == len(part) and found.shape[1] > largest
        if not fits or not torch.isfinite(found).all():
            got = f"{tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
            raise InvalidArgumentError(
                f"Expected finite logits ({len(part)}, at least {largest + 1}) of images {shape}, got {got}."
            )
        return torch.as_tensor(found)

    def in_parts(images: Tensor) -> Tensor:
        with torch.inference_mode():
            return torch.cat([call(part) for part in torch.split(images, _BATCH)])

    return in_parts
