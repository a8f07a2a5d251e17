"""One network trained as at the end of a run: the piece of work that most parts consist of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from aenbench.execution.store import Result
from aenbench.models.aen import Architecture, Bias
from aenbench.nn.linear import Initialization
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import Protocol
from aenbench.tasks.task import Task
from aenbench.training.candidate import Candidate
from aenbench.training.recipe import Recipe
from aenbench.training.trial import train_final

Variant = Literal["released", "fan-in", "bias", "both"]


class Change(NamedTuple):
    """What is changed of a network of protocol `paper`, and what that is called; None changes nothing."""

    title: str
    initialization: Initialization | None = None
    bias: Bias | None = None


VARIANTS: Mapping[Variant, Change] = {
    "released": Change("as released"),
    "fan-in": Change("fan-in initialization", initialization="fan_in"),
    "bias": Change("bias before the ReLU, by orbit", bias="orbits"),
    "both": Change("both", "fan_in", "orbits"),
}
"""What of protocol `paper` is changed to the way of protocol `standard`, to see what it does."""


def variants_of(protocol: Protocol) -> tuple[Variant, ...]:
    """What networks of a protocol are trained as."""
    return get_args(Variant) if protocol.chooses_on_test else ("released",)


By = Literal["reported", "last", "unseen"]
MEASURES: tuple[By, ...] = get_args(By)


@dataclass(frozen=True)
class Training:
    """One network, one task and one seed. It needs nothing else, and can be sent to any process.

    Attributes:
        task: what is learned, and by which rules choices are made.
        root: where its images are looked for first; it does not change the outcome.
        architecture: the network.
        recipe: how it is trained.
        seed: as of `aenbench run`, whose final training of this network it repeats exactly.
    """

    task: Task
    root: Path | None
    architecture: Architecture
    recipe: Recipe
    seed: int

    @property
    def key(self) -> str:
        """Its name in a store."""
        network = self.architecture
        variant = f"{network.initialization or 'protocol'}-{network.bias or 'protocol'}"
        task = self.task
        return f"{task.dataset}/{task.configuration}/{task.protocol}/{variant}/{network.bits}/{self.seed}"


def train(training: Training) -> dict[str, object]:
    """Train one dense network as `train_final` does, which says what is returned."""
    candidate = Candidate(training.architecture)
    return train_final(candidate, training.task, training.root, training.recipe, training.seed)


def measured(result: Result, protocol: Protocol, by: By = "reported") -> float:
    """A score of a training, 0..1.

    Args:
        result: what `train` returned.
        protocol: that it was trained under.
        by: `reported`: what the protocol reports, under `paper` the best epoch on the images it was chosen by; `last`:
            under `paper` the last epoch on those, NaN under `standard`; `unseen`: of the kept epoch, on the test images
            that nothing was chosen by, NaN if there are none.
    """
    if by == "last" or (by == "reported" and protocol.chooses_on_test):
        best, last = max(result["accuracies"]), result["accuracies"][-1]
        return float(best if by == "reported" else last) if protocol.chooses_on_test else math.nan
    return math.nan if result["unseen"] is None else float(result["unseen"])


def architecture(images: Images, actions: Sequence[str], variant: Variant = "released") -> Architecture:
    """The network with the sharing of these actions that fits a task's images."""
    change = VARIANTS[variant]
    return Architecture(actions, images.shape, initialization=change.initialization, bias=change.bias)
