"""Comparisons that are interrupted, on a tiny table in memory; the command on a table of the whole space."""

import csv
import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from aenbench.cli import main as cli
from aenbench.comparison.compare import Comparison, compare
from aenbench.comparison.plan import ComparisonPlan
from aenbench.comparison.run_cache import keep_runs
from aenbench.comparison.runs import Contestant, networks_budget
from aenbench.errors import StoreError
from aenbench.execution.executors import LocalExecutor
from aenbench.execution.store import MAX_RESULT_BYTES
from aenbench.models.aen import AENSpace
from aenbench.search import dqn, random
from aenbench.search.dqn_fast import LeanLearner
from aenbench.search.registry import SEARCHES, source_sha256
from aenbench.tables.build import assemble, training_key
from aenbench.tables.parquet import read_table, table_path, write_table

OWN = """
from pathlib import Path
from aenbench.search import random
def search(space, evaluate, budget, seed):
    with Path("calls").open("a") as log:
        log.write(f"{seed}\\n")
    if Path("power_cut").exists() and len(Path("calls").read_text().split()) == 4:
        raise KeyboardInterrupt
    return random.search(space, evaluate, budget, seed)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A user's own algorithm in the current folder; it is interrupted at its fourth run while `power_cut` is there."""
    (tmp_path / "kept_own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("kept_own")
    sys.modules.pop("kept_own", None)


def calls() -> int:
    """Runs of the user's own algorithm that were begun since the last time that this was asked."""
    log = Path("calls")
    begun = len(log.read_text().split()) if log.exists() else 0
    log.unlink(missing_ok=True)
    return begun


def compare_kept(table: Any, runs: int = 6, networks: int = 5, sha256: str = "0" * 64) -> Comparison:
    contestants = {
        name: Contestant(SEARCHES.find(name), networks_budget(table.space, networks), runs)
        for name in ("random", "kept_own:search")
    }
    with LocalExecutor(1) as executor:
        return compare(table, contestants, keep_runs(Path("out"), sha256, contestants, executor).map)


@pytest.mark.usefixtures("own")
def test_an_interrupted_comparison_goes_on_and_ends_as_one_that_was_not(tiny_table: Any) -> None:
    table = tiny_table(noise=0.1)
    whole = compare_kept(table)
    assert calls() == 6
    Path(".out.trials").unlink()
    Path("power_cut").touch()
    with pytest.raises(KeyboardInterrupt):
        compare_kept(table)
    assert calls() == 4
    Path("power_cut").unlink()
    resumed = compare_kept(table)
    assert calls() == 3
    for name in whole.curves:
        np.testing.assert_array_equal(resumed.curves[name].regret, whole.curves[name].regret)
        np.testing.assert_array_equal(resumed.curves[name].trained, whole.curves[name].trained)
    again = compare_kept(table)
    assert calls() == 0
    for name in whole.curves:
        np.testing.assert_array_equal(again.curves[name].seconds, resumed.curves[name].seconds)  # to the last bit


@pytest.mark.usefixtures("own")
def test_more_runs_are_added_and_another_budget_starts_anew(tiny_table: Any) -> None:
    compare_kept(tiny_table())
    assert calls() == 6
    compare_kept(tiny_table(), runs=8)
    assert calls() == 2
    compare_kept(tiny_table(), networks=4)
    assert calls() == 6


def test_changed_code_is_run_again(tiny_table: Any, own: ModuleType) -> None:
    compare_kept(tiny_table())
    assert calls() == 6
    Path("kept_own.py").write_text(OWN.replace("def search", "# a better idea\ndef search"))
    importlib.reload(own)
    compare_kept(tiny_table())
    assert calls() == 6
    Path("kept_own.py").write_text(OWN)
    importlib.reload(own)
    compare_kept(tiny_table())
    assert calls() == 0


@pytest.mark.usefixtures("own")
def test_the_digest_of_an_algorithm_is_of_both_files_that_it_is_in(tmp_path: Path) -> None:
    """The one that the path names, and the one in which it is defined."""
    (tmp_path / "kept_door.py").write_text("from kept_own import search")
    through, direct = SEARCHES.find("kept_door:search"), SEARCHES.find("kept_own:search")
    before = source_sha256(through), source_sha256(direct)
    assert before[0] != before[1]
    (tmp_path / "kept_door.py").write_text("from kept_own import search as search")
    assert source_sha256(through) != before[0]
    assert source_sha256(direct) == before[1]
    (tmp_path / "kept_own.py").write_text(OWN + "1\n")
    assert source_sha256(direct) != before[1]
    sys.modules.pop("kept_door")
    assert source_sha256(random.search) == source_sha256(SEARCHES.find("random"))


def test_code_that_is_in_no_file_is_never_taken_for_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("kept_nowhere")
    exec(OWN, module.__dict__)
    monkeypatch.setitem(sys.modules, "kept_nowhere", module)
    search = SEARCHES.find("kept_nowhere:search")
    assert source_sha256(search) != source_sha256(search)


@pytest.mark.usefixtures("own")
def test_runs_on_another_table_are_refused(tiny_table: Any) -> None:
    compare_kept(tiny_table())
    with pytest.raises(StoreError, match=r"out\.trials holds the trials of another plan"):
        compare_kept(tiny_table(), sha256="1" * 64)


def test_the_largest_run_fits_into_a_store(tiny_table: Any, tmp_path: Path) -> None:
    """As many networks as the largest space has, with times of seventeen digits."""
    table = tiny_table()
    contestants = {"random": Contestant(random.search, networks_budget(table.space, 5), 3)}
    with LocalExecutor(1) as executor:
        kept = keep_runs(tmp_path / "out", "0" * 64, contestants, executor)
        compare(table, contestants, kept.map)
        [key, *_] = kept.store.results()
        result = {**kept.store.results()[key], "trained": list(range(768)), "own_seconds": [10 / 3 * 1e-5] * 768}
        kept.store.finish("large", result)
    assert len(str(result)) < MAX_RESULT_BYTES / 2


@pytest.fixture
def table_file(make_table: Any, tmp_path: Path) -> Path:
    """A table of every network of the space `aen`, with two seeds and made-up accuracies."""
    space, generator = AENSpace(), np.random.default_rng(0)
    info = make_table(seeds=(0, 1), epochs=1).info
    results = {
        training_key(network, seed): {
            "parameters": 10,
            "seconds": 1.0,
            "validation": [int(generator.integers(0, 10_000)) / 10_000],
            "test": [int(generator.integers(0, 10_000)) / 10_000],
        }
        for network in space.networks
        for seed in info.seeds
    }
    path = tmp_path / "table.parquet"
    write_table(assemble(info, space, results), path)
    return path


def call(arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["aenbench", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.mark.usefixtures("own")
def test_the_command_goes_on_and_takes_its_own_number_of_runs_for_each_algorithm(
    table_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = (
        f"search --table {table_file} --compare random,greedy,kept_own:search --runs 9 --runs-of kept_own:search=5 "
        "--runs-of random=7 --networks 30 --out found --workers 1 --quiet"
    )
    Path("power_cut").touch()
    assert call(command, monkeypatch) == 130
    assert capsys.readouterr().err == "aenbench: Interrupted; run the same command again: what is finished is kept.\n"
    assert not Path("found").exists()
    assert Path(".found.trials").is_file()
    Path("power_cut").unlink()
    assert calls() == 4
    assert call(command, monkeypatch) == 0
    assert calls() == 2
    assert not Path(".found.trials").exists()
    rows = list(csv.DictReader(Path("found/regret.csv").read_text().splitlines()))
    assert {row["algorithm"]: row["runs"] for row in rows} == {"random": "7", "greedy": "2", "kept_own:search": "5"}


@pytest.mark.slow
@pytest.mark.usefixtures("own")
def test_a_folder_of_tables_is_compared_as_a_whole_and_goes_on_where_it_was_interrupted(
    table_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tables; the run is cut off in the second, and what was done on either is not done again."""
    table = read_table(table_file)
    for configuration in ("aug1", "aug2"):
        info = table.info.model_copy(update={"configuration": configuration})
        write_table(replace(table, info=info), table_path(Path("tables"), "g-mnist", configuration, "aen", "standard"))
    command = (
        "search --table tables --compare random,kept_own:search --runs 3 --networks 30 --out found --workers 1 --quiet"
    )
    Path("power_cut").touch()
    assert call(command, monkeypatch) == 130
    Path("power_cut").unlink()
    assert calls() == 4
    assert Path("found/g-mnist/aug1/aen-standard/comparison.md").is_file()
    assert call(command, monkeypatch) == 0
    assert calls() == 3
    assert not list(Path("found").rglob(".*"))
    link = "[g-mnist/aug2/aen-standard](g-mnist/aug2/aen-standard/comparison.md)"
    assert f"| {link} | " in Path("found/overview.md").read_text()
    assert (
        call(
            command.replace("--out found", "--out alone").replace("tables", "tables/g-mnist/aug1/aen-standard.parquet"),
            monkeypatch,
        )
        == 0
    )
    alone, among = (Path(folder, "regret.csv").read_text() for folder in ("alone", "found/g-mnist/aug1/aen-standard"))
    assert alone == among


@pytest.mark.usefixtures("own")
def test_the_command_ends_the_runs_of_the_algorithms_named(
    table_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = f"search --table {table_file} --compare random,kept_own:search --runs 4 --networks 215 --quiet"
    until = "--until-best kept_own:search"
    assert call(f"{command} --out whole --workers 1", monkeypatch) == 0
    assert call(f"{command} {until} --out cut --workers 2", monkeypatch) == 0
    whole, cut = (Path(folder, "regret.csv").read_text() for folder in ("whole", "cut"))
    assert whole == cut
    ends = [line for line in Path("cut/comparison.md").read_text().splitlines() if "| - | - | - |" in line]
    assert [line.split(" | ")[0] for line in ends] == ["| kept_own:search"]
    assert call(f"{command} --until-best greedy", monkeypatch) == 2
    said = capsys.readouterr().err
    assert 'Expected --until-best to name some of --compare (random, kept_own:search), got "greedy"' in said
    assert len(said.splitlines()) == 1


def test_on_a_table_deep_q_learning_has_the_lean_learner(table_file: Path) -> None:
    plan = ComparisonPlan(table_file, {"dqn": 3, "random": 3}, 30)
    contestants = plan.contestants(read_table(table_file))
    assert contestants["dqn"].search.keywords == {"learner": LeanLearner}
    assert contestants["dqn"].budget.states == 1_000
    assert contestants["random"].search is random.search
    digests = {source_sha256(search) for search in (contestants["dqn"].search, dqn.search, random.search)}
    assert len(digests) == 3  # a change of the learner makes its runs anew


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("given", ["greedy=4", "random", "random=", "random=many", "random=-1", "=4", "random=9999999"])
def test_a_wrong_number_of_runs_is_one_line(
    table_file: Path, given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(f"search --table {table_file} --compare random --runs-of {given}", monkeypatch) == 2
    said = capsys.readouterr().err
    assert f'Expected --runs-of as NAME=N, with one of --compare (random), got "{given}"' in said
    assert len(said.splitlines()) == 1
