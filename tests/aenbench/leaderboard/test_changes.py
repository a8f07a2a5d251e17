"""`aenbench leaderboard --changes-from`: what a pull request does to the board."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from aenbench.cli import main as cli
from aenbench.leaderboard.changes import describe_changes
from aenbench.leaderboard.frames import load_results
from aenbench.leaderboard.render import write_generated
from aenbench.tasks.task import Task


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, make_entry: Callable[..., Path]) -> Path:
    base = tmp_path_factory.mktemp("before")
    make_entry(base, "good", 20)
    make_entry(base, "worse", 150)
    make_entry(base, "alone", 5, Task("g-digits", "d4", "paper"))
    write_generated(base)
    return base


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory, make_entry: Callable[..., Path], before: Path) -> Path:
    base = tmp_path_factory.mktemp("after") / "board"
    shutil.copytree(before, base)
    make_entry(base, "best_of-all", 0)
    return base


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["aenbench", "leaderboard", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_a_new_entry_and_the_ranks_that_it_changes_are_told(
    before: Path, after: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {path: path.read_bytes() for path in after.rglob("*") if path.is_file()}
    assert run(monkeypatch, "--dir", after, "--changes-from", before / "results.json") == 0
    text = capsys.readouterr().out
    assert "## g-digits/aug1" in text
    assert "d4" not in text  # its task is as it was
    lines = {line.split(" | ")[1]: line for line in text.splitlines() if line.startswith("| ") and "entry" not in line}
    assert lines["best\\_of\\-all"].startswith("| 1 | best\\_of\\-all | 99.72 [")
    assert lines["best\\_of\\-all"].endswith("| new; **flags: label\\-leak** |")  # it is too good
    assert "rank 1 before" in lines["good"]
    assert "rank 2 before" in lines["worse"]
    assert content == {path: path.read_bytes() for path in after.rglob("*") if path.is_file()}  # nothing was written


def test_entries_that_are_gone_and_other_predictions_are_told(before: Path, after: Path) -> None:
    text = describe_changes(load_results(after), load_results(before))
    assert "| - | best\\_of\\-all | 99.72 [" in text
    assert "removed |" in text
    rows = json.loads((before / "results.json").read_text())["rows"]
    assert {row["entry"] for row in rows} == {"good", "worse", "alone"}


def test_equal_boards_are_one_line(before: Path) -> None:
    assert describe_changes(load_results(before), load_results(before)) == "The board does not change.\n"


def test_a_forged_results_file_of_the_pull_request_is_not_believed(
    before: Path, after: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "--dir", after, "--changes-from", before)
    truth = capsys.readouterr().out
    forged = tmp_path / "board"
    shutil.copytree(after, forged)
    write_generated(forged)
    content = json.loads((forged / "results.json").read_text())
    for row in content["rows"]:
        row |= {"accuracy_mean": 0.9999, "flags": "", "trust": "reproduced"}
    (forged / "results.json").write_text(json.dumps(content))
    assert load_results(forged).rows[0]["accuracy_mean"] == 0.9999  # its digests fit
    assert run(monkeypatch, "--dir", forged, "--changes-from", before) == 0
    assert capsys.readouterr().out == truth
    shutil.copyfile(forged / "results.json", tmp_path / "leaderboards")  # a file where the folder should be
    assert run(monkeypatch, "--dir", tmp_path / "leaderboards", "--changes-from", before) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_an_entry_that_does_not_verify_is_named_as_text_and_the_code_is_1(
    before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    board = tmp_path / "board"
    shutil.copytree(before, board)
    (board / "g-digits/d4/alone/predictions.npy").unlink()
    (board / "g-digits/d4/alone/<b>@all").touch()
    assert run(monkeypatch, "--dir", board, "--changes-from", before / "results.json") == 1
    text = capsys.readouterr().out
    heading, empty, problem, *others = text.splitlines()
    assert (heading, empty) == ("## Left out: entries that do not verify", "")
    assert "alone" in problem
    assert "&lt;b&gt;\\@all" in problem
    assert "| - | alone |" in "\n".join(others)
    assert "removed" in others[-1]


def test_the_workflow_keeps_what_is_told_with_exit_code_1(tmp_path: Path) -> None:
    workflow = yaml.safe_load((Path(__file__).parents[3] / ".github/workflows/leaderboard.yml").read_text())
    [step] = [step["run"] for step in workflow["jobs"]["verify"]["steps"] if "--changes-from" in step.get("run", "")]
    (tmp_path / "aenbench").write_text('#!/bin/sh\necho "told"\nexit 1\n')
    (tmp_path / "git").write_text("#!/bin/sh\n")
    (tmp_path / "leaderboards").mkdir()
    (tmp_path / "leaderboards/index.html").write_text("of the pull request")
    for name in ("aenbench", "git"):
        (tmp_path / name).chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": "summary", "NUMBER": "1", "BASE": "main"}
    subprocess.run(["bash", "-e", "-c", step], cwd=tmp_path, env=env, check=True, stderr=subprocess.DEVNULL)
    assert (tmp_path / "preview/changes.md").read_text() == (tmp_path / "summary").read_text() == "told\n"
    assert not (tmp_path / "preview/index.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--changes-from", "/nowhere"], "/nowhere does not exist"),
        (["--check"], "do not go together"),
        (["--format", "csv"], "do not go together"),
    ],
)
def test_bad_calls_end_in_one_line(
    before: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = arguments if "--changes-from" in arguments else [*arguments, "--changes-from", str(before)]
    assert run(monkeypatch, "--dir", before, *given) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
