"""Scores by the truth: what has to hold for subgroups, supergroups and others, and for confidences and angles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aenbench.track.submission import Answer, Found
from aenbench.track.task_scores import (
    angle_distance,
    compare_elements,
    compare_weighted,
    known_group,
    rank_score,
    score_answer,
)
from aenbench.track.tasks import PIXELS, candidates, find_task
from aenbench.track.truth import TRIVIAL, true_angles, true_classes, true_group
from gdatasets import Group

names = st.lists(
    st.sampled_from(["rotation", "hflip", "vflip", "scramble2", "scramble4", "block4", "block1"]),
    max_size=3,
    unique=True,
)


def rows_of(*chosen: str) -> np.ndarray:
    return np.array([candidates()[name] for name in chosen], dtype=np.int64).reshape(-1, PIXELS)


def answer_of(rows: np.ndarray, **more: object) -> Found:
    return Found(Answer.model_validate({"kind": "generators", **more}), generators=rows)


@settings(max_examples=40, deadline=None)
@given(names, names)
def test_subgroups_have_precision_one_and_supergroups_recall_one(few: list[str], more: list[str]) -> None:
    small, large = known_group(rows_of(*few)), known_group(rows_of(*few, *more))
    below, above = compare_elements(small, large), compare_elements(large, small)
    assert below.precision == above.recall == 1
    assert below.recall == above.precision == small.order / large.order
    assert below.jaccard == above.jaccard == small.order / large.order
    assert below.exact == (small.order == large.order)


@settings(max_examples=40, deadline=None)
@given(names, names)
def test_common_elements_are_those_of_both_lists(one: list[str], other: list[str]) -> None:
    first, second = known_group(rows_of(*one)), known_group(rows_of(*other))
    found = compare_elements(first, second)
    lists = [{row.tobytes() for row in Group.from_permutations(g.generators, 784).elements()} for g in (first, second)]
    common = len(lists[0] & lists[1])
    assert found.precision == pytest.approx(common / len(lists[0]))
    assert found.recall == pytest.approx(common / len(lists[1]))
    assert found.jaccard == pytest.approx(common / len(lists[0] | lists[1]))
    assert found.exact == (lists[0] == lists[1])


def test_other_generators_of_one_group_score_the_same() -> None:
    task = find_task("g-digits.d4")
    first = score_answer(task, answer_of(rows_of("rotation", "hflip")))
    other = score_answer(task, answer_of(rows_of("vflip", "rotation", "rotation")))
    assert first == other
    assert first.exact
    assert first.distance == 0


def test_groups_too_large_to_list_are_compared_by_membership() -> None:
    task = find_task("random-02")
    truth = true_group(task)
    assert truth.order > 10_000
    assert truth.elements is None
    scored = score_answer(task, answer_of(truth.generators[::-1].copy()))
    assert scored.exact
    half = score_answer(task, answer_of(truth.generators[:1]))
    assert half.elements is not None
    assert (half.elements.precision, half.exact) == (1, False)
    assert half.elements.recall == half.elements.order / truth.order  # type: ignore[operator]


def test_a_group_beyond_the_budget_has_no_precision() -> None:
    generator = np.random.default_rng(0)
    rows = np.array([candidates()["rotation"], *(generator.permutation(PIXELS) for _ in range(2))])
    scored = score_answer(find_task("g-digits.c4"), answer_of(rows))
    assert scored.elements is not None
    assert (scored.exact, scored.elements.order, scored.elements.precision) == (False, None, 0)
    assert scored.elements.recall < 1 or scored.elements.jaccard == 0


def test_a_partition_is_scored_by_its_distance_only_and_by_nothing_but_its_parts() -> None:
    task = find_task("g-digits.v4")
    labels = true_group(task).sharing
    for partition in (labels, labels.max() - labels):
        scored = score_answer(task, Found(Answer(kind="partition"), partition=partition))
        assert (scored.exact, scored.distance, scored.elements) == (True, 0, None)
    wrong = labels.copy()
    wrong[0, 0] = labels.max() + 1
    scored = score_answer(task, Found(Answer(kind="partition"), partition=wrong))
    assert not scored.exact
    assert scored.distance == pytest.approx(1 / PIXELS**2)


def elements_of(*chosen: str) -> np.ndarray:
    elements = known_group(rows_of(*chosen)).elements
    assert elements is not None
    return elements


@settings(max_examples=30, deadline=None)
@given(names, names, st.floats(1e-300, 1))
def test_elements_of_equal_weights_score_as_the_group_that_they_are(one: list[str], other: list[str], w: float) -> None:
    group, truth = known_group(rows_of(*one)), known_group(rows_of(*other))
    assert group.elements is not None
    weighted = compare_weighted(group.elements, [w] * group.order, truth)
    listed = compare_elements(group, truth)
    assert (weighted.order, weighted.exact) == (listed.order, listed.exact)
    for what in ("precision", "recall", "jaccard"):
        assert getattr(weighted, what) == pytest.approx(getattr(listed, what))


_WEIGHTS = st.floats(0, 1, allow_subnormal=False)  # a quarter of the smallest subnormal is 0


@settings(max_examples=50, deadline=None)
@given(st.lists(_WEIGHTS, min_size=8, max_size=8).filter(any), st.integers(0, 2**32 - 1))
def test_weights_are_compared_by_minima_and_maxima(weights: list[float], seed: int) -> None:
    """Against a dictionary of degrees; the order of rows, their unit and a row written twice change nothing."""
    moves, truth = elements_of("rotation", "hflip"), known_group(rows_of("hflip", "vflip", "scramble2"))
    degrees = {row.tobytes(): weight / max(weights) for row, weight in zip(moves, weights, strict=True)}
    true = {row.tobytes(): 1.0 for row in elements_of("hflip", "vflip", "scramble2")}
    pairs = [(degrees.get(key, 0.0), true.get(key, 0.0)) for key in {*degrees, *true}]
    found = compare_weighted(moves, weights, truth)
    assert found.jaccard == pytest.approx(sum(map(min, pairs)) / sum(map(max, pairs)))
    assert found.precision == pytest.approx(sum(map(min, pairs)) / sum(degrees.values()))
    assert found.recall == pytest.approx(sum(map(min, pairs)) / len(true))
    assert not found.exact  # a quarter turn or a half of the group is missing
    order = np.random.default_rng(seed).permutation(16) % 8
    again = compare_weighted(moves[order], [weights[row] / 4 for row in order], truth)
    assert again.jaccard == pytest.approx(found.jaccard, abs=1e-12)


def test_weighted_elements_are_exact_only_if_all_are_there_and_no_other() -> None:
    task, all_of_them = find_task("g-digits.d4"), elements_of("rotation", "hflip")
    for rows, weights, exact in [
        (all_of_them, [1 / 8] * 8, True),
        (all_of_them[:7], [1 / 7] * 7, False),
        (all_of_them, [1.0] + [0.999] * 7, False),
        (np.concatenate([all_of_them, rows_of("block1")]), [0.125] * 8 + [1e-6], False),
        (np.concatenate([all_of_them, rows_of("block1")]), [0.125] * 8 + [0.0], True),
        (rows_of("rotation", "hflip"), [0.5, 0.5], False),  # they generate the group; no group is made of them
    ]:
        scored = score_answer(task, Found(Answer(kind="elements", weights=tuple(weights)), elements=rows))
        assert scored.elements is not None
        assert (scored.exact, scored.elements.exact, scored.distance, scored.lost) == (exact, exact, None, None)


def test_weighted_elements_on_a_null_are_a_false_discovery_unless_only_the_identity_has_weight() -> None:
    rows = np.array([np.arange(PIXELS), candidates()["hflip"]])
    for second, exact in ((0.0, True), (0.01, False)):
        answer = Answer(kind="elements", weights=(0.5, second))
        assert score_answer(find_task("g-digits.none"), Found(answer, elements=rows)).exact == exact


def test_weighted_elements_of_a_group_too_large_to_list_are_asked_for_one_by_one() -> None:
    truth = true_group(find_task("random-02"))
    rows = np.concatenate([truth.generators, np.roll(np.arange(PIXELS), 1)[None]])
    found = compare_weighted(rows, [1.0] * len(rows), truth)
    assert found.precision == pytest.approx(1 - 1 / len(rows))
    assert 0 < found.recall == pytest.approx((len(rows) - 1) / truth.order)


def test_classes_are_answered_by_weighted_elements_of_each() -> None:
    task, identity = find_task("g-digits.even-classes"), np.arange(PIXELS)[None]
    by_class = {n: elements_of("rotation", "hflip") if n % 2 == 0 else identity for n in range(10)}
    rows = np.concatenate(list(by_class.values()))
    classes = [n for n, each in by_class.items() for _ in each]
    weights = [0.1 * (n + 1) for n in classes]  # only ratios within a class are meant

    def share(**change: object) -> float | None:
        given = {"kind": "elements", "by_class": classes, "weights": weights, **change}
        return score_answer(task, Found(Answer.model_validate(given), elements=rows)).classes

    assert share() == 1
    assert share(by_class=[]) == 0
    assert share(weights=[*weights[:-1], 0.0]) == 0.9  # of class 9, whose identity has no weight
    assert share(weights=[weights[0] / 2, *weights[1:]]) == 0.9


def test_a_symmetry_that_is_none_is_a_false_discovery_on_nulls() -> None:
    for name in ("g-digits.none", "g-digits.ramp"):
        assert score_answer(find_task(name), answer_of(rows_of())).exact
        assert not score_answer(find_task(name), answer_of(rows_of("hflip"))).exact


def test_confidences_are_ranked() -> None:
    members = ("rotation", "hflip")
    assert rank_score({"rotation": 0.9, "hflip": 0.8, "block1": 0.7}, members) == 1
    assert rank_score(dict.fromkeys(candidates(), 0.3), members) == 0.5
    assert rank_score({name: float(name not in members) for name in candidates()}, members) == 0
    assert rank_score({}, members) is None
    assert rank_score({"rotation": 1.0}, ()) is None


def test_classes_are_scored_one_by_one() -> None:
    task, truth = find_task("g-digits.even-classes"), true_classes()
    rows = np.concatenate([group.generators for group in truth.values()])
    classes = [number for number, group in truth.items() for _ in group.generators]
    right = score_answer(task, answer_of(rows, by_class=classes))
    assert (right.exact, right.classes, right.elements) == (True, 1, None)
    shifted = [(number + 1) % 10 for number in classes]
    assert score_answer(task, answer_of(rows, by_class=shifted)).classes == 0
    assert score_answer(task, answer_of(rows_of())).classes == 0.5


def test_angles_are_compared_on_the_circle() -> None:
    one, weight = np.array([-180.0]), np.array([1.0])
    assert angle_distance(one, weight, np.array([180.0]), weight) == 0
    assert angle_distance(np.array([170.0]), weight, np.array([-170.0]), weight) == pytest.approx(20)
    true, weights = true_angles()
    assert angle_distance(true, weights, true, weights) < 1e-9
    assert angle_distance(np.zeros(1), weight, true, weights) == pytest.approx(22.5, abs=0.1)
    around = np.arange(-1799, 1801) / 10
    assert angle_distance(around, np.full(3_600, 1 / 3_600), true, weights) == pytest.approx(67.5, abs=0.2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-180, 180), min_size=1, max_size=4), st.lists(st.floats(-180, 180), min_size=1, max_size=4))
def test_the_distance_of_angles_is_symmetric_and_turns_with_both(one: list[float], other: list[float]) -> None:
    first, second = np.array(one), np.array(other)
    weights = np.full(len(first), 1 / len(first)), np.full(len(second), 1 / len(second))
    distance = angle_distance(first, weights[0], second, weights[1])
    assert distance == pytest.approx(angle_distance(second, weights[1], first, weights[0]), abs=1e-6)
    assert distance == pytest.approx(angle_distance(first + 77, weights[0], second + 77, weights[1]), abs=1e-6)
    assert 0 <= distance <= 180 + 1e-9


def test_the_trivial_group_has_one_element() -> None:
    assert TRIVIAL.order == 1
    assert TRIVIAL.members == ()
    assert TRIVIAL.sharing.max() + 1 == PIXELS**2
