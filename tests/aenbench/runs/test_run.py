"""A run from end to end, on real digits with a tiny budget."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aenbench.errors import EntryError, InvalidArgumentError, StoreError
from aenbench.execution.executors import LocalExecutor
from aenbench.execution.store import TrialStore
from aenbench.leaderboard.entry_folder import read_entry, read_moved
from aenbench.leaderboard.rescoring import rescore
from aenbench.models.aen import AEN_FAMILY
from aenbench.models.family import Budget
from aenbench.models.gcnn import GCNN_FAMILY, GCNNSpace
from aenbench.models.space import SearchBudget
from aenbench.runs import seed as seeds
from aenbench.runs.baselines import Baseline
from aenbench.runs.plan import Plan
from aenbench.runs.progress import Step
from aenbench.runs.run import run
from aenbench.search.evaluate import TrainedEvaluation
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task, TaskShape
from aenbench.training import trial
from aenbench.training.augmentation import Augmentation
from aenbench.training.recipe import Recipe
from gdatasets.errors import OutputError, UnknownNameError
from gdatasets.groups.actions import ACTIONS


@pytest.fixture(autouse=True)
def tiny_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = Budget("quick", SearchBudget(states=12, networks=4, episode_steps=6), Recipe(128, 1), Recipe(256, 2))
    search = SearchBudget(states=12, networks=3, episode_steps=6)
    tiniest = Budget("quick", search, Recipe(32, 1, 16, chosen_by=32), Recipe(64, 2, 16, chosen_by=32))
    for protocol in ("standard", "paper"):
        monkeypatch.setitem(AEN_FAMILY.budgets, (protocol, "quick"), tiny)
        monkeypatch.setitem(GCNN_FAMILY.budgets, (protocol, "quick"), tiniest)


def run_plan(baseline: str, out: Path, protocol: str = "standard", seeds: int = 1) -> tuple[Path, list[Step]]:
    steps: list[Step] = []
    plan = Plan(Baseline(baseline), Task("g-digits", "d4", protocol), "quick", seeds)
    return run(plan, out, "a test", steps.append, LocalExecutor(1)), steps


@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_aen_is_searched_trained_and_scored(tmp_path: Path, protocol: str) -> None:
    folder, steps = run_plan("aen", tmp_path, protocol, seeds=2)
    entry, result, differences = rescore(folder)
    assert differences == []
    assert 0.1 < result.mean < 1
    assert entry.protocol == protocol
    assert all(seed.networks_trained == 4 for seed in entry.seeds)
    rows = list(csv.DictReader(io.StringIO((folder / "trials.csv").read_text())))
    assert [row["network"] for row in rows if row["seed"] == "1"] == ["1", "2", "3", "4"]
    for seed in entry.seeds:
        own = [row for row in rows if row["seed"] == str(seed.seed)]
        best = max(own, key=lambda row: float(row["value"]))
        assert "".join("1" if action in seed.actions else "0" for action in ACTIONS) == best["canonical"]
    assert (folder / "search.png").read_bytes().startswith(b"\x89PNG")
    assert {step.stage for step in steps} == {"search", "training"}
    assert all(step.done <= step.total for step in steps)


def test_a_run_repeats_exactly(tmp_path: Path) -> None:
    first, _ = run_plan("aen", tmp_path / "a")
    second, _ = run_plan("aen", tmp_path / "b")
    assert np.array_equal(read_entry(first)[1], read_entry(second)[1])
    assert (first / "trials.csv").read_bytes() == (second / "trials.csv").read_bytes()


@pytest.mark.slow
def test_the_outcome_does_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    plan = Plan(Baseline("mlp"), Task("g-digits", "d4"), "quick", 2)
    one = run(plan, tmp_path / "one", "a test", lambda _: None, LocalExecutor(1))
    with LocalExecutor(2) as executor:
        two = run(plan, tmp_path / "two", "a test", lambda _: None, executor)
    assert np.array_equal(read_entry(one)[1], read_entry(two)[1])


@pytest.mark.parametrize(
    ("baseline", "networks", "actions"),
    [("mlp", 0, ()), ("full", 0, ACTIONS), ("single:hflip", 0, ("hflip",)), ("single", 12, None)],
)
def test_baselines_choose_their_actions(
    tmp_path: Path, baseline: str, networks: int, actions: tuple[str, ...] | None
) -> None:
    folder = run_plan(baseline, tmp_path)[0]
    entry, predictions = read_entry(folder)
    moved = read_moved(folder, entry, predictions, 10)
    assert moved is not None
    assert moved.predictions.shape == (len(predictions), 12, 360)
    assert entry.name == f"{baseline.replace(':', '-')}-quick"
    assert entry.seeds[0].networks_trained == networks
    assert actions is None or entry.seeds[0].actions == actions
    assert not (tmp_path / "g-digits" / "d4" / entry.name / "search.png").exists()


def test_the_test_split_is_opened_after_every_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    test, choose, fit = Images.test, Baseline.choose, trial.fit
    monkeypatch.setattr(Images, "test", lambda *given: events.append("test") or test(*given))
    monkeypatch.setattr(Baseline, "choose", lambda *given: events.append("choose") or choose(*given))
    monkeypatch.setattr(trial, "fit", lambda *a, **k: events.append("fit") or fit(*a, **k))
    plan = Plan(Baseline("single"), Task("g-digits", "d4"), "quick", 1)
    seeds.run_seed(plan, TrialStore(tmp_path / "trials", "a test"), lambda _: None, 0)
    assert events == ["choose", *["fit"] * 13, "test"]


@pytest.mark.parametrize("baseline", ["aen", "single"])
def test_an_interrupted_run_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, baseline: str
) -> None:
    whole, _ = run_plan(baseline, tmp_path / "whole", seeds=2)
    trained: list[tuple[int, str]] = []
    train = TrainedEvaluation.__call__

    def counted(evaluator: TrainedEvaluation, state: str) -> float:
        if len(trained) == interrupt_at:
            raise KeyboardInterrupt
        trained.append((evaluator.seed, state))
        return train(evaluator, state)

    monkeypatch.setattr(TrainedEvaluation, "__call__", counted)
    for interrupt_at in (2, 5):  # noqa: B007 - `counted` reads it
        with pytest.raises(KeyboardInterrupt):
            run_plan(baseline, tmp_path / "cut", seeds=2)
        store, seeds_trained = f".{baseline}-quick.trials", {seed for seed, _ in trained}
        kept = [f"{store}.{seed}.checkpoint" for seed in sorted(seeds_trained)[:-1]]
        assert sorted(path.name for path in (tmp_path / "cut" / "g-digits" / "d4").iterdir()) == [store, *kept]
    interrupt_at = -1
    cut, _ = run_plan(baseline, tmp_path / "cut", seeds=2)
    assert (cut / "trials.csv").read_bytes() == (whole / "trials.csv").read_bytes()
    assert np.array_equal(read_entry(cut)[1], read_entry(whole)[1])
    assert len(set(trained)) == len(trained) == sum(seed.networks_trained for seed in read_entry(whole)[0].seeds)
    assert [path.name for path in cut.parent.iterdir()] == [cut.name]


def test_trials_of_another_plan_are_not_used(tmp_path: Path) -> None:
    store = tmp_path / "g-digits" / "d4" / ".aen-quick.trials"
    TrialStore(store, "another plan")
    with pytest.raises(StoreError, match="holds the trials of another plan"):
        run_plan("aen", tmp_path)


def test_gcnn_aen_is_searched_trained_and_scored(tmp_path: Path) -> None:
    folder, _ = run_plan("gcnn-aen", tmp_path)
    entry, result, differences = rescore(folder)
    assert differences == []
    assert 0 < result.mean < 1
    rows = list(csv.DictReader(io.StringIO((folder / "trials.csv").read_text())))
    best = max(rows, key=lambda row: float(row["value"]))["canonical"]
    chosen = GCNNSpace(TaskShape("standard", 10)).candidate(best)
    (seed,) = entry.seeds
    assert (seed.group, seed.large) == (chosen.architecture.group, chosen.architecture.large)
    assert seed.augmentations == chosen.augmentation.names
    assert seed.networks_trained == 3 == len(rows)


@pytest.mark.slow
def test_an_augmented_run_repeats_and_differs_from_the_plain_one(tmp_path: Path) -> None:
    task = Task("g-digits", "none")
    plans = {"plain": Baseline("gcnn:c4")} | dict.fromkeys("ab", Baseline("gcnn:c4", Augmentation(["rotate", "scale"])))
    found = {
        name: read_entry(
            run(Plan(baseline, task, "quick", 1), tmp_path / name, "a test", lambda _: None, LocalExecutor(1))
        )
        for name, baseline in plans.items()
    }
    assert np.array_equal(found["a"][1], found["b"][1])
    assert not np.array_equal(found["a"][1], found["plain"][1])
    assert found["a"][0].name == "gcnn-c4-rotate-scale-quick"
    assert found["a"][0].seeds[0].augmentations == ("rotate", "scale")


def test_a_folder_of_images_is_a_dataset(tmp_path: Path) -> None:
    """Color, 32 x 32, two classes told apart by their color; scored again from inside a root."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 40), ("test", 10)):
        for label, channel in (("green", 1), ("red", 0)):
            (tmp_path / "lights" / split / label).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 60, (32, 32, 3), dtype=np.uint8)
                pixels[..., channel] += 150
                Image.fromarray(pixels).save(tmp_path / "lights" / split / label / f"{number}.png")
    plan = Plan(Baseline("gcnn:d4"), Task(str(tmp_path / "lights"), "none"), "quick", 1)
    folder = run(plan, tmp_path / "out", "a test", lambda _: None, LocalExecutor(1))
    entry, result, differences = rescore(folder, tmp_path)
    assert (entry.dataset, entry.dataset_version, entry.image_size) == ("lights", "as-published", 32)
    assert differences == []
    assert len(result.per_seed) == 1
    (tmp_path / "lights" / "test" / "red" / "0.png").unlink()
    with pytest.raises(EntryError, match="expected uint8"):
        rescore(folder, tmp_path)


def test_bad_plans_are_refused_before_any_work(tmp_path: Path) -> None:
    task = Task("g-digits", "d4")
    with pytest.raises(InvalidArgumentError, match="--seeds 3"):
        Plan(Baseline("mlp"), task, seeds=0)
    with pytest.raises(UnknownNameError, match=r'Unknown budget "huge"'):
        Plan(Baseline("mlp"), task, budget="huge")
    run_plan("mlp", tmp_path)
    with pytest.raises(OutputError, match="exists"):
        run_plan("mlp", tmp_path)
