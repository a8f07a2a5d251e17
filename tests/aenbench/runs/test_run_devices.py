"""A run on a device that is pretended, and what of the device is part of a result's identity."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aenbench.cli.reproduce import parse_run
from aenbench.errors import EntryError, StoreError
from aenbench.execution.device import CPU, Device
from aenbench.execution.executors import LocalExecutor
from aenbench.execution.store import TrialStore
from aenbench.leaderboard.entry_folder import read_description, read_entry
from aenbench.models.aen import AEN_FAMILY
from aenbench.models.family import Budget
from aenbench.models.space import SearchBudget
from aenbench.runs.baselines import Baseline
from aenbench.runs.plan import Plan
from aenbench.runs.rerun import recorded_plan
from aenbench.runs.run import run
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from aenbench.training.recipe import Recipe

BOARD = Path(__file__).resolve().parents[3] / "leaderboards"


@pytest.fixture(autouse=True)
def tiny_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = Budget("quick", SearchBudget(states=12, networks=2, episode_steps=3), Recipe(64, 1), Recipe(96, 2))
    monkeypatch.setitem(AEN_FAMILY.budgets, ("standard", "quick"), tiny)


def plan_on(device: Device, baseline: str = "mlp") -> Plan:
    return Plan(Baseline(baseline), Task("g-digits", "d4"), "quick", 1, keep_logits=True, device=device)


def test_a_run_on_a_device_gives_the_entry_of_the_cpu_and_says_where(
    tmp_path: Path, pretended_gpu: Callable[[], Any]
) -> None:
    def make(device: Device) -> tuple[Path, dict[str, Any]]:
        folder = run(plan_on(device), tmp_path / device.kind, "a test", lambda _: None, LocalExecutor(1))
        return folder, json.loads((folder / "entry.json").read_text())

    here, described = make(CPU)
    with pretended_gpu() as (device, _):
        there, also_described = make(device)
    for name in ("predictions.npy", "logits.npy", "moved.npy", "history.csv"):
        assert (there / name).read_bytes() == (here / name).read_bytes(), name
    assert "device" not in described
    assert described["precision"] == "float32"
    assert also_described["device"] == "cuda"
    assert (described["name"], described["seeds"][0]["actions"]) == (
        also_described["name"],
        also_described["seeds"][0]["actions"],
    )
    assert read_entry(here)[0].device == "cpu"
    assert read_entry(there)[0].device == "cuda"


def test_trials_and_checkpoints_of_another_kind_of_device_are_refused(tmp_path: Path) -> None:
    images, candidate = Images(plan_on(CPU).task), Baseline("mlp").space(Images(plan_on(CPU).task).shape).candidate
    mlp = candidate("0" * 12)
    names = [plan_on(Device(name)).identity(images) for name in ("cpu", "cuda", "cuda:1")]
    finals = [plan_on(Device(name)).final_identity(images, mlp, 0) for name in ("cpu", "cuda", "cuda:1")]
    for here, there, beside in (names, finals):
        assert here != there == beside
        assert "cuda" not in here
    TrialStore(tmp_path / "trials", names[0])
    with pytest.raises(StoreError, match="another plan"):
        TrialStore(tmp_path / "trials", names[1])


def test_a_recorded_command_runs_on_the_kind_of_device_that_the_entry_states() -> None:
    found = read_description(BOARD / "g-mnist" / "aug2" / "mlp")

    def device_of(option: str, kind: str, wanted: Device | None = None) -> Device:
        command = f"aenbench run --baseline mlp --dataset g-mnist{option}"
        entry = found.model_copy(update={"command": command, "device": kind})
        return recorded_plan(entry, parse_run, None, wanted).device

    assert device_of("", "cpu") == CPU
    assert device_of(" --device cuda:1", "cuda") == Device("cuda")  # the number is another machine's business
    assert device_of(" --device auto", "cpu") == CPU
    assert device_of(" --device auto", "cuda") == Device("cuda")
    assert device_of(" --device cuda", "cuda", CPU) == CPU
    for option, kind in (("", "cuda"), (" --device cuda", "cpu")):
        with pytest.raises(EntryError, match="its device is"):
            device_of(option, kind)


def test_a_recorded_command_trains_in_the_precision_that_the_entry_states() -> None:
    found = read_description(BOARD / "g-mnist" / "aug2" / "cnn").model_copy(
        update={"command": "aenbench run --baseline cnn --dataset g-mnist --config aug2"}
    )
    for stated in (None, "bfloat16"):  # entries from before the field state none
        plan = recorded_plan(found.model_copy(update={"precision": stated}), parse_run, None)
        assert plan.spent.final.precision == "bfloat16"
    with pytest.raises(EntryError, match="its precision is bfloat16, not float32"):
        recorded_plan(found.model_copy(update={"precision": "float32"}), parse_run, None)


def test_a_table_says_its_device_only_where_it_is_not_the_processor(make_table: Callable[..., Any]) -> None:
    info = make_table().info
    there = make_table(device="cuda").info
    assert "device" not in json.loads(info.training_identity)
    assert json.loads(there.training_identity)["device"] == "cuda"
    assert there.identity != info.identity == replace_device(there).identity


def replace_device(info: Any) -> Any:
    return info.model_copy(update={"device": "cpu"})


def test_equal_plans_stay_equal() -> None:
    assert plan_on(CPU) == replace(plan_on(Device("cuda")), device=CPU) != plan_on(Device("cuda"))
