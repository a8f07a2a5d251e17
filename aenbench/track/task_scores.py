"""Scores of the answer to one task, by the truth alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aenbench.discovery.choice import auroc
from aenbench.tables.parquet import read_table, table_path
from aenbench.track.partition_distance import partition_distance
from aenbench.track.submission import Found
from aenbench.track.tasks import PIXELS, Task, candidates
from aenbench.track.truth import KnownGroup, true_angles, true_classes, true_group
from gdatasets.groups.actions import ACTIONS, bits_from_actions
from gdatasets.groups.permutation_groups import Permutations

_ROUNDING = 1e-9
"""Of a score: weights and degrees that differ from the truth by less are exact."""


@dataclass(frozen=True)
class Elements:
    """How the elements of a group that was found, or weighted elements, agree with those of the true one.

    Attributes:
        order: of the group found; None where the budget did not suffice: precision and Jaccard index are 0 then. Of
            weighted elements, how many different ones have a weight above 0.
        exact: whether both are the same group.
        precision: share of the elements found that are true.
        recall: share of the true elements that were found.
        jaccard: elements of both, by those of either (Jaccard index).
    """

    order: int | None
    exact: bool
    precision: float
    recall: float
    jaccard: float


@dataclass(frozen=True)
class TaskScores:
    """Scores of one answer; None where a score does not apply.

    Attributes:
        exact: whether the truth was found: the group, all classes' groups, or, for a partition, the sharing.
        elements: of tasks with one group that generators or weighted elements answer.
        distance: partition distance of the sharing, 0..1, of tasks with one group.
        classes: share of the classes whose group is exact.
        degrees: Wasserstein distance of the angles.
        auroc: of the confidences, of tasks with candidates of both kinds.
        lost: test accuracy that the network of the group loses to the best one, in points.
        seconds: as the submission says.
    """

    exact: bool
    elements: Elements | None = None
    distance: float | None = None
    classes: float | None = None
    degrees: float | None = None
    auroc: float | None = None
    lost: float | None = None
    seconds: float | None = None


def score_answer(task: Task, found: Found, lost: Mapping[str, float] | None = None) -> TaskScores:
    """The scores of an answer.

    Args:
        task: that it answers.
        found: generators, weighted elements, a partition or angles; a partition is scored by its distance only, and
            weighted elements as they stand: no group is made of them, so they have neither a sharing nor a network.
        lost: points that the network of each state loses, where the task has a table.
    """
    seconds = found.answer.seconds
    if task.family == "angles":
        degrees = angle_distance(np.array(found.answer.angles), np.array(found.answer.weights), *true_angles())
        return TaskScores(degrees < _ROUNDING, degrees=degrees, seconds=seconds)
    if task.family == "classes":
        share = _right_classes(found)
        return TaskScores(share == 1, classes=share, seconds=seconds)
    truth = true_group(task)
    auroc = rank_score(found.answer.confidences, truth.members)
    if found.partition is not None:
        distance = partition_distance(found.partition, truth.sharing)
        return TaskScores(distance == 0, distance=distance, auroc=auroc, seconds=seconds)
    if found.elements is not None:
        elements = compare_weighted(found.elements, found.answer.weights, truth)
        return TaskScores(elements.exact, elements, auroc=auroc, seconds=seconds)
    assert found.generators is not None, "what is no other kind are generators"
    elements, distance, members = _compare_group(task, found.generators.astype(np.int16).tobytes())
    points = None if lost is None else lost[bits_from_actions(name for name in members if name in ACTIONS)]
    return TaskScores(elements.exact, elements, distance, auroc=auroc, lost=points, seconds=seconds)


@lru_cache(maxsize=1_024)  # many methods find the same group
def _compare_group(task: Task, generators: bytes) -> tuple[Elements, float, tuple[str, ...]]:
    """Of generators int16 (k, 784): how the elements agree with the truth, the distance, the candidates among them."""
    group = known_group(np.frombuffer(generators, dtype=np.int16).reshape(-1, PIXELS).astype(np.int64))
    elements = compare_elements(group, true_group(task))
    distance = 0.0 if elements.exact else partition_distance(group.sharing, true_group(task).sharing)
    return elements, distance, group.members


def compare_elements(found: KnownGroup, truth: KnownGroup) -> Elements:
    """Exact where either group is listed or holds the other; else common elements are counted from below."""
    common, order = _common(found, truth), found.order
    recall = common / truth.order
    if not found.chain.is_complete:
        return Elements(None, exact=False, precision=0.0, recall=recall, jaccard=0.0)
    union = order + truth.order - common
    return Elements(order, common == union, common / order, recall, common / union)


def compare_weighted(moves: Permutations, weights: Sequence[float], truth: KnownGroup) -> Elements:
    """Weighted elements as a fuzzy set, against the elements of the true group, which all have the degree 1.

    The degree of an element is its weight by the largest weight. Sets have as many elements as the sum of their
    degrees; an element is in both to the smaller of its degrees and in either to the larger one (Zadeh, "Fuzzy Sets",
    Information and Control 8, 1965), so that the Jaccard index is the weighted one, the sum of minima by the sum of
    maxima (Ioffe, ICDM 2010). Precision is the share of the weight that true elements have. Elements of equal weights
    score as the set of them.

    Args:
        moves: gather indices int64 (k, 784); the weights of equal rows are added.
        weights: 0..1, one for each row.
        truth: the group.
    """
    distinct, numbers = np.unique(moves, axis=0, return_inverse=True)
    sums = np.bincount(numbers.ravel(), weights, len(distinct))
    largest = sums.max(initial=0.0)
    if largest == 0:
        return Elements(0, exact=False, precision=0.0, recall=0.0, jaccard=0.0)
    degrees, are_true = sums / largest, truth.contain(distinct)
    common, false = math.fsum(degrees[are_true]), math.fsum(degrees[~are_true])
    jaccard = common / (truth.order + false)
    return Elements(
        int(np.count_nonzero(degrees)),
        jaccard > 1 - _ROUNDING,
        common / (common + false),
        common / truth.order,
        jaccard,
    )


def _common(found: KnownGroup, truth: KnownGroup) -> int:
    """How many elements are in both."""
    if found.elements is not None:
        return int(truth.contain(found.elements).sum())
    if truth.elements is not None:
        return int(found.contain(truth.elements).sum())
    of_found, of_truth = truth.contain(found.generators), found.contain(truth.generators)
    if of_truth.all():
        return truth.order
    if of_found.all():
        return found.order
    return KnownGroup(np.concatenate([found.generators[of_found], truth.generators[of_truth]])).order


def rank_score(confidences: Mapping[str, float], members: tuple[str, ...]) -> float | None:
    """AUROC of the confidences: how often one of a true symmetry is above one of another candidate; ties count half.

    Candidates without a confidence have 0. None where there are no confidences, or candidates of one kind only.
    """
    if not confidences or not 0 < len(members) < len(candidates()):
        return None
    return auroc({name: confidences.get(name, 0.0) for name in candidates()}, frozenset(members))


def angle_distance(
    angles: NDArray[np.float64],
    weights: NDArray[np.float64],
    true: NDArray[np.float64],
    true_weights: NDArray[np.float64],
) -> float:
    """Wasserstein distance of two laws of angles on the circle, in degrees, 0..180.

    On the circle it is the mean absolute difference of the distribution functions after their median difference is
    taken away (Rabin, Delon, Gousseau, J. Math. Imaging Vis. 41, 2011).
    """
    points = np.concatenate([angles, true]) % 360
    masses = np.concatenate([weights, -true_weights])
    order = np.argsort(points, kind="stable")
    points, gaps = points[order], np.diff(points[order], append=points[order[0]] + 360)
    difference = np.cumsum(masses[order])
    by_size = np.argsort(difference, kind="stable")
    middle = by_size[np.searchsorted(np.cumsum(gaps[by_size]), 180)]
    return float((np.abs(difference - difference[middle]) * gaps).sum())


def _right_classes(found: Found) -> float:
    rows = found.generators if found.elements is None else found.elements
    assert rows is not None, "classes are answered by generators or elements"
    given = np.array(found.answer.by_class or [-1] * len(rows))  # rows of no class say nothing of any
    weights, right = np.array(found.answer.weights), []
    for number, truth in true_classes().items():
        own = given == number
        if found.elements is None:
            right.append(compare_elements(known_group(rows[own]), truth).exact)
        else:
            right.append(compare_weighted(rows[own], weights[own].tolist(), truth).exact)
    return float(np.mean(right))


def lost_points(task: Task, tables: Path) -> Mapping[str, float] | None:
    """Points of test accuracy that each network loses to the best one, by state; None where there is no table.

    Args:
        task: of images of a published configuration.
        tables: the folder of the tables.
    """
    path = table_path(tables, task.source, task.configuration, "aen", "standard")
    if not task.configuration or not path.is_file():
        return None
    table = read_table(path)
    accuracy = table.final("test").mean(axis=1)
    lost = 100 * (accuracy.max() - accuracy)
    return {state: float(points) for states, points in zip(table.states, lost, strict=True) for state in states}


def known_group(generators: Permutations) -> KnownGroup:
    """The group of these generators; what is known of the last few groups is kept."""
    return _known_group(generators.tobytes())


@lru_cache(maxsize=32)
def _known_group(content: bytes) -> KnownGroup:
    return KnownGroup(np.frombuffer(content, dtype=np.int64).reshape(-1, PIXELS))
