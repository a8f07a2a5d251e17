"""The board: read once, ranked within a task only."""

import re
from pathlib import Path

import pytest

from aenbench.leaderboard import rescoring
from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.markdown import render
from aenbench.leaderboard.verify import verify
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task

PAPER = Task("g-digits", "aug1", "paper")


def test_entries_are_ranked_within_their_task_and_ranks_are_shared(tmp_path: Path, make_entry) -> None:
    for name, wrong in (("first", 20), ("as-good", 21), ("worse", 150)):
        make_entry(tmp_path, name, wrong)
    make_entry(tmp_path, "papers", 5, PAPER)
    standard, paper = read_board(tmp_path).standings
    assert [(row.entry.name, row.place) for row in standard.rows] == [
        ("first", "1="),
        ("as-good", "1="),
        ("worse", "3"),
    ]
    assert [row.tied for row in standard.rows] == [("as-good",), ("first",), ()]
    assert [(row.entry.name, row.place) for row in paper.rows] == [("papers", "1")]


def test_labels_are_read_once_a_task(tmp_path: Path, make_entry, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        make_entry(tmp_path, f"entry-{number}", 30 + number)
    read = []
    labels = Images.test_labels
    monkeypatch.setattr(Images, "test_labels", lambda self: read.append(self.task) or labels(self))
    assert len(read_board(tmp_path).rows) == 5
    assert read == [Task("g-digits", "aug1")]


def test_a_typed_number_leaves_its_entry_out(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "honest", 30)
    make_entry(tmp_path, "boast", 30, accuracy={"mean": 0.99, "low": 0.98, "high": 1.0})
    board = read_board(tmp_path)
    assert [row.entry.name for row in board.rows] == ["honest"]
    assert any(re.search(r"boast.*0\.990000 is stated", problem) for problem in board.problems)


@pytest.mark.parametrize("error", [KeyError("x"), MemoryError(), RecursionError("deep"), AttributeError("isascii")])
def test_a_defect_that_one_entry_finds_stops_no_other(
    error: Exception, tmp_path: Path, make_entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_entry(tmp_path, "good", 60)
    alone = render(read_board(tmp_path))
    folder = make_entry(tmp_path, "odd", 70)
    read = rescoring.read_trials

    def fail(of: Path) -> object:
        if of == folder:
            raise error
        return read(of)

    monkeypatch.setattr(rescoring, "read_trials", fail)
    board = read_board(tmp_path)
    assert render(board) == alone
    [problem] = board.problems
    assert problem.startswith(f"{folder}: it cannot be checked ({type(error).__name__}: ")
    assert verify(tmp_path)[1] == [problem]


def test_flags_trust_and_calibration_are_on_the_board(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "perfect", 0, seeds=1)
    make_entry(tmp_path, "sure", 40, with_logits=True)
    rows = {row.entry.name: row for row in read_board(tmp_path).rows}
    assert [flag.code for flag in rows["perfect"].flags] == ["label-leak"]
    assert rows["sure"].flags == ()
    assert rows["sure"].shown.trust.level == "scored"
    assert rows["sure"].shown.details.calibration is not None
    assert rows["perfect"].shown.details.calibration is None
    (tmp_path / "reviews.json").write_text('{"g-digits/aug1/perfect": {"label-leak": "made for a test"}}')
    text = render(read_board(tmp_path))
    assert "| scored; no history; flags: label-leak (reviewed) |" in text


def test_tables_of_the_protocols_are_apart(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "ours", 40)
    make_entry(tmp_path, "papers", 5, PAPER)
    text = render(read_board(tmp_path))
    standard, paper = text.split("protocol `paper`")
    assert "| 1 | [ours]" in standard
    assert "[papers]" not in standard
    assert "| 1 | [papers]" in paper
    assert "not comparable with `standard`" in paper


def test_text_is_escaped_in_tables(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "hostile", 40, origin="submission", method="<script>|[x](javascript:1)")
    line = next(line for line in render(read_board(tmp_path)).splitlines() if "hostile" in line)
    assert "<script>" not in line
    assert line.count(" | ") == 8
