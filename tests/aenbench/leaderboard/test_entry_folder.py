"""Entries on disk; `test_attacks.py` has what is refused."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from aenbench.errors import EntryError
from aenbench.leaderboard.entry_arrays import encode_logits
from aenbench.leaderboard.entry_folder import MAX_BYTES, check_free, find_entries, read_entry, read_file, read_logits
from aenbench.leaderboard.rescoring import rescore
from gdatasets.errors import OutputError


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_entry_holds_its_files_and_nothing_else(tmp_path: Path, make_entry) -> None:
    folder = make_entry(tmp_path, "guess", 90, with_logits=True)
    assert listing(folder) == ["entry.json", "logits.npy", "predictions.npy"]
    with pytest.raises(OutputError, match=r"cannot hold notes\.txt"):
        make_entry(tmp_path, "other", 90, extras={"notes.txt": b"x"})
    with pytest.raises(OutputError, match=r"cannot hold trials\.csv of 16,777,217 bytes"):
        make_entry(tmp_path, "other", 90, extras={"trials.csv": bytes(MAX_BYTES["trials.csv"] + 1)})
    assert listing(folder.parent) == ["guess"]


def test_an_entry_is_not_replaced_unasked_and_leaves_nothing_beside_it(tmp_path: Path, make_entry) -> None:
    folder = make_entry(tmp_path, "guess", 90, with_logits=True)
    with pytest.raises(OutputError, match="--overwrite"):
        check_free(folder, overwrite=False)
    check_free(folder, overwrite=True)
    make_entry(tmp_path, "guess", 10)
    assert rescore(folder)[1].per_seed[0] == 350 / 360
    assert listing(folder) == ["entry.json", "predictions.npy"]
    assert listing(folder.parent) == ["guess"]


@pytest.mark.parametrize("call", ["gdatasets.journal.write_whole", "pathlib.Path.replace"])
def test_a_failed_write_leaves_the_older_entry(
    call: str, tmp_path: Path, make_entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_entry(tmp_path, "guess", 90)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    replace = Path.replace

    def full(path: Path, *arguments: object) -> Path:
        if path.parent.name != "new" and "write_whole" not in call:  # only the new one cannot take its place
            return replace(path, *arguments)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call, full)
    with pytest.raises(OutputError, match="No space left on device"):
        make_entry(tmp_path, "guess", 10)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert listing(folder.parent) == ["guess"]


def test_entries_are_found_and_hidden_folders_passed_over(tmp_path: Path, make_entry) -> None:
    with pytest.raises(EntryError, match=r"holds no entry\.json"):
        find_entries(tmp_path)
    one, two = make_entry(tmp_path, "one", 90), make_entry(tmp_path, "two", 80)
    (tmp_path / "README.md").write_text("generated")
    (two.parent / ".two.x" / "whole").mkdir(parents=True)
    assert find_entries(tmp_path) == [one, two]
    assert find_entries(one) == [one]
    link = tmp_path / "g-digits" / "linked"
    link.symlink_to(one.parent)
    assert find_entries(tmp_path) == [one, two, link]


def test_tables_beside_entries_are_passed_over_and_nothing_else_is(tmp_path: Path) -> None:
    for name in ("tables/g-mnist/aug2", "g-mnist/aug2/mlp"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "g-mnist/aug2/mlp/entry.json").touch()
    (tmp_path / "tables/g-mnist/aug2/aen-standard.parquet").touch()
    assert find_entries(tmp_path) == [tmp_path / "g-mnist/aug2/mlp"]
    (tmp_path / "tables/g-mnist/aug2/predictions.npy").touch()
    assert tmp_path / "tables/g-mnist/aug2" in find_entries(tmp_path)


def test_a_board_may_be_reached_through_a_link(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path / "real", "one", 90)
    (tmp_path / "board").symlink_to(tmp_path / "real")
    [folder] = find_entries(tmp_path / "board")
    assert read_entry(folder)[0].name == "one"


def test_a_file_that_grows_while_it_is_read_is_not_read_on(
    tmp_path: Path, make_entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_entry(tmp_path, "one", 90)
    look = os.fstat

    def then_grow(descriptor: int) -> os.stat_result:
        about = look(descriptor)
        with (folder / "entry.json").open("ab") as stream:
            stream.truncate(1 << 32)
        return about

    monkeypatch.setattr("aenbench.leaderboard.entry_folder.os.fstat", then_grow)
    with pytest.raises(EntryError, match=r"entry\.json is larger than"):
        read_file(folder, "entry.json")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 30.0, 6e4])
def test_rounding_keeps_the_maximum_and_the_probabilities(dtype: str, scale: float) -> None:
    logits = (np.random.default_rng(3).normal(size=(2, 500, 10)).clip(-1, 1) * scale).astype(dtype)
    kept = np.load(io.BytesIO(encode_logits(logits)))
    assert kept.dtype == np.float16
    assert kept.shape == logits.shape
    largest = np.take_along_axis(kept, logits.argmax(-1)[..., None], -1)[..., 0]
    assert np.array_equal(largest, kept.max(-1))
    assert (largest == 0).all()
    exact, rounded = (softmax(values.astype(np.float64), axis=-1) for values in (logits, kept))
    assert np.abs(exact - rounded).max() < 2e-3


def test_logits_that_would_overflow_stay_finite() -> None:
    kept = np.load(io.BytesIO(encode_logits(np.array([[[1e308, -1e308, 0.0], [7e4, 0.0, -7e4]]]))))
    assert kept.tolist() == [[[0.0, -65504.0, -65504.0], [0.0, -65504.0, -65504.0]]]
    with pytest.raises(EntryError, match="NaN or infinity"):
        encode_logits(np.array([[[0.0, np.inf]]]))


def test_logits_are_read_as_they_were_written(tmp_path: Path, make_entry) -> None:
    folder = make_entry(tmp_path, "one", 90, with_logits=True)
    entry, predictions = read_entry(folder)
    logits = read_logits(folder, entry, predictions, 10)
    assert logits is not None
    assert np.array_equal(logits.argmax(-1), predictions)
    assert entry.logits_sha256 == hashlib.sha256((folder / "logits.npy").read_bytes()).hexdigest()
    bare = make_entry(tmp_path, "two", 80)
    assert read_logits(bare, *read_entry(bare), 10) is None
