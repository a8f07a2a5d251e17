"""Replacements survive a kill at every moment: the process is ended, without a word, before each of its changes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gdatasets.errors import BusyError, IntegrityError, OutputError
from gdatasets.files import locked
from gdatasets.journal import recover, replace_files, replace_folder

# Ends the process before its n-th change on disk, as `kill -9` would.
KILLED = """
import os, shutil, sys
from pathlib import Path
left = int(sys.argv[1])

def counted(change):
    def called(*given, **named):
        global left
        if left == 0:
            os._exit(137)
        left -= 1
        return change(*given, **named)
    return called

for name in ("rename", "replace", "unlink", "mkdir", "fsync"):
    setattr(os, name, counted(getattr(os, name)))
shutil.rmtree = counted(shutil.rmtree)
from gdatasets import journal
base = Path(sys.argv[2])
if sys.argv[3] == "files":
    journal.replace_files(base, "board", {"a.md": b"new", "deep/b.json": b"new", "c.html": b"new"})
else:
    journal.replace_folder(base / "entry", {"one": b"new", "two": b"new"})
"""


def ends(moment: int, base: Path, kind: str) -> int:
    return subprocess.run([sys.executable, "-c", KILLED, str(moment), str(base), kind], check=False).returncode


def contents(base: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(base)): path.read_bytes()
        for path in base.rglob("*")
        if path.is_file() and not path.relative_to(base).parts[0].startswith(".")
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["files", "folder"])
def test_after_a_kill_at_any_moment_there_is_one_whole_version(kind: str, tmp_path: Path) -> None:
    names = ["a.md", "deep/b.json", "c.html"] if kind == "files" else ["entry/one", "entry/two"]
    seen, moment = set(), 0
    while True:
        base = tmp_path / str(moment)
        for name in [*names, *(["entry/only-in-the-old-one"] if kind == "folder" else [])]:
            (base / name).parent.mkdir(parents=True, exist_ok=True)
            (base / name).write_bytes(b"old")
        old = contents(base)
        code = ends(moment, base, kind)
        recover(base)
        found = contents(base)
        assert found in (old, dict.fromkeys(names, b"new")), f"killed at change {moment}"
        assert not [path for path in base.iterdir() if path.name.startswith(".")]
        seen.add((code, found == old))
        if code == 0:
            break
        moment += 1
    assert moment > 15
    assert seen == {(137, True), (137, False), (0, False)}


@pytest.mark.slow
def test_without_the_recovery_some_moments_leave_half(tmp_path: Path) -> None:
    """The negative control: renames alone are not enough."""
    half = 0
    for moment in range(40):
        base = tmp_path / str(moment)
        (base / "entry").mkdir(parents=True)
        (base / "entry" / "one").write_bytes(b"old")
        ends(moment, base, "folder")
        half += contents(base) not in ({"entry/one": b"old"}, {"entry/one": b"new", "entry/two": b"new"})
    assert half


def test_the_next_replacement_completes_the_last_one_first(tmp_path: Path) -> None:
    moment = 0
    while (code := ends(moment, tmp_path, "files")) == 137 and not (tmp_path / ".board.journal/commit.json").exists():
        moment += 1
    assert code == 137
    replace_files(tmp_path, "board", {"a.md": b"newer"})
    assert contents(tmp_path) == {"a.md": b"newer", "deep/b.json": b"new", "c.html": b"new"}


def test_where_the_disk_refuses_in_the_middle_everything_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_files(tmp_path, "board", {"a.md": b"old", "b.md": b"old"})
    replace = Path.replace

    def full(path: Path, target: Path) -> Path:
        if path.name == "c.md" and path.parent.name == "new":
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        replace_files(tmp_path, "board", {"a.md": b"new", "new.md": b"new", "b.md": b"new", "c.md": b"new"})
    assert contents(tmp_path) == {"a.md": b"old", "b.md": b"old"}
    recover(tmp_path)
    assert contents(tmp_path) == {"a.md": b"old", "b.md": b"old"}


def test_what_is_being_written_is_left_alone(tmp_path: Path) -> None:
    with locked(tmp_path / ".entry.journal"):
        with pytest.raises(BusyError, match="wait for it"):
            replace_folder(tmp_path / "entry", {"one": b"new"})
        recover(tmp_path)
        assert (tmp_path / ".entry.journal").is_dir()


@pytest.mark.parametrize("path", ["../outside", "/etc/outside", "a/../../outside", "", "..\\outside"])
def test_a_journal_of_a_stranger_writes_nothing_outside(path: str, tmp_path: Path) -> None:
    journal = tmp_path / "board" / ".board.journal"
    (journal / "new").mkdir(parents=True)
    (journal / "commit.json").write_text(json.dumps([path]))
    with pytest.raises(IntegrityError, match="not a journal"):
        recover(tmp_path / "board")
    assert not (tmp_path / "outside").exists()


def test_a_lock_is_not_labeled_through_a_link_or_into_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "lock").mkdir()
    for plant in (lambda path: path.symlink_to(tmp_path / "precious"), os.mkfifo, Path.mkdir):
        plant(tmp_path / "lock" / ".holder")
        with locked(tmp_path / "lock"), pytest.raises(BusyError), locked(tmp_path / "lock"):
            pass
    assert (tmp_path / "precious").read_text() == "mine"
