"""Trust is recomputed from the files; a record that does not hold is a problem."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from aenbench.leaderboard.entry import Entry, Interval, SeedResult
from aenbench.leaderboard.entry_arrays import encode_predictions
from aenbench.leaderboard.entry_folder import read_entry, write_entry
from aenbench.leaderboard.reproduction import Trust, trust_of, write_reproduction
from aenbench.leaderboard.verify import verify
from aenbench.scoring import score
from gdatasets.errors import OutputError
from gdatasets.generation.load import load_arrays
from gdatasets.generation.specs import pinned_digest

LABELS = load_arrays("g-digits", "aug1", "test").labels


def wrong_by(*counts: int) -> np.ndarray:
    predictions = np.tile(LABELS, (len(counts), 1)).astype(np.uint8)
    for row, count in zip(predictions, counts, strict=True):
        row[:count] = (row[:count] + 1) % 10
    return predictions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An entry of two seeds, 75 % and 70 % right."""
    predictions = wrong_by(90, 108)
    result, encoded = score(predictions, LABELS), encode_predictions(predictions)
    entry = Entry(
        name="net",
        origin="baseline",
        method="mlp",
        dataset="g-digits",
        dataset_version="1.0.0",
        configuration="aug1",
        test_content_sha256=pinned_digest("g-digits", "aug1", "test"),
        protocol="standard",
        budget="quick",
        seeds=tuple(SeedResult(seed=k, parameters=1, accuracy=value) for k, value in enumerate(result.per_seed)),
        accuracy=Interval(mean=result.mean, low=0.71, high=0.74),
        predictions_sha256=hashlib.sha256(encoded).hexdigest(),
        command="aenbench run --baseline mlp",
        created="2026-01-01T00:00:00+00:00",
    )
    path = tmp_path / "g-digits" / "aug1" / "net"
    write_entry(path, entry, encoded, {})
    return path


def trust(folder: Path) -> Trust:
    entry, predictions = read_entry(folder)
    return trust_of(folder, entry, predictions, LABELS)


def record(folder: Path, reproduced: np.ndarray) -> None:
    entry, _ = read_entry(folder)
    again = entry.model_copy(update={"hardware": "a machine", "software": {"torch": "9.9"}})
    write_reproduction(folder, again, entry, reproduced)


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_an_entry_alone_is_scored(folder: Path) -> None:
    assert trust(folder) == Trust("scored", "accuracy computed from the predictions")


def test_equal_predictions_are_reproduced_bit_for_bit(folder: Path) -> None:
    record(folder, wrong_by(90, 108))
    found = trust(folder)
    assert (found.level, found.problems) == ("reproduced", ())
    assert found.agreement is not None
    assert found.agreement.is_exact
    assert "on 2026-01-01 (torch 9.9, a machine): 2 of 2 seeds equal bit for bit" in found.checked


def test_other_predictions_within_the_interval_are_reproduced_too(folder: Path) -> None:
    record(folder, wrong_by(90, 100))
    found = trust(folder)
    assert found.level == "reproduced"
    assert found.agreement is not None
    assert found.agreement.equal == (1, 352 / 360)
    assert "1 of 2 seeds equal bit for bit, at least 97.77 % of predictions equal" in found.checked


def test_a_later_entry_makes_a_record_stale(folder: Path) -> None:
    record(folder, wrong_by(90, 108))
    kept = {name: (folder / name).read_bytes() for name in ("reproduction.json", "reproduced.npy")}
    encoded = encode_predictions(wrong_by(91, 108))
    entry = read_entry(folder)[0].model_copy(update={"predictions_sha256": hashlib.sha256(encoded).hexdigest()})
    write_entry(folder, entry, encoded, kept)
    found = trust(folder)
    assert found.level == "scored"
    assert "about other predictions" in found.problems[0]
    assert any("about other predictions" in problem for problem in verify(folder)[1])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"predictions_sha256": "0" * 64}, "about other predictions"),
        ({"reproduced_sha256": "0" * 64}, r"reproduced.npy was changed"),
        ({"command": "aenbench run --baseline full"}, "about another command"),
        ({"schema_version": 2}, "schema_version"),
        ({"agrees": True}, "agrees"),
        ({"created": "now\x07"}, "created"),
    ],
)
def test_a_forged_record_is_a_problem(folder: Path, changes: dict[str, object], said: str) -> None:
    record(folder, wrong_by(90, 108))
    edit(folder / "reproduction.json", **changes)
    found = trust(folder)
    assert found.level == "scored"
    assert said in found.problems[0]


@pytest.mark.parametrize(
    ("reproduced", "said"),
    [
        (wrong_by(0, 0), "100.00%, outside the stated interval [71.00%, 74.00%]"),
        (wrong_by(200, 200), "outside the stated interval"),
        (wrong_by(90), "expected uint8 (2, 360)"),
        (wrong_by(90, 108)[:, :100], "expected uint8 (2, 360)"),
    ],
    ids=["labels", "worse", "seeds", "images"],
)
def test_predictions_that_cannot_be_its_own_are_a_problem(folder: Path, reproduced: np.ndarray, said: str) -> None:
    record(folder, reproduced)
    found = trust(folder)
    assert found.level == "scored"
    assert said in found.problems[0]


@pytest.mark.parametrize("name", ["reproduction.json", "reproduced.npy"])
def test_half_a_record_is_a_problem(folder: Path, name: str) -> None:
    record(folder, wrong_by(90, 108))
    (folder / name).unlink()
    found = trust(folder)
    assert found.level == "scored"
    assert f"{name} cannot be read" in found.problems[0]


def test_a_submission_cannot_have_one(folder: Path) -> None:
    record(folder, wrong_by(90, 108))
    edit(folder / "entry.json", origin="submission")
    assert "a submission cannot be reproduced" in trust(folder).problems[0]


def test_a_record_that_cannot_be_written_leaves_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aenbench.leaderboard import reproduction as module

    write = module.write_whole

    def full(path: Path, content: bytes) -> None:
        if path.name == "reproduction.json":
            raise OutputError("no space")
        write(path, content)

    record(folder, wrong_by(90, 108))
    monkeypatch.setattr(module, "write_whole", full)
    with pytest.raises(OutputError):
        record(folder, wrong_by(90, 100))
    assert trust(folder).level == "scored"
    assert sorted(path.name for path in folder.iterdir()) == ["entry.json", "predictions.npy"]
