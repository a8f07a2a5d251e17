"""Networks of a table trained to convergence: which ones, their file, and how the two orders are compared."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenbench.cli import main as cli
from aenbench.errors import InvalidArgumentError, TableError
from aenbench.execution.executors import LocalExecutor
from aenbench.models.registry import FAMILIES
from aenbench.tables.card import write_card
from aenbench.tables.converged import (
    Converged,
    ConvergedTable,
    agreement,
    converge,
    converged_path,
    read_converged,
    spread,
    write_converged,
)
from aenbench.tables.parquet import home_of, write_table
from aenbench.tables.table import Table
from aenbench.tasks.datasets import open_dataset
from aenbench.training.recipe import Recipe


def made(table: Table, values: dict[str, list[float]]) -> ConvergedTable:
    return ConvergedTable(
        table_sha256=table.content_sha256,
        recipe="Recipe()",
        torch="2",
        trainings=[
            Converged(network=network, seed=seed, validation=0.5, test=test, seconds=1.0)
            for network, tests in values.items()
            for seed, test in enumerate(tests)
        ],
    )


def test_networks_are_spread_over_the_ranks_best_and_worst_included(make_table):
    table = make_table()
    values = table.final("validation").mean(axis=1)
    chosen = spread(table, 5)
    found = [float(values[table.index(network)]) for network in chosen]
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (values.max(), values.min())
    assert len(set(spread(table, len(table.networks)))) == len(table.networks)
    for count in (1, len(table.networks) + 1):
        with pytest.raises(InvalidArgumentError, match=f"Expected 2 to {len(table.networks)} networks"):
            spread(table, count)


def test_an_order_that_agrees_has_tau_one_and_no_regret_and_a_reversed_one_minus_one(make_table):
    table = make_table(told=5)
    chosen = spread(table, 12)
    short = {network: table.query(network).validation for network in chosen}
    assert len(set(short.values())) == len(chosen)
    same = agreement(table, made(table, {network: [value / 2] * 3 for network, value in short.items()}))
    assert (same.tau, same.low, same.high, same.regret) == pytest.approx((1, 1, 1, 0))
    reversed_ = agreement(table, made(table, {network: [1 - value] * 3 for network, value in short.items()}))
    assert reversed_.tau == pytest.approx(-1)
    assert reversed_.regret == pytest.approx(100 * (max(short.values()) - min(short.values())))
    assert (same.networks, same.seeds) == (12, 3)


def test_noise_has_an_interval_around_zero(make_table):
    table, generator = make_table(told=5), np.random.default_rng(0)
    found = agreement(table, made(table, {network: list(generator.random(3)) for network in spread(table, 30)}))
    assert found.low < 0 < found.high


def test_the_file_is_read_back_or_refused_in_a_line(make_table, tmp_path):
    table, path = make_table(), tmp_path / "aen-standard.parquet"
    assert read_converged(path) is None
    whole = made(table, {network: [0.5, 0.6] for network in spread(table, 3)})
    assert write_converged(whole, path) == converged_path(path)
    assert read_converged(path) == whole
    text = json.loads(converged_path(path).read_text())
    for change, says in (
        ({"trainings": []}, "trainings: List should have at least 1 item"),
        ({"more": 1}, "more: Extra inputs"),
        ({"trainings": [{**text["trainings"][0], "test": 2.0}]}, "trainings.0.test"),
    ):
        converged_path(path).write_text(json.dumps({**text, **change}))
        with pytest.raises(TableError, match=f"holds no converged trainings .{says}"):
            read_converged(path)
    with pytest.raises(TableError, match="of another table"):
        agreement(table, whole.model_copy(update={"table_sha256": "0" * 64}))
    with pytest.raises(TableError, match="each converged network once with each seed"):
        whole.model_copy(update={"trainings": whole.trainings[:-1]}).test()


def test_networks_converge_resume_and_the_command_says_how_the_orders_agree(make_table, tmp_path, monkeypatch, capsys):
    digest = open_dataset("g-digits", "d4").digest("train")
    table = make_table(dataset="g-digits", configuration="d4", train_content_sha256=digest, seeds=(0, 1))
    family = FAMILIES["aen"]
    budgets = {key: replace(budget, final=Recipe(200, 1)) for key, budget in family.budgets.items()}
    monkeypatch.setitem(FAMILIES._values, "aen", replace(family, budgets=budgets))
    path = tmp_path / "g-digits" / "d4" / "aen-standard.parquet"
    write_table(table, path)
    steps: list[tuple[int, int]] = []
    found = converge(table, 2, tmp_path / "trials", LocalExecutor(1), lambda *step: steps.append(step))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    again = converge(table, 2, tmp_path / "trials", LocalExecutor(1), lambda *_: None)
    assert again == found, "nothing is trained twice"
    write_converged(found, path)
    monkeypatch.setattr("sys.argv", ["aenbench", "tables", "--dir", str(tmp_path), "--converge", "2", "--workers", "1"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in (0, None)
    assert "g-digits / d4: Kendall's tau" in capsys.readouterr().out


@pytest.fixture
def trained(make_table, tmp_path, monkeypatch):
    """A table of eight networks on disk, with its card, and the trainings that are made; each takes no time."""
    digest = open_dataset("g-digits", "d4").digest("train")
    table = make_table(dataset="g-digits", configuration="d4", train_content_sha256=digest, seeds=(0, 1))
    write_table(table, tmp_path / home_of(table))
    write_card(tmp_path)
    made: list[tuple[str, int]] = []

    def train(training):
        made.append((training.network, training.seed))
        value = table.query(training.network).validation
        return {"validation": value, "test": value, "seconds": 1.0}

    monkeypatch.setattr("aenbench.tables.converged._REPEATS", 20)
    monkeypatch.setattr("aenbench.tables.converged._train", train)
    return table, tmp_path / home_of(table), made


def command(monkeypatch, path, count):
    base = path.parents[2]
    monkeypatch.setattr(
        "sys.argv", ["aenbench", "tables", "--dir", str(base), "--converge", str(count), "--workers", "1", "--quiet"]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code in (0, None)


def test_trainings_are_made_again_where_recipe_torch_or_seeds_have_changed(trained, monkeypatch):
    """3130c15 compared only the table and how many networks there were."""
    table, path, made = trained
    every = [(network, seed) for seed in table.seeds for network in spread(table, 3)]
    command(monkeypatch, path, 3)
    assert made == every
    command(monkeypatch, path, 3)
    assert made == every, "nothing has changed"
    current = read_converged(path)
    changes = [{"recipe": "another"}, {"torch": "0.4"}, {"trainings": current.trainings[:-1]}]
    for changed in changes:
        made.clear()
        write_converged(current.model_copy(update=changed), path)
        command(monkeypatch, path, 3)
        assert made == (every if "trainings" not in changed else every[-1:])
        assert read_converged(path) == current


def test_more_networks_keep_those_that_are_trained(trained, monkeypatch):
    """3130c15 trained all of them again."""
    table, path, made = trained
    command(monkeypatch, path, 2)
    made.clear()
    command(monkeypatch, path, 4)
    assert made == [(network, seed) for seed in table.seeds for network in spread(table, 4)[1:-1]]
    assert read_converged(path).networks == spread(table, 4)


def test_what_is_wrong_with_the_file_is_found_by_check(trained, monkeypatch, run_program):
    """3130c15 passed over the file, whatever it held."""
    _, path, _ = trained
    command(monkeypatch, path, 3)
    words = ("aenbench", "tables", "--dir", path.parents[2], "--check")
    assert run_program(*words) == (0, "")
    current = read_converged(path)
    foreign = [each.model_copy(update={"network": "0" * 12}) for each in current.trainings]
    for content, says in (
        ("{", "holds no converged trainings"),
        (current.model_copy(update={"table_sha256": "0" * 64}).model_dump_json(), "trainings of another table"),
        (current.model_copy(update={"trainings": foreign[:2]}).model_dump_json(), "other networks or seeds"),
        (current.model_copy(update={"trainings": current.trainings[::2]}).model_dump_json(), "other networks or seeds"),
        (current.model_copy(update={"trainings": current.trainings[1:]}).model_dump_json(), "once with each seed"),
    ):
        converged_path(path).write_text(content)
        code, said = run_program(*words)
        assert (code, said.count("\n")) == (1, 1)
        assert says in said


@pytest.mark.parametrize("options", [("--check", "--effects"), ("--check", "--converge"), ("--effects", "--converge")])
def test_check_effects_and_converge_do_not_go_together(options, tmp_path, run_program):
    """3130c15 left out --check, and --converge beside --effects, without a word."""
    words = [word for option in options for word in ([option, "2"] if option == "--converge" else [option])]
    code, said = run_program("aenbench", "tables", "--dir", tmp_path, *words)
    assert code == 2
    assert said == f"aenbench: Give one of --check, --effects, --converge, not {' and '.join(options)}.\n"


def test_other_images_are_refused(make_table, tmp_path):
    table = make_table(dataset="g-digits", configuration="d4")
    with pytest.raises(TableError, match="training images of g-digits / d4 are not those of the table"):
        converge(table, 2, Path(tmp_path / "trials"), LocalExecutor(1), lambda *_: None)
