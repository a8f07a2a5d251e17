"""Networks of a user's own, by import path."""

from typing import TYPE_CHECKING

from aenbench.errors import InvalidArgumentError
from gdatasets.user_code import load_object

if TYPE_CHECKING:
    from torch import nn


def load_module(path: str) -> "nn.Module":
    """The network that an import path names: an `nn.Module`, or a callable without arguments that returns one.

    Raises:
        InvalidArgumentError: the path cannot be imported or does not give an `nn.Module`.
    """
    found = load_object(path, "a network")
    from torch import nn  # late, so that a path that leads nowhere is said at once

    made = found if isinstance(found, nn.Module) else found() if callable(found) else found
    if not isinstance(made, nn.Module):
        raise InvalidArgumentError(f'Expected "{path}" to give a torch.nn.Module, got {type(made).__name__}.')
    return made
