"""Detectors: each raises its flag on what it is for, and on nothing else."""

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from aenbench.errors import EntryError
from aenbench.leaderboard.anomalies import find_flags
from aenbench.leaderboard.entry import Entry, Interval, SeedResult
from aenbench.leaderboard.entry_arrays import encode_predictions
from aenbench.leaderboard.entry_folder import write_entry
from aenbench.leaderboard.flags import Flag, read_reviews, stale_reviews
from aenbench.leaderboard.ground_truth import AnswerBook
from aenbench.leaderboard.rescoring import Checked
from aenbench.leaderboard.verify import verify
from aenbench.scoring import score
from aenbench.tasks.task import Task

TASK = Task("g-digits", "aug1")
BOOK = AnswerBook()
DIFFICULTY = np.random.default_rng(0).beta(0.5, 2, len(BOOK.of(TASK).labels))  # of each image, for everybody


def honest(name: str, skill: float = 1.0, seeds: int = 2) -> np.ndarray:
    """Predictions (seeds, n) of something that errs on difficult images, the less the greater its skill."""
    labels, generator = BOOK.of(TASK).labels, np.random.default_rng(list(name.encode()))
    wrong = generator.random((seeds, len(labels))) < DIFFICULTY**skill
    return np.where(wrong, (labels + generator.integers(1, 10, wrong.shape)) % 10, labels).astype(np.uint8)


def entry_of(name: str, predictions: np.ndarray, **changes: object) -> Checked:
    answers = BOOK.of(TASK)
    result = score(predictions, answers.labels)
    entry = Entry(
        name=name,
        origin="submission",
        method="a test",
        dataset=TASK.dataset,
        dataset_version="1.0.0",
        configuration=TASK.configuration,
        test_content_sha256=answers.digest,
        protocol=TASK.protocol.name,
        budget="quick",
        seeds=tuple(SeedResult(seed=k, parameters=1, accuracy=value) for k, value in enumerate(result.per_seed)),
        accuracy=Interval(mean=result.mean, low=result.low, high=result.high),
        predictions_sha256=hashlib.sha256(encode_predictions(predictions)).hexdigest(),
        created="2026-01-01T00:00:00+00:00",
    ).model_copy(update=changes)
    return Checked(Path("a") / TASK.dataset / TASK.configuration / name, entry, predictions, result, ())


def board(*more: Checked) -> list[Checked]:
    return [*(entry_of(name, honest(name)) for name in ("first", "second", "third")), *more]


def codes(flags: Sequence[Flag]) -> set[tuple[str, str]]:
    return {(flag.key.rpartition("/")[2], flag.code) for flag in flags}


def test_honest_entries_raise_none() -> None:
    assert find_flags(board(entry_of("better", honest("better", 1.5))), BOOK) == []


def test_a_seed_that_is_there_twice_is_found() -> None:
    row = honest("twice", seeds=1)
    flags = find_flags(board(entry_of("twice", np.concatenate([row, row]))), BOOK)
    assert codes(flags) == {("twice", "repeated-seed")}
    numbered = entry_of("twice", honest("twice"))
    seeds = tuple(seed.model_copy(update={"seed": 7}) for seed in numbered.entry.seeds)
    flags = find_flags(board(entry_of("twice", honest("twice"), seeds=seeds)), BOOK)
    assert codes(flags) == {("twice", "repeated-seed")}
    assert "number 7" in flags[0].message


def test_an_accuracy_that_no_count_gives_is_found() -> None:
    seeds = (SeedResult(seed=0, parameters=1, accuracy=0.7001), SeedResult(seed=1, parameters=1, accuracy=0.7))
    flags = find_flags(board(entry_of("typed", honest("typed"), seeds=seeds)), BOOK)
    assert codes(flags) == {("typed", "off-grid")}
    assert "seed 0" in flags[0].message


def test_a_digest_that_is_not_the_pinned_one_is_found() -> None:
    flags = find_flags(board(entry_of("other", honest("other"), test_content_sha256="0" * 64)), BOOK)
    assert codes(flags) == {("other", "wrong-digest")}


def test_the_labels_themselves_are_found() -> None:
    labels = BOOK.of(TASK).labels.astype(np.uint8)
    flags = find_flags([entry_of("alone", labels[None])], BOOK)
    assert codes(flags) == {("alone", "label-leak")}


def test_entries_of_other_tasks_are_not_compared() -> None:
    paper = [entry_of(each.entry.name, each.predictions, protocol="paper") for each in board()[:1]]
    assert find_flags([*board(), *paper], BOOK) == []  # 360 test images under either protocol


