"""A board of 30 entries of which ten are hostile, in ten ways: the others stand as they would without them.

What 929b5b9 made of each of the ten, beside one good entry:

| entry | `verify` | `leaderboard` |
|---|---|---|
| size-4096 | verified | traceback: 256 TiB for an array |
| answers | verified | traceback: could not broadcast (28, 56) into (28, 28) |
| columns | verified | exit code 2, nothing written |
| seconds, parameters, chosen | verified | the typed numbers were shown; the first killed the browser's tab |
| nan, bomb, pipe, elsewhere | named | exit code 2, nothing written |
"""

import base64
import json
import math
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aenbench.cli import main as cli
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task

GOOD, TASKS = 20, (Task("g-digits", "aug1"), Task("g-digits", "d4"), Task("g-digits", "aug1", "paper"))

SEARCHES = ((0.5, 0.75),) * 2  # accuracies of the networks that each of two seeds trained

Attack = Callable[[Path], object]


def edit(**changes: object) -> Attack:
    def attack(folder: Path) -> None:
        path = folder / "entry.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return attack


def in_seeds(**changes: object) -> Attack:
    def attack(folder: Path) -> None:
        seeds = json.loads((folder / "entry.json").read_text())["seeds"]
        edit(seeds=[seed | changes for seed in seeds])(folder)

    return attack


def piped(folder: Path) -> None:
    (folder / "predictions.npy").unlink()
    os.mkfifo(folder / "predictions.npy")


def another_best(folder: Path) -> None:
    """The trials of a search whose best network is not the one that was chosen."""
    path = folder / "trials.csv"
    path.write_text(path.read_text().replace("0.75", "0.35"))


def with_answers(shape: tuple[int, ...] = (28, 28), **changes: object) -> Attack:
    """Made an entry of a dataset of nobody's, beside an answer sheet that agrees with it but for the changes."""

    def attack(folder: Path) -> None:
        digits = Images(TASKS[0])
        labels = digits.test_labels()
        shown = [int(sample) for label in range(10) for sample in np.flatnonzero(labels == label)[:3]]
        sheet = {
            "dataset": "pets",
            "dataset_version": "as-published",
            "configuration": "none",
            "test_content_sha256": digits.dataset.digest("test"),
            "classes": [f"pet {number}" for number in range(10)],
            "image_shape": shape,
            "train_images": 1_000,
            "validation_images": 300,
            "test_images": len(labels),
            "labels": base64.b64encode(labels.astype(np.uint8).tobytes()).decode(),
            "shown": shown,
            "pixels": base64.b64encode(bytes(len(shown) * math.prod(shape))).decode(),
        }
        edit(dataset="pets", configuration="none", dataset_version="as-published", image_size=shape[0])(folder)
        place = folder.parents[2] / "pets" / "none"
        place.mkdir(parents=True)
        folder.rename(place / folder.name)
        (place / "answers.json").write_text(json.dumps(sheet | changes))

    return attack


HOSTILE: dict[str, tuple[Attack, str]] = {
    "size-4096": (edit(image_size=4096), "image_size is 28 by the dataset, 4096 is stated"),
    "columns": (lambda folder: (folder / "trials.csv").write_text("seed,value\n0\n"), "trials.csv is malformed (its"),
    "answers": (with_answers((28, 56)), "image_shape: is (28, 56); expected square images"),
    "seconds": (in_seeds(training_seconds=1e300), "training_seconds: Input should be less than or equal to"),
    "parameters": (in_seeds(parameters=7), "parameters are 234,818 for actions hflip, 7 is stated"),
    "chosen": (another_best, "the best trial of trials.csv is actions rotation with accuracy 0.5000, actions hflip"),
    "nan": (in_seeds(chosen_by=float("nan")), "entry.json: "),
    "bomb": (lambda folder: (folder / "entry.json").write_text("[" * 500_000), "entry.json is nested too deeply"),
    "pipe": (piped, "predictions.npy is not a plain file"),
    "elsewhere": (edit(name="good-00"), "it belongs in g-digits/aug1/good-00"),
}
MORE: dict[str, tuple[Attack, str]] = {
    "size-3": (edit(image_size=3), "image_size is 28 by the dataset, 3 is stated"),
    "size-27": (edit(image_size=27), "image_size is 28 by the dataset, 27 is stated"),
    "negative": (in_seeds(search_seconds=-1.0), "search_seconds: Input should be greater than or equal to 0"),
    "infinite": (in_seeds(search_seconds=float("inf")), "search_seconds: Input should be a finite number"),
    "networks": (in_seeds(networks_trained=3), "networks_trained is 2 by trials.csv, 3 is stated"),
    "states": (in_seeds(states_visited=1), "states_visited is at least 2 by trials.csv, 1 is stated"),
    "many-parameters": (in_seeds(parameters=10**14), "parameters: Input should be less than or equal to"),
    "share": (in_seeds(chosen_by=0.501), "chosen_by is no share of the 300 images that choices are made by, 0.501"),
    "two-channels": (with_answers((28, 28, 2)), "image_shape: is (28, 28, 2); expected square images"),
    "odd-images": (with_answers((3, 3)), "single has no such network for these images: Expected an even image size"),
    "one-axis": (with_answers(image_shape=[784]), "image_shape: Tuple should have at least 2 items"),
    "empty-picture": (with_answers(shown=[], pixels=""), "shown is []; its labels give ["),
    "other-picture": (with_answers(shown=[0] * 30), "shown is [0, 0, 0, "),
    "classes": (with_answers(classes=["cat", "dog"]), "labels reach 9; expected 0 to 1"),
    "no-validation": (with_answers(validation_images=0), "validation_images is 0, expected 1 to train_images, 1,000"),
    "many-images": (with_answers(test_images=361), "labels: 360 bytes, expected uint8 (361,)"),
}


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory, make_entry) -> tuple[Path, Path]:
    """Twenty good entries; and the same with ten hostile ones among them."""
    place = tmp_path_factory.mktemp("boards")
    for number in range(GOOD):
        make_entry(place / "good", f"good-{number:02}", 60 + 4 * number, TASKS[number % len(TASKS)], seeds=2)
    shutil.copytree(place / "good", place / "mixed")
    for number, (name, (attack, _)) in enumerate(HOSTILE.items()):
        wrong = 60 * (number % 3)  # better than all others, or worse than some
        folder = make_entry(place / "mixed", f"{'ahz'[number % 3]}-{name}", wrong, seeds=2, searches=SEARCHES)
        attack(folder)
    return place / "good", place / "mixed"


