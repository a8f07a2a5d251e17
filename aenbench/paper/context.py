"""What every part is given, and how its pieces of work are done once and kept."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from aenbench.execution.executors import Executor, LocalExecutor
from aenbench.execution.store import Result, TrialStore, evaluate_all
from aenbench.paper.scales import Scale
from aenbench.runs.progress import Report, Step
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import Protocol
from aenbench.tasks.task import Task

T = TypeVar("T")

DATASETS = ("g-mnist", "g-fashion-mnist")
CONFIGURATIONS = ("none", "aug1", "aug2", "aug3", "aug4", "aug5")


@dataclass(frozen=True)
class Setting:
    """What every part is given.

    Attributes:
        scale: how large the experiments are.
        out: each part writes into a folder of its own there, and keeps its trials beside it until it is done again.
        datasets: of the dense networks.
        image_datasets: of the group convolutional networks; by default those of the paper.
        root: a folder to look for images in first; it does not change the outcome.
        tables: a folder of tables: a search asks a table that fits instead of training.
        executor: where the work is done; the outcome does not depend on it.
        report: of the progress.
    """

    scale: Scale
    out: Path
    datasets: Sequence[str] = DATASETS
    image_datasets: Sequence[str] = ()
    root: Path | None = None
    tables: Path | None = None
    executor: Executor = field(default_factory=LocalExecutor)
    report: Report = lambda _: None

    def images(self, dataset: str, configuration: str, protocol: Protocol) -> Images:
        """The images of a task, which are named, not yet read."""
        return Images(Task(dataset, configuration, protocol), self.root)

    def store(self, part: str, tasks: Sequence[Images]) -> TrialStore:
        """The store of a part's trials; another scale, other images or another PyTorch is another plan."""
        text = repr((self.scale, [(task.task, *map(task.dataset.digest, ("train", "test"))) for task in tasks]))
        digest = hashlib.sha256(text.encode()).hexdigest()
        plan = f"reproduce paper, part {part}, scale {self.scale.name}, torch {version('torch')}, {digest}"
        return TrialStore(self.out / f".{part}-{self.scale.name}.trials", plan)

    def evaluate(
        self, store: TrialStore, what: str, work: Callable[[T], Mapping[str, object]], items: Mapping[str, T]
    ) -> dict[str, Result]:
        """The results of all items by key, in the items' order; what the store knows is not done again."""
        found: dict[str, Result] = {}
        for key, result in evaluate_all(store, self.executor, work, items):
            found[key] = result
            self.report(Step(None, what, len(found), len(items)))
        return {key: found[key] for key in items}
