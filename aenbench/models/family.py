"""A model family: everything that the rest of the package asks of one kind of network, as one frozen value."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aenbench.errors import InvalidArgumentError
from aenbench.models.space import Factor, SearchBudget, SearchSpace
from aenbench.tasks.protocol import Protocol
from aenbench.tasks.task import TaskShape
from aenbench.training.candidate import CountedNetwork, Network
from aenbench.training.recipe import Recipe
from gdatasets.errors import UnknownNameError

DEFAULT_BUDGET = "standard"
BUDGETS: tuple[str, ...] = ("quick", DEFAULT_BUDGET)


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


@dataclass(frozen=True)
class Fixed:
    """A baseline whose network is known: nothing is searched.

    Attributes:
        network: makes it, of what it must fit, the part of the name after the colon, and whether it is the large one.
        what: what that part is, for errors: "action"; empty where the name has none.
        parts: those that exist.
        has_sizes: whether there is a large one.
    """

    network: Callable[[TaskShape, str, bool], Network]
    what: str = ""
    parts: Sequence[str] = ()
    has_sizes: bool = False


@dataclass(frozen=True)
class BestOf:
    """A baseline that trains the networks of some states and takes the one with the best value."""

    states: Sequence[str]


@dataclass(frozen=True)
class Searched:
    """A baseline that searches the family's whole space.

    The part of its name after a colon says by which search of `aenbench.search.registry`; without one it is the
    paper's, deep Q-learning. Where a fixed baseline has the same name and such a part, the part means that one.
    """


def bit_factors(space: SearchSpace) -> tuple[Factor, ...]:
    """A factor for each bit of a space."""
    return tuple(Factor(f"bit {number}", "bits") for number in range(space.bits))


def _say_nothing(facts: Mapping[str, Any], shape: TaskShape) -> str:  # noqa: ARG001
    return ""


def _need_nothing() -> None:
    """The networks of most families need no more than this package."""


def _rebuild_nothing(facts: Mapping[str, Any], shape: TaskShape) -> None:  # noqa: ARG001
    return None


@dataclass(frozen=True)
class ModelFamily:
    """One kind of network.

    Attributes:
        name: as tables hold it; lowercase, fit for a file name.
        space: its search space, of a `TaskShape`; None where nothing is searched.
        budgets: by the name of the protocol and of the budget.
        baselines: what `aenbench run --baseline` offers, by name; those with a part are called `name:<what>`. Through
            an import path only those are found that are named after the family: `<family>` and `<family>:<what>`.
        factors: the choices that a state of the space makes, for the analysis; by default each bit is one.
        facts: which fields of an entry's seeds its networks fill; none for networks that an entry only names.
        describe: those facts in words, for the leaderboard.
        rebuild: the network of those facts, in its canonical form, so that what an entry states of it can be counted;
            None for networks that are not rebuilt, or are too large for it. Raises InvalidArgumentError for an
            impossible one.
        need: imports what the networks need beyond this package. Raises InvalidArgumentError where it is not installed.

    Raises:
        InvalidArgumentError: a name that is not fit, or baselines without a space.
    """

    name: str
    space: type[SearchSpace] | None = None
    budgets: Mapping[tuple[str, str], Budget] = field(default_factory=dict, repr=False)
    baselines: Mapping[str, Fixed | BestOf | Searched] = field(default_factory=dict, repr=False)
    factors: Callable[[SearchSpace], tuple[Factor, ...]] = bit_factors
    facts: tuple[str, ...] = ()
    describe: Callable[[Mapping[str, Any], TaskShape], str] = _say_nothing
    rebuild: Callable[[Mapping[str, Any], TaskShape], CountedNetwork | None] = _rebuild_nothing
    need: Callable[[], Any] = _need_nothing

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z0-9][a-z0-9._-]{0,99}", self.name):
            raise InvalidArgumentError(
                f'Expected a model family\'s name as 1 to 100 of a-z, 0-9, ".", "_" and "-", got "{self.name}".'
            )
        if self.baselines and self.space is None:
            raise InvalidArgumentError(f'The model family "{self.name}" has baselines; give it a space too.')

    def __hash__(self) -> int:
        return hash(self.name)

    def budget(self, protocol: Protocol, name: str = DEFAULT_BUDGET) -> Budget:
        """The budget of this name under a protocol.

        Raises:
            UnknownNameError: there is none of this name.
            InvalidArgumentError: there is none at all under this protocol.
        """
        under = protocol.budgets or protocol.name
        known = [name for by, name in self.budgets if by == under]
        if not known:
            raise InvalidArgumentError(f'The model family "{self.name}" has no budget under the protocol "{under}".')
        if name not in known:
            raise UnknownNameError("budget", name, known)
        return self.budgets[under, name]


@dataclass(frozen=True)
class Offer:
    """One baseline of one family.

    Attributes:
        family: whose it is.
        baseline: how its network is chosen.
        part: of the name, after the colon.
    """

    family: ModelFamily
    baseline: Fixed | BestOf | Searched
    part: str = ""


def offer_of(family: ModelFamily, name: str) -> Offer | None:
    """A family's baseline by its name; None where it has none of that name.

    Raises:
        UnknownNameError: the part after the colon does not exist.
    """
    head, colon, part = name.partition(":")
    named = {
        bool(key.partition(":")[1]): each for key, each in family.baselines.items() if key.partition(":")[0] == head
    }
    baseline, whole = named.get(bool(colon)), named.get(False)
    if isinstance(baseline, Fixed) and colon and part not in baseline.parts and not isinstance(whole, Searched):
        raise UnknownNameError(baseline.what, part, baseline.parts)
    if isinstance(whole, Searched) and not (isinstance(baseline, Fixed) and part in baseline.parts):
        baseline = whole
    return Offer(family, baseline, part) if baseline is not None else None


def parts_of(family: ModelFamily, head: str) -> tuple[str, ...]:
    """The parts that a fixed baseline of this name takes."""
    fixed = (each for key, each in family.baselines.items() if key.startswith(f"{head}:"))
    return tuple(part for each in fixed if isinstance(each, Fixed) for part in each.parts)
