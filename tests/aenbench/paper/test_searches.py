from dataclasses import replace
from pathlib import Path

import pytest

from aenbench.errors import TableError
from aenbench.execution.executors import LocalExecutor
from aenbench.execution.store import TrialStore
from aenbench.paper.searches import SearchOf, best_single, fitting_table, replay, search, space_of
from aenbench.runs.baselines import Baseline
from aenbench.runs.plan import Plan
from aenbench.runs.seed import run_seed
from aenbench.search.evaluate import TrainedEvaluation
from aenbench.tables.build import TablePlan, tabulate
from aenbench.tables.parquet import table_path
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task


@pytest.fixture
def of(tiny, tmp_path: Path) -> SearchOf:
    return SearchOf(Task("g-digits", "aug2"), None, tiny, 1, TrialStore(tmp_path / "store", "plan"))


@pytest.fixture
def tables(tiny, tmp_path: Path) -> Path:
    plan = TablePlan(Task("g-digits", "aug2"), seeds=2)
    assert plan.recipe == tiny.child
    with LocalExecutor(1) as executor:
        tabulate(plan, tmp_path / "tables", tmp_path / "tabulated", executor, lambda *_: None)
    return tmp_path / "tables"


@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_it_is_the_search_of_a_run(of: SearchOf, tmp_path: Path, protocol) -> None:
    of = replace(of, task=Task("g-digits", "aug2", protocol))
    plan = Plan(Baseline("aen"), of.task, seeds=2)
    outcome = run_seed(plan, TrialStore(tmp_path / "run", "plan"), lambda _: None, 1)
    record = replay(space_of(Images(of.task)), search(of), of.budget)
    assert [replace(trial, reward=None) for trial in outcome.trials] == record.trials
    assert outcome.result.states_visited == len(record.visited) > 20


def test_a_table_gives_what_training_gives(of: SearchOf, tables: Path) -> None:
    live, looked_up = search(of), search(replace(of, tables=tables))
    assert (live.pop("table"), len(looked_up.pop("table"))) == (None, 64)
    assert live == looked_up


def test_no_network_is_trained_again(of: SearchOf, monkeypatch: pytest.MonkeyPatch) -> None:
    found = search(of)
    monkeypatch.setattr(TrainedEvaluation, "__call__", lambda *_: pytest.fail("trained again"))
    assert search(of) == found


def test_only_a_table_of_the_same_trainings_fits(of: SearchOf, tables: Path, tiny) -> None:
    images = Images(of.task)
    assert fitting_table(replace(of, tables=tables), images) is not None
    assert fitting_table(of, images) is None
    assert fitting_table(replace(of, tables=tables, seed=2), images) is None
    assert fitting_table(replace(of, tables=tables, budget=replace(tiny, child=tiny.final)), images) is None
    assert fitting_table(replace(of, tables=tables / "elsewhere"), images) is None
    other = Images(Task("g-digits", "aug3"))
    assert fitting_table(replace(of, tables=tables, task=other.task), other) is None


def test_a_damaged_table_is_an_error_not_a_reason_to_train(of: SearchOf, tables: Path) -> None:
    path = table_path(tables, "g-digits", "aug2", "aen", "standard")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(TableError):
        search(replace(of, tables=tables))


def test_the_best_single_is_that_of_the_highest_value(of: SearchOf) -> None:
    space = space_of(Images(of.task))
    singles = [0.5] * 12
    singles[1] = 0.7
    assert best_single(space, {"singles": singles}) == "010000000000"
    assert best_single(space, {"singles": [0.5] * 12}) == space.canonical("1" + "0" * 11)
