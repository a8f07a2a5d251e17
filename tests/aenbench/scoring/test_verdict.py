"""The verdict over tasks: laws of ranks and of the block, each with a case in which it must not hold."""

import random
from dataclasses import replace

import pytest

from aenbench.scoring.verdict import Outcome, Outcomes, critical_difference, judge, pareto


def outcome(
    *accuracies: float, tied: tuple[str, ...] = (), parameters: float = 10, seconds: float | None = 5
) -> Outcome:
    return Outcome(accuracies, frozenset(tied), parameters, seconds)


def field(tasks: int = 6, methods: str = "abcd", noise: float = 0.05) -> Outcomes:
    """Methods that are the better the earlier their letter, each task with noise of its own."""
    generator = random.Random(0)
    return {
        f"task-{task}": {
            method: outcome(*(0.9 - 0.02 * place + noise * generator.random() for _ in range(3)), parameters=place + 1)
            for place, method in enumerate(methods)
        }
        for task in range(tasks)
    }


def shuffled(outcomes: Outcomes) -> Outcomes:
    generator = random.Random(1)

    def mixed(each: Outcome) -> Outcome:
        return replace(each, accuracies=tuple(generator.sample(each.accuracies, len(each.accuracies))))

    tasks = generator.sample(sorted(outcomes), len(outcomes))
    return {
        task: {name: mixed(outcomes[task][name]) for name in generator.sample(sorted(outcomes[task]), 4)}
        for task in tasks
    }


def test_the_order_of_tasks_methods_and_seeds_has_no_influence() -> None:
    outcomes = field()
    assert judge(shuffled(outcomes)) == judge(outcomes)
    other = {**outcomes, "task-0": {**outcomes["task-0"], "a": outcome(0.1, 0.1, 0.1)}}
    assert judge(other) != judge(outcomes)


def test_a_method_that_wins_everywhere_has_rank_1_and_no_doubt() -> None:
    outcomes = {task: {**found, "best": outcome(0.97, 0.98)} for task, found in field().items()}
    verdict = judge(outcomes)
    assert verdict is not None
    best = verdict.judged[0]
    assert (best.method, best.rank, best.rank_low, best.rank_high) == ("best", 1, 1, 1)
    assert (best.share, best.share_low, best.share_high) == pytest.approx((1, 1, 1))
    assert (best.wins, best.ties, best.losses) == (24, 0, 0)
    lost = judge({**outcomes, "task-0": {**outcomes["task-0"], "best": outcome(0.1, 0.1)}})
    assert lost is not None
    beaten = next(each for each in lost.judged if each.method == "best")
    assert beaten.rank == pytest.approx((5 + 5 * 1) / 6)
    assert beaten.rank_low < beaten.rank < beaten.rank_high
    assert (beaten.wins, beaten.losses) == (20, 4)


def test_ranks_sum_to_what_they_must_and_equal_ones_are_shared() -> None:
    verdict = judge(field())
    assert verdict is not None
    assert sum(each.rank for each in verdict.judged) == pytest.approx(1 + 2 + 3 + 4)
    same = judge({f"task-{n}": {name: outcome(0.5) for name in "abc"} for n in range(3)})
    assert same is not None
    assert [(each.rank, each.rank_low, each.rank_high) for each in same.judged] == [(2, 2, 2)] * 3


def test_noise_widens_the_interval_of_a_rank() -> None:
    wide, narrow = judge(field(noise=0.2)), judge(field(noise=0.001))
    assert wide is not None
    assert narrow is not None
    assert all(each.rank_high == each.rank_low for each in narrow.judged)
    assert sum(each.rank_high - each.rank_low for each in wide.judged) > 1


def test_ties_are_those_of_the_paired_tests() -> None:
    one = {"a": outcome(0.9, tied=("b",)), "b": outcome(0.8, tied=("a",)), "c": outcome(0.1)}
    verdict = judge({"x": one, "y": one})
    assert verdict is not None
    duels = {each.method: (each.wins, each.ties, each.losses) for each in verdict.judged}
    assert duels == {"a": (2, 2, 0), "b": (2, 2, 0), "c": (0, 0, 4)}


def test_nothing_is_averaged_over_tasks_on_which_a_method_is_missing() -> None:
    outcomes = dict(field())
    alone = judge(outcomes)
    outcomes["task-0"] = {**outcomes["task-0"], "rare": outcome(0.99)}
    outcomes["task-1"] = {**outcomes["task-1"], "rare": outcome(0.99)}
    verdict = judge(outcomes)
    assert alone is not None
    assert verdict == replace(alone, absent={"rare": 2})
    everywhere = judge({task: {**found, "rare": outcome(0.99)} for task, found in outcomes.items()})
    assert everywhere is not None
    assert everywhere.absent == {}
    assert everywhere.judged[0].method == "rare"


@pytest.mark.parametrize(
    "outcomes",
    [{}, {"x": {"a": outcome(1.0), "b": outcome(0.5)}}, {"x": {"a": outcome(1.0)}, "y": {"a": outcome(1.0)}}],
)
def test_there_is_no_verdict_on_less_than_two_methods_and_tasks(outcomes: Outcomes) -> None:
    assert judge(outcomes) is None


@pytest.mark.parametrize(("methods", "quantile"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_is_that_of_the_paper(methods: int, quantile: float) -> None:
    """Demsar 2006, table 5 (a)."""
    found = critical_difference(methods, 12)
    assert found == pytest.approx(quantile * (methods * (methods + 1) / 72) ** 0.5, rel=1e-3)
    assert critical_difference(methods, 48) == pytest.approx(found / 2)


def test_groups_hold_neighbors_within_the_difference_and_nobody_else() -> None:
    outcomes = field(tasks=30, methods="abcdefgh", noise=0.03)
    verdict = judge(outcomes)
    assert verdict is not None
    ranks = {each.method: each.rank for each in verdict.judged}
    order = list(ranks)
    together = {(one, two) for group in verdict.groups for one in group for two in group}
    for one in order:
        for two in order:
            if one != two:
                assert ((one, two) in together) == (abs(ranks[one] - ranks[two]) <= verdict.critical_difference)
    assert 0 < len(together) < 64


def test_the_front_is_what_nothing_cheaper_is_better_than() -> None:
    assert pareto([3, 2, 1, 2], [3, 2, 1, 3]) == [True, True, True, False]
    assert pareto([1, 1], [1, 1]) == [True, True]
    assert pareto([1, 1], [1, 2]) == [True, False]
    assert pareto([9, 1], [None, 5]) == [False, True]
    verdict = judge(field(noise=0.001))
    assert verdict is not None
    assert {each.method: each.front for each in verdict.judged}["a"] == ("parameters", "seconds")
    assert {each.method: each.front for each in verdict.judged}["b"] == ()


def test_seconds_are_unknown_where_a_task_does_not_tell() -> None:
    outcomes = dict(field())
    outcomes["task-3"] = {**outcomes["task-3"], "a": replace(outcomes["task-3"]["a"], seconds=None)}
    verdict = judge(outcomes)
    assert verdict is not None
    seconds = {each.method: each.seconds for each in verdict.judged}
    assert seconds["a"] is None
    assert seconds["b"] == pytest.approx(5)
