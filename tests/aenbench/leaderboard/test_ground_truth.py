"""Entries about somebody's own images are recomputed where those images are not."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aenbench.errors import EntryError
from aenbench.leaderboard.ground_truth import read_sheet
from aenbench.leaderboard.render import drifted, write_generated
from aenbench.leaderboard.submit import TEMPLATE, submit
from aenbench.leaderboard.verify import verify
from aenbench.tasks.task import Task
from gdatasets.errors import SourceError

COUNTS = {"train": 6, "test": 5}
TASK = Task("pets", "none")


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """A board with one entry about tmp_path/data/pets, and its generated files."""
    generator = np.random.default_rng(0)
    for split, count in COUNTS.items():
        for name in ("cat", "dog"):
            folder = tmp_path / "data" / "pets" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    np.savez(tmp_path / "preds.npz", predictions=generator.integers(0, 2, (2, 10)))
    meta = TEMPLATE.replace("dataset: g-digits", "dataset: pets").replace("configuration: aug2", "configuration: none")
    (tmp_path / "entry.yaml").write_text(meta)
    submit(tmp_path / "preds.npz", tmp_path / "entry.yaml", tmp_path / "board", tmp_path / "data")
    write_generated(tmp_path / "board", tmp_path / "data")
    return tmp_path / "board"


@pytest.fixture
def alone(board: Path) -> Path:
    """The board, where the images are not."""
    shutil.rmtree(board.parent / "data" / "pets")
    return board


def sheet(board: Path) -> Path:
    return board / "pets" / "none" / "answers.json"


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_without_the_images_everything_is_the_same(alone: Path) -> None:
    root = alone.parent / "data"
    assert verify(alone, root)[1] == []
    assert drifted(alone, root) == ([], ())
    predictions = next(alone.rglob("predictions.npy"))
    content = predictions.read_bytes()
    predictions.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "was changed" in verify(alone, root)[1][0]


def test_where_the_images_are_the_sheet_is_checked_and_not_read(board: Path) -> None:
    root = board.parent / "data"
    edit(sheet(board), labels="AAAAAAAAAAAAAA==")
    assert verify(board, root)[1] == []
    assert drifted(board, root) == ([sheet(board)], ())


def test_a_sheet_holds_only_the_images_that_are_shown(board: Path) -> None:
    dataset = read_sheet(sheet(board), TASK)
    images, labels = dataset.read("test")
    assert labels.tolist() == [0] * 5 + [1] * 5
    assert [number for number, image in enumerate(images) if image.any()] == [0, 1, 2, 5, 6, 7]
    for use in (dataset.read, dataset.digest):
        with pytest.raises(SourceError, match="pets is not at hand; give --root"):
            use("train")


def test_a_dataset_that_can_be_fetched_is_never_scored_by_a_sheet(alone: Path) -> None:
    root = alone.parent / "data"
    for name in ("svhn", "g-mnist"):
        shutil.copytree(alone / "pets", alone / name)
        edit(alone / name / "none" / "answers.json", dataset=name)
        edit(alone / name / "none" / "my-network" / "entry.json", dataset=name)
    problems = "\n".join(verify(alone, root)[1])
    assert "svhn" in problems
    assert "g-mnist" in problems
    sheet(alone).unlink()
    [problem] = drifted(alone / "pets", root)[1]
    assert 'Unknown dataset "pets"' in problem


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": "AAA="}, r"answers\.json: labels: 2 bytes, expected uint8 \(10,\)"),
        ({"labels": "AAAAAAAAAAAAA!=="}, r"answers\.json: labels: "),
        ({"labels": "CQkJCQkJCQkJCQ=="}, "labels reach 9; expected 0 to 1"),
        ({"shown": [99] * 6}, r"shown is \[99, .*; its labels give \[0, 1, 2, 5, 6, 7\]"),
        ({"pixels": ""}, r"pixels: 0 bytes"),
        ({"dataset": "other"}, r"is about other/none"),
        ({"image_shape": [8]}, "image_shape"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_malformed_sheet_is_one_clear_line(alone: Path, changes: dict[str, object], said: str) -> None:
    edit(sheet(alone), **changes)
    with pytest.raises(EntryError, match=said):
        read_sheet(sheet(alone), TASK)
    [problem] = verify(alone, alone.parent / "data")[1]
    assert "answers.json" in problem
