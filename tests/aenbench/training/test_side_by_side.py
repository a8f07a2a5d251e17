"""Networks that are trained at once become what each becomes alone, up to rounding."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from aenbench.errors import InvalidArgumentError, TrainingError
from aenbench.execution.threads import one_thread
from aenbench.models.aen import Architecture
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.stacked import stack_networks
from aenbench.tasks.images import LabeledImages
from aenbench.tasks.task import TaskShape
from aenbench.training.augmentation import Augmentation
from aenbench.training.candidate import Candidate
from aenbench.training.recipe import Recipe
from aenbench.training.side_by_side import train_side_by_side
from aenbench.training.trial import Trained, Training, train
from gdatasets.groups.actions import ACTIONS

SETS = ((), ("rotation", "hflip"), ("htrans",), ACTIONS)
SHAPE = TaskShape(image_size=8, classes=4)


class Double:
    """A network's architecture, in float64, where rounding cannot hide a mistake."""

    def __init__(self, actions: Sequence[str]) -> None:
        self.architecture = Architecture(actions, SHAPE)
        self.facts = self.architecture.facts

    def build(self, generator: torch.Generator) -> nn.Module:
        return in_double(self.architecture.build(generator))


def in_double(network: nn.Module) -> nn.Module:
    network.double().register_forward_pre_hook(lambda _, given: (given[0].double(),))
    return network


def stack(networks: Sequence[nn.Module]) -> nn.Module | None:
    together = stack_networks(networks)
    return together and in_double(together)


def images(count: int, seed: int) -> LabeledImages:
    pixels = torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    return LabeledImages(pixels, pixels.flatten(1)[:, :4].argmax(dim=1))


LEARN, CHOOSE_BY, FOLLOW = images(90, 0), images(40, 1), images(30, 2)


def trainings(recipe: Recipe, seed: int = 3, candidates: Sequence[Any] = ()) -> list[Training]:
    every = candidates or [Candidate(Double(actions)) for actions in SETS]
    return [Training(candidate, recipe, seed, "child") for candidate in every]


def distance(ones: Sequence[Trained], others: Sequence[Trained]) -> float:
    pairs = [
        (a, b)
        for one, other in zip(ones, others, strict=True)
        for a, b in zip(one.model.state_dict().values(), other.model.state_dict().values(), strict=True)
    ]
    return max(float((a - b).abs().max()) for a, b in pairs)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(90, 3, 16),  # with a last batch of 10
        Recipe(81, 3, 16, optimiser="adamw", weight_decay=0.1, schedule="one-cycle", label_smoothing=0.1),
        Recipe(60, 2, 8, optimiser="sgd", learning_rate=0.1, schedule="cosine", weight_decay=1e-3, chosen_by=25),
    ],
    ids=lambda recipe: recipe.optimiser,
)
def test_side_by_side_is_one_by_one_up_to_rounding(recipe: Recipe) -> None:
    """In float64; the control is another seed."""
    with one_thread():
        alone = [train(each, LEARN, CHOOSE_BY, FOLLOW) for each in trainings(recipe)]
        together = train_side_by_side(trainings(recipe), stack, LEARN, CHOOSE_BY, FOLLOW)
        control = train_side_by_side(trainings(recipe, seed=4), stack, LEARN, CHOOSE_BY, FOLLOW)
    assert distance(alone, together) < 1e-9 < 1e-2 < distance(alone, control)
    for one, other in zip(alone, together, strict=True):
        assert one.accuracies == other.accuracies
        assert one.followed == other.followed
        assert len(other.followed) == recipe.epochs
        assert one.parameters == other.parameters
        for a, b in zip(one.history, other.history, strict=True):
            assert a.loss == pytest.approx(b.loss, rel=1e-9)
            assert (a.accuracy, a.learning_rate) == (b.accuracy, b.learning_rate)


def test_networks_that_do_not_stack_are_trained_one_by_one() -> None:
    """Group convolutions of other groups have other shapes."""
    space, recipe = GCNNSpace(), Recipe(24, 1, 8)
    data = LabeledImages(torch.randn(24, 1, 28, 28), torch.arange(24) % 10)
    candidates = [space.candidate("0" * 10), space.candidate("1" + "0" * 9)]
    with one_thread():
        one, other = (
            train_side_by_side(trainings(recipe, 3, given), stack_networks, data, data)[0]
            for given in (candidates, candidates[:1])
        )
    assert one.history == other.history


def test_augmentation_is_drawn_as_for_one() -> None:
    candidates = [Candidate(Architecture(actions, SHAPE), Augmentation(("hflip", "translate"))) for actions in SETS]
    recipe, learn, choose_by = Recipe(64, 2, 16), images(64, 5), images(30, 6)
    with one_thread():
        alone = [train(each, learn, choose_by) for each in trainings(recipe, 3, candidates)]
        together = train_side_by_side(trainings(recipe, 3, candidates), stack_networks, learn, choose_by)
        plain = [Candidate(each.architecture) for each in candidates]
        control = train_side_by_side(trainings(recipe, 3, plain), stack_networks, learn, choose_by)
    assert distance(alone, together) < 2e-4 < 1e-2 < distance(alone, control)


def test_they_are_trained_on_the_device(pretended_gpu: Callable[[], Any]) -> None:
    """A pass reads its losses, two sets of logits and one of labels, however many steps and networks it has."""
    read = []
    for epochs, batch in ((2, 16), (3, 16), (3, 4)):
        recipe = Recipe(64, epochs, batch)
        with one_thread():
            here = train_side_by_side(trainings(recipe), stack, LEARN, CHOOSE_BY, FOLLOW)
            with pretended_gpu() as (device, seen):
                moved = [replace(each, device=device) for each in trainings(recipe)]
                there = train_side_by_side(moved, stack, LEARN, CHOOSE_BY, FOLLOW)
                read.append(seen["reads"])
                assert {value.device for each in there for value in each.model.parameters()} == {device.torch}
        assert [each.history for each in there] == [each.history for each in here]
    assert (read[1] - read[0], read[2] - read[1]) == (4, 0)


@pytest.mark.parametrize(
    "change", [{"seed": 9}, {"recipe": Recipe(10, 1)}, {"role": "final"}], ids=lambda change: next(iter(change))
)
def test_only_children_of_one_kind_go_together(change: dict[str, Any]) -> None:
    given = trainings(Recipe(60, 1))
    with pytest.raises(InvalidArgumentError, match="children of one seed"):
        train_side_by_side([*given[:2], replace(given[2], **change)], stack, LEARN, CHOOSE_BY)


def test_one_that_diverges_ends_them_as_it_would_end_alone() -> None:
    learn = replace(LEARN, images=LEARN.images.clone())
    learn.images[5] = float("inf")
    with one_thread(), pytest.raises(TrainingError, match="diverged"):
        train_side_by_side(trainings(Recipe(90, 1)), stack, learn, CHOOSE_BY)
