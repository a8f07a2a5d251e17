"""A model family from outside the package, as a user writes it: tests put it under another name where commands look."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from aenbench.models.family import BUDGETS, Budget, Fixed, ModelFamily, Searched
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.tasks.task import TaskShape
from aenbench.training.candidate import Candidate
from aenbench.training.recipe import Recipe

LAYERS = {"wide": "10", "deep": "01"}


@dataclass(frozen=True)
class ToyNetwork:
    """A dense network: 4 units or 8, one hidden layer or two."""

    state: str
    shape: TaskShape = field(default_factory=TaskShape)

    @property
    def facts(self) -> Mapping[str, Any]:
        return {}

    def build(self, generator: torch.Generator) -> nn.Module:
        wide, deep = (bit == "1" for bit in self.state)
        units = 8 if wide else 4
        pixels = self.shape.channels * self.shape.image_size**2
        sizes = [pixels, units, *([units] if deep else []), self.shape.classes]
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise(sizes):
            layer = nn.Linear(inputs, outputs)
            with torch.no_grad():
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) / inputs**0.5)
                layer.bias.zero_()
            layers += [layer, nn.ReLU()]
        return nn.Sequential(*layers[:-1])


@dataclass(frozen=True)
class ToySpace(SearchSpace):
    """Two bits, four networks."""

    @property
    def bits(self) -> int:
        return 2

    def canonical(self, state: str) -> str:
        return state

    def candidate(self, state: str) -> Candidate:
        return Candidate(ToyNetwork(state, self.shape))

    @property
    def networks(self) -> tuple[str, ...]:
        return ("00", "01", "10", "11")


def fixed(shape: TaskShape, part: str, large: bool) -> ToyNetwork:  # noqa: ARG001
    return ToyNetwork(LAYERS[part], shape)


_SEARCH = SearchBudget(states=4, networks=4, episodes=2, episode_steps=4)

TOY = ModelFamily(
    "toy",
    space=ToySpace,
    budgets={("standard", name): Budget(name, _SEARCH, Recipe(200, 1), Recipe(300, 2)) for name in BUDGETS},
    baselines={"toy": Searched(), "toy:<layers>": Fixed(fixed, "layers", tuple(LAYERS))},
)
