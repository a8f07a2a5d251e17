"""`aenbench run --baseline group --generators FILE|NAMES`: the dense network of exactly that group."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from aenbench.leaderboard.entry import Origin
from aenbench.models.aen import AEN_FAMILY, AENSpace, Architecture
from aenbench.models.family import ModelFamily
from aenbench.models.permutation_group import group_architecture
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.runs.method import Choice, Method
from aenbench.search.record import Evaluate
from aenbench.tasks.task import TaskShape
from aenbench.training.augmentation import Augmentation
from aenbench.training.candidate import Candidate
from gdatasets.groups.actions import ACTIONS
from gdatasets.groups.generator_file import read_generators
from gdatasets.groups.group import Group, parse_actions

_LONGEST = 60  # characters of the group in an entry's name


@dataclass(frozen=True)
class GroupBaseline(Method):
    """The network of a group that is given by its generators.

    Actions out of the twelve give the autoequivariant network of these. An action that is registered by name is known
    in this process only; give its import path where seeds run in others.

    Attributes:
        actions: generators by name; empty where `permutations` are given.
        permutations: generators as gather indices of the pixels, one channel.
        augmentation: of the training images.
    """

    actions: tuple[str, ...] = ()
    permutations: Group | None = None
    augmentation: Augmentation = field(default_factory=Augmentation)

    @classmethod
    def parse(cls, text: str, augmentation: Augmentation) -> "GroupBaseline":
        """From a .npy file of permutations, or names as `gdatasets.groups.group.parse_actions` reads them.

        Raises:
            UnknownNameError: neither a .npy file nor a group or actions.
            InvalidArgumentError: the file holds no permutations, or an import path gives no action.
        """
        if text.endswith(".npy"):
            return cls((), Group.from_permutations(read_generators(Path(text))), augmentation)
        return cls(parse_actions(text), None, augmentation)

    @property
    def name(self) -> str:  # type: ignore[override]
        """Such as `group:hflip,rotation`, or `group:sha256-...` over the generators of a file."""
        if self.permutations is None:
            return f"group:{','.join(self.actions) or 'trivial'}"
        rows = self.permutations.permutations
        return f"group:sha256-{hashlib.sha256(f'{rows.shape}'.encode() + rows.astype('<i8').tobytes()).hexdigest()}"

    @property
    def origin(self) -> Origin:
        return "baseline"

    @property
    def family(self) -> ModelFamily:
        return AEN_FAMILY

    @property
    def label(self) -> str:
        text = re.sub(r"[^a-z0-9._-]+", "-", self.name.lower()).strip("-._")
        if self.permutations is not None:
            text = text[: len("group-sha256-") + 12]
        elif len(text) > _LONGEST or any(action not in ACTIONS for action in self.actions):  # tell lookalikes apart
            text = f"{text[:_LONGEST]}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"
        return "-".join([text, *self.augmentation.names])

    def space(self, shape: TaskShape) -> SearchSpace:
        return AENSpace(shape)

    def check(self, space: SearchSpace, smallest_batch: int = 2) -> None:  # noqa: ARG002
        self._candidate(space).build(0)

    def choose(self, space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Choice:  # noqa: ARG002
        return Choice(self._candidate(space))

    def _candidate(self, space: SearchSpace) -> Candidate:
        shape, size = space.shape, space.shape.image_size
        if self.permutations is None and set(self.actions) <= set(ACTIONS):
            return Candidate(Architecture(self.actions, shape).canonical(), self.augmentation)
        if self.permutations is None:
            group = Group(self.actions, size)
        else:
            group = Group.from_permutations(self.permutations.permutations, (size, size))
        return Candidate(group_architecture(group, Architecture((), shape)), self.augmentation)
