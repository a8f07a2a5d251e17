"""Results as data: the numbers of `verify`, in files that fit the entries, whoever wrote them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aenbench import load_history, load_leaderboard, load_predictions
from aenbench.errors import EntryError
from aenbench.leaderboard import board as boards
from aenbench.leaderboard.ground_truth import AnswerBook
from aenbench.leaderboard.render import drifted, write_generated
from aenbench.leaderboard.rescoring import check_entry
from aenbench.leaderboard.results import columns
from aenbench.scoring.scores import SCORES, Score, over_seeds
from aenbench.tasks.task import Task

PAPER = Task("g-digits", "aug1", "paper")
HISTORY = (
    b"seed,epoch,loss,accuracy,learning_rate\n0,1,2.5,0.25,0.001\n0,2,1.5,0.5,0.0005\n"
    b"1,1,2.25,0.5,0.001\n2,1,2.0,0.5,0.001\n"
)


@pytest.fixture
def board(tmp_path: Path, make_entry) -> Path:
    make_entry(tmp_path, "first", 20)
    make_entry(tmp_path, "as-good", 21, with_logits=True)
    make_entry(tmp_path, "worse", 150, seeds=2, stated={"search_seconds": None})
    make_entry(tmp_path, "papers", 5, PAPER, extras={"history.csv": HISTORY})
    assert write_generated(tmp_path)[1] == ()
    return tmp_path


@pytest.fixture
def nothing_is_recomputed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        pytest.fail("recomputed")

    monkeypatch.setattr(boards, "read_board", fail)


@pytest.mark.parametrize("recompute", [False, True])
def test_every_number_is_that_of_verify(board: Path, recompute: bool) -> None:
    frame = load_leaderboard(board, recompute=recompute)
    book = AnswerBook()
    seeds = 0
    for name, rows in frame.groupby("entry"):
        checked = check_entry(board / "g-digits" / "aug1" / str(name), book)
        assert rows.accuracy.tolist() == list(checked.score.per_seed)
        assert set(rows.accuracy_mean) == {checked.score.mean}
        assert rows.accuracy_low.iloc[0] == pytest.approx(checked.score.low, abs=1e-12)
        assert rows.accuracy_high.iloc[0] == pytest.approx(checked.score.high, abs=1e-12)
        error = checked.shown.scores["calibration-error"]
        assert rows.calibration_error.isna().all() == (error is None)
        assert error is None or rows.calibration_error.tolist() == pytest.approx(error.per_seed, abs=1e-12)
        assert rows.parameters.tolist() == [seed.parameters for seed in checked.entry.seeds]
        seeds += len(rows)
    assert len(frame) == seeds == 11
    assert frame[frame.entry == "worse"].search_seconds.isna().all()
    assert frame["rank"].tolist() == [1] * 6 + [3] * 2 + [1] * 3
    assert frame.groupby("entry").tied.first().to_dict() == {
        "first": "as-good",
        "as-good": "first",
        "worse": "",
        "papers": "",
    }


def test_the_rows_tell_what_was_recomputed_from_what_is_stated(board: Path) -> None:
    stated = set(load_leaderboard(board).stated.iloc[0].split())
    assert {"training_seconds", "search_seconds", "networks_trained", "chosen_by", "network"} <= stated
    assert stated.isdisjoint({"accuracy", "accuracy_low", "rank", "calibration_error", "parameters"})


def test_parameters_that_nobody_counted_are_stated(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "elsewhere", 20, origin="submission", method="a network of mine")
    assert "parameters" in load_leaderboard(tmp_path).stated.iloc[0].split()


def test_the_open_track_stands_apart(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "fixed", 40)
    make_entry(tmp_path, "open", 10, open_recipe={"epochs": 300})
    frame = load_leaderboard(tmp_path).drop_duplicates("entry").set_index("entry")
    assert frame.track.to_dict() == {"fixed": "fixed", "open": "open"}
    assert frame.recipe.to_dict() == {"fixed": "", "open": "300 epochs"}
    assert frame["rank"].tolist() == [1, 1]
    assert frame.train_images.isna().all()


def test_the_curve_of_few_training_images_is_in_the_results(tmp_path: Path, make_entry) -> None:
    for images, right in ((100, 20), (300, 40)):
        make_entry(tmp_path, f"mlp-open-n{images}", right, open_recipe={"images": images})
    frame = load_leaderboard(tmp_path)
    assert frame.groupby("entry").train_images.first().to_dict() == {"mlp-open-n100": 100, "mlp-open-n300": 300}
    assert all("train_images" in stated.split() for stated in frame.stated)


def test_the_three_forms_say_the_same(board: Path) -> None:
    frame = load_leaderboard(board)
    content = json.loads((board / "results.json").read_text())
    parquet = pq.read_table(board / "results.parquet")
    assert content["rows"] == parquet.to_pylist()
    assert parquet.column_names == list(content["columns"]) == list(frame) == [each.name for each in columns()]
    assert json.loads(parquet.schema.metadata[b"aenbench-results"])["entries"] == content["entries"]
    pd.testing.assert_frame_equal(load_leaderboard(board / "results.json"), frame)


@pytest.mark.usefixtures("nothing_is_recomputed")
def test_what_fits_is_read_without_recomputing(board: Path) -> None:
    assert len(load_leaderboard(board)) == 11
    for folder in ("g-digits", "README.md"):  # a file alone is taken at its word
        (board / folder).rename(board.parent / f"moved-{folder}")
    assert len(load_leaderboard(board)) == 11


def _forge(board: Path) -> None:
    """Another accuracy in the file alone, which no digest of the entries tells: `--check` does."""
    path = board / "results.json"
    path.write_text(path.read_text().replace('"accuracy": 0.9', '"accuracy": 1.0'))


def one_more(board: Path, make) -> None:
    make(board, "another", 30)


def another(board: Path, make) -> None:
    make(board, "first", 25)


def one_less(board: Path, make) -> None:  # noqa: ARG001
    (board / "g-digits/aug1/worse").rename(board.parent / f"{board.name}-worse")


def reviewed(board: Path, make) -> None:  # noqa: ARG001
    (board / "reviews.json").write_text("{}")


def damaged(board: Path, make) -> None:  # noqa: ARG001
    (board / "results.json").write_text("{}")


def missing(board: Path, make) -> None:  # noqa: ARG001
    (board / "results.json").unlink()


@pytest.mark.parametrize("change", [one_more, another, one_less, reviewed, damaged, missing])
def test_what_does_not_fit_is_recomputed(board: Path, make_entry, change: Callable[..., None]) -> None:
    change(board, make_entry)
    found = load_leaderboard(board)
    pd.testing.assert_frame_equal(found, load_leaderboard(board, recompute=True))
    assert len(found) == {one_more: 14, one_less: 9}.get(change, 11)


def test_an_entry_that_is_refused_changes_no_row(board: Path, make_entry) -> None:
    before, bytes_before = load_leaderboard(board), (board / "results.parquet").read_bytes()
    make_entry(board, "broken", 10, extras={"trials.csv": b"no table"})
    with pytest.warns(UserWarning, match="^Left out, because they do not verify: ") as warned:
        pd.testing.assert_frame_equal(load_leaderboard(board), before)
    text = str(warned[0].message)
    assert warned[0].filename == __file__
    assert "broken/trials.csv" in text
    assert "\n" not in text
    assert len(write_generated(board)[1]) == 1
    assert (board / "results.parquet").read_bytes() == bytes_before


def test_a_warning_about_many_entries_stays_short(board: Path) -> None:
    for number in range(13):
        folder = board / "g-digits/aug1" / f"broken-{number:02}"
        folder.mkdir()
        (folder / "entry.json").write_text("{")
    with pytest.warns(UserWarning, match=r"broken-09.*; and 3 more\. Run `aenbench verify`\.$") as warned:
        assert len(load_leaderboard(board)) == 11
    assert "broken-10" not in str(warned[0].message)


@pytest.mark.parametrize("name", ["results.json", "results.parquet"])
def test_a_forged_file_is_drift_and_another_writer_is_not(board: Path, name: str) -> None:
    assert drifted(board)[0] == []
    path = board / name
    if name == "results.json":
        _forge(board)
    else:
        table = pq.read_table(path)
        pq.write_table(table, path, compression="gzip")
        assert drifted(board)[0] == []
        forged = table.set_column(
            table.column_names.index("accuracy"), table.field("accuracy"), pa.array([1.0] * len(table))
        )
        pq.write_table(forged.replace_schema_metadata(table.schema.metadata), path)
    assert drifted(board)[0] == [path]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"seed": 0', '"seed": "0"', "rows.0.seed: expected int, got 0"),
        ('"rank": 1', '"rank": true', "rows.0.rank: expected int, got True"),
        ('"rank": 1', '"rank": null', "rows.0.rank: expected int, got None"),
        ('"seed": 0', '"seed": 1e400', "seed"),
        ('"seed": 0,', "", "rows.0 has other columns"),
        ('"rows": [', '"rows": [[], ', "rows.0"),
        ('"single"', '"\\u001b[2J"', "holds the control or invisible character U+001B"),
        ('"schema_version": 1', '"schema_version": 9', "schema_version"),
        ('"seed": "number', '"sead": "number', "expected the columns dataset, dataset_version"),
    ],
)
def test_a_malformed_file_is_refused_in_one_line(board: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (board / "results.json").read_text()
    assert old in text
    file = tmp_path / "other.json"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(EntryError, match=said.replace(".", r"\.").replace("+", r"\+")) as raised:
        load_leaderboard(file)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["nowhere", "no/such/folder", "../nowhere/there"])
def test_a_board_that_is_nowhere_is_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EntryError, match="does not exist; name a folder of entries"):
        load_leaderboard(name)
    with pytest.raises(EntryError, match="the Hub cannot be reached"):
        load_leaderboard("owner/name")


def test_a_registered_score_has_a_column(tmp_path: Path, make_entry) -> None:
    make_entry(tmp_path, "one", 40)
    SCORES.register("sevens", Score("sevens, %", lambda e: over_seeds((e.predictions == 7).mean(axis=1))))
    try:
        seen = load_leaderboard(tmp_path).sevens
        predictions = load_predictions("g-digits", "aug1", "one", tmp_path)
        assert seen.tolist() == pytest.approx([(predictions[seed] == 7).mean() for seed in range(3)], abs=1e-12)
    finally:
        SCORES.unregister("sevens")
    assert "sevens" not in load_leaderboard(tmp_path)


def test_predictions_give_the_accuracy_of_each_seed(board: Path) -> None:
    frame = load_leaderboard(board).query("entry == 'worse'")
    predictions = load_predictions("g-digits", "aug1", "worse", board)
    assert list(predictions) == ["label", 0, 1]
    for seed, accuracy in zip(frame.seed, frame.accuracy, strict=True):
        assert (predictions[seed] == predictions.label).mean() == accuracy
    with pytest.raises(EntryError, match="cannot be read"):
        load_predictions("g-digits", "aug1", "nobody", board)


def test_histories_have_a_row_for_each_pass(board: Path) -> None:
    frame = load_history("g-digits", "aug1", "papers", board)
    assert frame.to_dict("list") == {
        "seed": [0, 0, 1, 2],
        "pass": [1, 2, 1, 1],
        "loss": [2.5, 1.5, 2.25, 2.0],
        "accuracy": [0.25, 0.5, 0.5, 0.5],
        "rate": [0.001, 0.0005, 0.001, 0.001],
    }
    assert load_history("g-digits", "aug1", "first", board).empty
    entries = load_leaderboard(board).set_index("entry")
    assert not entries.converged["papers"].any()
    assert set(entries.still_rising["papers"]) == {0.25}
    assert entries.converged["first"].isna().all()


def test_what_fits_is_read_without_torch(board: Path) -> None:
    code = (
        "import sys, aenbench\n"
        "assert not {'pandas', 'torch', 'pyarrow'} & set(sys.modules)\n"
        "assert len(aenbench.load_leaderboard(sys.argv[1])) == 11\n"
        "assert 'torch' not in sys.modules, 'torch'\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(board)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
