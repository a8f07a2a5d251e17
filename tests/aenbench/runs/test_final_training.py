"""A run that ends in the middle of its final training continues there, whatever ended it."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenbench.errors import StoreError
from aenbench.execution.executors import LocalExecutor
from aenbench.leaderboard.entry_folder import read_entry
from aenbench.leaderboard.training_curves import read_history
from aenbench.models.aen import AEN_FAMILY
from aenbench.models.family import Budget
from aenbench.models.space import SearchBudget
from aenbench.runs.baselines import Baseline
from aenbench.runs.plan import Plan
from aenbench.runs.progress import Step
from aenbench.runs.run import run
from aenbench.tasks.task import Task
from aenbench.training import checkpoint
from aenbench.training.recipe import Recipe

PLAN = Plan(Baseline("mlp"), Task("g-digits", "d4"), "quick", 2)
NAME = "mlp-quick"
KILLS = 4

KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from aenbench.execution.executors import LocalExecutor
from aenbench.models.aen import AEN_FAMILY
from aenbench.models.family import Budget
from aenbench.models.space import SearchBudget
from aenbench.runs.baselines import Baseline
from aenbench.runs.plan import Plan
from aenbench.runs.run import run
from aenbench.tasks.task import Task
from aenbench.training import checkpoint
from aenbench.training.recipe import Recipe

checkpoint.INTERVAL_S = 0.0
AEN_FAMILY.budgets["standard", "quick"] = Budget("quick", SearchBudget(1, 1, 1), Recipe(9, 1), Recipe(256, 10))
plan = Plan(Baseline("mlp"), Task("g-digits", "d4"), "quick", 2)
out = Path(sys.argv[1])
random.seed(1)


def attempt():
    run(plan, out, "a test", lambda _: None, LocalExecutor(1))


def written():
    return {path: path.stat().st_mtime_ns for path in out.rglob("*.checkpoint")}


kills = 0
while kills < int(sys.argv[2]):
    before, child = written(), os.fork()
    if not child:
        try:
            attempt()
        finally:
            os._exit(0)
    while written() == before:
        assert os.waitpid(child, os.WNOHANG) == (0, 0), "the run ended before it was killed so often"
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    kills += 1
attempt()
"""


@pytest.fixture(autouse=True, scope="module")
def small_budget() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        small = Budget("quick", SearchBudget(1, 1, 1), Recipe(9, 1), Recipe(256, 10))
        patch.setitem(AEN_FAMILY.budgets, ("standard", "quick"), small)
        yield


def predictions(out: Path) -> np.ndarray:
    return read_entry(out / "g-digits" / "d4" / NAME)[1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    out = tmp_path_factory.mktemp("whole")
    run(PLAN, out, "a test", lambda _: None, LocalExecutor(1))
    return predictions(out)


def cut(out: Path, seed: int, after: int) -> list[int]:
    """Run until so many passes of a seed; the passes that were trained."""
    trained: list[int] = []

    def report(step: Step) -> None:
        trained.append(step.done)
        if (step.seed, step.done) == (seed, after):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(PLAN, out, "a test", report, LocalExecutor(1))
    return trained


def test_no_pass_is_trained_twice(tmp_path: Path, whole: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "INTERVAL_S", 0.0)
    first = cut(tmp_path, 0, 3)
    files = sorted(path.name for path in (tmp_path / "g-digits" / "d4").iterdir())
    assert files == [f".{NAME}.trials", f".{NAME}.trials.0.checkpoint"]
    second = cut(tmp_path, 1, 2)
    rest: list[int] = []
    folder = run(PLAN, tmp_path, "a test", lambda step: rest.append(step.done), LocalExecutor(1))
    passes = max(second)
    assert first + second == [1, 2, 3, *range(4, passes + 1), 1, 2]
    assert rest == [*range(3, passes + 1)]
    assert [len(history) for history in read_history(folder).values()] == [passes] * 2
    assert np.array_equal(predictions(tmp_path), whole)
    assert [path.name for path in folder.parent.iterdir()] == [NAME]


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "INTERVAL_S", 0.0)
    cut(tmp_path, 0, 1)
    budget = AEN_FAMILY.budgets["standard", "quick"]
    other = replace(budget, final=replace(budget.final, learning_rate=2 * budget.final.learning_rate))
    monkeypatch.setitem(AEN_FAMILY.budgets, ("standard", "quick"), other)
    with pytest.raises(
        StoreError,
        match=r"checkpoint holds a training of another plan, or of code .* since; move it away",
    ):
        run(replace(PLAN), tmp_path, "a test", lambda _: None, LocalExecutor(1))  # PLAN keeps the recipe that it knew


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_run_that_is_killed_amid_its_final_trainings_ends_as_one_that_is_not(
    tmp_path: Path, whole: np.ndarray
) -> None:
    """With KILLS = 20, and 30 passes in place of 10, it was run once."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(KILLS)], check=True, timeout=300)
    assert np.array_equal(predictions(tmp_path), whole)
