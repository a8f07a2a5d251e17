"""What a user wrote, by import path."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gdatasets.errors import InvalidArgumentError

_IMPORTED: dict[str, None] = {}  # modules, in the order of their import


def load_object(path: str, what: str, in_workers: bool = True) -> Any:
    """What an import path names: `"package.module:name"`; the current folder is searched too.

    Args:
        path: the import path.
        what: what is expected there, for errors: "a network".
        in_workers: whether processes that values are sent to import its module too, as `ImportedModules` says.

    Raises:
        InvalidArgumentError: it is no import path, or cannot be imported.
    """
    module_name, colon, name = path.partition(":")
    if not (module_name and colon and name):
        raise InvalidArgumentError(f'Expected {what} as "package.module:name", got "{path}".')
    try:
        with current_folder_importable():
            found = getattr(importlib.import_module(module_name), name)
    except (Exception, SystemExit) as error:  # the user's module may raise anything while it is imported
        raise InvalidArgumentError(f'Cannot import "{path}": {type(error).__name__}: {error}.') from error
    if in_workers:
        _IMPORTED[module_name] = None
    return found


class ImportedModules:
    """What `load_object` has imported in this process; unpickled in another one, it imports the same modules there.

    So values of a user's classes can be sent to a process that would not find their module by itself, after this.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return _import_again, (tuple(_IMPORTED),)


def _import_again(modules: tuple[str, ...]) -> ImportedModules:
    with current_folder_importable():
        for name in modules:
            with suppress(Exception, SystemExit):  # one that is needed is missed by what needs it
                importlib.import_module(name)
            _IMPORTED[name] = None
    return ImportedModules()


def locate_module(path: str) -> str:
    """Where the first package of an import path would come from, found without importing it; empty if nowhere."""
    with current_folder_importable():
        try:
            found = importlib.util.find_spec(path.partition(":")[0].partition(".")[0])
        except (ImportError, ValueError):
            return ""
    return (found.origin or next(iter(found.submodule_search_locations or ()), "")) if found else ""


@contextmanager
def current_folder_importable() -> Iterator[None]:
    """Search the current folder too, before all others, whatever way Python was started."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
