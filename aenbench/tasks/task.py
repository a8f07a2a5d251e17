"""What is to be learned, and under which rules."""

import os
from dataclasses import dataclass

from aenbench.errors import InvalidArgumentError
from aenbench.tasks.protocol import STANDARD, Protocol, as_protocol

Root = str | os.PathLike[str] | None


@dataclass(frozen=True)
class Task:
    """What is to be learned, and under which rules. Nothing is looked up before the images are asked for.

    Attributes:
        dataset: a name that `aenbench.tasks.open_dataset` knows, such as `g-mnist` or `cifar10`, or the path of a
            folder or .zip file of class folders.
        configuration: such as `aug2`; datasets that are used as published have the one configuration `none`.
        protocol: the rules; a name such as `standard` or `paper` is taken too.

    Raises:
        UnknownNameError: no such protocol.
    """

    dataset: str
    configuration: str
    protocol: Protocol = STANDARD

    def __post_init__(self) -> None:
        object.__setattr__(self, "protocol", as_protocol(self.protocol))


@dataclass(frozen=True)
class TaskShape:
    """What a network must fit: the rules it is made by, its outputs and its images.

    Attributes:
        protocol: decides the details of networks; a name such as `standard` or `paper` is taken too.
        classes: outputs.
        image_size: pixels along one side of the images.
        channels: image channels, 1 for gray, 3 for color.

    Raises:
        UnknownNameError: no such protocol.
        InvalidArgumentError: no class, channel or pixel.
    """

    protocol: Protocol = STANDARD
    classes: int = 10
    image_size: int = 28
    channels: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "protocol", as_protocol(self.protocol))
        if min(self.classes, self.image_size, self.channels) < 1:
            raise InvalidArgumentError(
                f"Expected at least one class and channel, and a size; got size {self.image_size}, {self.classes} "
                f"classes, {self.channels} channels."
            )
