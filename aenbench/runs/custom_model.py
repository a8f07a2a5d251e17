"""A user's own network, by import path: built, checked and trained as the baselines are."""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from aenbench.errors import InvalidArgumentError
from aenbench.leaderboard.entry import Origin, SafeName
from aenbench.models.custom import MAX_PATH, OneNetwork, OwnNetwork
from aenbench.models.family import ModelFamily
from aenbench.models.registry import DEFAULT_FAMILY
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.runs.method import Choice, Method
from aenbench.search.record import Evaluate
from aenbench.tasks.protocol import Protocol
from aenbench.tasks.task import TaskShape
from aenbench.training.augmentation import Augmentation

_SAFE_NAME = TypeAdapter(SafeName)


@dataclass(frozen=True)
class OwnModel(Method):
    """A network of the user's own, trained as the chosen network of a baseline is.

    Attributes:
        name: its import path, `package.module:name`.
        augmentation: of the training images.
        family: whose recipe of the final training it is given.
        given_name: of the entry; by default it is made of the path's last part and the options.

    Raises:
        InvalidArgumentError: the path is none, or the entry's name is not fit for a file name.
    """

    name: str
    augmentation: Augmentation = field(default_factory=Augmentation)
    family: ModelFamily = DEFAULT_FAMILY
    given_name: str = ""

    def __post_init__(self) -> None:
        module, colon, name = self.name.partition(":")
        is_path = colon and name.isidentifier() and all(part.isidentifier() for part in module.split("."))
        if not is_path or len(self.name) > MAX_PATH:
            raise InvalidArgumentError(
                f'Expected --model as "package.module:name", of at most {MAX_PATH} characters, got "{self.name:.210}".'
            )
        try:
            _SAFE_NAME.validate_python(self.given_name or self.label)
        except ValidationError as error:
            raise InvalidArgumentError(
                f'No entry can be named "{self.given_name or self.label:.110}"; give a --name of at most 100 of a-z, '
                '0-9, ".", "_" and "-", beginning with a letter or a digit.'
            ) from error

    @property
    def origin(self) -> Origin:
        return "model"

    @property
    def label(self) -> str:
        own = re.sub(r"[^a-z0-9]+", "-", self.name.partition(":")[2].lower()).strip("-")
        return "-".join(
            [
                own,
                *self.augmentation.names,
                *([] if self.family == DEFAULT_FAMILY else [f"{self.family.name}-recipe"]),
            ]
        )

    def entry_name(self, protocol: Protocol, budget: str) -> str:
        return self.given_name or super().entry_name(protocol, budget)

    def space(self, shape: TaskShape) -> OneNetwork:
        return OneNetwork(shape, path=self.name, augmentation=self.augmentation)

    def choose(self, space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Choice:  # noqa: ARG002
        return Choice(space.candidate(space.start))

    def check(self, space: SearchSpace, smallest_batch: int = 2) -> None:
        OwnNetwork(self.name, space.shape).check(smallest_batch)

    @property
    def code(self) -> Path | None:
        module = sys.modules.get(self.name.partition(":")[0])
        file = getattr(module, "__file__", None)
        return Path(file).resolve().parent if file else None
