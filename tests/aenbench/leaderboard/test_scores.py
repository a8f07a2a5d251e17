"""Scores are values: those of the package agree with the page's details, and one of your own is a column."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from aenbench.errors import InvalidArgumentError
from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.markdown import render
from aenbench.leaderboard.site.payload import payload
from aenbench.scoring import Scored, calibrate
from aenbench.scoring.breakdown import Moved
from aenbench.scoring.scores import SCORES, Evidence, Score, over_seeds
from gdatasets.errors import UnknownNameError


def worst_class(evidence: Evidence) -> Scored:
    """Accuracy on the class that is known least."""
    right = evidence.predictions == evidence.labels
    classes = np.unique(evidence.labels)
    return over_seeds(np.min([right[:, evidence.labels == label].mean(axis=1) for label in classes], axis=0))


@pytest.fixture
def registered() -> Iterator[Score]:
    yield SCORES.register("worst-class", Score("worst class, %", worst_class, digits=1))
    SCORES.unregister("worst-class")


def test_a_registered_score_is_a_column_and_in_the_pages_data(
    registered: Score, tmp_path: Path, make_entry, entries_of
) -> None:
    make_entry(tmp_path, "one", 36, seeds=2)
    board = read_board(tmp_path)
    [row] = board.rows
    scored = row.shown.scores["worst-class"]
    assert scored is not None
    text = render(board)
    assert "| rank | entry | accuracy, % | worst class, % | seeds |" in text
    assert f"| {registered.show(scored)} |" in text
    [entry] = entries_of(json.loads(payload(board)))
    assert entry["scores"] == {"worst-class": [scored.mean, scored.low, scored.high]}


def test_without_it_there_is_no_such_column(tmp_path: Path, make_entry, entries_of) -> None:
    make_entry(tmp_path, "one", 36)
    board = read_board(tmp_path)
    assert "worst class" not in render(board)
    assert "scores" not in entries_of(json.loads(payload(board)))[0]


def test_an_entry_without_what_a_score_needs_has_a_dash(tmp_path: Path, make_entry) -> None:
    SCORES.register("moved", Score("moved, %", lambda e: None if e.moved is None else over_seeds(np.array([1.0]))))
    try:
        make_entry(tmp_path, "one", 36)
        assert re.search(r"\] \| - \| 3 \|", render(read_board(tmp_path)))
    finally:
        SCORES.unregister("moved")


def test_the_packages_scores_agree_with_their_definitions() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 50, 4)).astype(np.float32)
    predictions, labels = logits.argmax(-1).astype(np.uint8), rng.integers(0, 4, 50)
    moved = predictions[:, None, :20].repeat(3, axis=1)
    moved[0, 1] = (moved[0, 1] + 1) % 4
    evidence = Evidence(predictions, labels, logits, Moved(("a", "b", "c"), moved))
    found = {name: each.function(evidence) for name, each in SCORES.items()}
    assert found["accuracy"].per_seed == tuple((predictions == labels).mean(axis=1))
    assert found["calibration-error"].mean == pytest.approx(
        calibrate(logits, predictions, labels, 4).expected_calibration_error
    )
    assert found["invariance"].per_seed == (pytest.approx(2 / 3), 1.0)
    assert SCORES["invariance"].function(Evidence(predictions, labels)) is None
    assert not SCORES["calibration-error"].higher_is_better


def test_mistakes_are_one_line() -> None:
    with pytest.raises(InvalidArgumentError, match='Expected "mine" to be an aenbench Score, got int'):
        SCORES.register("mine", 3)
    with pytest.raises(UnknownNameError, match=r'Did you mean "accuracy"\? Choose from: accuracy, calibration-error'):
        SCORES["acuracy"]
