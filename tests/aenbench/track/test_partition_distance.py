"""The partition distance: a metric that labels do not change, exact against all matchings of small partitions."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aenbench.track import partition_distance as module
from aenbench.track.partition_distance import partition_distance

WEIGHTS = 12

partitions = st.lists(st.integers(0, 4), min_size=WEIGHTS, max_size=WEIGHTS).map(np.array)


def by_all_matchings(one: np.ndarray, other: np.ndarray) -> float:
    table = np.array([[np.sum((one == a) & (other == b)) for b in range(5)] for a in range(5)])
    return 1 - max(sum(table[a, b] for a, b in enumerate(order)) for order in permutations(range(5))) / len(one)


@settings(max_examples=100, deadline=None)
@given(partitions, partitions)
def test_it_is_that_of_the_best_matching_of_all(one: np.ndarray, other: np.ndarray) -> None:
    assert partition_distance(one, other) == pytest.approx(by_all_matchings(one, other))


@settings(max_examples=100, deadline=None)
@given(partitions, partitions, partitions, st.permutations(range(5)))
def test_it_is_a_metric_that_does_not_know_labels(
    one: np.ndarray, other: np.ndarray, third: np.ndarray, labels: list[int]
) -> None:
    distance = partition_distance(one, other)
    assert distance == partition_distance(other, one)
    assert distance == partition_distance(np.array(labels)[one] * 7 - 3, other)
    assert distance == partition_distance(one.astype(np.uint8), np.array(labels, dtype=np.uint64)[other] << 40)
    assert 0 <= distance < 1
    assert distance <= partition_distance(one, third) + partition_distance(third, other) + 1e-12
    same = np.array_equal(one[:, None] == one, other[:, None] == other)
    assert (distance == 0) == same


def test_large_components_are_matched_exactly_too(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    one, other = generator.integers(0, 60, (2, 2_000))
    exact = partition_distance(one, other)
    monkeypatch.setattr(module, "_SMALL", 0)  # by the sparse matching
    assert partition_distance(one, other) == pytest.approx(exact)
    monkeypatch.setattr(module, "MAX_EDGES", 10)  # greedily
    greedy = partition_distance(one, other)
    assert exact < greedy < 1
    assert greedy == partition_distance(other, one)
    assert partition_distance(one, one) == 0
