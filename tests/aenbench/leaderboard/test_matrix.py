"""The matrix of methods and tasks: the best and the tied are those of the tests, and no empty cell is filled."""

import json
import random
from pathlib import Path

import pytest

from aenbench import load_leaderboard
from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.matrix import MAX_METHODS, Cell, matrix_markdown, matrix_of
from aenbench.leaderboard.render import write_generated
from aenbench.leaderboard.task_outcomes import outcomes_of
from aenbench.leaderboard.training_marks import TrainingMarks
from aenbench.scoring.verdict import Outcome, Outcomes
from aenbench.tasks.task import Task

TASKS = (Task("g-digits", "d4"), Task("g-digits", "aug1"))  # the one with most entries first


def outcome(accuracy: float, *tied: str) -> Outcome:
    return Outcome((accuracy,), frozenset(tied), 10, 5)


OUTCOMES: Outcomes = {
    "x / a": {"one": outcome(0.9, "two"), "two": outcome(0.8, "one", "six"), "six": outcome(0.7, "two")},
    "x / b": {"one": outcome(0.5), "two": outcome(0.6)},
    "y / c": {"two": outcome(0.25), "six": outcome(0.25)},
}


def test_bold_is_the_best_mean_and_tied_what_the_tests_cannot_tell_from_it() -> None:
    matrix = matrix_of(OUTCOMES)
    assert matrix is not None
    assert matrix.tasks == ("x / a", "x / b", "y / c")
    assert {line.method: line.cells for line in matrix.lines} == {
        "two": (Cell(0.8, "tied"), Cell(0.6, "best"), Cell(0.25, "best")),
        "one": (Cell(0.9, "best"), Cell(0.5, ""), None),
        "six": (Cell(0.7, ""), None, Cell(0.25, "best")),  # tied with one that is tied is not enough
    }
    assert [(line.method, line.leading, line.entries) for line in matrix.lines] == [
        ("two", 3, 3),
        ("one", 1, 2),
        ("six", 1, 2),
    ]


def test_an_unsteady_entry_below_one_that_is_separated_is_not_tied_with_the_best() -> None:
    matrix = matrix_of(
        {
            "x / a": {
                "best": outcome(0.91, "unsteady", "close"),
                "close": outcome(0.88, "best", "unsteady"),
                "steady": outcome(0.86, "unsteady"),
                "unsteady": outcome(0.77, "best", "close", "steady"),
            },
            "x / b": {"best": outcome(0.5, "unsteady"), "unsteady": outcome(0.1, "best")},
        }
    )
    assert matrix is not None
    lines = {line.method: line for line in matrix.lines}
    assert {method: line.cells[0].mark for method, line in lines.items() if line.cells[0]} == {
        "best": "best",
        "close": "tied",
        "steady": "",
        "unsteady": "",
    }
    assert (lines["unsteady"].leading, lines["unsteady"].entries) == (1, 2)  # nothing is separated on x / b


def test_datasets_and_tasks_with_the_most_entries_come_first() -> None:
    one, two, three = ({f"m{number}": outcome(0.5) for number in range(count)} for count in (1, 2, 3))
    matrix = matrix_of({"a / none": three, "m / x": one, "m / y": two, "m / w": one, "z / none": three})
    assert matrix is not None
    assert matrix.tasks == ("m / y", "m / w", "m / x", "a / none", "z / none")


def test_the_order_of_tasks_and_methods_has_no_influence() -> None:
    generator = random.Random(0)
    tasks = generator.sample(sorted(OUTCOMES), 3)
    mixed = {task: dict(generator.sample(sorted(OUTCOMES[task].items()), len(OUTCOMES[task]))) for task in tasks}
    assert matrix_of(mixed) == matrix_of(OUTCOMES)


def test_without_a_method_on_two_tasks_there_is_none() -> None:
    assert matrix_of({"x / a": {"one": outcome(0.9)}, "x / b": {"two": outcome(0.5)}}) is None
    assert matrix_of({}) is None
    assert matrix_markdown(None, TrainingMarks(0, 0, 0)) == ""


def test_of_too_many_methods_the_best_of_each_task_keeps_its_line() -> None:
    many = {f"m{number:03}": outcome(0.5) for number in range(MAX_METHODS + 5)}
    found = matrix_of({"x / a": many, "x / b": {**many, "rare": outcome(0.9), "unseen": outcome(0.1)}})
    assert found is not None
    assert len(found.lines) == MAX_METHODS + 5 + 1  # all are the best of x / a
    assert found.hidden == 1
    assert "which have no line: 1." in found.note
    assert "rare" in {line.method for line in found.lines}


def test_it_stands_on_both_boards_and_says_what_the_results_say(comparable_board: Path) -> None:
    matrix = matrix_of(outcomes_of(read_board(comparable_board)))
    assert matrix is not None
    write_generated(comparable_board)
    found = load_leaderboard(comparable_board).query("protocol == 'standard' and track == 'fixed'")
    pivot = found.pivot_table("accuracy", "entry", ["dataset", "configuration"])
    assert {line.method for line in matrix.lines} == set(pivot.index)
    for line in matrix.lines:
        for task, cell in zip(TASKS, line.cells, strict=True):
            value = pivot.loc[line.method, (task.dataset, task.configuration)]
            assert (value != value) == (cell is None)  # NaN, where there is no entry
            assert cell is None or cell.accuracy == pytest.approx(value)
    readme = (comparable_board / "README.md").read_text()
    start, end = readme.index("## Methods and tasks"), readme.index("## g-digits / aug1")
    assert readme.index("## The verdict over tasks") < start < end
    table = readme[start:end]
    assert "| best | 1 of 2 | 94.17 | **94.17** |" in table
    assert "| as-good | 1 of 2 | 93.89 | 93.89 = |" in table
    assert "| rare | 1 of 1 | **98.33** |  |" in table
    assert "opened" not in table
    page = (comparable_board / "index.html").read_text()
    data = json.loads(page.partition('<script type="application/json" id="data">')[2].partition("</script>")[0])
    assert data["matrix"]["tasks"] == [["g-digits", "d4"], ["g-digits", "aug1"]]
    assert ["rare", 1, 1, [[0.9833, "best"], 0]] in data["matrix"]["lines"]
