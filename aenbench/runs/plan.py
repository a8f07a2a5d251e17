"""Everything that decides the outcome of a run."""

import hashlib
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from aenbench.errors import InvalidArgumentError
from aenbench.execution.device import CPU, Device, Precision
from aenbench.leaderboard.entry import OpenRecipe, safe_name
from aenbench.leaderboard.training_curves import MAX_PASSES
from aenbench.models.family import Budget
from aenbench.runs.method import Method
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from aenbench.training.candidate import Candidate
from aenbench.training.recipe import Recipe
from aenbench.training.recipe_changes import RecipeChanges, exact


@dataclass(frozen=True)
class Plan:
    """Everything that decides the outcome of a run.

    Attributes:
        method: how the network is obtained: a baseline, or a user's own.
        task: dataset, configuration and protocol.
        budget: `quick` or `standard`.
        seeds: independent repetitions of the whole procedure.
        root: a torchvision-style folder with the source's raw files; it does not change the outcome.
        keep_logits: whether the entry holds the logits of the test images, too, where they are finite.
        precision: that the final network is trained in; by default its recipe's. Another one is part of the entry's
            name, and so of its identity; what a search spends on a network stays as it is.
        changes: in the recipe of the final training. Where they come to something, the entry is one of the open
            track: its name and `open_recipe` say what differs.
        device: where its networks are trained. An entry states it, and trials and checkpoints of another kind of device
            are refused; the entry's name stays.
        weights_limit: bytes that a file of a final network's weights may have; 0 keeps none. It changes no outcome.

    Raises:
        UnknownNameError: no such budget.
        InvalidArgumentError: fewer than one seed, or an impossible recipe.
    """

    method: Method
    task: Task
    budget: str = "standard"
    seeds: int = 3
    root: Path | None = None
    keep_logits: bool = False
    precision: Precision | None = None
    changes: RecipeChanges = field(default_factory=RecipeChanges)
    device: Device = CPU
    weights_limit: int = 0

    def __post_init__(self) -> None:
        self.changes.check(self._fixed)
        if not 1 <= self.seeds <= 1_000:
            raise InvalidArgumentError(f"Expected 1 to 1,000 seeds, got {self.seeds}; give --seeds 3, for example.")

    @property
    def spent(self) -> Budget:
        """What one seed may spend.

        Raises:
            InvalidArgumentError: changes that ask for more images than there are, or too many passes.
            SourceError: there are changes, or many seeds, and the dataset is not on this machine.
        """
        return replace(self._usual_budget, final=self._final)

    @property
    def _usual_budget(self) -> Budget:
        return self.method.budget(self.task.protocol, self.budget)

    @property
    def _fixed(self) -> Recipe:
        """The recipe of the final training, without changes."""
        usual = self._usual_budget.final
        return usual if self.precision is None else replace(usual, precision=self.precision)

    @cached_property
    def _final(self) -> Recipe:
        final = self._fixed
        if self.changes.given:
            final = self.changes.applied(final, self._images_to_learn)
        if final.passes(1) * self.seeds > MAX_PASSES:  # only then the number of images is asked for, which may be far
            self._check_passes(final.passes(self._images_to_learn))
        return final

    def _check_passes(self, passes: int) -> None:
        """Refuse more passes than the history of an entry may have."""
        if passes * self.seeds > MAX_PASSES and self.changes.epochs is None:
            raise InvalidArgumentError(
                f"An entry holds at most {MAX_PASSES:,} passes of all seeds; give at most --seeds "
                f"{MAX_PASSES // passes:,} for {passes:,} passes each, got {self.seeds:,}."
            )
        if passes * self.seeds > MAX_PASSES:
            raise InvalidArgumentError(
                f"An entry holds at most {MAX_PASSES:,} passes of all seeds; give at most --epochs "
                f"{MAX_PASSES // self.seeds:,} for {self.seeds:,} seeds, got {passes:,}."
            )

    @cached_property
    def _images_to_learn(self) -> int:
        return Images(self.task, self.root).images_to_learn

    @property
    def open_recipe(self) -> OpenRecipe | None:
        """What the final training differs in from the fixed recipe, as its entry says it; None if in nothing."""
        if self._final == self._fixed:
            return None
        available = self._images_to_learn
        changes = RecipeChanges.between(self._fixed, self._final, available)
        return OpenRecipe(**asdict(changes), all_images=exact(self._final, available).images == available)

    def identity(self, images: Images) -> str:
        """What the trials of interrupted runs must have in common to be of use."""
        dataset = images.dataset
        train = dataset.digest("train")[:16]
        parts = (dataset.name, dataset.version, dataset.configuration, train, self.task.protocol.name)
        spent = f"{self.spent.child}{self.device.identity}"
        return f"run, torch {version('torch')}, {self.name}, {' '.join(parts)}, {spent}"

    def final_identity(self, images: Images, candidate: Candidate, seed: int) -> str:
        """What decides the outcome of a seed's final training."""
        return f"{self.identity(images)}, {self.spent.final}, {dict(candidate.facts)}, seed {seed}"

    @property
    def name(self) -> str:
        """The entry's name.

        Raises:
            InvalidArgumentError: changes to a name that leaves no room for them.
        """
        name = self.method.entry_name(self.task.protocol, self.budget)
        if self.precision not in (None, self._usual_budget.final.precision):
            name = f"{name}-{self.precision}"
        if self.open_recipe is None:
            return name
        label = RecipeChanges(**self.open_recipe.changes).label
        digest = hashlib.sha256(label.encode()).hexdigest()[:12]
        for whole in (f"{name}-open-{label}", f"{name}-open-{digest}"):
            with suppress(ValueError):
                return safe_name(whole)
        raise InvalidArgumentError(f'No entry can be named "{name:.110}-open-{digest}"; give a shorter --name.')
