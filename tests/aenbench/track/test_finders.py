"""Methods on the tasks: the images are fixed, the kernel finds groups of digits, and a user's function is run."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from aenbench.cli.main import app
from aenbench.errors import InvalidArgumentError
from aenbench.models.aen import AENSpace
from aenbench.search import evaluate
from aenbench.track import finders
from aenbench.track.finders import METHODS, TrackPlan, answer_tasks, find_method, matching
from aenbench.track.finding import Finding
from aenbench.track.laws import on_free_orbits, word_law
from aenbench.track.network_search import SearchedMoves, search_networks
from aenbench.track.submission import read_submission
from aenbench.track.task_images import choose, load_images
from aenbench.track.tasks import PIXELS, candidates, find_task, tasks
from aenbench.track.track_board import score_submission
from aenbench.track.truth import true_classes, true_group
from gdatasets import CONFIGURATIONS, load_arrays
from gdatasets.errors import UnknownNameError
from gdatasets.groups.actions import ACTIONS


def of_hflip(images: np.ndarray, labels: np.ndarray | None, moves: object, seed: int) -> Finding:  # noqa: ARG001
    """A method of a test: always the left-right mirror, twice."""
    assert images.shape[1:] == (28, 28)
    assert labels is None or len(labels) == len(images)
    return Finding(("hflip",), {"hflip": 1.0}, candidates()["hflip"][None])


asked_of: list[int] = []


def by_seed(images: np.ndarray, labels: np.ndarray | None, moves: object, seed: int) -> Finding:  # noqa: ARG001
    """A method of a test, which breaks off at the third task."""
    asked_of.append(seed)
    if len(asked_of) == 3:
        raise KeyboardInterrupt
    return Finding(("vflip",), {"vflip": len(asked_of) / 10})


def weighted(images: np.ndarray, labels: np.ndarray | None, moves: object, seed: int) -> Finding:  # noqa: ARG001
    """A method of a test: the identity, and half as much of the left-right mirror."""
    return Finding(elements=np.array([np.arange(PIXELS), candidates()["hflip"]]), weights=(0.5, 0.25))


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


@pytest.mark.slow
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


def test_a_method_answers_by_weighted_elements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "weighted", weighted)
    asked = tuple(map(find_task, ("g-digits.v4", "g-digits.none", "g-digits.even-classes")))
    answer_tasks(TrackPlan("weighted", "weighted", asked), tmp_path / "discovery/weighted", "by a test")
    scores = score_submission(tmp_path / "discovery/weighted").scores
    found = scores["g-digits.v4"].elements
    assert found is not None
    assert (found.precision, found.recall, found.jaccard) == (1, 1.5 / 4, 1.5 / 4)
    assert not scores["g-digits.none"].exact
    assert scores["g-digits.even-classes"].classes == 0


@pytest.mark.parametrize(
    ("finding", "why"),
    [
        (Finding(elements=np.zeros((1, PIXELS), int), weights=(1.0,)), "permutations of 0..783"),
        (Finding(generators=np.zeros((1, PIXELS), int)), "permutations of 0..783"),
        (Finding(elements=np.arange(PIXELS)[None], weights=(0.5, 0.5)), "a weight from 0 to 1"),
        (Finding(elements=np.arange(PIXELS)[None], weights=(float("nan"),)), "a weight from 0 to 1"),
        (Finding(elements=np.arange(PIXELS)[None], weights=(2.0,)), "a weight from 0 to 1"),
        (Finding(elements=np.arange(PIXELS)[None], weights=(0.0,)), "a weight from 0 to 1"),
        (Finding(elements=np.zeros((0, PIXELS), int)), "a weight from 0 to 1"),
    ],
)
def test_moves_and_weights_that_are_none_are_refused_before_anything_is_written(
    finding: Finding, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "wrong", lambda *_: finding)
    plan = TrackPlan("wrong", "wrong", (find_task("g-digits.c4"),))
    with pytest.raises(InvalidArgumentError, match=f"wrong gave no Finding for g-digits.c4: expected.*{why}"):
        answer_tasks(plan, tmp_path / "discovery/wrong", "by a test")
    assert not (tmp_path / "discovery").exists()


def test_an_interrupted_run_is_resumed_and_ends_as_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METHODS, "by-seed", by_seed)
    folder = tmp_path / "discovery/by-seed"
    plan = TrackPlan("by-seed", "by-seed", tuple(matching("g-digits.?4")), resume=True)
    asked_of.clear()
    with pytest.raises(KeyboardInterrupt):
        answer_tasks(plan, folder, "by a test")
    assert list(read_submission(folder)[0].answers) == ["g-digits.c4", "g-digits.d4"]
    with pytest.raises(InvalidArgumentError, match="cannot be resumed: its command is 'by a test', got 'another'"):
        answer_tasks(plan, folder, "another")
    assert len(asked_of) == 3
    answer_tasks(plan, folder, "by a test")
    assert len(asked_of) == 4
    answers = read_submission(folder)[0].answers
    assert [answer.confidences["vflip"] for answer in answers.values()] == [0.1, 0.2, 0.4]
    answer_tasks(replace(plan, resume=False), folder, "by a test")
    assert len(asked_of) == 7


def test_a_search_answers_by_the_actions_of_the_network_that_it_chose() -> None:
    loaded = load_images(find_task("g-digits.v4"))
    found = search_networks("guided", loaded.images[:800], loaded.labels[:800], networks=1)
    assert found.networks == 1
    assert set(found.confidences) == set(ACTIONS)
    assert {"hflip", "vflip"} <= set(found.moves)  # the images say so before a network is trained
    assert "htrans" not in found.moves
    assert all(found.confidences[move] > found.confidences["htrans"] == 0 for move in found.moves)


@pytest.mark.parametrize("best", [("hflip",), ("rotation", "hflip", "vflip"), ()])
def test_a_search_chooses_the_best_network_whatever_the_best_is(
    best: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluation(space: AENSpace, *_: object) -> Callable[[str], float]:
        return lambda state: 0.9 - len(space.moves_of(state) ^ set(best)) / 20

    monkeypatch.setattr(evaluate, "TrainedEvaluation", evaluation)
    images = np.random.default_rng(0).integers(0, 255, (100, 28, 28)).astype(np.uint8)
    found = search_networks("greedy", images, np.arange(100) % 2)
    assert found.moves == best
    assert {name for name, value in found.confidences.items() if value == 0.9} == set(best)


@pytest.mark.parametrize("search", ["greedy", "guided", "dqn"])
def test_a_search_says_nothing_of_one_class_and_of_other_moves_than_actions(
    search: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = {name: candidates()[name] for name in ("vflip", "block1")}
    monkeypatch.setattr(
        finders, "search_networks", lambda *_: SearchedMoves(("hflip", "vflip"), {"hflip": 0.9, "vflip": 0.8}, 3)
    )
    images = np.zeros((4, 28, 28), dtype=np.uint8)
    of_one = METHODS[search](images, None, moves, 0)
    assert (of_one.symmetries, of_one.confidences) == ((), {"vflip": 0.0, "block1": 0.0})
    found = METHODS[search](images, np.arange(4), moves, 0)
    assert (found.symmetries, found.confidences) == (("vflip",), {"vflip": 0.8, "block1": 0.0})


def test_the_command_runs_a_method_verifies_it_and_keeps_what_is_there(tmp_path: Path) -> None:
    runner, board = CliRunner(), tmp_path / "board"
    done = runner.invoke(app, ["track", "oracle", "--tasks", "g-digits.?4", "--out", str(board)])
    assert done.exit_code == 0, done.output
    assert "3 groups exact" in done.output
    again = runner.invoke(app, ["track", "oracle", "--tasks", "g-digits.?4", "--out", str(board)])
    assert again.exit_code != 0
    resumed = runner.invoke(app, ["track", "oracle", "--tasks", "g-digits.?4", "--out", str(board), "--resume"])
    assert resumed.exit_code == 0, resumed.output
    assert "g-digits.c4:" not in resumed.output  # it was answered before
    assert "3 groups exact" in resumed.output
    other = runner.invoke(app, ["track", "nothing", "--name", "oracle", "--out", str(board), "--resume"])
    assert "cannot be resumed: its method is 'oracle', got 'nothing'" in str(other.exception)
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
