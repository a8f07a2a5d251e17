"""Everything that decides the outcome of a run."""

from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from aenbench.errors import InvalidArgumentError
from aenbench.models.family import Budget
from aenbench.runs.method import Method
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from aenbench.training.candidate import Candidate
from aenbench.training.recipe import Precision


@dataclass(frozen=True)
class Plan:
    """Everything that decides the outcome of a run.

    Attributes:
        method: how the network is come by: a baseline, or a user's own.
        task: dataset, configuration and protocol.
        budget: `quick` or `standard`.
        seeds: independent repetitions of the whole procedure.
        root: a torchvision-style folder with the source's raw files; it does not change the outcome.
        keep_logits: whether the entry holds the logits of the test images, too, where they are finite.
        precision: that the final network is trained in; by default its recipe's. Another one is part of the entry's
            name, and so of its identity; what a search spends on a network stays as it is.
        keep_weights: whether seeds give the weights of their final networks; that changes no outcome.

    Raises:
        UnknownNameError: no such budget.
        InvalidArgumentError: fewer than one seed.
    """

    method: Method
    task: Task
    budget: str = "standard"
    seeds: int = 3
    root: Path | None = None
    keep_logits: bool = False
    precision: Precision | None = None
    keep_weights: bool = False

    def __post_init__(self) -> None:
        _ = self.spent
        if not 1 <= self.seeds <= 1_000:
            raise InvalidArgumentError(f"Expected 1 to 1,000 seeds, got {self.seeds}; give --seeds 3, say.")

    @property
    def spent(self) -> Budget:
        """What one seed may spend."""
        budget = self._usual_budget
        if self.precision is None:
            return budget
        return replace(budget, final=replace(budget.final, precision=self.precision))

    @property
    def _usual_budget(self) -> Budget:
        return self.method.budget(self.task.protocol, self.budget)

    def identity(self, images: Images) -> str:
        """What the trials of interrupted runs must have in common to be of use."""
        dataset = images.dataset
        train = dataset.digest("train")[:16]
        parts = (dataset.name, dataset.version, dataset.configuration, train, self.task.protocol.name)
        return f"run, torch {version('torch')}, {self.name}, {' '.join(parts)}, {self.spent.child}"

    def final_identity(self, images: Images, candidate: Candidate, seed: int) -> str:
        """What decides the outcome of a seed's final training."""
        return f"{self.identity(images)}, {self.spent.final}, {dict(candidate.facts)}, seed {seed}"

    @property
    def name(self) -> str:
        """The entry's name."""
        name = self.method.entry_name(self.task.protocol, self.budget)
        usual = self.precision in (None, self._usual_budget.final.precision)
        return name if usual else f"{name}-{self.precision}"
