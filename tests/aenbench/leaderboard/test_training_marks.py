"""How many of the entries compared are not converged, or have no history, in a sentence on both boards."""

import json
from pathlib import Path

import pytest

from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.board_overview import overview_of
from aenbench.leaderboard.render import write_generated
from aenbench.leaderboard.training_marks import EXPLANATION, TrainingMarks
from aenbench.tasks.task import Task
from aenbench.training.history import Pass, history_csv

BOARD = Path(__file__).parents[3] / "leaderboards"


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ((80, 61, 1), "Of the 80 entries compared, 61 are not converged and 1 has no history"),
        ((9, 1, 0), "Of the 9 entries compared, 1 is not converged"),
        ((9, 0, 2), "Of the 9 entries compared, 2 have no history"),
        ((9, 0, 0, 6), "Of the 9 entries compared, 6 have another recipe"),
        (
            (9, 3, 1, 2),
            "Of the 9 entries compared, 3 are not converged, 1 has no history and 2 have another recipe",
        ),
        ((9, 0, 0), ""),
    ],
)
def test_the_sentence_names_what_there_is(marks: tuple[int, ...], says: str) -> None:
    found = TrainingMarks(*marks)
    assert found.sentence == says
    assert bool(found.markdown) == bool(says)


def test_verdict_and_matrix_count_their_own_entries(tmp_path: Path, make_entry) -> None:
    tasks = (Task("g-digits", "aug1"), Task("g-digits", "d4"))
    rising, flat = (history_csv([[Pass(1.0, first, 1e-3), Pass(0.5, 0.5, 1e-3)]] * 3) for first in (0.25, 0.5))
    for task in tasks:
        make_entry(tmp_path, "rising", 20, task, extras={"history.csv": rising})
        make_entry(tmp_path, "flat", 30, task, extras={"history.csv": flat})
    make_entry(tmp_path, "rare", 5, tasks[0])
    make_entry(tmp_path, "opened", 1, tasks[0], open_recipe={"epochs": 300})
    overview = overview_of(read_board(tmp_path))
    assert overview.verdict_marks == TrainingMarks(4, 2, 0, 4)  # of two passes, which no recipe has
    assert overview.matrix_marks == TrainingMarks(5, 2, 1, 4)
    write_generated(tmp_path)
    readme, page = (tmp_path / "README.md").read_text(), (tmp_path / "index.html").read_text()
    verdict, matrix = readme.partition("## Methods and tasks")[::2]
    assert (
        f" Of the 4 entries compared, 2 are not converged and 4 have another recipe ([what that means]({EXPLANATION}))."
        in verdict
    )
    assert "Of the 5 entries compared, 2 are not converged, 1 has no history and 4 have another recipe (" in matrix
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert data["sections"][0]["marks"] == overview.verdict_marks.sentence
    assert data["matrix"]["marks"] == overview.matrix_marks.sentence


def test_the_explanation_exists() -> None:
    file, anchor = EXPLANATION.split("#")
    assert anchor == "one-cycle-schedules-and-not-converged"
    assert "\n## One-cycle schedules and `not converged`\n" in (BOARD / file).read_text()
