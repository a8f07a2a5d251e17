"""Entries about somebody's own images are recomputed where those images are not."""

import base64
import json
import resource
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


def test_a_sheet_in_another_folder_scores_nobody(alone: Path) -> None:
    """929b5b9: the first sheet that was met, here `aaa`'s, scored every entry about the dataset that it names."""
    shutil.copytree(alone / "pets", alone / "aaa")
    edit(alone / "aaa" / "none" / "answers.json", labels=base64.b64encode(bytes([1] * 5 + [0] * 5)).decode())
    [problem] = verify(alone, alone.parent / "data")[1]
    assert problem.endswith("aaa/none/my-network: it belongs in pets/none/my-network.")
    assert drifted(alone, alone.parent / "data") == ([], (problem,))


def test_a_sheet_holds_only_the_images_that_are_shown(board: Path) -> None:
    dataset = read_sheet(sheet(board), TASK)
    images, labels = dataset.read("test")
    assert labels.tolist() == [0] * 5 + [1] * 5
    assert [number for number, image in enumerate(images) if image.any()] == [0, 1, 2, 5, 6, 7]
    for use in (dataset.read, dataset.digest):
        with pytest.raises(SourceError, match="pets is not available; give --root"):
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


def test_a_sheet_takes_no_memory_for_the_images_that_it_lacks(alone: Path) -> None:
    """929b5b9: with no image to be shown, a sheet of 800 bytes described 16 TiB of them, and took what it could get."""
    labels = base64.b64encode(bytes([99]) * 6_000).decode()  # of a class beyond those that are pictured
    changes = {"classes": [str(name) for name in range(100)], "labels": labels, "shown": [], "pixels": ""}
    edit(sheet(alone), **changes, test_images=6_000, image_shape=[1_024, 1_024])
    with pytest.raises(EntryError, match="its images would take 6,291,456,000 bytes; at most 4,294,967,296 are desc"):
        read_sheet(sheet(alone), TASK)
    edit(sheet(alone), image_shape=[512, 512])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert not read_sheet(sheet(alone), TASK).read("test").images[::1_000].any()  # 1.5 GiB of untouched zeros
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # KiB


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
        ({"image_shape": [8, 24]}, r"image_shape: is \(8, 24\); expected square images"),
        ({"image_shape": [8, 8, 4]}, r"image_shape: is \(8, 8, 4\); expected square images"),
        ({"image_shape": [4096, 4096, 3]}, r"image_shape\.0: Input should be less than or equal to 1024"),
        ({"validation_images": 99}, "validation_images is 99, expected 1 to train_images, 12"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_malformed_sheet_is_one_clear_line(alone: Path, changes: dict[str, object], said: str) -> None:
    edit(sheet(alone), **changes)
    with pytest.raises(EntryError, match=said):
        read_sheet(sheet(alone), TASK)
    [problem] = verify(alone, alone.parent / "data")[1]
    assert "answers.json" in problem
