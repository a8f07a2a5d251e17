"""Recorded commands are text from strangers: followed only where they make the entry that holds them."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from aenbench.cli.reproduce import parse_run
from aenbench.errors import EntryError
from aenbench.execution.executors import LocalExecutor
from aenbench.leaderboard.entry import Entry
from aenbench.leaderboard.entry_folder import find_entries, read_description, read_entry
from aenbench.leaderboard.ground_truth import AnswerBook
from aenbench.runs.rerun import recorded_plan, reproduce

BOARD = Path(__file__).resolve().parents[3] / "leaderboards"


def entry(command: str, **changes: object) -> Entry:
    """The committed MLP of G-MNIST, with another command."""
    found = read_description(BOARD / "g-mnist" / "aug2" / "mlp")
    return found.model_copy(update={"command": command, **changes})


@pytest.mark.parametrize("folder", find_entries(BOARD), ids=lambda folder: "/".join(folder.parts[-3:]))
def test_every_committed_command_makes_its_entry(folder: Path) -> None:
    described = read_description(folder)
    plan = recorded_plan(described, parse_run)
    assert (plan.name, plan.task, plan.seeds) == (described.name, described.task, len(described.seeds))


def test_where_files_and_workers_are_is_not_followed() -> None:
    command = "aenbench run --baseline mlp --dataset g-mnist --out /etc --root /proc --workers 999 --executor ray"
    plan = recorded_plan(entry(f"{command} --address evil.example:1 --overwrite --quiet"), parse_run)
    assert plan.root is None
    assert recorded_plan(entry(command), parse_run, Path("here")).root == Path("here")


def test_of_a_path_of_a_dataset_only_the_name_is_followed() -> None:
    for path in ("/etc/photos.zip", "../photos", "photos.zip"):
        plan = recorded_plan(
            entry(f"aenbench run --baseline mlp --dataset {path}", dataset="photos", configuration="none"), parse_run
        )
        assert plan.task.dataset == "photos"


def test_a_command_that_leaves_the_dataset_to_the_machine_means_the_entrys() -> None:
    assert recorded_plan(entry("aenbench run --baseline mlp"), parse_run).task.dataset == "g-mnist"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "no `aenbench run`"),
        ("rm -rf /", "no `aenbench run`"),
        ("aenbench verify .", "no `aenbench run`"),
        ("/tmp/aenbench run --baseline mlp", "no `aenbench run`"),
        ("env X=1 aenbench run --baseline mlp", "no `aenbench run`"),
        ('aenbench run --baseline "mlp', "cannot be read (No closing quotation)"),
        ("aenbench run --baseline mlp; touch /tmp/x", "cannot be read"),
        ("aenbench run --baseline mlp && touch x", "cannot be read"),
        ("aenbench run --baseline mlp --shell x", "cannot be read"),
        ("aenbench run --baseline mlp extra", "cannot be read"),
        ("aenbench run --help", "only shows help"),
        ("aenbench run", "either --baseline or --model"),
        ("aenbench run --baseline mlp --model evil:run", "either --baseline or --model"),
        ("aenbench run --baseline $(id)", 'Unknown baseline "$(id)"'),
        ("aenbench run --model evil:run", "its origin is model, not baseline"),
        ("aenbench run --baseline evil:TOY", 'would import "evil:TOY", which the entry does not state'),
        ("aenbench run --baseline group --generators evil:turn", "imports code, evil:turn; read it"),
        ("aenbench run --baseline group --generators rotation,evil:turn", "imports code, rotation,evil:turn; read it"),
        ("aenbench run --model my:Net --recipe evil:TOY", "imports code, evil:TOY; read it"),
        ("aenbench run --baseline mlp --dataset evil:IMAGES", "imports code, evil:IMAGES; read it"),
        ("aenbench run --baseline full", "its method is full, not mlp"),
        ("aenbench run --baseline mlp --dataset /etc --config none", "its dataset is /etc, not g-mnist"),
        ("aenbench run --baseline mlp --dataset g-digits", "its dataset is g-digits, not g-mnist"),
        ("aenbench run --baseline mlp --config aug4", "its configuration is aug4, not aug2"),
        ("aenbench run --baseline mlp --protocol paper", "its protocol is paper, not standard"),
        ("aenbench run --baseline mlp --budget quick", "its budget is quick, not standard"),
        ("aenbench run --baseline mlp --seeds 2", "its seeds is [0, 1], not [0, 1, 2]"),
        ("aenbench run --baseline mlp --augment rotate", "its name is mlp-rotate, not mlp"),
    ],
)
def test_a_command_that_would_make_something_else_is_refused(
    command: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EntryError) as raised:
        recorded_plan(entry(command), parse_run)
    assert said in str(raised.value)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "options",
    [
        "--baseline evil:TOY",
        "--baseline evil:TOY:part",
        "--baseline my:Net --search evil:search",
        "--baseline my:Net:evil:search",
        "--baseline aen:evil:search",
        "--baseline group --generators evil:turn",
        "--baseline mlp --dataset evil:IMAGES",
        "--model my:Net --recipe evil:TOY",
    ],
)
def test_what_the_entry_does_not_state_is_not_imported(
    options: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was trusted: the reader was asked for the entry's method only."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("open('imported', 'w').close()\n")
    with pytest.raises(EntryError):
        recorded_plan(entry(f"aenbench run {options}", origin="model", method="my:Net"), parse_run)
    assert not (tmp_path / "imported").exists()


def test_a_submission_cannot_be_reproduced() -> None:
    with pytest.raises(EntryError, match="is a submission: its predictions were made elsewhere"):
        recorded_plan(entry("aenbench run --baseline mlp", origin="submission"), parse_run)


def test_a_run_that_disagrees_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run is stood in for by an entry of the same task whose accuracy is another."""
    board = tmp_path / "board"
    shutil.copytree(BOARD / "g-mnist" / "aug2" / "mlp", board / "g-mnist" / "aug2" / "mlp")
    folder, other = board / "g-mnist" / "aug2" / "mlp", BOARD / "g-mnist" / "aug2" / "full"
    labels = np.zeros(10_000, dtype=np.int64)
    monkeypatch.setattr(AnswerBook, "of", lambda *_: SimpleNamespace(labels=labels))
    for again, agrees in ((other, False), (folder, True)):
        right = read_entry(folder)[1] == labels
        low, high = (0.99, 1.0) if not agrees else (right.mean() - 0.01, right.mean() + 0.01)
        described = read_description(folder)
        interval = described.accuracy.model_copy(update={"low": low, "high": high})
        changed = described.model_copy(update={"accuracy": interval})
        (folder / "entry.json").write_text(changed.model_dump_json())
        monkeypatch.setattr("aenbench.runs.rerun.run", lambda *_, again=again: again)
        plan = recorded_plan(changed, parse_run)
        agreement = reproduce(folder, plan, tmp_path / "out", lambda _: None, LocalExecutor(1))
        assert agreement.within == agrees == (folder / "reproduction.json").exists()
