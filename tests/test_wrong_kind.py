"""A file where a folder belongs, and the reverse: one line, exit code 2, and what is there stays."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gdatasets.folder.build import build_dataset

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "leaderboards" / "tables" / "g-mnist" / "aug2" / "aen-standard.parquet"
BUILD = ["gdatasets", "build", "g-digits", "none", "--quiet", "--out"]
RUN = ["aenbench", "run", "--baseline", "mlp", "--dataset", "g-digits", "--budget", "quick", "--quiet", "--out"]
SEARCH = ["aenbench", "search", "--table", TABLE, "--compare", "random", "--runs", "3", "--networks", "5", "--quiet"]
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(run_program: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run_program` in the test's folder."""
    monkeypatch.chdir(tmp_path)
    return run_program


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "a"
    build_dataset("g-digits", ["none"], folder)
    return folder


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file with its content, and every folder."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {name: path.read_bytes() if path.is_file() else None for name, path in paths.items()}


@pytest.mark.parametrize(
    ("words", "in_the_way"),
    [
        ([*BUILD, "x"], "x"),
        ([*BUILD, "x/y"], "x"),
        (["gdatasets", "preview", "g-digits", "c4", "--out", "x/p.png"], "x"),
        (["gdatasets", "verify", "x"], "x"),
        (["gdatasets", "publish", "x", "--repo", "a/b", "--dry-run", "--quiet"], "x"),
        ([*RUN, "x"], "x"),
        ([*RUN, "x"], "x/g-digits"),
        ([*RUN, "x"], "x/g-digits/aug2"),
        ([*RUN, "x"], "x/g-digits/aug2/mlp-quick"),
        ([*RUN, "x", "--overwrite"], "x/g-digits/aug2/mlp-quick"),
        ([*RUN, "x"], "x/g-digits/aug2/.mlp-quick.running"),
        ([*SEARCH, "--out", "x"], "x"),
        (["aenbench", "analyze", TABLE, "--out", "x"], "x"),
        (["aenbench", "verify", "x"], "x"),
        (["aenbench", "leaderboard", "--dir", "x"], "x"),
        (["aenbench", "template", "--out", "x/entry.yaml"], "x"),
        (["aenbench", "tabulate", "--dataset", "g-digits", "--out", "x"], "x"),
        (["aenbench", "tables", "--dir", "x"], "x"),
        (["aenbench", "reproduce", "x"], "x"),
    ],
    ids=lambda each: each if isinstance(each, str) else " ".join(map(str, each[:2])),
)
def test_a_file_where_a_folder_belongs(words: list[str], in_the_way: str, run: Run, tmp_path: Path) -> None:
    """929b5b9: "cannot be written (File exists); free space"; `run --overwrite` trained before it said so."""
    (tmp_path / in_the_way).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / in_the_way).write_text("mine")
    code, err = run(*words)
    assert (code, err.count("\n")) == (2, 1)
    assert "free space" not in err
    assert (tmp_path / in_the_way).read_text() == "mine"
    assert not list(tmp_path.rglob("*.trials")), "it trained"


@pytest.mark.parametrize(
    ("words", "in_the_way"),
    [
        (["gdatasets", "preview", "g-digits", "c4", "--out", "x"], "x"),
        (["aenbench", "template", "--out", "x"], "x"),
        ([*RUN, "x"], "x/g-digits/aug2/.mlp-quick.trials"),
        ([*SEARCH, "--out", "x"], "x/comparison.md"),
        ([*SEARCH, "--out", "x"], ".x.trials"),
        (["aenbench", "tabulate", "--dataset", "g-digits", "--store", "x", "--out", "t"], "x"),
        (["aenbench", "analyze", "x.parquet"], "x.parquet"),
        (["aenbench", "submit", "--predictions", "x", "--meta", "x"], "x"),
        (["gdatasets", "build", "mine", "--source", "x.zip", "--out", "o"], "x.zip"),
    ],
    ids=lambda each: each if isinstance(each, str) else " ".join(map(str, each[:2])),
)
def test_a_folder_where_a_file_belongs(words: list[str], in_the_way: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / in_the_way / "sub").mkdir(parents=True)
    (tmp_path / in_the_way / "sub" / "mine").write_text("mine")
    code, err = run(*words)
    assert (code, err.count("\n")) == (2, 1)
    assert "free space" not in err
    assert (tmp_path / in_the_way / "sub" / "mine").read_text() == "mine"


def _file(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    if path.is_dir():
        shutil.rmtree(path)
    path.write_text("mine")


def _folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    (path / "sub").mkdir(parents=True)


CHANGES: dict[str, Callable[[Path], object]] = {
    "file as none": lambda folder: _file(folder / "none"),
    "file as c4": lambda folder: _file(folder / "c4"),
    "file as .partial": lambda folder: _file(folder / ".partial"),
    "folder in c4": lambda folder: _folder(folder / "c4"),
    "folder in none": lambda folder: _folder(folder / "none" / "train-00000-of-00001.parquet"),
    "folder as .lock": lambda folder: _folder(folder / ".partial" / ".lock"),
    "folder as manifest": lambda folder: _folder(folder / "manifest.json"),
    "link as c4": lambda folder: (folder / "c4").symlink_to(os.fspath(folder.parent)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_build_with_a_part_of_the_other_kind_is_left_as_it_is(
    change: str, built: Path, run: Run, tmp_path: Path
) -> None:
    """929b5b9: "a/.partial/none: File exists", and the file that stood at a/none had been moved there."""
    folder = Path(shutil.copytree(built, tmp_path / "a"))
    CHANGES[change](folder)
    before = snapshot(folder)
    code, err = run("gdatasets", "build", "g-digits", "none", "c4", "--quiet", "--out", "a")
    assert (code, err.count("\n")) == (2, 1)
    left = snapshot(folder)
    assert {name: left.get(name, "gone") for name in before} == before


def test_a_build_of_the_right_kinds_is_completed(built: Path, run: Run, tmp_path: Path) -> None:
    """The control."""
    shutil.copytree(built, tmp_path / "a")
    assert run("gdatasets", "build", "g-digits", "none", "c4", "--quiet", "--out", "a") == (0, "")
