"""Entries: whole or absent, recomputed from their predictions, never trusted."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from aenbench.data import Task
from aenbench.errors import EntryError
from aenbench.leaderboard import (
    Entry,
    Interval,
    SeedResult,
    check_free,
    encode_predictions,
    entry_folder,
    find_entries,
    read_board,
    read_entry,
    render,
    rescore,
    verify,
    write_entry,
)
from aenbench.scoring import score
from gdatasets.errors import OutputError
from gdatasets.load import load_arrays
from gdatasets.specs import pinned_digest

TASK = Task("g-digits", "aug1")


def write(base: Path, name: str = "guess", wrong: int = 90, seeds: int = 2, **changes: object) -> Path:
    """A truthful entry whose seed s has `wrong + s` wrong predictions; `changes` replace fields of it."""
    labels = load_arrays(TASK.dataset, TASK.configuration, "test").labels
    predictions = np.tile(labels, (seeds, 1)).astype(np.uint8)
    for seed in range(seeds):
        predictions[seed, : wrong + seed] = (predictions[seed, : wrong + seed] + 1) % 10
    result = score(predictions, labels)
    encoded = encode_predictions(predictions)
    entry = Entry(
        name=name,
        origin="baseline",
        method="mlp",
        dataset=TASK.dataset,
        dataset_version="1.0.0",
        configuration=TASK.configuration,
        test_content_sha256=pinned_digest(TASK.dataset, TASK.configuration, "test"),
        protocol="standard",
        budget="quick",
        seeds=tuple(
            SeedResult(
                seed=seed,
                actions=("hflip",),
                parameters=1_000 + seed,
                networks_trained=7,
                states_visited=9,
                search_seconds=1.5,
                training_seconds=2.5,
                chosen_by=0.5,
                accuracy=accuracy,
            )
            for seed, accuracy in enumerate(result.per_seed)
        ),
        accuracy=Interval(mean=result.mean, low=result.low, high=result.high),
        predictions_sha256=hashlib.sha256(encoded).hexdigest(),
        command="aenbench run",
        hardware="a test",
        software={},
        created="2026-01-01T00:00:00+00:00",
    ).model_copy(update=changes)
    folder = entry_folder(base, TASK.dataset, TASK.configuration, name)
    write_entry(folder, entry, encoded, {"note.txt": b"kept"})
    return folder


def edit(folder: Path, **changes: object) -> None:
    path = folder / "entry.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def replace_predictions(folder: Path, content: bytes) -> None:
    """Other predictions, with an entry that names their digest."""
    (folder / "predictions.npy").write_bytes(content)
    edit(folder, predictions_sha256=hashlib.sha256(content).hexdigest())


def test_a_truthful_entry_verifies(tmp_path: Path) -> None:
    folder = write(tmp_path)
    entry, result, differences = rescore(folder)
    assert differences == []
    assert result.per_seed == (270 / 360, 269 / 360)
    assert entry.accuracy.mean == result.mean
    assert verify(tmp_path) == ([folder], [])
    assert sorted(path.name for path in folder.iterdir()) == ["entry.json", "note.txt", "predictions.npy"]


def test_edited_predictions_are_found(tmp_path: Path) -> None:
    folder = write(tmp_path)
    content = bytearray((folder / "predictions.npy").read_bytes())
    content[-1] ^= 1
    (folder / "predictions.npy").write_bytes(content)
    [problem] = verify(tmp_path)[1]
    assert "predictions.npy was changed" in problem
    replace_predictions(folder, bytes(content))
    problems = verify(tmp_path)[1]
    assert any("seed 1: accuracy is" in problem for problem in problems)
    assert any("accuracy mean is" in problem for problem in problems)


def test_a_number_that_was_typed_is_found(tmp_path: Path) -> None:
    folder = write(tmp_path)
    edit(folder, accuracy={"mean": 0.99, "low": 0.98, "high": 1.0})
    problems = verify(tmp_path)[1]
    assert len(problems) == 3
    with pytest.raises(EntryError, match=r"0\.990000 is stated"):
        read_board(tmp_path)


def npy(array: np.ndarray, **arguments: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **arguments)
    return buffer.getvalue()


RIGHT = np.zeros((2, 360), dtype=np.uint8)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        encode_predictions(RIGHT)[:-1],
        encode_predictions(RIGHT) + b"\0",
        encode_predictions(RIGHT[:1]),
        encode_predictions(RIGHT[:, :100]),
        npy(RIGHT.astype(np.int64)),
        npy(np.asfortranarray(RIGHT)),
        npy(np.array([[None] * 360] * 2), allow_pickle=True),
        encode_predictions(RIGHT).replace(b"(2, 360)", b"(9, 360)"),
    ],
    ids=["empty", "magic", "short", "long", "seeds", "images", "int64", "fortran", "objects", "header"],
)
def test_predictions_of_another_form_are_refused(tmp_path: Path, content: bytes) -> None:
    folder = write(tmp_path)
    replace_predictions(folder, content)
    with pytest.raises(EntryError, match=r"predictions\.npy"):
        read_entry(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"accuracy": {"mean": float("nan"), "low": 0, "high": 1}}, "accuracy.mean"),
        ({"schema_version": 1}, "schema_version"),
        ({"name": "../../etc"}, "name"),
        ({"seeds": []}, "seeds"),
        ({"surprise": 1}, "surprise"),
        ({"test_content_sha256": "0" * 64}, "test_content_sha256 is not that of g-digits 1.0.0"),
        ({"name": "another"}, "it belongs in g-digits/aug1/another"),
        ({"dataset": "g-mnis"}, 'Unknown dataset "g-mnis"'),
        ({"dataset_version": "9.0.0"}, "g-digits 9.0.0 is not at hand, but 1.0.0"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    edit(write(tmp_path), **changes)
    problems = verify(tmp_path)[1]
    assert any(said in problem for problem in problems), problems


def test_a_class_that_does_not_exist_is_found(tmp_path: Path) -> None:
    folder = write(tmp_path)
    predictions = read_entry(folder)[1].copy()
    predictions[0, 0] = 200
    replace_predictions(folder, encode_predictions(predictions))
    assert any("class 200 does not exist" in problem for problem in verify(tmp_path)[1])


def test_missing_and_oversized_files_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "predictions.npy").unlink()
    assert "predictions.npy cannot be read" in verify(tmp_path)[1][0]
    (folder / "entry.json").write_bytes(b" " * (1 << 20) + b"{}")
    assert "larger than" in verify(tmp_path)[1][0]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(EntryError, match=r"holds no entry\.json"):
        find_entries(empty)


def test_the_table_shows_recomputed_scores_best_first(tmp_path: Path) -> None:
    write(tmp_path, "worse", wrong=120, seeds=1)
    write(tmp_path, "better", wrong=30)
    text = render(read_board(tmp_path))
    assert text.index("[better]") < text.index("[worse]")
    assert "| 91.53 [" in text
    assert "| 1,000 to 1,001 | 7 | 2 + 2 | hflip |" in text


def test_an_entry_is_not_replaced_unasked_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    folder = write(tmp_path)
    with pytest.raises(OutputError, match="--overwrite"):
        check_free(folder, overwrite=False)
    check_free(folder, overwrite=True)
    write(tmp_path, wrong=10)
    assert rescore(folder)[1].per_seed[0] == 350 / 360
    assert [path.name for path in folder.parent.iterdir()] == ["guess"]
    assert not (folder / "replaced").exists()


def test_a_failed_write_leaves_the_older_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aenbench.leaderboard.files.write_whole", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write(tmp_path, wrong=10)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["guess"]
