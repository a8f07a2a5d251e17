"""What lies beside entries and is none: `verify` and `leaderboard` name it, and the board is that of the entries."""

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

MakeEntry = Callable[..., Path]
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(run_program: Run) -> Run:
    """`run_program` of `aenbench`."""
    return partial(run_program, "aenbench")


@pytest.fixture(scope="module")
def truthful(make_entry: MakeEntry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board of two entries."""
    place = tmp_path_factory.mktemp("truthful")
    for name, wrong in (("one", 30), ("two", 45)):
        make_entry(place, name, wrong)
    return place


@pytest.fixture
def board(truthful: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(truthful, tmp_path / "board"))


def _file(path: Path) -> None:
    path.write_text("x")


def _tables(path: Path) -> None:
    path.mkdir()
    _file(path / "aen-standard.parquet")
    _file(path / "aen-standard.effects.json")


STRAYS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a file": ("g-digits/aug1/notes.txt", _file),
    "a table": ("g-digits/aug1/aen-standard.parquet", _file),
    "a folder of tables": ("g-digits/aug1/tables", _tables),
    "an empty folder": ("g-digits/aug1/empty", Path.mkdir),
    "a hidden file": ("g-digits/aug1/.DS_Store", _file),
    "a hidden folder": ("g-digits/aug1/.git", Path.mkdir),
    "an escape": ("g-digits/aug1/\x1b[2J", _file),
    "a file beside configurations": ("g-digits/notes.txt", _file),
    "a hidden file beside configurations": ("g-digits/.notes", _file),
    "a file named as an entry": ("g-digits/aug1/three", _file),
    "a file in another case": ("g-digits/aug1/ANSWERS.json", _file),
}
if sys.platform != "win32":
    STRAYS["a pipe"] = ("g-digits/aug1/pipe", os.mkfifo)


@pytest.mark.parametrize("case", STRAYS)
def test_a_stray_is_named_and_left_out(case: str, board: Path, run: Run) -> None:
    """929b5b9: passed over in silence by both commands."""
    path, make = STRAYS[case]
    assert run("leaderboard", "--dir", board) == (0, "")
    clean = (board / "README.md").read_bytes()
    make(board / path)
    named = f"{board / path} is no part of a board; move it away.\n".replace("\x1b", "\\x1b")
    assert run("verify", board) == (1, named)
    assert run("leaderboard", "--dir", board) == (0, named)
    assert (board / "README.md").read_bytes() == clean
    assert run("leaderboard", "--dir", board, "--check") == (0, named)
    assert run("verify", board / "g-digits" / "aug1" / "one") == (0, "")  # what lies beside it is not asked for


@pytest.mark.parametrize("inside", ["notes.txt", ".hidden", "sub"])
def test_a_stray_inside_an_entry_is_named(inside: str, board: Path, run: Run) -> None:
    path = board / "g-digits" / "aug1" / "one" / inside
    path.mkdir() if inside == "sub" else _file(path)
    for command in (["verify", board], ["leaderboard", "--dir", board]):
        code, err = run(*command)
        assert code in {1, 2}
        assert f"one holds {inside}, which does not belong in an entry" in err


@pytest.mark.parametrize("place", ["g-digits/aug1/three", "g-digits/aug9", "g-mnist"])
def test_a_link_beside_entries_is_named(place: str, board: Path, run: Run) -> None:
    (board / place).symlink_to(board / "g-digits" / "aug1" / "one")
    for command in (["verify", board], ["leaderboard", "--dir", board]):
        code, err = run(*command)
        assert code in {1, 2}
        assert f"{board / place} is a symbolic link" in err


def test_what_belongs_beside_entries_is_not_named(board: Path, run: Run) -> None:
    """The control: answers, runs that are at work or were interrupted, and the board's own files."""
    place = board / "g-digits" / "aug1"
    for name in ("answers.json", ".three.trials", ".three.trials-journal", "..three.trials.0123456789abcdef"):
        _file(place / name)
    (place / ".three.running").mkdir()
    (board / "tables" / "g-digits" / "aug1").mkdir(parents=True)
    _file(board / "tables" / "g-digits" / "aug1" / "aen-standard.parquet")
    assert run("leaderboard", "--dir", board) == (0, "")
    assert run("verify", board) == (0, "")


@pytest.mark.parametrize("name", ["README.md", "index.html", "entry.schema.json", "results.json", "results.parquet"])
def test_a_folder_in_place_of_a_generated_file_stays(name: str, board: Path, run: Run) -> None:
    """3d14f30 removed the folder; 929b5b9 spoke of free space."""
    (board / name / "mine").mkdir(parents=True)
    code, err = run("leaderboard", "--dir", board)
    assert (code, err.count("\n")) == (2, 1)
    assert "is a folder, but a file has to be written there" in err
    assert (board / name / "mine").is_dir()
