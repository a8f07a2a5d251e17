"""Entries of work done elsewhere; `test_attacks.py` has what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from aenbench.errors import EntryError
from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.entry_folder import read_entry
from aenbench.leaderboard.rescoring import rescore
from aenbench.leaderboard.submit import TEMPLATE, Submission, SubmittedSeed, read_submission, submit, write_template
from aenbench.leaderboard.verify import verify
from aenbench.scoring import score
from gdatasets.errors import OutputError
from gdatasets.generation.load import load_arrays
from gdatasets.groups.actions import ACTIONS

LABELS = load_arrays("g-digits", "aug2", "test").labels


@pytest.fixture
def guesses() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 10, (2, 360))


def give(place: Path, **arrays: np.ndarray) -> tuple[Path, Path, Path]:
    """The arguments of `submit` for an array."""
    np.savez_compressed(place / "preds.npz", **arrays)
    (place / "entry.yaml").write_text(TEMPLATE)
    return place / "preds.npz", place / "entry.yaml", place / "board"


def test_the_template_explains_every_field_and_can_be_submitted_as_it_is(tmp_path: Path) -> None:
    write_template(tmp_path / "entry.yaml")
    about = read_submission(tmp_path / "entry.yaml")
    given = yaml.safe_load(TEMPLATE)
    assert set(given) == set(Submission.model_fields) == about.model_fields_set
    assert set(given["seeds"][0]) == set(SubmittedSeed.model_fields)
    for line in TEMPLATE.splitlines():
        name = line.strip(" -").split(":")[0]
        if name in set(Submission.model_fields) - {"seeds"} and not line.startswith("#"):
            assert "#" in line, f"{name} is not explained"
    optional = {name for name, field in Submission.model_fields.items() if not field.is_required()}
    explained = {line.split(":")[0] for line in TEMPLATE.splitlines() if "# optional" in line and line[0] != " "}
    assert explained == optional
    with pytest.raises(OutputError, match=r"entry\.yaml exists"):
        write_template(tmp_path / "entry.yaml")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", ">i4", "int64", "uint64"])
def test_predictions_of_any_integer_type_are_scored(dtype: str, tmp_path: Path, guesses: np.ndarray) -> None:
    folder = submit(*give(tmp_path, predictions=guesses.astype(dtype)))
    entry, result, differences = rescore(folder)
    assert differences == []
    assert result == score(guesses.astype(np.uint8), LABELS)
    assert entry.accuracy.mean == result.mean == np.mean(guesses == LABELS)
    assert (entry.origin, entry.name, [seed.seed for seed in entry.seeds]) == ("submission", "my-network", [0, 1])
    assert np.array_equal(read_entry(folder)[1], guesses)
    assert verify(tmp_path / "board") == ([folder], [])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f8"])
def test_logits_of_any_float_type_give_the_predictions(dtype: str, tmp_path: Path) -> None:
    logits = np.random.default_rng(0).normal(size=(2, 360, 10)).astype(dtype)
    logits[0, 0, [2, 5]] = 100  # equals: the first one counts
    folder = submit(*give(tmp_path, logits=logits))
    predictions = read_entry(folder)[1]
    assert np.array_equal(predictions, logits.argmax(-1))
    assert predictions[0, 0] == 2
    assert verify(tmp_path / "board") == ([folder], [])


def test_the_paper_protocol_takes_its_own_images_only(tmp_path: Path, guesses: np.ndarray) -> None:
    predictions, meta, out = give(tmp_path, predictions=guesses)
    meta.write_text(TEMPLATE.replace("protocol: standard", "protocol: paper"))
    entry = read_entry(submit(predictions, meta, out))[0]
    assert entry.protocol == "paper"


def test_an_entry_is_replaced_only_when_asked(tmp_path: Path, guesses: np.ndarray) -> None:
    arguments = give(tmp_path, predictions=guesses)
    submit(*arguments)
    with pytest.raises(OutputError, match="--overwrite"):
        submit(*arguments)
    folder = submit(*give(tmp_path, predictions=(guesses + 1) % 10), overwrite=True)
    assert np.array_equal(read_entry(folder)[1], (guesses + 1) % 10)


def test_predictions_for_moved_images_give_invariance(tmp_path: Path, guesses: np.ndarray) -> None:
    moved = np.repeat(guesses[:, None], 12, axis=1)
    moved[:, 1, :90] = (moved[:, 1, :90] + 1) % 10
    np.savez_compressed(tmp_path / "moved.npz", moved=moved)
    predictions, meta, out = give(tmp_path, predictions=guesses)
    submit(predictions, meta, out, moved=tmp_path / "moved.npz")
    [row] = read_board(out).rows
    shares = {part.name: part.share for part in row.shown.details.invariance}
    assert shares == {**dict.fromkeys(ACTIONS, 1.0), "hflip": 0.75}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda moved: moved[:, :11], r"moved: expected integers \(2, 12, 360\), got"),
        (lambda moved: moved + 200, "does not exist in moved"),
        (lambda moved: moved.astype(float), "moved: expected integers"),
    ],
    ids=["shape", "class", "floats"],
)
def test_moved_predictions_of_another_form_are_refused(
    tmp_path: Path, guesses: np.ndarray, change: Callable[[np.ndarray], np.ndarray], said: str
) -> None:
    np.savez_compressed(tmp_path / "moved.npz", moved=change(np.repeat(guesses[:, None], 12, axis=1)))
    predictions, meta, out = give(tmp_path, predictions=guesses)
    with pytest.raises(EntryError, match=said):
        submit(predictions, meta, out, moved=tmp_path / "moved.npz")
    assert not out.exists() or not any(out.rglob("*.npy"))


@pytest.mark.parametrize("method", ["gcnn:c5", "mlp:big", "aen:greediest", "group:fly", "single:"])
def test_a_method_written_as_a_baseline_that_does_not_exist_is_refused(
    tmp_path: Path, guesses: np.ndarray, method: str
) -> None:
    """929b5b9: written, and verified without a word."""
    predictions, meta, out = give(tmp_path, predictions=guesses)
    meta.write_text(TEMPLATE.replace("method: my network ", f'method: "{method}" '))
    with pytest.raises(EntryError, match=rf'entry\.yaml: method: .*"{method}".*name of your own'):
        submit(predictions, meta, out)
    assert not out.exists()


@pytest.mark.parametrize("method", ["gcnn:c4", "mlp", "aen:greedy", "full attention", "vgg:16"])
def test_a_baseline_that_exists_and_a_name_of_ones_own_are_taken(
    tmp_path: Path, guesses: np.ndarray, method: str
) -> None:
    predictions, meta, out = give(tmp_path, predictions=guesses)
    meta.write_text(TEMPLATE.replace("method: my network ", f'method: "{method}" '))
    folder = submit(predictions, meta, out)
    assert verify(out) == ([folder], [])


def test_a_copy_with_one_changed_prediction_is_found_once_it_was_submitted(tmp_path: Path) -> None:
    """929b5b9: `verify` found nothing. Two seeds of one training, submitted by two authors, still raise nothing."""
    hard = np.random.default_rng(1).random(360) < 0.5
    honest = np.where(hard & (np.random.default_rng(2).random((4, 360)) < 0.6), (LABELS + 1) % 10, LABELS)
    predictions, meta, out = give(tmp_path, predictions=honest[:2])
    submit(predictions, meta, out)
    about = TEMPLATE.replace("name: my-network", "name: another").replace("Ada Lovelace", "Grace Hopper")
    for given, problems in ((honest[2:], 0), (np.where(np.arange(360) == 7, (honest[:2] + 1) % 10, honest[:2]), 2)):
        np.savez_compressed(predictions, predictions=given)
        meta.write_text(about)
        submit(predictions, meta, out, overwrite=True)
        found = verify(out)[1]
        assert len(found) == problems
        assert all(": near-copy: seed 0, 1 shares " in line for line in found)
        assert len([flag for row in read_board(out).rows for flag in row.flags]) == problems
