"""How much work a run may do: budgets by protocol and name."""

from dataclasses import dataclass

from aenbench.errors import InvalidArgumentError
from aenbench.models import Protocol
from aenbench.search.space import SearchBudget
from aenbench.training import Recipe


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

_BUDGETS: dict[tuple[Protocol, str], Budget] = {
    ("standard", "quick"): Budget("quick", _QUICK_SEARCH, child=Recipe(2_000, 4), final=Recipe(10_000, 10)),
    ("standard", "standard"): Budget("standard", _PAPER_SEARCH, child=Recipe(4_000, 4), final=Recipe(50_000, 10)),
    ("paper", "quick"): Budget("quick", _QUICK_SEARCH, child=Recipe(2_000, 4), final=Recipe(4_000, 10)),
    ("paper", "standard"): Budget("standard", _PAPER_SEARCH, child=Recipe(4_000, 4), final=Recipe(10_000, 10)),
}
BUDGETS: tuple[str, ...] = ("quick", "standard")


def budget(protocol: Protocol, name: str) -> Budget:
    """The budget of this name under a protocol.

    Raises:
        InvalidArgumentError: there is none.
    """
    if (protocol, name) not in _BUDGETS:
        raise InvalidArgumentError(f'Unknown budget "{name}". Choose from: {", ".join(BUDGETS)}.')
    return _BUDGETS[protocol, name]
