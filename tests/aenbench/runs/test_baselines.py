"""Baselines: their names and options, and what they choose."""

import pytest

from aenbench.errors import InvalidArgumentError
from aenbench.models.aen import AENSpace, Architecture
from aenbench.models.gcnn import GCNNArchitecture, GCNNSpace
from aenbench.models.space import SearchBudget
from aenbench.nn.square_groups import SQUARE_GROUPS
from aenbench.runs.baselines import Baseline
from aenbench.tasks.task import TaskShape
from aenbench.training.augmentation import Augmentation
from gdatasets.errors import UnknownNameError


def never(state: str) -> float:
    raise AssertionError(f"nothing is to be trained, least of all {state}")


@pytest.mark.parametrize("group", SQUARE_GROUPS)
def test_gcnn_is_the_network_of_its_group(group: str) -> None:
    baseline = Baseline(f"gcnn:{group}", Augmentation(["scale"]), large=True)
    chosen = baseline.choose(GCNNSpace(TaskShape("standard", 4, 32, 3)), never, SearchBudget(), 0).candidate
    assert chosen.architecture == GCNNArchitecture(group, True, TaskShape("standard", 4, 32, 3))
    assert chosen.augmentation == Augmentation(["scale"])
    assert baseline.label == f"gcnn-{group}-scale-large"


def test_dense_baselines_are_augmented_too() -> None:
    baseline = Baseline("single:hflip", Augmentation(["rotate"]))
    chosen = baseline.choose(AENSpace(), never, SearchBudget(), 0).candidate
    assert chosen.architecture == Architecture(["hflip"])
    assert chosen.augmentation.names == ("rotate",)


def test_gcnn_aen_takes_the_best_that_it_trained() -> None:
    space = GCNNSpace()
    values = {state: number / 1_000 for number, state in enumerate(space.networks)}
    budget = SearchBudget(states=40, episode_steps=10)
    choice = Baseline("gcnn-aen").choose(space, values.__getitem__, budget, 0)
    assert choice.record is not None
    assert len(choice.record.visited) == 40
    best = max(choice.record.trials, key=lambda trial: values[trial.canonical])
    assert choice.candidate == space.candidate(best.canonical)


def test_bad_baselines_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r'Unknown baseline "vgg"\..* Choose from: mlp, full, single'):
        Baseline("vgg")
    with pytest.raises(UnknownNameError, match=r'Unknown baseline "gcnn"'):
        Baseline("gcnn")
    with pytest.raises(UnknownNameError, match=r'Unknown action "rot". Choose from: rotation'):
        Baseline("single:rot")
    with pytest.raises(UnknownNameError, match=r'Unknown group "c3". Choose from: trivial'):
        Baseline("gcnn:c3")
    with pytest.raises(InvalidArgumentError, match="chooses for itself"):
        Baseline("gcnn-aen", Augmentation(["scale"]))
    with pytest.raises(InvalidArgumentError, match="takes no --size"):
        Baseline("mlp", large=True)
