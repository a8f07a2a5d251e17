"""Loaders give the very images that a run learns from, chooses by and is scored on, in the order of its training."""

from typing import Any

import numpy as np
import pytest
import torch

import aenbench
from aenbench.models.p4cnn import SevenLayerArchitecture
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from aenbench.training import fit
from aenbench.training.candidate import Candidate
from aenbench.training.loaders import data_loader
from aenbench.training.recipe import Recipe
from aenbench.training.trial import Training, train
from gdatasets import load_arrays
from gdatasets.errors import InvalidArgumentError, UnknownNameError


def whole(loader: Any) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels)


@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_the_validation_split_is_what_a_run_chooses_by(protocol: str) -> None:
    learn, choose_by = Images(Task("g-digits", "aug2", protocol)).training()
    loader = data_loader("g-digits", "aug2", "validation", protocol=protocol)
    images, labels = whole(loader)
    assert torch.equal(images, choose_by.images)
    assert torch.equal(labels, choose_by.labels)
    assert len(loader) == -(-len(labels) // 64)
    if protocol == "standard":
        arrays = load_arrays("g-digits", "aug2", "validation")
        assert np.array_equal(arrays.labels, labels.numpy())
        assert torch.equal(Images(Task("g-digits", "aug2")).normalization.apply(arrays.images), images)
    assert len(learn) == sum(len(part) for part, _ in data_loader("g-digits", "aug2", protocol=protocol))


def test_the_test_split_is_what_a_run_is_scored_on() -> None:
    images, labels = whole(data_loader("g-digits", "aug2", "test", batch=100))
    test = Images(Task("g-digits", "aug2")).test()
    assert torch.equal(images, test.images)
    assert torch.equal(labels, test.labels)


def test_passes_are_in_the_order_of_a_final_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same batches in the same passes; another seed, or a child of a search, has another order."""
    learn, choose_by = Images(Task("g-digits", "none")).training()
    recipe, orders = Recipe(len(learn), 2, 32, chosen_by=10), []
    monkeypatch.setattr(fit, "_train_once", lambda _, order, *rest: orders.append(order) or torch.zeros(()))  # noqa: ARG005
    candidate = Candidate(SevenLayerArchitecture())
    train(Training(candidate, recipe, 3, "final"), learn, choose_by)
    loader = data_loader("g-digits", "none", batch=32, seed=3)
    assert len(orders) == 2
    assert not torch.equal(*orders)
    for order in orders:
        batches = [labels for _, labels in loader]
        assert [len(labels) for labels in batches] == [len(part) for part in recipe.batches(order)]
        assert torch.equal(torch.cat(batches), learn.labels[order])
    again = data_loader("g-digits", "none", batch=32, seed=3)
    assert torch.equal(whole(again)[1], learn.labels[orders[0]])
    assert not torch.equal(whole(data_loader("g-digits", "none", batch=32, seed=4))[1], learn.labels[orders[0]])


def test_a_last_batch_of_one_training_image_is_joined() -> None:
    loader = data_loader("g-digits", "none", batch=1_136)  # of 1,137
    assert len(loader) == 1
    assert [len(labels) for _, labels in loader] == [1_137]
    loader = data_loader("g-digits", "none", "validation", batch=299)  # of 300
    assert [len(labels) for _, labels in loader] == [299, 1]
    assert len(loader) == 2


def test_the_global_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    for _ in aenbench.data_loader("g-digits", "none", batch=500):
        pass
    assert torch.equal(torch.random.get_rng_state(), before)


def test_wrong_names_and_batches_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r'Unknown split "valid".* Choose from: train, validation, test'):
        data_loader("g-digits", "none", "valid")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="batch of at least 1"):
        data_loader("g-digits", "none", batch=0)
    with pytest.raises(UnknownNameError, match="configuration"):
        data_loader("g-digits", "aug9")
