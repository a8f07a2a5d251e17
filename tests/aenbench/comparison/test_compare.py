"""Judging searches on a table in memory whose regrets are known."""

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from math import comb
from typing import Any

import numpy as np
import pytest

from aenbench.comparison.compare import Comparison, compare, significance
from aenbench.comparison.runs import Contestant, networks_budget
from aenbench.errors import InvalidArgumentError
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search import random
from aenbench.search.record import Evaluate, Record
from aenbench.statistics.hypothesis_tests import summarize

MakeTable = Callable[..., Any]


def in_order(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:  # noqa: ARG001
    """Every network, in the order of the space: deterministic."""
    record = Record(space, evaluate)
    for state in space.networks:
        if budget.is_spent(record):
            break
        record.value(state)
    return record


def asks_for_a_duplicate(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:  # noqa: ARG001
    evaluate("00001")
    return Record(space, evaluate)


def does_nothing(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:  # noqa: ARG001
    return Record(space, evaluate)


def thinks(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:
    """Takes .05 s of processor time before the second network."""
    record = Record(space, evaluate)
    record.value(space.start)
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    return random.search(space, record.value, budget, seed)


def judged(table: Any, search: Any, runs: int, networks: int, **options: Any) -> Comparison:
    return compare(table, {"it": Contestant(search, networks_budget(table.space, networks), runs)}, **options)


def test_regret_is_the_test_accuracy_missed_by_the_best_of_the_runs_own_values(tiny_table: MakeTable) -> None:
    """Four networks in order, two training seeds; worked out by hand."""
    table = tiny_table(seeds=2)
    validation, test = np.zeros_like(table.validation), np.zeros_like(table.test)
    validation[:4] = [[0.5, 0.5], [0.6, 0.4], [0.7, 0.5], [0.4, 0.9]]
    test[:4] = [[0.3, 0.5], [0.5, 0.7], [0.1, 0.3], [0.8, 1.0]]  # means .4 .6 .2 .9
    curves = judged(replace(table, validation=validation, test=test), in_order, 2, 4).curves["it"]
    np.testing.assert_allclose(curves.regret, [[0.5, 0.3, 0.7, 0.7], [0.5, 0.5, 0.5, 0.0]])
    assert curves.ranks.tolist() == [4, 1]
    assert curves.trained.tolist() == [4, 4]
    assert curves.choices == (table.networks[2], table.networks[3])


def test_the_best_network_is_told(tiny_table: MakeTable) -> None:
    table = tiny_table(noise=0.2)
    best = int(table.test.mean(axis=1).argmax())
    comparison = judged(table, random.search, 3, 4)
    assert comparison.best == table.networks[best]
    assert comparison.best_accuracy == pytest.approx(table.test[best].mean())


def draws_networks(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:
    """The zero state, then others in a uniformly random order."""
    record = Record(space, evaluate)
    record.value(space.start)
    for place in np.random.default_rng(seed).permutation(np.arange(1, len(space.networks))):
        if not budget.is_spent(record):
            record.value(space.networks[place])
    return record


def test_mean_regret_of_random_draws_is_the_expected_one(tiny_table: MakeTable) -> None:
    """By order statistics: the best of n - 1 others is their j-th smallest in C(j - 1, n - 2) of C(23, n - 1) ways."""
    table = tiny_table(seeds=1)
    curves = judged(table, draws_networks, 400, 24).curves["it"]
    zero, others = table.test[0, 0], np.sort(table.test[1:, 0])
    expected = [table.test.max() - zero]
    for drawn in range(1, 24):
        ways = np.array([comb(place, drawn - 1) for place in range(23)])
        expected.append(table.test.max() - (ways * np.maximum(others, zero)).sum() / comb(23, drawn))
    summary = summarize(curves.regret, curves.columns)
    inside = (summary.low - 1e-12 <= expected) & (expected <= summary.high + 1e-12)
    assert inside.mean() >= 0.9, (summary, expected)


def test_curves_fall_without_noise_and_may_rise_with_it(tiny_table: MakeTable) -> None:
    exact = judged(tiny_table(), random.search, 30, 24).curves["it"]
    assert (np.diff(exact.regret, axis=1) <= 1e-12).all()
    np.testing.assert_allclose(exact.regret[:, -1], 0, atol=1e-12)
    noisy = judged(tiny_table(noise=0.5), random.search, 30, 24).curves["it"]
    assert (np.diff(noisy.regret, axis=1) > 0.01).any()
    assert noisy.regret[:, -1].max() > 0.01


def test_runs_take_turns_on_the_training_seeds(tiny_table: MakeTable) -> None:
    curves = judged(tiny_table(seeds=3), random.search, 8, 5).curves["it"]
    assert curves.columns.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_a_deterministic_algorithm_is_run_once_a_training_seed(tiny_table: MakeTable) -> None:
    table = tiny_table(noise=0.1)
    told: list[tuple[int, int]] = []
    contestants = {
        "fixed": Contestant(in_order, networks_budget(table.space, 10), 50),
        "random": Contestant(random.search, networks_budget(table.space, 10), 20),
    }
    comparison = compare(table, contestants, report=lambda done, total: told.append((done, total)))
    assert comparison.curves["fixed"].deterministic
    assert len(comparison.curves["fixed"].regret) == 3
    assert not comparison.curves["random"].deterministic
    assert len(comparison.curves["random"].regret) == 20
    assert len(told) == 6 + 6 + 14
    assert told[-1] == (14, 14)


def test_runs_repeat_and_do_not_depend_on_who_runs_them(tiny_table: MakeTable) -> None:
    table = tiny_table(noise=0.1)

    def backwards(function: Any, items: Any) -> Any:
        return reversed([(index, function(item)) for index, item in enumerate(items)])

    first, second = (judged(table, random.search, 9, 10, **kind) for kind in ({}, {"map_runs": backwards}))
    np.testing.assert_array_equal(first.curves["it"].regret, second.curves["it"].regret)
    np.testing.assert_array_equal(first.curves["it"].trained, second.curves["it"].trained)


def test_a_run_that_ends_early_keeps_its_choice(tiny_table: MakeTable) -> None:
    curves = compare(tiny_table(), {"it": Contestant(random.search, SearchBudget(states=6, networks=10), 9)}).curves[
        "it"
    ]
    assert (curves.trained < 10).all()
    for trained, regret, seconds in zip(curves.trained, curves.regret, curves.seconds, strict=True):
        assert (regret[trained:] == regret[trained - 1]).all()
        assert np.isinf(seconds[trained:]).all()
        assert np.isfinite(seconds[:trained]).all()
    later = curves.regret_at(np.array([1_000.0]))
    np.testing.assert_array_equal(later[:, 0], curves.regret[:, -1])


@pytest.mark.parametrize("search", [random.search, draws_networks, in_order])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_run_that_ends_with_the_best_value_has_the_regret_of_the_whole_run(
    tiny_table: MakeTable, search: Any, noise: float
) -> None:
    table = tiny_table(noise=noise)
    contestant = Contestant(search, networks_budget(table.space, 24), 30)
    whole, cut = (
        compare(table, {"it": replace(contestant, until_best=until_best)}).curves["it"] for until_best in (False, True)
    )
    np.testing.assert_array_equal(whole.regret, cut.regret)
    assert whole.choices == cut.choices
    seconds = np.array([10.0, 30.0, 1_000.0])
    np.testing.assert_array_equal(whole.regret_at(seconds), cut.regret_at(seconds))
    assert whole.whole
    assert not cut.whole
    assert (cut.trained <= whole.trained).all()
    assert (cut.trained < whole.trained).any() or search is in_order  # whose best network comes last


def test_beyond_a_smaller_budget_nothing_is_claimed(tiny_table: MakeTable) -> None:
    table = tiny_table(noise=0.1)
    contestants = {
        "short": Contestant(random.search, networks_budget(table.space, 4), 9),
        "long": Contestant(random.search, networks_budget(table.space, 10), 6),
    }
    comparison = compare(table, contestants)
    short, long = comparison.curves["short"], comparison.curves["long"]
    assert comparison.networks == 10
    assert np.isnan(short.regret[:, 4:]).all()
    np.testing.assert_array_equal(short.regret[:6, :4], long.regret[:, :4])  # the same seeds
    assert [difference.networks for difference in significance(comparison, at=(2, 4, 8))] == [2, 4]
    seconds = np.array([3.5, 4.5])  # the fourth training of one second each ends in between
    assert np.isnan(short.regret_at(seconds)).all(axis=0).tolist() == [False, True]
    assert np.isfinite(long.regret_at(seconds)).all()


def test_time_is_that_of_the_trainings_and_of_the_algorithm(tiny_table: MakeTable) -> None:
    curves = judged(tiny_table(), random.search, 3, 5).curves["it"]
    for column, seconds in zip(curves.columns, curves.seconds, strict=True):
        np.testing.assert_allclose(seconds, list(accumulate([column + 1.0] * 5)), atol=0.5)
    slow = judged(tiny_table(), thinks, 3, 5).curves["it"]
    assert (slow.seconds[:, 1] >= 2 * (slow.columns + 1) + 0.05).all()


def test_regret_at_a_time_is_that_of_the_last_network_finished(tiny_table: MakeTable) -> None:
    curves = judged(tiny_table(), random.search, 3, 5).curves["it"]
    later = curves.regret_at(np.array([3.9, 1_000.0]))  # 3.9 s: three trainings, one or one by training seed
    assert later[:, 0].tolist() == [curves.regret[0, 2], curves.regret[1, 0], curves.regret[2, 0]]
    np.testing.assert_array_equal(later[:, 1], curves.regret[:, -1])
    with pytest.raises(InvalidArgumentError, match=r"Not every run has a network after 0\.5 seconds"):
        curves.regret_at(np.array([0.5]))


def test_states_that_are_one_network_are_counted_as_visited(tiny_table: MakeTable) -> None:
    curves = judged(tiny_table(), random.search, 3, 24).curves["it"]
    assert (curves.trained == 24).all()
    assert (curves.visited > 24).all()


@pytest.mark.parametrize(
    ("contestants", "message"),
    [
        ({}, "There is no algorithm to judge"),
        ({"a": Contestant(in_order, SearchBudget(networks=3), 2)}, "Expected at least 3 runs of a.*got 2"),
        ({"a": Contestant(in_order, SearchBudget(), 3)}, "budget of a has no limit on networks"),
        ({"a": Contestant(asks_for_a_duplicate, SearchBudget(networks=3), 3)}, '"00001", which is no network'),
        ({"a": Contestant(does_nothing, SearchBudget(networks=3), 3)}, "trained no network"),
    ],
)
def test_what_cannot_be_judged_is_said_in_one_line(
    tiny_table: MakeTable, contestants: dict[str, Contestant], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        compare(tiny_table(), contestants)


def test_the_better_algorithm_is_named_and_equal_ones_are_not(tiny_table: MakeTable) -> None:
    """Random search, itself with other seeds, and one that looks at the best network second."""
    table = tiny_table(noise=0.01)
    best = table.networks[int(table.test.mean(axis=1).argmax())]

    def knows(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:
        record = Record(space, evaluate)
        record.value(best)
        return random.search(space, record.value, budget, seed)

    def again(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:
        return random.search(space, evaluate, budget, seed + 1)

    budget = networks_budget(table.space, 10)
    searches = {"random": random.search, "again": again, "knows": knows}
    comparison = compare(table, {name: Contestant(search, budget, 60) for name, search in searches.items()})
    found = {(d.first, d.second, d.networks): d for d in significance(comparison, at=(5, 10, 200))}
    assert len(found) == 3 * 2  # 200 is beyond the curves
    for networks in (5, 10):
        assert found["random", "knows", networks].is_real
        assert found["random", "knows", networks].regret > 0
        assert not found["random", "again", networks].is_real


@pytest.mark.parametrize("few", [3, 4, 6, 7])
def test_numbers_of_runs_may_differ(tiny_table: MakeTable, few: int) -> None:
    """Down to one run a training seed, where some seeds may have one more than others."""
    table = tiny_table(noise=0.05)
    budget = networks_budget(table.space, 10)
    contestants = {
        "few": Contestant(random.search, budget, few),
        "many": Contestant(random.search, budget, 60),
        "fixed": Contestant(in_order, budget, 60),
    }
    comparison = compare(table, contestants)
    assert {name: len(curves.regret) for name, curves in comparison.curves.items()} == {
        "few": few,
        "many": 60,
        "fixed": 3,
    }
    np.testing.assert_array_equal(comparison.curves["few"].regret, comparison.curves["many"].regret[:few])
    found = {(d.first, d.second): d for d in significance(comparison, at=(5,))}
    assert set(found) == {("few", "many"), ("few", "fixed"), ("many", "fixed")}
    assert not found["few", "many"].is_real
    assert found["many", "fixed"].is_real
    assert 0 < found["few", "many"].p <= 1
    assert np.isnan(found["few", "fixed"].p) == (few < 6)  # a single run on some training seed has no spread


def test_deterministic_algorithms_are_compared_by_what_is_known_of_them(tiny_table: MakeTable) -> None:
    """In order, and in the opposite order, against random search: 3 runs each, not 60."""
    table = tiny_table(noise=0.01)

    def in_reverse(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:  # noqa: ARG001
        record = Record(space, evaluate)
        for state in reversed(space.networks):
            if budget.is_spent(record):
                break
            record.value(state)
        return record

    budget = networks_budget(table.space, 6)
    searches = {"in order": in_order, "in reverse": in_reverse, "random": random.search}
    comparison = compare(table, {name: Contestant(search, budget, 60) for name, search in searches.items()})
    found = {(d.first, d.second): d for d in significance(comparison, at=(6,))}
    assert np.isnan(found["in order", "in reverse"].p)
    assert not found["in order", "in reverse"].is_real
    for name in ("in order", "in reverse"):
        exact = comparison.curves[name].regret[:, 5].mean()
        random_mean = summarize(comparison.curves["random"].regret, comparison.curves["random"].columns)
        outside = not random_mean.low[5] <= exact <= random_mean.high[5]
        assert outside  # by far, with these accuracies
        assert found[name, "random"].is_real
        assert found[name, "random"].agreeing == 3
