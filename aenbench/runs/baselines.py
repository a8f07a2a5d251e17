"""The baselines: each is a way to choose the network that is trained in the end."""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from aenbench.errors import InvalidArgumentError
from aenbench.leaderboard.entry import Origin, SeedResult
from aenbench.models.family import BestOf, Fixed, ModelFamily, Offer, Searched, parts_of
from aenbench.models.registry import find_offer, is_import_path
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.runs.method import Choice, Method
from aenbench.search.record import Evaluate, Record
from aenbench.search.registry import DEFAULT_SEARCH, SEARCHES, USUAL_NETWORKS
from aenbench.tasks.task import TaskShape
from aenbench.training.augmentation import Augmentation
from aenbench.training.candidate import Candidate
from gdatasets.errors import UnknownNameError


@dataclass(frozen=True)
class Baseline(Method):
    """A way to choose a network.

    `mlp`: the plain one. `full`: equivariant to all twelve actions. `single:<action>`: to that one. `single`: of the
    twelve networks with one action, the one with the best value. `aen`: the best that deep Q-learning finds.
    `gcnn:<group>`: a group convolutional network. `gcnn-aen`: the best group, augmentations and size that deep
    Q-learning finds. `aen:<search>`, `gcnn-aen:<search>`: the best that another search finds, one of
    `aenbench.search.registry.SEARCHES` or a function at its import path.

    Attributes:
        name: one that a registered family offers, or the import path of a family of one's own, `package.module:family`
            for its search, `package.module:family:part` for a fixed network.
        augmentation: of the training images, for baselines that do not search.
        large: the large network, for `gcnn:<group>`.
        offer: the family and how its network is chosen; it travels to other processes.

    Raises:
        UnknownNameError: no such baseline, or a part of its name, such as an action, that does not exist.
        InvalidArgumentError: an option that it does not take, or an import path that gives no family.
    """

    name: str
    augmentation: Augmentation = field(default_factory=Augmentation)
    large: bool = False
    offer: Offer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "offer", find_offer(self.name))
        if self.learns and ":" not in self.search and self.search not in SEARCHES:
            head = self.family.name if self.origin == "model" else self.name.partition(":")[0]
            parts = parts_of(self.family, head)
            own = '"package.module:name" of your own'
            raise UnknownNameError(
                f"part or search of {head}" if parts else "search", self.search, [*parts, *SEARCHES, own]
            )
        if self.learns:
            SEARCHES.find(self.search)  # one that cannot be imported is an error here
        if self.augmentation.names and not isinstance(self.offer.baseline, Fixed):
            raise InvalidArgumentError(f"{self.name} takes no --augment: it chooses for itself.")
        if self.large and not (isinstance(self.offer.baseline, Fixed) and self.offer.baseline.has_sizes):
            raise InvalidArgumentError(f"{self.name} takes no --size; only gcnn:<group> does.")

    @property
    def origin(self) -> Origin:
        return "model" if is_import_path(self.name) else "baseline"

    @property
    def family(self) -> ModelFamily:
        return self.offer.family

    @property
    def learns(self) -> bool:
        return isinstance(self.offer.baseline, Searched)

    @property
    def search(self) -> str:
        """The search that chooses, by its name or import path; empty where none does."""
        return self.offer.part or DEFAULT_SEARCH if self.learns else ""

    @property
    def label(self) -> str:
        _, _, path = self.name.partition(":")
        name = self.name if self.origin == "baseline" else ":".join([self.family.name, *path.split(":")[1:]])
        return "-".join(
            [re.sub("[^a-z0-9._]+", "-", name.lower()), *self.augmentation.names, *(["large"] if self.large else [])]
        )

    def space(self, shape: TaskShape) -> SearchSpace:
        space = self.family.space
        assert space is not None, "a family with baselines has a space"
        return space(shape)

    def networks_ahead(self, space: SearchSpace, budget: SearchBudget) -> int:
        if isinstance(self.offer.baseline, BestOf):
            return len(self.offer.baseline.states)
        if not self.learns or USUAL_NETWORKS.get(self.search) == 0:
            return 0
        return budget.networks or min(USUAL_NETWORKS.get(self.search, budget.states), len(space.networks))

    def choose(self, space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Choice:
        if self.learns:
            record = SEARCHES.find(self.search)(space, evaluate, budget, seed)
            return Choice(space.candidate(record.choice), record)
        if isinstance(self.offer.baseline, BestOf):
            record = Record(space, evaluate)
            record.expect(self.offer.baseline.states, budget)
            for state in self.offer.baseline.states:
                record.value(state)
            return Choice(space.candidate(record.best.canonical), record)
        assert isinstance(self.offer.baseline, Fixed)
        network = self.offer.baseline.network(space.shape, self.offer.part, self.large)
        return Choice(Candidate(network, self.augmentation))

    def check(self, space: SearchSpace, smallest_batch: int = 2) -> None:  # noqa: ARG002
        self.family.need()
        facts = space.candidate(space.start).architecture.facts
        unknown = sorted(set(facts) - set(self.family.facts))
        if unknown:
            raise InvalidArgumentError(
                f'Networks of {self.family.name} state "{unknown[0]}", which the family does not list among its facts.'
            )
        try:
            SeedResult(seed=0, parameters=0, accuracy=0.0, **facts)
        except (TypeError, ValidationError) as error:
            why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise InvalidArgumentError(
                f"An entry cannot hold what networks of {self.family.name} state, {dict(facts)}: {why}."
            ) from error

    @property
    def code(self) -> Path | None:
        own = next((path for path in (self.name, self.search) if ":" in path and is_import_path(path)), None)
        if own is None:
            return None
        file = getattr(sys.modules.get(own.partition(":")[0]), "__file__", None)
        return Path(file).resolve().parent if file else None