def test_reviews_acknowledge_one_flag_of_one_entry(tmp_path: Path) -> None:
    same = honest("same")
    for name in ("one", "two"):
        checked = entry_of(name, same)
        folder = tmp_path / TASK.dataset / TASK.configuration / name
        write_entry(folder, checked.entry, encode_predictions(same), {})
    assert len(verify(tmp_path)[1]) == 2
    reviews = {f"g-digits/aug1/{name}": {"same-predictions": "the same, renamed"} for name in ("one", "two")}
    path = tmp_path / "reviews.json"
    path.write_text(json.dumps({"g-digits/aug1/one": reviews["g-digits/aug1/one"]}))
    [problem] = verify(tmp_path)[1]
    assert problem.startswith("g-digits/aug1/two: same-predictions: ")
    path.write_text(json.dumps(reviews))
    assert verify(tmp_path)[1] == []
    assert verify(tmp_path / "g-digits" / "aug1" / "one")[1] == []  # a part of a board cannot tell what is stale
    reviews["g-digits/aug1/one"]["label-leak"] = "none there"
    path.write_text(json.dumps(reviews))
    assert verify(tmp_path)[1] == ["reviews.json: g-digits/aug1/one has no flag label-leak; remove the review."]
    assert stale_reviews([], {}) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a/b/c": {"no-such-code": "x"}}', "no-such-code"),
        ('{"a/b/c": {"implausible-jump": "a code of 929b5b9"}}', "implausible-jump"),
        ('{"a/b/c": {"off-grid": ""}}', "off-grid"),
        ('{"../b": {"off-grid": "x"}}', "../b"),
        ('{"a/b/c": {"off-grid": "x", "off-grid": "y"}}', "appears twice"),
        ("[]", "reviews.json"),
        (" " * (1 << 20) + "{}", "larger than"),
    ],
)
def test_reviews_are_read_strictly(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "reviews.json").write_text(content)
    with pytest.raises(EntryError, match=said.replace(".", r"\.")):
        read_reviews(tmp_path)


BASELINES = ("mlp", "full", "single", "single:rotation", "aen", "aen:greedy", "gcnn:c4", "gcnn-aen", "gcnn-aen:random")
GROUPS = ("group:trivial", "group:hflip,rotation", f"group:sha256-{'0' * 64}", "group:mine:TURN")


@pytest.mark.parametrize("method", [*BASELINES, *GROUPS, "aen:my.module:search"])
def test_methods_that_exist_raise_no_flag(method: str) -> None:
    for origin in ("baseline", "submission"):
        assert find_flags(board(entry_of("known", honest("known"), origin=origin, method=method)), BOOK) == []


@pytest.mark.parametrize(
    "method",
    [
        "gcnn:c5",
        "gcnn",
        "mlp:big",
        "single:fly",
        "aen:greediest",
        "group",
        "group:fly",
        "group:sha256-0",
        "aen: greedy",
    ],
)
def test_a_baseline_that_does_not_exist_is_found(method: str) -> None:
    """929b5b9: no flag; the method of an entry was never looked up."""
    flags = find_flags(board(entry_of("claims", honest("claims"), origin="baseline", method=method)), BOOK)
    assert codes(flags) == {("claims", "unknown-method")}
    assert method in flags[0].message
    if " " not in method:
        submitted = entry_of("claims", honest("claims"), method=method)
        assert codes(find_flags(board(submitted), BOOK)) == {("claims", "unknown-method")}


@pytest.mark.parametrize("method", ["my network", "resnet-18", "full attention", "our:network", "MLP"])
def test_the_method_of_a_submission_is_free_text(method: str) -> None:
    assert find_flags(board(entry_of("free", honest("free"), method=method)), BOOK) == []
    claims = entry_of("free", honest("free"), method=method, origin="baseline")
    assert codes(find_flags(board(claims), BOOK)) == {("free", "unknown-method")}


def test_the_method_of_a_model_is_an_import_path() -> None:
    assert find_flags(board(entry_of("own", honest("own"), method="mine:Network", origin="model")), BOOK) == []


def test_two_hundred_entries_take_less_than_two_seconds() -> None:
    generator = np.random.default_rng(3)
    entries = [entry_of(f"e{k}", generator.integers(0, 10, (5, 360)).astype(np.uint8)) for k in range(200)]
    started = time.process_time()
    find_flags(entries, BOOK)
    assert time.process_time() - started < 2
