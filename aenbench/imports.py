"""Modules of a user's own, by import path."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import nn

from aenbench.errors import InvalidArgumentError


def load_module(path: str) -> nn.Module:
    """The network that an import path names: `"package.module:factory"`.

    The name after the colon is an `nn.Module`, or a callable without arguments that returns one; the current folder
    is searched too.

    Raises:
        InvalidArgumentError: the path cannot be imported or does not give an `nn.Module`.
    """
    module_name, colon, name = path.partition(":")
    if not (module_name and colon and name):
        raise InvalidArgumentError(f'Expected a network as "package.module:factory", got "{path}".')
    try:
        with _current_folder_importable():
            found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise InvalidArgumentError(f'Cannot import "{path}": {error}.') from error
    made = found if isinstance(found, nn.Module) else found() if callable(found) else found
    if not isinstance(made, nn.Module):
        raise InvalidArgumentError(f'Expected "{path}" to give a torch.nn.Module, got {type(made).__name__}.')
    return made


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
