"""How much work a run may do: budgets by kind of network, protocol and name."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from aenbench.errors import InvalidArgumentError
from aenbench.models.space import SearchBudget
from aenbench.tasks.protocol import Protocol
from aenbench.training.recipe import Recipe

Kind = Literal["dense", "gcnn"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Budget:
    """What one repetition of a baseline may spend.

    Attributes:
        name: what users type.
        search: when a search ends.
        child: how each network of a search is trained.
        final: how the chosen network is trained.
    """

    name: str
    search: SearchBudget
    child: Recipe
    final: Recipe


_PAPER_SEARCH = SearchBudget(states=1_000, episodes=60, episode_steps=100)
_QUICK_SEARCH = SearchBudget(states=100, networks=24, episodes=60, episode_steps=20)
_PAPER_GCNN_SEARCH = SearchBudget(states=600, episodes=60, episode_steps=50)
_QUICK_GCNN_SEARCH = SearchBudget(states=50, networks=10, episodes=60, episode_steps=20)


def _gcnn(images: int, epochs: int, chosen_by: int | None = None) -> Recipe:
    return Recipe(images, epochs, batch=32, chosen_by=chosen_by, evaluation_batch=100)


def _released_gcnn(images: int, epochs: int) -> Recipe:
    """As the released code trains: with momentum, 1,000 images to choose by."""
    return replace(_gcnn(images, epochs, 1_000), optimiser="sgd")


_BUDGETS: dict[tuple[Kind, str, str], Budget] = {
    ("dense", "standard", "quick"): Budget("quick", _QUICK_SEARCH, Recipe(2_000, 4), Recipe(10_000, 10)),
    ("dense", "standard", "standard"): Budget("standard", _PAPER_SEARCH, Recipe(4_000, 4), Recipe(50_000, 10)),
    ("dense", "paper", "quick"): Budget("quick", _QUICK_SEARCH, Recipe(2_000, 4), Recipe(4_000, 10)),
    ("dense", "paper", "standard"): Budget("standard", _PAPER_SEARCH, Recipe(4_000, 4), Recipe(10_000, 10)),
    ("gcnn", "standard", "quick"): Budget("quick", _QUICK_GCNN_SEARCH, _gcnn(500, 2, 500), _gcnn(4_000, 2)),
    ("gcnn", "standard", "standard"): Budget("standard", _PAPER_GCNN_SEARCH, _gcnn(6_000, 4, 1_000), _gcnn(10_000, 5)),
    ("gcnn", "paper", "quick"): Budget("quick", _QUICK_GCNN_SEARCH, _released_gcnn(500, 2), _released_gcnn(4_000, 2)),
    ("gcnn", "paper", "standard"): Budget(
        "standard", _PAPER_GCNN_SEARCH, _released_gcnn(6_000, 4), _released_gcnn(6_000, 10)
    ),
}
DEFAULT_BUDGET = "standard"
BUDGETS: tuple[str, ...] = ("quick", "standard")


def budget(kind: Kind, protocol: Protocol, name: str) -> Budget:
    """The budget of this name for a kind of networks under a protocol.

    Raises:
        InvalidArgumentError: there is none.
    """
    key = (kind, protocol.budgets or protocol.name, name)
    if key not in _BUDGETS:
        raise InvalidArgumentError(f'Unknown budget "{name}". Choose from: {", ".join(BUDGETS)}.')
    return _BUDGETS[key]
