"""Methods on the tasks: the images are fixed, the kernel finds groups of digits, and a user's function is run."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from aenbench.cli.main import app
from aenbench.errors import InvalidArgumentError
from aenbench.track.finders import METHODS, Finding, TrackPlan, answer_tasks, find_method, matching
from aenbench.track.laws import on_free_orbits, word_law
from aenbench.track.task_images import choose, load_images
from aenbench.track.tasks import PIXELS, candidates, find_task, tasks
from aenbench.track.track_board import score_submission
from aenbench.track.truth import true_classes, true_group
from gdatasets import CONFIGURATIONS, load_arrays
from gdatasets.errors import UnknownNameError


def of_hflip(images: np.ndarray, labels: np.ndarray | None, moves: object, seed: int) -> Finding:  # noqa: ARG001
    """A method of a test: always the left-right mirror, twice."""
    assert images.shape[1:] == (28, 28)
    assert labels is None or len(labels) == len(images)
    return Finding(("hflip",), {"hflip": 1.0}, candidates()["hflip"][None])


def nonsense(images: object, labels: object, moves: object, seed: int) -> Finding:  # noqa: ARG001
    return Finding(("no such move",))


def digest(name: str) -> str:
    loaded = load_images(find_task(name))
    return hashlib.sha256(loaded.images.tobytes() + loaded.labels.tobytes()).hexdigest()[:16]


def test_there_are_tasks_of_every_family_with_names_that_are_files() -> None:
    assert len(tasks()) == 53
    assert {task.family for task in tasks().values()} == {"group", "word", "random", "null", "classes", "angles"}
    assert len(candidates()) == 20
    assert len({row.tobytes() for row in candidates().values()} | {np.arange(PIXELS).tobytes()}) == 21


def test_the_groups_that_were_drawn_hold_their_generators_and_are_not_trivial() -> None:
    for task in tasks().values():
        if task.family == "random":
            truth = true_group(task)
            assert truth.order > 1
            assert set(task.generators) <= set(truth.members)


@pytest.mark.parametrize("config", ["c4", "d4", "v4", "roll", "d4-roll"])
def test_source_images_lie_on_distinct_free_orbits(config: str) -> None:
    source = load_arrays("g-digits", "none", "train").images
    chosen = source[choose("g-digits", len(source))].reshape(-1, PIXELS)
    elements = true_group(find_task(f"g-digits.{config}")).elements
    assert elements is not None
    assert on_free_orbits(chosen, elements).all()
    assert not on_free_orbits(np.concatenate([chosen[:3], chosen[1:2]]), elements).all()


def test_source_images_differ_under_all_words() -> None:
    source = load_arrays("g-digits", "none", "train").images
    assert on_free_orbits(source[:200].reshape(-1, PIXELS), word_law(CONFIGURATIONS["aug1"], 28).words).all()


def test_moved_images_are_source_images_moved_by_elements() -> None:
    task = find_task("random-03")
    truth = true_group(task).elements
    assert truth is not None
    moved = load_images(task).images[:5].reshape(5, PIXELS)
    source = load_arrays(task.source, "none", "train").images
    known = {row.tobytes() for row in source.reshape(-1, PIXELS)}
    assert sum(row[element].tobytes() in known for row in moved for element in truth) == 5


def test_only_even_classes_are_moved() -> None:
    loaded = load_images(find_task("g-digits.even-classes"))
    source = load_arrays("g-digits", "none", "train")
    unmoved = source.images[choose("g-digits", len(source))]
    same = (loaded.images == unmoved).all(axis=(1, 2))
    assert same[loaded.labels % 2 == 1].all()
    assert same[loaded.labels % 2 == 0].mean() < 0.3
    assert [group.order for group in true_classes().values()] == [8, 1] * 5


DIGESTS = {
    "g-digits.c4": "815c3fa5f47a141c",
    "random-03": "23986acb063fe05a",
    "g-digits.ramp": "0860f8e2c965a600",
    "g-digits.even-classes": "53c7d18792d67c5e",
    "g-digits.within-45": "5a75e6b17ce15609",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_images_of_a_task_never_change(name: str) -> None:
    assert digest(name) == DIGESTS[name]


def test_the_kernel_finds_the_group_of_digits() -> None:
    loaded = load_images(find_task("g-digits.v4"))
    few = {name: candidates()[name] for name in ("rotation", "hflip", "vflip")}
    found = METHODS["kernel"](loaded.images, loaded.labels, few, 0)
    assert set(found.symmetries) == {"hflip", "vflip"}
    assert found.confidences["rotation"] < found.confidences["hflip"]


def test_a_function_of_a_user_is_run_on_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "of-hflip", of_hflip)
    asked = tuple(matching("g-digits.*"))
    plan = TrackPlan("of-hflip", "mirror", asked)
    submission = answer_tasks(plan, tmp_path / "discovery/mirror", "by a test")
    card = score_submission(tmp_path / "discovery/mirror")
    assert set(card.scores) == {task.name for task in asked} - {"g-digits.within-45"}
    assert card.exact == 0
    assert (card.false_discoveries, card.nulls) == (2, 2)
    assert card.classes == 0
    assert card.scores["g-digits.v4"].elements is not None
    assert card.scores["g-digits.v4"].elements.recall == 0.5
    assert submission.answers["g-digits.v4"].confidences == {"hflip": 1.0}


def test_a_method_that_gives_no_finding_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "nonsense", nonsense)
    plan = TrackPlan("nonsense", "nonsense", (find_task("g-digits.c4"),))
    with pytest.raises(InvalidArgumentError, match=r"nonsense gave no Finding for g-digits\.c4"):
        answer_tasks(plan, tmp_path / "discovery/nonsense", "by a test")
    assert not (tmp_path / "discovery").exists()


def test_the_command_runs_a_method_verifies_it_and_keeps_what_is_there(tmp_path: Path) -> None:
    runner, board = CliRunner(), tmp_path / "board"
    done = runner.invoke(app, ["track", "oracle", "--tasks", "g-digits.?4", "--out", str(board)])
    assert done.exit_code == 0, done.output
    assert "3 groups exact" in done.output
    again = runner.invoke(app, ["track", "oracle", "--tasks", "g-digits.?4", "--out", str(board)])
    assert again.exit_code != 0
    for folder in (board / "discovery", board / "discovery/oracle"):
        verified = runner.invoke(app, ["verify", str(folder)])
        assert verified.exit_code == 0, verified.output
        assert "1 entry verified." in verified.output
    (board / "discovery/oracle/g-digits.c4.npy").write_bytes(b"")
    assert runner.invoke(app, ["verify", str(board / "discovery")]).exit_code == 1


def test_what_is_no_method_and_no_task_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="kernel"):
        find_method("magic")
    with pytest.raises(InvalidArgumentError, match="expected a function"):
        find_method("math:pi")
    with pytest.raises(UnknownNameError, match="task of the track"):
        find_task("g-digits.d5")
    assert list(matching("no-such-*")) == []
