"""Moves that exchange classes, asked of a classifier: can (g x, pi(y)) be told from (x, y)?

A move g with law(g x | y) = law(x | pi(y)) is a symmetry of images *with their labels*: where classes are equally
frequent, (g x, pi(y)) and (x, y) have one law. So the network that tells moved images from images is shown moved ones
with exchanged labels, and what it separates on images that it was not trained on is the effect, as it is for moves that
keep classes. The network has to see the classes: that it tells (x, pi(y)) from (x, y) is the control.

Of two classes there is one exchange. Of more, pi is chosen on images that the network is trained on: another network
learns to tell classes, and pi is the assignment of classes that it most often puts moved images in. So what is tested
has no part in the choice, and the p-value is that of an exchange that was fixed before.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from aenbench.discovery.classification import MOST_HELD_OUT, TRAINED
from aenbench.discovery.classifier import LabelClassifier, MoveClassifier, Report
from aenbench.discovery.exchanges import Exchange
from aenbench.discovery.kernel import MAX_CLUSTERED_ORDER, Measured, Permutation, order_up_to, random_moves
from aenbench.discovery.randomization import Floats
from aenbench.discovery.sample import Sample
from aenbench.discovery.separation import cycles_of, separate_exchanged
from aenbench.discovery.verdicts import decide
from aenbench.execution.device import CPU, Device

CHOICE = 1 / 3
"""Share of the images to train on that an exchange of more than two classes is chosen on."""

CLOSER = 0.1
"""Mean probability by which moved images of a class have to be in another class more than in their own."""

_Target = NDArray[np.int64]
"""pi: the class that each class is carried to, int64 (classes,), by number."""


def ask_exchanges(
    sample: Sample,
    candidates: Mapping[str, Permutation],
    *,
    level: float,
    margin: float,
    seed: int,
    report: Report | None = None,
    steps: int | None = None,
    device: Device = CPU,
) -> dict[str, Exchange]:
    """Choose an exchange of classes for each candidate and test it; those that seem to exchange none are left out.

    It costs one training for two classes; for more a third of one, and one where there is a choice to test: whatever
    the number of candidates. Without a training, none is asked of images in clusters, of one class, and of moves of an
    order that no exchange has.

    Args:
        sample: images with labels; of images in clusters none is asked.
        candidates: gather indices (rows * columns,) by name.
        level: of the family of tests, and of each interval.
        margin: the largest effect that counts as small.
        seed: of choice, training and random moves.
        report: of the trainings.
        steps: of each training, as of a `MoveClassifier`.
        device: of the trainings.
    """
    generator = np.random.default_rng(seed)
    orders = {name: order_up_to(move, MAX_CLUSTERED_ORDER) for name, move in candidates.items()}
    orders = {name: order for name, order in orders.items() if order <= MAX_CLUSTERED_ORDER}
    if sample.has_clusters or len(np.unique(sample.labels)) < 2 or not orders:
        return {}
    held_out, trained = _cut(
        sample.labels, np.arange(len(sample)), min(1 - TRAINED, MOST_HELD_OUT / len(sample)), generator
    )
    if len(np.unique(sample.labels)) == 2:
        targets = dict.fromkeys(orders, _swap(sample.labels))
    else:
        chosen, learned = _cut(sample.labels, trained, CHOICE, generator)
        tells = LabelClassifier(sample, learned, seed=seed, report=report, steps=steps, device=device)
        targets = _assign(tells, sample.labels, chosen, {name: candidates[name] for name in orders})
    targets = {name: target for name, target in targets.items() if _is_identity(_power(target, orders[name]))}
    if not targets:
        return {}
    different = list({target.tobytes(): target for target in targets.values()}.values())
    still = np.arange(sample.shape[0] * sample.shape[1])
    pairs = [*((candidates[name], target) for name, target in targets.items()), *((still, each) for each in different)]
    classifier = MoveClassifier(
        sample,
        [move for move, _ in pairs],
        trained,
        seed=seed,
        report=report,
        steps=steps,
        device=device,
        targets=[target for _, target in pairs],
    )
    asked = _Held(classifier, sample.labels, held_out, level, len(targets), generator)
    controls = {
        target.tobytes(): asked.measure(len(targets) + place, still, target, moved_only=True)
        for place, target in enumerate(different, 1)
    }
    measured = {
        name: asked.measure(place, candidates[name], target) for place, (name, target) in enumerate(targets.items(), 1)
    }
    found = {}
    for name, target in targets.items():
        control = controls[target.tobytes()]
        verdict = decide(measured, control, level, margin)[name]
        classes = {sample.classes[one]: sample.classes[other] for one, other in enumerate(target) if one != other}
        found[name] = Exchange(classes, measured[name], verdict, control)
    return found


class _Held:
    """Images that were not trained on, with which exchanges are measured."""

    def __init__(
        self,
        classifier: MoveClassifier,
        labels: NDArray[np.int64],
        held_out: NDArray[np.int64],
        level: float,
        tests: int,
        generator: np.random.Generator,
    ) -> None:
        self._classifier, self._labels, self._rows = classifier, labels, held_out
        self._level, self._tests, self._generator = level, tests, generator

    def measure(self, place: int, move: Permutation, target: _Target, *, moved_only: bool = False) -> Measured:
        """How far the network tells (g x, pi(y)) from (x, y), by its output number `place`; if asked so, of those
        classes alone that pi carries elsewhere."""
        rows = balance(self._rows, self._labels, target, moved_only=moved_only)
        order = math.lcm(order_up_to(move, MAX_CLUSTERED_ORDER), *map(len, cycles_of(target)))
        scores, moved = [], np.arange(len(move))
        for power in range(order):
            logs = self._classifier.predict(rows, moved, _power(target, power)).astype(np.float64)
            scores.append(logs[:, place] - logs[:, 0])
            moved = moved[move]
        return separate_exchanged(
            np.stack(scores),
            self._labels[rows],
            target,
            level=self._level,
            tests=self._tests,
            number=random_moves(self._tests, self._level),
            generator=self._generator,
        )


def balance(
    rows: NDArray[np.int64], labels: NDArray[np.int64], target: NDArray[np.int64], *, moved_only: bool = False
) -> NDArray[np.int64]:
    """As many of the images of each class as of the others of its cycle: the first ones, in ascending order.

    Args:
        rows: numbers of images, int64 (n,).
        labels: of all images.
        target: pi, int64 (classes,).
        moved_only: whether classes that pi keeps are left out.
    """
    kept = []
    for cycle in cycles_of(target):
        if len(cycle) > 1 or not moved_only:
            members = [rows[labels[rows] == label] for label in cycle]
            kept += [each[: min(map(len, members))] for each in members]
    return np.sort(np.concatenate(kept))


def _cut(
    labels: NDArray[np.int64], rows: NDArray[np.int64], share: float, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A share of the images of each class, at least two, and the others, in random order."""
    parts, others = [], []
    for label in np.unique(labels[rows]):
        members = generator.permutation(rows[labels[rows] == label])
        count = max(2, round(share * len(members)))
        parts.append(members[:count])
        others.append(members[count:])
    return generator.permutation(np.concatenate(parts)), generator.permutation(np.concatenate(others))


