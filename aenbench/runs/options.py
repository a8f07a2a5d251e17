"""The options of `aenbench run` that decide its outcome, and the plan that they make."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from aenbench.errors import InvalidArgumentError, known_name
from aenbench.execution.device import Device
from aenbench.models.family import Searched
from aenbench.models.registry import DEFAULT_FAMILY, find_offer, find_recipe
from aenbench.runs.baselines import Baseline
from aenbench.runs.custom_model import OwnModel
from aenbench.runs.group_baseline import GroupBaseline
from aenbench.runs.method import Method
from aenbench.runs.plan import Plan
from aenbench.search.registry import DEFAULT_SEARCH
from aenbench.tasks.datasets import as_typed, default_configuration
from aenbench.tasks.protocol import PROTOCOLS
from aenbench.tasks.task import Task
from aenbench.training.augmentation import Augmentation
from aenbench.training.recipe import OPTIMIZERS, PRECISIONS, SCHEDULES
from aenbench.training.recipe_changes import RecipeChanges

SIZES = ("small", "large")


@dataclass(frozen=True)
class RunOptions:
    """As they are typed; see `aenbench run --help`."""

    baseline: str | None = None
    model: str | None = None
    name: str | None = None
    recipe: str | None = None
    dataset: str | None = None
    config: str | None = None
    protocol: str = "standard"
    budget: str = "standard"
    seeds: int = 3
    augment: str = ""
    size: str = "small"
    keep_logits: bool = False
    generators: str | None = None
    search: str | None = None
    precision: str | None = None
    epochs: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    schedule: str | None = None
    optimizer: str | None = None
    label_smoothing: float | None = None
    train_images: int | None = None
    device: str = "cpu"

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Those of them that decide the outcome."""
        return cls(**{field.name: options[field.name] for field in fields(cls)})

    @property
    def command(self) -> str:
        """The `aenbench run` of these options; it always names the number of seeds."""
        usual, words = type(self)(), ["aenbench", "run"]
        for each in fields(self):
            value = getattr(self, each.name)
            if value != getattr(usual, each.name) or each.name == "seeds":
                flag = f"--{each.name.replace('_', '-')}"
                words += [flag] if value is True else [flag, str(value)]
        return shlex.join(words)

    def plan(self, root: Path | None = None) -> Plan:
        """What is to be run; of G-Digits, where no dataset is named.

        Raises:
            InvalidArgumentError: options that do not go together, or have impossible values.
            UnknownNameError: a name that does not exist.
        """
        dataset = as_typed(self.dataset or "g-digits")
        protocol = PROTOCOLS[self.protocol]
        method = self._method()
        task = Task(dataset, self.config or default_configuration(dataset, root), protocol)
        precision = None if self.precision is None else known_name("precision", self.precision, PRECISIONS)
        changes = RecipeChanges(
            self.epochs,
            self.batch,
            self.learning_rate,
            self.weight_decay,
            None if self.schedule is None else known_name("schedule", self.schedule, SCHEDULES),
            None if self.optimizer is None else known_name("optimizer", self.optimizer, OPTIMIZERS),
            self.label_smoothing,
            self.train_images,
        )
        device = Device.parse(self.device)
        return Plan(method, task, self.budget, self.seeds, root, self.keep_logits, precision, changes, device)

    def _method(self) -> Method:
        augmentation = Augmentation(tuple(filter(None, self.augment.split(","))))
        large = known_name("size", self.size, SIZES) == "large"
        if (self.baseline is None) == (self.model is None):
            raise InvalidArgumentError("Give either --baseline or --model; see `aenbench run --help`.")
        if (self.generators is not None) != (self.baseline == "group"):
            raise InvalidArgumentError("--baseline group and --generators FILE|NAMES go together; give both.")
        if self.generators is not None and self.search is not None:
            raise InvalidArgumentError("--baseline group takes no --search: its network is known.")
        if self.generators is not None and self.name is None and self.recipe is None and not large:
            return GroupBaseline.parse(self.generators, augmentation)
        if self.baseline is not None:
            if self.name is not None or self.recipe is not None:
                raise InvalidArgumentError("--name and --recipe are for --model; a baseline has its own.")
            return Baseline(self._with_search(self.baseline), augmentation, large)
        if self.search is not None:
            raise InvalidArgumentError("--search is for baselines that search, such as aen; --model names one network.")
        if large:
            raise InvalidArgumentError("--model takes no --size; only --baseline gcnn:<group> does.")
        assert self.model is not None
        recipe = find_recipe(self.recipe) if self.recipe else DEFAULT_FAMILY
        return OwnModel(self.model, augmentation, recipe, self.name or "")

    def _with_search(self, baseline: str) -> str:
        """A baseline's name with the search that chooses; without it where that is the default one."""
        if self.search is None:
            return baseline
        offer = find_offer(baseline)
        if not isinstance(offer.baseline, Searched) or offer.part:
            raise InvalidArgumentError(f"{baseline} takes no --search; only baselines that search do, such as aen.")
        return baseline if self.search == DEFAULT_SEARCH else f"{baseline}:{self.search}"
