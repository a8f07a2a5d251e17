"""How final trainings went, from a file that nobody vouches for."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aenbench.errors import EntryError
from aenbench.leaderboard.anomalies import find_flags
from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.ground_truth import AnswerBook
from aenbench.leaderboard.markdown import render
from aenbench.leaderboard.rescoring import check_entry
from aenbench.leaderboard.training_curves import MAX_PASSES, STILL_RISING, read_history, still_rising
from aenbench.models.aen import AEN_FAMILY
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from aenbench.training.history import COLUMNS, Pass, history_csv

TASK = Task("g-digits", "c4")
HEADER = ",".join(COLUMNS)
ROW = "0,1,0.5,0.25,0.001"


def passes(*accuracies: float) -> list[Pass]:
    return [Pass(1.0, accuracy, 1e-3) for accuracy in accuracies]


def test_what_a_training_writes_is_read(tmp_path: Path) -> None:
    histories = [[Pass(2.25, 0.5, 1e-3), Pass(0.125, 0.75, 1e-5)], [Pass(1.5, 1.0, 0.0)]]
    (tmp_path / "history.csv").write_bytes(history_csv(histories))
    assert read_history(tmp_path) == dict(enumerate(histories))
    assert read_history(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("0,2,0.5,0.25,0.001", "epoch 2, expected 1"),
        ("0,1,nan,0.25,0.001", "loss nan"),
        ("0,1,-1,0.25,0.001", "loss -1"),
        ("0,1,0.5,1.5,0.001", "accuracy 1.5"),
        ("0,1,0.5,0.25,inf", "rate inf"),
        ("0,1,0.5,0.25", "4 of 5 values"),
        ("x,1,0.5,0.25,0.001", "seed x"),
        ("0,1,0.5,0.25,0.001\n0,1,0.5,0.25,0.001", "row 3: epoch 1, expected 2"),
    ],
)
def test_any_other_row_is_an_error(tmp_path: Path, row: str, why: str) -> None:
    (tmp_path / "history.csv").write_text(f"{HEADER}\n{row}\n")
    with pytest.raises(EntryError, match=r"history\.csv is malformed") as caught:
        read_history(tmp_path)
    assert why in str(caught.value)


def test_the_number_of_rows_is_bounded(tmp_path: Path) -> None:
    rows = "\n".join(f"{number},1,0,0,0" for number in range(MAX_PASSES + 1))
    (tmp_path / "history.csv").write_text(f"{HEADER}\n{rows}")
    with pytest.raises(EntryError, match="more than 100,000 rows"):
        read_history(tmp_path)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.25, 1))
def test_a_flat_training_has_converged_and_a_steady_one_rises_by_its_slope(values: list[float], slope: float) -> None:
    assert still_rising({0: passes(*[values[0]] * len(values))}) == 0
    steady = [slope * number / 100 for number in range(100)]
    assert still_rising({0: passes(*steady), 1: passes(*steady)}) == pytest.approx(slope / 10)
    assert still_rising({0: passes(*values, *[0.5] * 2 * len(values) * 10)}) == 0  # only the end counts


def test_one_pass_says_nothing() -> None:
    assert still_rising({0: passes(0.3)}) == 0 == still_rising({})


@pytest.mark.parametrize(("gain", "is_marked"), [(1.5 * STILL_RISING, True), (0.9 * STILL_RISING, False)])
def test_entries_that_still_rise_are_marked(tmp_path: Path, make_entry, gain: float, is_marked: bool) -> None:
    history = history_csv([passes(*[0.5 - gain] * 18, 0.5, 0.5)] * 3)
    folder = make_entry(tmp_path, "e", 40, extras={"history.csv": history}, stated={"chosen_by": 0.5})
    checked = check_entry(folder, AnswerBook())
    assert checked.differences == ()
    assert checked.shown is not None
    assert [len(points) for points in checked.shown.training.values()] == [20] * 3
    assert checked.shown.has_converged != is_marked
    assert ("| scored; not converged; " in render(read_board(tmp_path))) == is_marked
    assert find_flags([checked], AnswerBook()) == []  # it is no fault


@pytest.mark.parametrize(
    ("shift", "opened", "says"),
    [(0, None, ""), (-1, None, "{less} passes, now {now}"), (-1, {"learning_rate": 0.5}, "")],
)
def test_entries_of_another_number_of_passes_than_the_recipe_has_are_marked(
    tmp_path: Path, make_entry, shift: int, opened: dict[str, float] | None, says: str
) -> None:
    """417c847 ranked a training of two passes, renamed, among those of the fixed recipe."""
    final = AEN_FAMILY.budgets["standard", "quick"].final
    now = final.measurements(Images(TASK).images_to_learn)
    history = history_csv([passes(*[0.5] * (now + shift))] * 3)
    folder = make_entry(
        tmp_path,
        "e",
        40,
        TASK,
        extras={"history.csv": history},
        stated={"chosen_by": 0.5},
        budget="quick",
        open_recipe=opened,
    )
    checked = check_entry(folder, AnswerBook())
    assert checked.shown is not None, checked.differences
    assert checked.shown.other_recipe == says.format(less=now - 1, now=now)
    assert ("other recipe (" in render(read_board(tmp_path))) == bool(says)


def test_chosen_by_is_the_best_of_the_history(tmp_path: Path, make_entry) -> None:
    history = history_csv([passes(0.4, 0.6)] * 2)
    folder = make_entry(tmp_path, "e", 40, seeds=2, extras={"history.csv": history}, stated={"chosen_by": 0.7})
    found = check_entry(folder, AnswerBook()).differences
    assert "seed 0: chosen_by is 0.60000 by history.csv, 0.70000 is stated" in found
    more = make_entry(tmp_path, "f", 40, seeds=1, extras={"history.csv": history}, stated={"chosen_by": 0.6})
    assert check_entry(more, AnswerBook()).differences == ("history.csv has a seed 1, which the entry has not",)
