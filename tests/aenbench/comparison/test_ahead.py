"""Searches that choose before they train, or another network than the highest value: judged by what they say."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aenbench.comparison.compare import Comparison, compare, significance
from aenbench.comparison.overview import write_overview
from aenbench.comparison.plan import numbers_of
from aenbench.comparison.report import AHEAD_NOTE, write_comparison
from aenbench.comparison.run_cache import keep_runs
from aenbench.comparison.runs import Contestant, networks_budget
from aenbench.errors import InvalidArgumentError
from aenbench.execution.executors import LocalExecutor
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search import random
from aenbench.search.evidence import Evidence, evidence_of
from aenbench.search.record import Evaluate, Record

MakeTable = Callable[..., Any]
EVIDENCE = tuple(Evidence({"move": number / 10}, 0.5, 1_000, 2.0 + number) for number in range(3))


def looks(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:  # noqa: ARG001
    """Chooses by the images alone: the network of number ten times the effect."""
    record = Record(space, evaluate)
    record.settle(space.networks[round(10 * evidence_of(evaluate).effects["move"])])
    return record


def doubts(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:  # noqa: ARG001
    """Trains four networks, and keeps to the second last one whatever the values say."""
    record = Record(space, evaluate)
    evidence_of(evaluate)
    record.settle(space.networks[0])
    for number in range(4):
        record.value(space.networks[number])
        record.settle(space.networks[max(number - 1, 0)])
    return record


def of(table: Any, **searches: Any) -> Comparison:
    contestants = {name: Contestant(search, networks_budget(table.space, 6), 9) for name, search in searches.items()}
    return compare(table, contestants, evidence=EVIDENCE)


def test_a_choice_before_any_training_is_judged_on_its_own_seed(tiny_table: MakeTable) -> None:
    table = tiny_table(noise=0.3)
    curves = of(table, looks=looks).curves["looks"]
    lost = table.test.max() - table.test[:3, 0]
    np.testing.assert_allclose(curves.regret_before, lost)
    np.testing.assert_allclose(curves.regret, lost[:, None].repeat(6, axis=1))
    assert curves.trained.tolist() == curves.visited.tolist() == [0, 0, 0]
    assert curves.choices == table.networks[:3]
    assert curves.chooses_ahead
    assert curves.deterministic


def test_the_time_of_looking_is_counted(tiny_table: MakeTable) -> None:
    comparison = of(tiny_table(), looks=looks, doubts=doubts, random=random.search)
    looking, doubting, drawing = comparison.curves.values()
    np.testing.assert_allclose(looking.seconds_before, [2.0, 3.0, 4.0], atol=0.5)
    np.testing.assert_allclose(doubting.seconds[:, 0], doubting.seconds_before + np.arange(1.0, 4.0), atol=0.5)
    assert np.isinf(drawing.seconds_before).all(), "the negative control: nothing is looked at"
    with pytest.raises(InvalidArgumentError, match="Not every run has a network after 1 seconds"):
        looking.regret_at(np.array([1.0]))
    np.testing.assert_array_equal(looking.regret_at(np.array([4.5]))[:, 0], looking.regret_before)
    np.testing.assert_array_equal(doubting.regret_at(np.array([4.0]))[2], doubting.regret_before[2:])


def test_what_a_search_settles_on_is_judged_not_its_highest_value(tiny_table: MakeTable) -> None:
    table = tiny_table(noise=0.3)
    curves = of(table, doubts=doubts).curves["doubts"]
    lost = table.test.max() - table.test[:, 0]
    np.testing.assert_allclose(curves.regret_after([0, 1, 2, 3, 4, 5])[0], lost[[0, 0, 0, 1, 2, 2]])
    assert set(curves.choices) == {table.networks[2]}


def test_before_any_network_only_those_that_choose_then_are_compared(tiny_table: MakeTable) -> None:
    comparison = of(tiny_table(noise=0.1), looks=looks, doubts=doubts, random=random.search)
    pairs = {(d.first, d.second) for d in significance(comparison, at=(0, 3)) if d.networks == 0}
    assert pairs == {("looks", "doubts")}


def test_without_what_the_images_say_there_is_one_line(tiny_table: MakeTable) -> None:
    table = tiny_table()
    with pytest.raises(InvalidArgumentError, match=r"no effects beside this table.*aenbench tables --dir") as caught:
        compare(table, {"looks": Contestant(looks, networks_budget(table.space, 6), 3)})
    assert "\n" not in str(caught.value)


def test_pages_begin_at_zero_networks(
    tiny_table: MakeTable, tmp_path: Path, shows_its_pictures: Callable[[Path], None]
) -> None:
    comparison = of(tiny_table(noise=0.1), looks=looks, random=random.search)
    write_comparison(comparison, tmp_path / "one", "tiny", at=(0, 3))
    shows_its_pictures(tmp_path / "one" / "comparison.md")
    text = (tmp_path / "one" / "comparison.md").read_text()
    assert "| algorithm | runs | 0 networks | 3 networks |" in text
    assert "| random | 9 | - |" in text
    assert AHEAD_NOTE in text
    write_comparison(of(tiny_table(), random=random.search), tmp_path / "without", "tiny", at=(3,))
    assert AHEAD_NOTE not in (tmp_path / "without" / "comparison.md").read_text()
    rows = list(csv.DictReader((tmp_path / "one" / "regret.csv").read_text().splitlines()))
    first = {row["algorithm"]: row["networks"] for row in reversed(rows)}
    assert first == {"looks": "0", "random": "1"}
    write_overview({"a": comparison, "b": comparison}, tmp_path / "both", at=(0, 3))
    text = (tmp_path / "both" / "overview.md").read_text()
    mean = 100 * comparison.curves["looks"].regret_before.mean()
    assert f"| looks | {mean:.2f} [{mean:.2f}, {mean:.2f}] | {mean:.2f} [{mean:.2f}, {mean:.2f}] |" in text
    assert "| random | - |" in text


def test_kept_runs_give_the_same_curves_and_other_evidence_other_runs(tiny_table: MakeTable, tmp_path: Path) -> None:
    table = tiny_table(noise=0.2)
    contestants = {"looks": Contestant(looks, networks_budget(table.space, 6), 9)}
    direct = compare(table, contestants, evidence=EVIDENCE).curves["looks"]
    with LocalExecutor(1) as executor:
        for _ in range(2):
            kept = keep_runs(tmp_path / "kept", "a" * 64, contestants, executor, EVIDENCE)
            again = compare(table, contestants, kept.map, evidence=EVIDENCE).curves["looks"]
            np.testing.assert_array_equal(again.regret_before, direct.regret_before)
            np.testing.assert_array_equal(again.regret, direct.regret)
        other = tuple(reversed(EVIDENCE))
        kept = keep_runs(tmp_path / "kept", "a" * 64, contestants, executor, other)
        turned = compare(table, contestants, kept.map, evidence=other).curves["looks"]
    np.testing.assert_array_equal(turned.regret_before, direct.regret_before[::-1])


def test_numbers_to_compare_at_are_read() -> None:
    assert numbers_of("25,0,5,5") == (0, 5, 25)
    for wrong in ("", "5,", "-1", "five", "1.5", "9999999"):
        with pytest.raises(InvalidArgumentError, match="Expected --at as numbers of networks"):
            numbers_of(wrong)
