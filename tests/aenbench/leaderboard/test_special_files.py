"""A pipe, a socket, a device or a folder where a file of an entry or of a board belongs: named, and nobody waits."""

import os
import shutil
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

MakeEntry = Callable[..., Path]
Run = Callable[..., tuple[int, str]]
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files"),
    pytest.mark.usefixtures("alarm"),
]


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # the names of sockets are short
        server.bind(path.name)
        os.chdir(here)


KINDS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.fixture
def run(run_program: Run) -> Run:
    """`run_program` of `aenbench`."""
    return partial(run_program, "aenbench")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    ["entry.json", "predictions.npy", "logits.npy", "trials.csv", "history.csv", "reproduction.json", "search.png"],
)
def test_in_an_entry(name: str, kind: str, make_entry: MakeEntry, run: Run, tmp_path: Path) -> None:
    """929b5b9: `analyze` waited for ever on a pipe as trials.csv."""
    folder = make_entry(tmp_path, "one", 30)
    assert run("verify", tmp_path)[0] == 0
    (folder / name).unlink(missing_ok=True)
    KINDS[kind](folder / name)
    for arguments in (["verify", tmp_path], ["leaderboard", "--dir", tmp_path]):
        code, err = run(*arguments)
        assert code in {1, 2}
        assert f"one/{name}" in err
        assert "Traceback" not in err
    if name in {"entry.json", "trials.csv"}:
        code, err = run("analyze", folder)
        assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["README.md", "index.html", "reviews.json"])
def test_beside_the_entries(name: str, kind: str, make_entry: MakeEntry, run: Run, tmp_path: Path) -> None:
    make_entry(tmp_path, "one", 30)
    assert run("leaderboard", "--dir", tmp_path) == (0, "")
    assert run("leaderboard", "--dir", tmp_path, "--check") == (0, "")
    (tmp_path / name).unlink(missing_ok=True)
    KINDS[kind](tmp_path / name)
    code, err = run("leaderboard", "--dir", tmp_path, "--check")
    assert code in {1, 2}
    is_link = kind == "device" and name != "reviews.json"
    assert len(err.splitlines()) == (2 if is_link else 1)  # a link is no entry, too
    assert name in err


@pytest.mark.parametrize("kind", KINDS)
def test_as_an_answer_sheet(kind: str, make_entry: MakeEntry, run: Run, tmp_path: Path) -> None:
    """A dataset that is not on this machine, whose answers are read from beside its entries."""
    folder = make_entry(tmp_path, "one", 30, dataset="photos", dataset_version="as-published", configuration="none")
    place = tmp_path / "photos" / "none"
    place.mkdir(parents=True)
    shutil.move(folder, place / "one")
    KINDS[kind](place / "answers.json")
    code, err = run("verify", tmp_path)
    assert code in {1, 2}
    assert "photos" in err
    assert "Traceback" not in err
