from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from aenbench.execution.store import Result
from aenbench.paper import single_actions as actions
from aenbench.paper.context import Setting
from aenbench.paper.single_actions import NETWORKS, PLAIN, Actions, Cell, cells, markdown
from gdatasets.groups.actions import ACTIONS


def made(value: Callable[[Cell], float], unseen: bool = True) -> Actions:
    def result(cell: Cell) -> Result:
        reached = value(cell)
        return {
            "accuracies": [reached - 0.1, reached, reached - 0.05],
            "unseen": reached - 0.02 if unseen else None,
            "parameters": 10,
            "seconds": 1.0,
        }

    return Actions({cell: result(cell) for cell in cells(["g-mnist"], 2)}, 2, ["g-mnist"])


def matching(cell: Cell) -> float:
    """Matching networks gain 3 points over all others, and 2 where the initialization is fan-in."""
    gain = 0.02 if cell.variant in ("fan-in", "both") else 0.03
    return 0.5 + 0.002 * cell.seed + (gain if cell.network == cell.configuration else 0.0)


def row(text: str, *start: str) -> list[str]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return next(cells for cells in rows if tuple(cells[: len(start)]) == start)


def test_every_training_is_named_once_and_those_of_a_task_are_in_a_row() -> None:
    every = cells(["g-mnist", "g-fashion-mnist"], 3)
    released = [cell for cell in every if cell.variant == "released"]
    assert len(set(every)) == len(every) == 2 * 3 * 12 * (13 + 3 * 2)
    assert every[: len(released)] == released
    tasks = [(cell.dataset, cell.configuration) for cell in released]
    assert sum(a != b for a, b in pairwise(tasks)) == 23


def test_where_matching_networks_lead_they_win_every_column() -> None:
    text = markdown(made(matching), "made")
    wins = row(text, "g-mnist", "reported")
    assert wins[2:6] == ["12 of 12", "12", "12", "+2.75"]  # 3 points over eleven others of twelve
    assert float(wins[6]) < 1e-4
    assert row(text, "hflip")[1:6] == ["50.1", "53.1", "+3.00 [+3.00, +3.00]", "1", "hflip: 53.1"]


def test_where_they_trail_none_wins() -> None:
    text = markdown(made(lambda cell: 0.5 - 0.03 * (cell.network == cell.configuration)), "made")
    wins = row(text, "g-mnist", "unseen")
    assert wins[2:6] == ["0 of 12", "0", "0", "-2.75"]
    assert float(wins[6]) > 0.9


def test_the_gain_is_told_for_each_variant_and_each_measure() -> None:
    text = markdown(made(matching), "made")
    for title, gain in (("as released", "+3.00"), ("fan-in initialization", "+2.00"), ("both", "+2.00")):
        assert [cell.split()[0] for cell in row(text, "g-mnist", title)[2:]] == [gain] * 3


def test_without_unseen_images_there_is_a_dash() -> None:
    text = markdown(made(matching, unseen=False), "made")
    assert row(text, "g-mnist", "as released")[4] == "–"
    assert "unseen" not in [line.split("|")[2].strip() for line in text.splitlines() if line.startswith("| g-mnist")]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "ACTIONS", ("rotation", "hflip"))
    monkeypatch.setattr(actions, "NETWORKS", (PLAIN, "rotation", "hflip"))


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_a_run_that_was_interrupted_goes_on_and_gives_the_same_files(
    make_setting: Callable[..., Setting],
    table: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shows_its_pictures: Callable[[Path], None],
) -> None:
    whole = actions.run(make_setting(out=tmp_path / "whole"))
    shows_its_pictures(whole / "actions.md")
    assert sorted(path.name for path in whole.iterdir()) == [
        "accuracy.csv",
        "actions.md",
        "g-digits.png",
        "g-digits.svg",
        "trainings.csv",
    ]
    trained, original = [], actions.train

    def stop_at_the_fifth(training):
        trained.append(training.key)
        if len(trained) == 5:
            raise KeyboardInterrupt
        return original(training)

    monkeypatch.setattr(actions, "train", stop_at_the_fifth)
    with pytest.raises(KeyboardInterrupt):
        actions.run(make_setting())
    assert not (make_setting().out / "a").exists()
    again = actions.run(make_setting())
    assert len(trained) == len(set(trained)) + 1 == 2 * 2 * (3 + 3 * 2) + 1
    for path in whole.iterdir():
        if path.name != "trainings.csv":  # which tells the times
            assert (again / path.name).read_bytes() == path.read_bytes()
    rows = [table(folder / "trainings.csv") for folder in (whole, again)]
    assert [{**line, "seconds": ""} for line in rows[0]] == [{**line, "seconds": ""} for line in rows[1]]
    assert len(rows[0]) == 2 * 2 * (3 + 3 * 2)


def test_rows_and_columns_are_those_of_the_paper() -> None:
    assert (NETWORKS[1:], len(NETWORKS)) == (ACTIONS, 13)
