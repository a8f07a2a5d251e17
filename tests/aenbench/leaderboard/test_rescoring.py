"""Entries beside what their predictions give."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.entry_arrays import encode_predictions
from aenbench.leaderboard.entry_folder import read_entry
from aenbench.leaderboard.rescoring import rescore
from aenbench.leaderboard.verify import verify
from aenbench.scoring import score
from gdatasets.generation.load import load_arrays

LABELS = load_arrays("g-digits", "aug1", "test").labels


def replace_predictions(folder: Path, predictions: np.ndarray) -> None:
    """Other predictions, with an entry that names their digest."""
    content = encode_predictions(predictions)
    (folder / "predictions.npy").write_bytes(content)
    path = folder / "entry.json"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"predictions_sha256": hashlib.sha256(content).hexdigest()})
    )


def test_a_truthful_entry_verifies(tmp_path: Path, make_entry) -> None:
    folder = make_entry(tmp_path, "guess", 90, seeds=2)
    entry, result, differences = rescore(folder)
    assert differences == []
    assert result.per_seed == (270 / 360, 269 / 360)
    assert entry.accuracy.mean == result.mean
    assert verify(tmp_path) == ([folder], [])


def test_an_entry_verifies_by_its_own_relative_path(
    tmp_path: Path, make_entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make_entry(tmp_path, "guess", 90))
    assert verify(Path()) == ([Path()], [])


def test_one_changed_prediction_is_found(tmp_path: Path, make_entry) -> None:
    folder = make_entry(tmp_path, "guess", 90, seeds=2)
    predictions = read_entry(folder)[1].copy()
    right = int(np.flatnonzero(predictions[1] == LABELS)[0])
    predictions[1, right] = (LABELS[right] + 1) % 10
    replace_predictions(folder, predictions)
    problems = verify(tmp_path)[1]
    assert any("seed 1: accuracy is" in problem for problem in problems)
    assert any("accuracy mean is" in problem for problem in problems)
    assert not any("seed 0" in problem for problem in problems)
    board = read_board(tmp_path)
    assert (board.standings, list(board.problems)) == ((), problems)


def test_every_stated_number_is_recomputed(tmp_path: Path, make_entry) -> None:
    folder = make_entry(tmp_path, "guess", 90, accuracy={"mean": 0.99, "low": 0.98, "high": 1.0})
    assert len(rescore(folder)[2]) == 3
    assert rescore(folder)[1] == score(read_entry(folder)[1], LABELS)
