"""Searches that know what they ask for next have it trained side by side, and find what they find one by one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from aenbench.execution.device import CPU, Device
from aenbench.execution.store import TrialStore
from aenbench.execution.threads import one_thread
from aenbench.models.aen import AENSpace
from aenbench.models.space import SearchBudget
from aenbench.search import exhaustive, greedy, random
from aenbench.search.evaluate import StoredEvaluation, TrainedEvaluation
from aenbench.tasks.images import LabeledImages
from aenbench.tasks.task import TaskShape
from aenbench.training.recipe import Recipe


class FreeSpace(AENSpace):
    """Every state is a network of its own, the first three are the space."""

    def canonical(self, state: str) -> str:
        return state

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple(format(number, "012b") for number in (0, 1024, 2048, 4, 8, 16, 4095))


class Fake:
    """Values of states, and what was asked for together."""

    trains_together = True

    def __init__(self) -> None:
        self.chunks: list[tuple[str, ...]] = []
        self.alone: list[str] = []

    def value(self, state: str) -> float:
        return float(np.random.default_rng(int(state, 2)).random())

    def __call__(self, state: str) -> float:
        self.alone.append(state)
        return self.value(state)

    def together(self, states: Sequence[str]) -> list[float]:
        self.chunks.append(tuple(states))
        return [self.value(state) for state in states]


@pytest.mark.parametrize("search", [exhaustive, random, greedy], ids=lambda module: module.__name__.split(".")[-1])
@pytest.mark.parametrize("budget", [SearchBudget(networks=5), SearchBudget(states=6), SearchBudget(networks=12)])
def test_the_record_is_that_of_one_by_one_and_nothing_is_trained_in_vain(
    search: Any, budget: SearchBudget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aenbench.search.evaluate.CHUNK", 4)
    space, fake = FreeSpace(TaskShape(image_size=8)), Fake()
    stored = StoredEvaluation(fake, TrialStore(tmp_path / "store", "toy"), "0", timed=True)
    record = search.search(space, stored, budget, 3)
    expected = search.search(space, Fake().value, budget, 3)
    assert record.trials == expected.trials
    trained = [state for chunk in fake.chunks for state in chunk]
    assert fake.alone == ["0" * 12]  # where each of them begins
    assert sorted([*fake.alone, *trained]) == sorted(trial.canonical for trial in record.trials)
    assert max(map(len, fake.chunks)) == 4
    assert stored.networks == len(record.trials)
    assert stored.earlier_seconds == 0  # all was trained now
    again = StoredEvaluation(Fake(), TrialStore(tmp_path / "store", "toy"), "0", timed=True)
    assert search.search(space, again, budget, 3).trials == expected.trials
    assert again._evaluate.chunks == again._evaluate.alone == []  # type: ignore[attr-defined]


def test_on_a_processor_nothing_is_trained_ahead(tmp_path: Path) -> None:
    fake = Fake()
    fake.trains_together = False
    stored = StoredEvaluation(fake, TrialStore(tmp_path / "store", "toy"), "0")
    exhaustive.search(FreeSpace(TaskShape(image_size=8)), stored, SearchBudget(networks=5), 0)
    assert fake.chunks == []
    assert len(fake.alone) == 5


def test_trained_values_are_those_of_one_by_one_up_to_rounding(pretended_gpu: Callable[[], Any]) -> None:
    space, recipe = FreeSpace(TaskShape(image_size=8, classes=4)), Recipe(200, 2, 16)
    pixels = torch.randn(500, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    data = LabeledImages(pixels, pixels.flatten(1)[:, :4].argmax(dim=1))
    learn, choose_by = data.first(200), data.part(200)

    def evaluation(device: Device, seed: int) -> TrainedEvaluation:
        return TrainedEvaluation(space, learn, choose_by, recipe, seed, device)

    with one_thread():
        alone, control = ([evaluation(CPU, seed)(state) for state in space.networks] for seed in (0, 1))
        with pretended_gpu() as (device, _):
            assert evaluation(device, 0).trains_together
            together = evaluation(device, 0).together(space.networks)
    assert not evaluation(CPU, 0).trains_together
    assert np.abs(np.subtract(alone, together)).max() <= 1 / 300  # an image whose two best logits are nearly equal
    assert np.abs(np.subtract(alone, control)).max() > 5 / 300
