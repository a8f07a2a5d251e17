"""Moves that carry classes into each other, law(g x | y) = law(x | pi(y)): a mirror exchanges two kinds of spirals.

The exchange pi is the assignment of classes with the smallest effects between moved images of a class and images of
another. It is chosen on some of the images and tested on all others, so that the test knows nothing of the choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from aenbench.discovery.kernel import Measured, Permutation, Pixels, gaussian, kernel_scale
from aenbench.discovery.two_samples import compare
from aenbench.discovery.verdicts import Verdict

CHOICE = 500
"""Images that exchanges are chosen on, or 20 a class, but never more than half of a class."""


@dataclass(frozen=True)
class Exchange:
    """A move up to an exchange of classes.

    Attributes:
        classes: where the move carries each class; those that it carries elsewhere.
        measured: how far moved images are from those of the class that they are carried to.
        verdict: on that, as on a move that keeps classes; `cannot tell` before it is judged.
        control: how far images with exchanged labels are from images, where a classifier was asked: what does not see
            that sees no exchange either.
    """

    classes: Mapping[str, str]
    measured: Measured
    verdict: Verdict = "cannot tell"
    control: Measured | None = None

    @property
    def is_found(self) -> bool:
        """Whether the move is a symmetry, or nearly one, up to this exchange."""
        return self.verdict in ("symmetry", "approximate")

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values; of the control its effect, None where there was none."""
        return {
            "classes": dict(self.classes),
            "effect": self.measured.effect,
            "interval": [self.measured.low, self.measured.high],
            "p_value": self.measured.p_value,
            "verdict": self.verdict,
            "control": None if self.control is None else self.control.effect,
        }

    def __str__(self) -> str:
        return ", ".join(f"{one} > {other}" for one, other in self.classes.items())


def find_exchanges(
    pixels: Pixels,
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    candidates: Mapping[str, Permutation],
    *,
    level: float,
    margin: float,
    seed: int,
) -> dict[str, Exchange]:
    """Choose and test an exchange of classes for each candidate; those that exchange none are left out.

    Args:
        pixels: float32 (n, points), independent images.
        labels: numbers of classes, (n,).
        classes: their names, by number.
        candidates: gather indices (points,) by name: moves that are no symmetry of each class.
        level: of the family of tests, and of each interval.
        margin: how much closer to another class than to its own a moved class has to be to count as exchanged.
        seed: of choice and halves.
    """
    generator, numbers = np.random.default_rng(seed), np.unique(labels)
    most = max(20, CHOICE // len(numbers))
    members = [generator.permutation(np.flatnonzero(labels == number)) for number in numbers]
    chosen = [rows[: min(most, len(rows) // 2)] for rows in members]
    rest = [rows[len(few) :] for rows, few in zip(members, chosen, strict=True)]
    targets = _assignments(pixels, chosen, candidates, margin)
    found = {}
    for name, target in targets.items():
        sources, reached = _pairs(rest, target)
        strata = np.concatenate([np.full(len(rows), number) for number, rows in enumerate(sources)])
        moved = pixels[np.concatenate(sources)][:, candidates[name]]
        there = pixels[np.concatenate(reached)]
        measured = compare(moved, there, strata, level=level, tests=len(targets), generator=generator)
        names = [classes[number] for number in numbers]
        found[name] = Exchange({names[one]: names[other] for one, other in enumerate(target) if one != other}, measured)
    return found


def _pairs(rows: list[NDArray[np.int64]], target: NDArray[np.int64]) -> tuple[list[NDArray[np.int64]], ...]:
    """As many images of each class as of its target, none of them twice: one half of a class moves, the other stays."""
    sources, reached = [], []
    for one, other in enumerate(target):
        moving, staying = rows[one][: len(rows[one]) // 2], rows[other][len(rows[other]) // 2 :]
        count = min(len(moving), len(staying))
        sources.append(moving[:count])
        reached.append(staying[:count])
    return sources, reached


def _assignments(
    pixels: Pixels, chosen: list[NDArray[np.int64]], candidates: Mapping[str, Permutation], margin: float
) -> dict[str, NDArray[np.int64]]:
    """The class that each class is carried to, int64 (classes,): those whose effects are the smallest together.

    Only for candidates of which the exchange takes half of the effect away: no other is worth a test.
    """
    images = pixels[np.concatenate(chosen)]
    images = images - images.mean()
    norms, scale = np.einsum("ij,ij->i", images, images), kernel_scale(images)
    sizes = np.array([len(rows) for rows in chosen])
    starts = np.cumsum([0, *sizes[:-1]])
    pairs, different = np.outer(sizes, sizes) - np.diag(sizes), ~np.eye(len(images), dtype=bool)

    def means(other: Pixels) -> NDArray[np.float64]:
        """Of the kernel between the images of one class and other images of another, (classes, classes)."""
        kernel = gaussian(images, other, norms, norms, scale, different)[0]
        sums = np.add.reduceat(np.add.reduceat(kernel, starts, 0, dtype=np.float64), starts, 1)
        return np.asarray(sums / pairs)

    within, targets = np.diag(means(images)), {}
    for name, move in candidates.items():
        effects = 1 - 2 * means(images[:, move]).T / (within[:, None] + within[None, :])  # moved a, as it is b
        closer = effects - margin * np.eye(len(effects))
        target = np.asarray(linear_sum_assignment(closer)[1], dtype=np.int64)
        is_better = 2 * effects[np.arange(len(target)), target].sum() < np.diag(effects).sum()
        if is_better and (target != np.arange(len(target))).any():
            targets[name] = target
    return targets
