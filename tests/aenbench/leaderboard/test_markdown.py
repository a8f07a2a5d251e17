"""The tables of a board."""

from pathlib import Path

from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.markdown import render


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
