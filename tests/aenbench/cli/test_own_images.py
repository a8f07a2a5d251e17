"""A user's own images: what `run` found is found again, and the entry is scored without them, too."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aenbench.cli import main as cli


def call(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["aenbench", *arguments])
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of two classes in the current folder; no root names it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GDATASETS_ROOT", raising=False)
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for split, count in (("train", 40), ("test", 30)):
            for number in range(count):
                stream = io.BytesIO()
                image = rng.integers(0, 256, (16, 16), dtype=np.uint8)  # noise: no network gets all of it right
                Image.fromarray(image).save(stream, "PNG")
                archive.writestr(f"{split}/{'ab'[number % 2]}/{number}.png", stream.getvalue())
    return tmp_path / "photos.zip"


RUN = ["run", "--baseline", "mlp", "--budget", "quick", "--seeds", "1", "--workers", "1", "--out", "board"]


@pytest.mark.parametrize(
    "typed", ["photos.zip", *(pytest.param(path, marks=pytest.mark.slow) for path in ("./photos.zip", "photos"))]
)
def test_an_own_dataset_is_run_verified_and_shown_without_a_root(
    typed: str, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """929b5b9 trained, wrote the entry and then ended with exit code 2: `Unknown dataset "photos"`."""
    if typed == "photos":
        with zipfile.ZipFile(photos) as archive:
            archive.extractall("photos")
        photos.unlink()
    run = [*RUN, "--dataset", typed]
    assert call([*run, "--quiet"], monkeypatch) == 0, capsys.readouterr().err
    assert "Entry: board/photos/none/mlp-quick" in capsys.readouterr().out
    assert call(["verify", "board"], monkeypatch) == 0
    assert call(["leaderboard", "--dir", "board"], monkeypatch) == 0
    assert "mlp-quick" in Path("board/README.md").read_text()
    photos.unlink(missing_ok=True)
    assert call(["verify", "board"], monkeypatch) == 0, "the answers lie beside the entry"


def test_where_the_images_are_other_ones_the_entry_is_refused(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: beside a root that has images of that name, the answers are not believed."""
    run = [*RUN, "--dataset", "photos.zip"]
    assert call([*run, "--quiet"], monkeypatch) == 0
    with zipfile.ZipFile(photos, "a") as archive:
        archive.writestr("test/a/another.png", archive.read("test/a/0.png"))
    assert call(["verify", "board", "--root", "."], monkeypatch) == 1


def test_a_dozen_images_are_passed_a_thousand_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """929b5b9 passed them 9,091 times under `quick`."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("test", 4)):
        for number in range(count):
            path = tmp_path / "dozen" / split / "ab"[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8)).save(path)
    run = [*RUN, "--dataset", "dozen"]
    assert call(run, monkeypatch) == 0
    assert "seed 0 training: 1,000 of 1,000" in capsys.readouterr().err
