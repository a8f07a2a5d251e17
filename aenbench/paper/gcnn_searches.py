"""The paper's search for a group convolutional network: one task and seed, and the trainings that follow it."""

from dataclasses import dataclass
from pathlib import Path

from aenbench.execution.store import Result, TrialStore
from aenbench.models.family import Budget
from aenbench.models.gcnn import GCNNSpace
from aenbench.search import dqn
from aenbench.search.evaluate import StoredEvaluation, TrainedEvaluation
from aenbench.search.record import Trial
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from aenbench.training.trial import load_images, train_final

# All of a trial but what the space says; so the 768 networks there are fit into one result of a store.
_KEPT = tuple(name for name in Trial.__dataclass_fields__ if name != "canonical")


@dataclass(frozen=True)
class GCNNSearch:
    """One search, a piece of work.

    Attributes:
        task: what the networks learn, and by which rules choices are made.
        root: where its images are looked for first.
        budget: of the search and its trainings.
        seed: as of `aenbench run --baseline gcnn-aen`, whose search it repeats exactly.
        store: keeps each training.
        images: names the task's images by their contents, in the store's keys.
    """

    task: Task
    root: Path | None
    budget: Budget
    seed: int
    store: TrialStore
    images: str

    @property
    def key(self) -> str:
        """Its name in a store."""
        return f"{self.images}/search/{self.seed}"


@dataclass(frozen=True)
class GCNNTraining:
    """The final training of one network, a piece of work.

    Attributes:
        search: whose task, budget and seed it has.
        state: the network, canonical.
    """

    search: GCNNSearch
    state: str

    @property
    def key(self) -> str:
        """Its name in a store."""
        return f"{self.search.images}/final/{self.search.seed}/{self.state}"


def space_of(images: Images) -> GCNNSpace:
    """The ten bits, for networks that fit the images.

    Raises:
        InvalidArgumentError: the networks cannot read images of this size.
    """
    space = GCNNSpace(images.shape)
    space.candidate(space.start)  # an impossible size is an error here, before any work
    return space


def search(job: GCNNSearch) -> dict[str, object]:
    """Search with deep Q-learning.

    Returns:
        For each field of `Trial` but `canonical`, its values, in the order in which networks were trained.
    """
    space = space_of(Images(job.task, job.root))
    images = load_images(job.task, job.root)
    trained = TrainedEvaluation(space, images.learn, images.choose_by, job.budget.child, job.seed)
    evaluate = StoredEvaluation(trained, job.store, job.key)
    record = dqn.search(space, evaluate, job.budget.search, job.seed)
    return {name: [getattr(trial, name) for trial in record.trials] for name in _KEPT}


def trials_of(space: GCNNSpace, result: Result) -> tuple[Trial, ...]:
    """The networks that a search trained, in order, out of what `search` returned."""
    rows = zip(*(result[name] for name in _KEPT), strict=True)
    kept = (dict(zip(_KEPT, row, strict=True)) for row in rows)
    return tuple(Trial(canonical=space.canonical(row["state"]), **row) for row in kept)


def train(training: GCNNTraining) -> dict[str, object]:
    """Train one network as `train_final` does, which says what is returned."""
    job = training.search
    candidate = space_of(Images(job.task, job.root)).candidate(training.state)
    return train_final(candidate, job.task, job.root, job.budget.final, job.seed)