def _swap(labels: NDArray[np.int64]) -> _Target:
    one, other = np.unique(labels)
    target = np.arange(int(labels.max()) + 1)
    target[[one, other]] = other, one
    return target


def _assign(
    classifier: LabelClassifier,
    labels: NDArray[np.int64],
    chosen: NDArray[np.int64],
    candidates: Mapping[str, Permutation],
) -> dict[str, _Target]:
    """The class that each class is carried to: those where the network puts most moved images together.

    Only candidates are kept of which the exchange takes away half of what the network loses when images are moved: no
    other is worth a test.
    """
    numbers = np.unique(labels)
    members = [chosen[labels[chosen] == number] for number in numbers]

    def shares(move: Permutation) -> Floats:
        """Mean probability of each class (columns), of moved images of each class (rows)."""
        return np.stack([np.exp(classifier.predict(rows, move))[:, numbers].mean(axis=0) for rows in members])

    move = next(iter(candidates.values()))
    known, targets = float(np.trace(shares(np.arange(len(move))))), {}
    for name, move in candidates.items():
        moved = shares(move)
        places = linear_sum_assignment(moved + CLOSER * np.eye(len(numbers)), maximize=True)[1]
        carried = float(moved[np.arange(len(numbers)), places].sum())
        if 2 * (known - carried) < known - float(np.trace(moved)) and not _is_identity(places):
            target = np.arange(int(labels.max()) + 1)
            target[numbers] = numbers[places]
            targets[name] = target
    return targets


def _power(target: _Target, power: int) -> _Target:
    found = np.arange(len(target))
    for _ in range(power):
        found = target[found]
    return found


def _is_identity(target: _Target) -> bool:
    return np.array_equal(target, np.arange(len(target)))
