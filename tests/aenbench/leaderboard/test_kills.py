"""The commands that replace entries and boards, killed at 25 moments: the next command finds one whole version.

929b5b9 lost the entry that `submit --overwrite` replaced when it was killed between two renames, and left half of a
regenerated board.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

MOMENTS = {"submit": range(0, 30, 2), "leaderboard": range(3, 63, 6)}
"""Before which changes on disk a command is killed; a whole one makes some twenty, and sixty, as of 2026-11."""

# Runs a command, and ends it without a word before its n-th change on disk, as `kill -9` would.
KILLED = """
import json, os, shutil, sys
from aenbench.cli.main import main
left, sys.argv = int(sys.argv[1]), ["aenbench", *json.loads(sys.argv[2])]

def counted(change):
    def called(*given, **named):
        global left
        if left == 0:
            os._exit(137)
        left -= 1
        return change(*given, **named)
    return called

for name in ("rename", "replace", "unlink", "mkdir", "rmdir", "fsync"):
    setattr(os, name, counted(getattr(os, name)))
shutil.rmtree = counted(shutil.rmtree)
main()
"""


@pytest.fixture
def run(warm_python: Any) -> Callable[..., Any]:
    def run(command: list[str], moment: int = 10**6) -> Any:
        return warm_python.run(KILLED, [str(moment), json.dumps(command)])

    return run


def submission(place: Path, name: str, shift: int) -> list[str]:
    """What submits predictions of which some hundred are wrong, by a shift of them."""
    from gdatasets import load_arrays

    labels = load_arrays("g-digits", "c4", "test").labels
    predictions = np.stack(
        [np.where(np.arange(len(labels)) % 3 == seed, (labels + shift) % 10, labels) for seed in (0, 1)]
    )
    place.mkdir()
    np.savez(place / "p.npz", predictions=predictions)
    meta = {
        "name": name,
        "method": f"a method named {name}",
        "authors": ["A"],
        "dataset": "g-digits",
        "configuration": "c4",
        "budget": "none",
        "seeds": [{"seed": seed, "parameters": 1} for seed in (0, 1)],
    }
    (place / "entry.yaml").write_text(yaml.safe_dump(meta))
    return ["submit", "--predictions", str(place / "p.npz"), "--meta", str(place / "entry.yaml")]


def contents(folder: Path) -> str:
    """SHA-256 over a folder's names and files; entries say when they were made, which is left out."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.name == "entry.json":
            content = json.dumps({**json.loads(content), "created": ""}).encode()
        digest.update(f"{path.relative_to(folder)}\0".encode() + content)
    return digest.hexdigest()


def leftovers(base: Path) -> list[Path]:
    return [path for path in base.rglob(".*") if path.name != "."]


@pytest.mark.slow
def test_a_killed_submit_leaves_one_whole_entry(tmp_path: Path, run: Callable[..., Any]) -> None:
    old, new = submission(tmp_path / "old", "mine", 1), submission(tmp_path / "new", "mine", 2)
    found: dict[str, str] = {}
    for version, command in (("old", old), ("new", new)):
        assert run([*command, "--out", str(tmp_path / version / "board")]).returncode == 0
        found[contents(tmp_path / version / "board")] = version
    board, seen = tmp_path / "board", []
    for moment in MOMENTS["submit"]:
        assert run([*old, "--out", str(board), "--overwrite"]).returncode == 0
        code = run([*new, "--out", str(board), "--overwrite"], moment).returncode
        checked = run(["verify", str(board)])
        assert checked.returncode == 0, checked.stdout + checked.stderr
        seen.append((code, found[contents(board)]))  # KeyError where it is neither
        assert leftovers(board) == []
    assert {(137, "old"), (137, "new")} <= set(seen)
    assert set(seen) <= {(137, "old"), (137, "new"), (0, "new")}


@pytest.mark.slow
def test_a_killed_leaderboard_leaves_one_whole_board(tmp_path: Path, run: Callable[..., Any]) -> None:
    board, seen = tmp_path / "board", []
    one, two = submission(tmp_path / "one", "one", 1), submission(tmp_path / "two", "two", 2)
    generated = ("README.md", "index.html", "entry.schema.json", "results.json", "results.parquet")
    command = ["leaderboard", "--dir", str(board)]
    assert run([*one, "--out", str(board)]).returncode == 0
    assert run(command).returncode == 0
    before = {name: (board / name).read_bytes() for name in generated}
    assert run([*two, "--out", str(board)]).returncode == 0
    assert run(command).returncode == 0
    after = {name: (board / name).read_bytes() for name in generated}
    assert before != after
    for moment in MOMENTS["leaderboard"]:
        for name, content in before.items():
            (board / name).write_bytes(content)
        code = run(command, moment).returncode
        checked = run([*command, "--check"]).returncode
        now = {name: (board / name).read_bytes() for name in generated}
        assert now in (before, after), moment
        assert checked == (now == before)
        assert leftovers(board) == []
        seen.append((code, now == after))
    assert {(137, False), (137, True)} <= set(seen)
    assert set(seen) <= {(137, False), (137, True), (0, True)}
