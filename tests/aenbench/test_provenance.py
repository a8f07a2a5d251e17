"""The revision of the code: of a checkout, edited or not; nothing where there is none."""

import subprocess
from pathlib import Path

import pytest

from aenbench.provenance import code_revision


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "net.py").write_text("one = 1\n")
    git(tmp_path, "add", "net.py")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def test_it_is_the_commit_of_the_checkout(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    assert code_revision(checkout) == commit
    (checkout / "notes.txt").write_text("not tracked")
    assert code_revision(checkout) == commit
    (checkout / "net.py").write_text("one = 2\n")
    assert code_revision(checkout) == f"{commit}+changes"


def test_files_that_a_surrounding_checkout_does_not_track_have_no_revision(checkout: Path) -> None:
    inner = checkout / "site-packages"
    inner.mkdir()
    (inner / "net.py").write_text("one = 1\n")
    assert code_revision(inner) == ""


def test_there_is_none_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert code_revision(checkout) == ""
