"""Networks of a user's own, by import path; and whether code is still the same."""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from aenbench.errors import InvalidArgumentError
from gdatasets.files import file_sha256
from gdatasets.user_code import current_folder_importable, load_object

if TYPE_CHECKING:
    from torch import nn


def load_module(path: str) -> "nn.Module":
    """The network that an import path names: an `nn.Module`, or a callable without arguments that returns one.

    Raises:
        InvalidArgumentError: the path cannot be imported, what it names cannot be called without arguments or fails, or
            it does not give an `nn.Module`.
    """
    found = load_object(path, "a network")
    from torch import nn  # late, so that a path that leads nowhere is said at once

    made = found
    if callable(found) and not isinstance(found, nn.Module):
        try:
            with current_folder_importable():
                made = found()
        except (Exception, SystemExit) as error:  # the user's code may raise anything
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise InvalidArgumentError(
                f'Cannot make "{path}" ({why:.300}); name an nn.Module, or what makes one without arguments.'
            ) from error
    if not isinstance(made, nn.Module):
        raise InvalidArgumentError(f'Expected "{path}" to give a torch.nn.Module, got {type(made).__name__}.')
    return made


def modules_sha256(names: Iterable[str]) -> str | None:
    """Digest of the files that imported modules are in: equal digests, equal code. What they import is not looked at.

    Args:
        names: of the modules; those that are in no file are left out.

    Returns:
        64 hex digits; None where no module is in a file.
    """
    known = (getattr(sys.modules.get(name), "__file__", None) for name in set(names))
    files = [Path(file) for file in known if file and Path(file).is_file()]
    return hashlib.sha256("".join(sorted(map(file_sha256, files))).encode()).hexdigest() if files else None
