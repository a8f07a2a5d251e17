"""What is to be learned, and under which rules."""

import os
from dataclasses import dataclass

from aenbench.tasks.protocol import STANDARD, Protocol, as_protocol

Root = str | os.PathLike[str] | None


@dataclass(frozen=True)
class Task:
    """What is to be learnt, and under which rules. Nothing is looked up before the images are asked for.

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