def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code, and what was said on the error stream."""
    monkeypatch.setattr(sys, "argv", ["aenbench", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0), capsys.readouterr().err


def test_thirty_entries_of_which_ten_are_hostile(
    boards: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, mixed = boards
    assert call(monkeypatch, capsys, "leaderboard", "--dir", str(good)) == (0, "")
    code, said = call(monkeypatch, capsys, "leaderboard", "--dir", str(mixed))
    assert code == 1
    for name in ("README.md", "index.html", "results.json", "results.parquet"):
        assert (mixed / name).read_bytes() == (good / name).read_bytes()
    assert (good / "README.md").read_text().count("[good-") == GOOD
    for name, (_, sentence) in HOSTILE.items():
        lines = [line for line in said.splitlines() if f"-{name}" in line]
        assert lines, name
        assert all(sentence in line for line in lines), (name, lines)
    assert all(any(f"-{name}" in line for name in HOSTILE) for line in said.splitlines())
    assert call(monkeypatch, capsys, "leaderboard", "--check", "--dir", str(mixed)) == (1, said)
    assert call(monkeypatch, capsys, "verify", str(mixed)) == (1, said)


@pytest.mark.parametrize("name", [*HOSTILE, *MORE])
def test_each_of_them_alone_is_named_and_nothing_is_written(
    name: str, tmp_path: Path, make_entry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    attack, sentence = (HOSTILE | MORE)[name]
    folder = make_entry(tmp_path, f"a-{name}", 60, seeds=1, searches=SEARCHES[:1])
    assert call(monkeypatch, capsys, "verify", str(tmp_path)) == (0, "")  # before the attack it is an honest one
    attack(folder)
    code, said = call(monkeypatch, capsys, "leaderboard", "--dir", str(tmp_path))
    assert (code, said.count(f"a-{name}")) == (1, len(said.splitlines()) - 1)
    assert sentence in said
    assert said.endswith("no entry verifies, so nothing was written.\n")
    assert not (tmp_path / "README.md").exists()


def test_an_answer_sheet_that_agrees_is_no_attack(
    tmp_path: Path, make_entry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_answers()(make_entry(tmp_path, "honest", 60, seeds=1, searches=SEARCHES[:1]))
    assert call(monkeypatch, capsys, "leaderboard", "--dir", str(tmp_path)) == (0, "")
    assert call(monkeypatch, capsys, "verify", str(tmp_path)) == (0, "")


def test_a_board_inside_the_board_replaces_no_entry_and_scores_none(
    boards: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """929b5b9: of two entries of one place the later one was shown, and the first answer sheet scored both."""
    good, _ = boards
    shutil.copytree(good, tmp_path / "board", ignore=shutil.ignore_patterns("*.md", "*.html", "*.schema.json"))
    for inner in ("aaa", "zzz"):
        shutil.copytree(good / "g-digits/d4/good-01", tmp_path / "board" / inner / "g-digits/d4/good-01")
    code, said = call(monkeypatch, capsys, "leaderboard", "--dir", str(tmp_path / "board"))
    assert (code, said.count("it lies in a board inside a board; expected")) == (1, 2)
    assert call(monkeypatch, capsys, "leaderboard", "--dir", str(good))[0] == 0
    assert (tmp_path / "board/README.md").read_bytes() == (good / "README.md").read_bytes()
    assert call(monkeypatch, capsys, "verify", str(tmp_path / "board")) == (1, said)
