"""Weights that runs keep are those that predicted: after a whole run, an interrupted one, and in other processes."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from aenbench.errors import EntryError, InvalidArgumentError, WeightsError
from aenbench.execution.executors import LocalExecutor
from aenbench.leaderboard.entry_folder import read_entry
from aenbench.leaderboard.rescoring import rescore
from aenbench.leaderboard.saved_models import load_model
from aenbench.leaderboard.verify import verify, verify_weights
from aenbench.models.aen import AEN_FAMILY
from aenbench.models.family import Budget
from aenbench.models.gcnn import GCNN_FAMILY
from aenbench.models.p4cnn import P4CNN_FAMILY
from aenbench.models.space import SearchBudget
from aenbench.runs import run as runs
from aenbench.runs import seed as seeds
from aenbench.runs.baselines import Baseline
from aenbench.runs.custom_model import OwnModel
from aenbench.runs.group_baseline import GroupBaseline
from aenbench.runs.method import Method
from aenbench.runs.plan import Plan
from aenbench.runs.run import run
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from aenbench.training import fit
from aenbench.training.fit import predict
from aenbench.training.recipe import Recipe
from gdatasets.errors import OutputError
from gdatasets.groups.group import Group


@pytest.fixture(autouse=True)
def tiny_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeds, "can_be_probed", lambda _: False)  # moved images take longer than the training
    search = SearchBudget(states=12, networks=3, episode_steps=6)
    tiny = Budget("quick", search, Recipe(64, 1, 16, chosen_by=32), Recipe(128, 3, 16, chosen_by=64))
    for family in (AEN_FAMILY, GCNN_FAMILY, P4CNN_FAMILY):
        for protocol in ("standard", "paper"):
            monkeypatch.setitem(family.budgets, (protocol, "quick"), tiny)


def keep(method: Method | str, base: Path, seeds: int = 1, protocol: str = "standard", **options: Any) -> Path:
    baseline = Baseline(method) if isinstance(method, str) else method
    plan = Plan(baseline, Task("g-digits", "c4", protocol), "quick", seeds)
    return run(plan, base / "out", "a test", lambda _: None, LocalExecutor(1), weights=base / "weights", **options)


def kept(base: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((base / "weights").rglob("*.safetensors"))}


def name_of(folder: Path) -> str:
    return "/".join(folder.parts[-3:])


@pytest.mark.parametrize(
    ("method", "protocol"),
    [
        ("aen", "standard"),
        ("gcnn-aen", "standard"),
        ("gcnn:c2", "paper"),
        ("p4cnn", "standard"),
        (GroupBaseline(("rotation", "hflip")), "standard"),
    ],
    ids=str,
)
def test_the_kept_networks_predict_what_the_entry_holds(method: Method | str, protocol: str, tmp_path: Path) -> None:
    folder = keep(method, tmp_path, protocol=protocol)
    entry, predictions = read_entry(folder)
    model = load_model(name_of(folder), 0, tmp_path / "weights")
    test = Images(entry.task).test()
    assert np.array_equal(predict(model, test.images, 1_000).numpy(), predictions[0])
    assert [hashlib.sha256(content).hexdigest() for content in kept(tmp_path).values()] == [
        seed.weights_sha256 for seed in entry.seeds
    ]
    assert verify_weights(tmp_path / "out", tmp_path / "weights") == (1, [])
    assert rescore(folder)[2] == []


def test_every_seed_has_its_own_weights(tmp_path: Path) -> None:
    folder = keep("full", tmp_path, seeds=2)
    first, second = (load_model(name_of(folder), seed, tmp_path / "weights") for seed in (0, 1))
    assert not torch.equal(first.head.weight, second.head.weight)
    weights = tmp_path / "weights" / name_of(folder)
    assert sorted(path.name for path in weights.iterdir()) == ["entry.json", *kept(tmp_path)]
    assert (weights / "entry.json").read_bytes() == (folder / "entry.json").read_bytes()
    assert sorted(path.name for path in folder.iterdir() if path.suffix == ".safetensors") == []


def test_weights_change_nothing_in_an_entry_but_their_digests(tmp_path: Path) -> None:
    with_them = keep("mlp", tmp_path / "a")
    plan = Plan(Baseline("mlp"), Task("g-digits", "c4"), "quick", 1)
    without = run(plan, tmp_path / "b", "a test", lambda _: None, LocalExecutor(1))
    one, other = read_entry(with_them)[0], read_entry(without)[0]
    assert one.predictions_sha256 == other.predictions_sha256
    assert one.seeds[0].weights_sha256 is not None
    assert other.seeds[0].weights_sha256 is None
    with pytest.raises(WeightsError, match="states no weights of seed 0; run it with --weights DIR"):
        load_model(name_of(without), 0, tmp_path / "b")


def test_a_run_that_was_interrupted_in_training_keeps_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aenbench.training.checkpoint.INTERVAL_S", 0.0)
    keep("full", tmp_path / "whole")
    once, passes = fit._train_once, []

    def cut(*arguments: Any) -> float:
        passes.append(1)
        if len(passes) == 3:
            raise KeyboardInterrupt
        return once(*arguments)

    monkeypatch.setattr(fit, "_train_once", cut)
    with pytest.raises(KeyboardInterrupt):
        keep("full", tmp_path / "cut")
    assert kept(tmp_path / "cut") == {}
    keep("full", tmp_path / "cut")
    assert kept(tmp_path / "cut") == kept(tmp_path / "whole")


def test_a_run_that_ended_between_weights_and_entry_makes_both_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(runs, "write_entry", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            keep("full", tmp_path)
    before = kept(tmp_path)
    assert len(before) == 1
    folder = keep("full", tmp_path)
    assert kept(tmp_path) == before
    assert verify_weights(tmp_path / "out", tmp_path / "weights") == (1, [])
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_weights_that_are_there_are_replaced_only_when_that_is_said(tmp_path: Path) -> None:
    folder = keep("full", tmp_path)
    before = kept(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "weights").rename(other / "weights")
    with pytest.raises(OutputError, match="--overwrite"):
        keep("full", tmp_path)
    with pytest.raises(OutputError, match=r"weights.*exists"):
        keep("full", other)
    assert not (other / "out").exists() or not list((other / "out").rglob("entry.json"))
    keep("full", other, overwrite=True)
    assert kept(other) == before
    assert folder.is_dir()


def test_an_interrupted_run_replaces_no_weights_of_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """3130c15 replaced them as soon as there was a store to continue from."""
    cut = Plan(Baseline("mlp"), Task("g-digits", "c4"), "quick", 2)
    other = keep("mlp", tmp_path / "a")
    before = kept(tmp_path / "a")
    with monkeypatch.context() as patch:
        patch.setattr(seeds, "train", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(cut, tmp_path / "b" / "out", "a test", lambda _: None, LocalExecutor(1))
    assert list((tmp_path / "b").rglob(".*.trials"))
    weights = tmp_path / "a" / "weights"
    with pytest.raises(OutputError, match="exists; choose another --weights, or replace it with --overwrite"):
        run(cut, tmp_path / "b" / "out", "a test", lambda _: None, LocalExecutor(1), weights=weights)
    assert kept(tmp_path / "a") == before
    assert other.is_dir()
    run(cut, tmp_path / "b" / "out", "a test", lambda _: None, LocalExecutor(1), overwrite=True, weights=weights)
    assert set(kept(tmp_path / "a")) == {"seed-0.safetensors", "seed-1.safetensors"}


@pytest.mark.slow
def test_workers_give_the_same_weights(tmp_path: Path) -> None:
    plan = Plan(Baseline("full"), Task("g-digits", "c4"), "quick", 2)
    for workers in (1, 2):
        with LocalExecutor(workers) as executor:
            base = tmp_path / str(workers)
            run(plan, base / "out", "a test", lambda _: None, executor, weights=base / "weights")
    assert len(kept(tmp_path / "1")) == 2
    assert kept(tmp_path / "1") == kept(tmp_path / "2")


def test_small_weights_can_be_part_of_the_entry(tmp_path: Path) -> None:
    plan = Plan(Baseline("full"), Task("g-digits", "c4"), "quick", 2)
    folder = run(plan, tmp_path, "a test", lambda _: None, LocalExecutor(1), weights=tmp_path / "." / "x" / "..")
    assert {path.name for path in folder.glob("*.safetensors")} == {"seed-0.safetensors", "seed-1.safetensors"}
    assert verify(tmp_path)[1] == []
    assert verify_weights(tmp_path, tmp_path) == (2, [])
    load_model(name_of(folder), 1, tmp_path)
    (folder / "seed-1.safetensors").write_bytes(b"x")
    with pytest.raises(EntryError, match="was changed"):
        read_entry(folder)


def test_large_weights_cannot_and_that_is_said_before_the_training(tmp_path: Path) -> None:
    plan = Plan(Baseline("mlp"), Task("g-digits", "c4"), "quick", 1)
    out = tmp_path / "out"
    steps: list[str] = []
    with pytest.raises(InvalidArgumentError, match=r"at most 204,800 are kept there.*another folder than --out"):
        run(plan, out, "a test", lambda step: steps.append(step.stage), LocalExecutor(1), weights=out)
    assert list(out.rglob("entry.json")) == steps == []  # nothing was trained
    run(plan, out, "a test", lambda _: None, LocalExecutor(1), weights=tmp_path / "weights")
    assert len(kept(tmp_path)) == 1


def test_a_network_of_one_s_own_is_kept_and_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mynet.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(784, 10))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    folder = keep(OwnModel("mynet:Net"), tmp_path)
    with pytest.raises(WeightsError, match="not built by this package: nothing of a file is run"):
        load_model(name_of(folder), 0, tmp_path / "weights")
    from mynet import Net  # type: ignore[import-not-found]

    model = load_model(name_of(folder), 0, tmp_path / "weights", module=Net())
    entry, predictions = read_entry(folder)
    assert np.array_equal(predict(model, Images(entry.task).test().images).numpy(), predictions[0])
    assert verify_weights(tmp_path / "out", tmp_path / "weights") == (0, [])


def test_a_group_of_a_file_is_kept_and_says_nothing_of_the_group(tmp_path: Path) -> None:
    swap = np.roll(np.arange(784).reshape(28, 28), 14, axis=1).ravel()
    folder = keep(GroupBaseline((), Group.from_permutations(swap[None])), tmp_path)
    with pytest.raises(WeightsError, match="not built by this package"):
        load_model(name_of(folder), 0, tmp_path / "weights")
    (content,) = kept(tmp_path).values()
    assert set(safetensors.torch.load(content)) >= {"first.weight", "head.bias"}


def test_a_network_that_has_no_file_ends_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "oddnet.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(784, 10))\n\n"
        "    def get_extra_state(self):\n        return 1\n\n    def set_extra_state(self, state):\n        pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(fit, "_train_once", lambda *_: pytest.fail("it was trained"))
    with pytest.raises(InvalidArgumentError, match="more than tensors"):
        keep(OwnModel("oddnet:Net"), tmp_path)
    assert list(tmp_path.rglob("entry.json")) == []
