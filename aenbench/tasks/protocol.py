"""Protocols: which images choose, which are reported, and how networks are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aenbench.errors import InvalidArgumentError
from aenbench.tasks.rewards import Reward, exponential_gain, gain
from gdatasets.registry import Registry

ProtocolName = Literal["standard", "paper"]
"""The protocols that entries and tables can be of."""


@dataclass(frozen=True, repr=False)
class Protocol:
    """The rules of a task, as answers to what the rest of the package asks.

    In files and on command lines a protocol is its name; its text is the name too, and its representation that of the
    name, so that keys and identities of stores do not change when a rule gets a field.

    Attributes:
        name: lowercase, fit for a file name.
        note: what a reader of the leaderboard must know; empty where nothing is special.
        chooses_on_test: whether choices are made on the test images that the score rests on, and the whole training
            split is learned from; otherwise the documented tail of the training split chooses.
        reported_images: number of test images that the score rests on (`Images.reported`: which); None for all.
        takes_best_pass: whether the value of a trial is that of its best pass; otherwise of its last.
        normalization: mean and deviation, of pixels scaled to 0..1, for every generated (G-) dataset; None for its own.
        reward: of a search.
        joint: whether generators may act on a layer's outputs in another order than on its inputs.
        initialization: of equivariant dense layers.
        bias: of equivariant dense layers: before the ReLU, tied by orbit, or one number a layer, after it.
        hidden_grid: pixels of a side and roll step of a dense network's hidden layers; None for half the image, rolled
            by 2.
        hidden_channels: channels of that grid.
        batch_norm: whether each group convolution is followed by a batch norm; otherwise it has a bias.
        dropout: of the head of a group convolutional network, 0..1, in training.
        invariant_head: whether the head of a group convolutional network reads features pooled over the group.
        equal_parameters: whether the channels of a group convolutional network bring its parameters closest to the
            plain network's; otherwise they are divided as in the released code.
        budgets: the protocol whose budgets apply; empty for its own.
    """

    name: str
    note: str = ""
    chooses_on_test: bool = False
    reported_images: int | None = None
    takes_best_pass: bool = False
    normalization: tuple[float, float] | None = None
    reward: Reward = gain
    joint: bool = False
    initialization: Literal["fan_in", "orbits"] = "fan_in"
    bias: Literal["orbits", "scalar"] = "orbits"
    hidden_grid: tuple[int, int] | None = None
    hidden_channels: int = 2
    batch_norm: bool = True
    dropout: float = 0.0
    invariant_head: bool = True
    equal_parameters: bool = True
    budgets: str = ""

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return repr(self.name)

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def is_default(self) -> bool:
        """Whether names of entries leave it out."""
        return self == STANDARD

    @property
    def file_name(self) -> ProtocolName:
        """The name, as entries and tables hold it.

        Raises:
            InvalidArgumentError: it is none of the protocols that come with the package.
        """
        for known in _FILE_NAMES:
            if PROTOCOLS[known] == self:
                return known
        raise InvalidArgumentError(
            f'Entries and tables are of protocol {" or ".join(_FILE_NAMES)}; "{self.name}" is for your own code only.'
        )

    def value(self, accuracies: Sequence[float]) -> float:
        """The value of a trial, from its accuracy after each pass on the images to choose by."""
        return max(accuracies) if self.takes_best_pass else accuracies[-1]

    def hidden_grid_of(self, image_size: int) -> tuple[int, int]:
        """Pixels of a side, and roll step, of a dense network's hidden layers."""
        return self.hidden_grid or (image_size // 2, 2)


STANDARD = Protocol("standard")

PAPER = Protocol(
    "paper",
    note="Choices were made on 1,000 test images, as in the released code: not comparable with `standard`.",
    chooses_on_test=True,
    reported_images=1_000,
    takes_best_pass=True,
    normalization=(0.1307, 0.3081),  # MNIST's, which the released code uses for all its generated images
    reward=exponential_gain,
    joint=True,
    initialization="orbits",
    bias="scalar",
    hidden_grid=(20, 4),
    hidden_channels=1,
    batch_norm=False,
    dropout=0.5,
    invariant_head=False,
    equal_parameters=False,
)

_FILE_NAMES: tuple[ProtocolName, ...] = ("standard", "paper")


def _check(name: str, value: Any) -> Protocol:
    if not isinstance(value, Protocol):
        raise InvalidArgumentError(f'Expected "{name}" to be an aenbench Protocol, got {type(value).__name__}.')
    return value


PROTOCOLS: Registry[Protocol] = Registry("protocol", {"standard": STANDARD, "paper": PAPER}, _check)


def as_protocol(given: Protocol | str) -> Protocol:
    """A protocol, or the one of this name; raises UnknownNameError where there is none."""
    return given if isinstance(given, Protocol) else PROTOCOLS[given]
