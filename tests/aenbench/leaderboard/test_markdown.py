"""The tables of a board."""

from pathlib import Path

from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.markdown import render
from aenbench.tasks.task import Task


def test_the_table_shows_recomputed_scores_best_first(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "worse", 120, seeds=1)
    make_entry(tmp_path, "better", 30, seeds=2)
    text = render(read_board(tmp_path))
    assert text.index("[better]") < text.index("[worse]")
    assert "| 91.53 [" in text
    assert "| 234,818 | 2 | 2 + 2 | hflip |" in text


def test_a_model_is_shown_by_its_name_as_text(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "own", 30, origin="model", method="my_nets.models:Net|<b>")
    assert r"| my\_nets\.models\:Net\|&lt;b&gt; |" in render(read_board(tmp_path))


def test_open_recipes_have_a_table_below_that_of_their_task(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "fixed", 120)
    alone = render(read_board(tmp_path))
    assert "Recipe: open" not in alone
    make_entry(tmp_path, "opened", 30, open_recipe={"epochs": 30, "schedule": "one-cycle"})
    make_entry(tmp_path, "papers", 30, Task("g-digits", "aug1", "paper"), open_recipe={"batch": 7})
    text = render(read_board(tmp_path))
    before, standard, paper = text.split("### Recipe: open")
    assert before.rstrip() == alone.rstrip()
    assert "| 1 | [opened]" in standard
    assert "| 30 epochs, schedule one-cycle |" in standard
    assert standard.count("## g-digits / aug1, protocol `paper`") == text.count(", protocol `paper`") == 1
    assert "| 1 | [papers]" in paper
    heads = [line for line in text.splitlines() if line.startswith("| rank")]
    assert [line.endswith("| recipe |") for line in heads] == [False, True, True]
    rules = [line for line in text.splitlines() if line.startswith("|---")]
    assert [line.count("---") + 1 for line in rules] == [line.count("|") for line in heads]
