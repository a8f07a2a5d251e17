"""The paper's search for one task and seed: over the twelve bits, live or on a table of the same trainings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from aenbench.execution.store import Result, TrialStore
from aenbench.models.aen import AENSpace
from aenbench.models.family import Budget
from aenbench.search import dqn
from aenbench.search.evaluate import StoredEvaluation, TrainedEvaluation
from aenbench.search.record import Evaluate, Record
from aenbench.tables.parquet import read_table, table_path
from aenbench.tables.table import Table
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from aenbench.training.recipe import Recipe
from aenbench.training.trial import load_images
from gdatasets.groups.actions import ACTIONS, bits_from_actions


@dataclass(frozen=True)
class SearchOf:
    """One search, a piece of work.

    Attributes:
        task: what the networks learn, and by which rules choices are made.
        root: where its images are looked for first.
        budget: of the search and its trainings.
        seed: as of `aenbench run --baseline aen`, whose search it repeats exactly.
        store: keeps each training of a live search.
        tables: a folder of tables, or None.
    """

    task: Task
    root: Path | None
    budget: Budget
    seed: int
    store: TrialStore
    tables: Path | None = None

    @property
    def key(self) -> str:
        """Its name in a store."""
        return f"search/{self.task.dataset}/{self.task.configuration}/{self.task.protocol}/{self.seed}"


def search(job: SearchOf) -> dict[str, object]:
    """Search with deep Q-learning, and evaluate the network of each single action.

    Returns:
        `states` that were visited, in order; `values` of their networks, 0..1; `singles`, those of the twelve actions;
        `table`, the `content_sha256` of the table that was asked, None for a live search.
    """
    images = Images(job.task, job.root)
    space = space_of(images)
    table = fitting_table(job, images)
    evaluate = _live(job, space) if table is None else table.evaluate(job.seed)
    record = dqn.search(space, evaluate, job.budget.search, job.seed)
    return {
        "states": list(record.visited),
        "values": list(record.visited.values()),
        "singles": [evaluate(space.canonical(bits_from_actions([action]))) for action in ACTIONS],
        "table": None if table is None else table.content_sha256,
    }


def space_of(images: Images) -> AENSpace:
    """The twelve bits, for networks that fit the images."""
    return AENSpace(images.shape)


def replay(space: AENSpace, result: Result, budget: Budget) -> Record:
    """The record of a search, out of what `search` returned: networks in the order of their training, with epsilon."""
    values = dict(zip(result["states"], result["values"], strict=True))
    by_network = {space.canonical(state): value for state, value in values.items()}
    record = Record(space, by_network.__getitem__)
    for state in values:
        record.epsilon = dqn.epsilon_at(len(record.visited), budget.search.states)
        record.value(state)
    return record


def best_single(space: AENSpace, result: Result) -> str:
    """The canonical state of the single action with the highest value, the first of equals."""
    values: Sequence[float] = result["singles"]
    return space.canonical(bits_from_actions([ACTIONS[values.index(max(values))]]))


def fitting_table(job: SearchOf, images: Images) -> Table | None:
    """The table that holds exactly the trainings that a live search would make; None where there is none.

    Raises:
        TableError: the file that should be it is damaged.
    """
    task = job.task
    if job.tables is None:
        return None
    path = table_path(job.tables, images.dataset.name, task.configuration, "aen", task.protocol)
    if not path.is_file():
        return None
    table = read_table(path)
    return table if has_trainings_of(table, images, job.budget.child, [job.seed]) else None


def has_trainings_of(table: Table, images: Images, recipe: Recipe, seeds: Iterable[int]) -> bool:
    """Whether a table's networks were trained on these images by this recipe, with these seeds among others."""
    dataset, info = images.dataset, table.info
    wanted = (dataset.version, dataset.digest("train"), dataset.digest("test"), recipe)
    found = (info.dataset_version, info.train_content_sha256, info.test_content_sha256, info.recipe)
    return wanted == found and info.role == "child" and set(seeds) <= set(table.seeds)


def _live(job: SearchOf, space: AENSpace) -> Evaluate:
    """Trains a network, once whatever interrupts it."""
    images = load_images(job.task, job.root)
    trained = TrainedEvaluation(space, images.learn, images.choose_by, job.budget.child, job.seed)
    return StoredEvaluation(trained, job.store, job.key)
