"""The file `suite.toml`: which methods are to be run on which tasks."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from aenbench.errors import EntryError
from aenbench.leaderboard.entry import Strict
from aenbench.leaderboard.untrusted.files import open_bounded, read_bounded
from aenbench.leaderboard.untrusted.text import printable
from aenbench.runs.options import RunOptions
from gdatasets.errors import UnknownNameError

SUITE_FILE = "suite.toml"
CORE, ALL = "core", "all"

_MAX_SUITE_BYTES = 1 << 20
_GIVEN = frozenset({"dataset", "config", "seeds"})
_OPTIONS = tuple(each.name for each in fields(RunOptions) if each.name not in _GIVEN)

TaskName = Annotated[str, Field(pattern="^[a-z0-9._-]{1,100}/[a-z0-9._-]{1,100}$")]
MethodName = Annotated[str, Field(pattern="^[a-z0-9._:+-]{1,100}$")]


class Suite(Strict):
    """The content of `suite.toml`."""

    schema_version: Literal[1]
    seeds: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 3
    core: Annotated[tuple[TaskName, ...], Field(min_length=1)]
    more: tuple[TaskName, ...] = ()
    methods: Annotated[dict[MethodName, dict[str, Any]], Field(min_length=1)]

    def tasks(self, chosen: str) -> list[str]:
        """The tasks of `core`, of `all`, or those that fit a pattern such as `g-mnist/*`, in order.

        Raises:
            UnknownNameError: none fits.
        """
        every = list(dict.fromkeys((*self.core, *self.more)))
        if chosen in (CORE, ALL):
            return list(dict.fromkeys(self.core)) if chosen == CORE else every
        if found := [task for task in every if fnmatchcase(task, chosen)]:
            return found
        raise UnknownNameError("task", chosen, [CORE, ALL, *every])


def read_suite(path: Path) -> Suite:
    """Read a `suite.toml`.

    Raises:
        EntryError: it cannot be read, is malformed, or gives a method an option that there is not, or of another kind.
    """
    where = printable(path, 1_000)
    with open_bounded(path, _MAX_SUITE_BYTES) as stream:
        content = read_bounded(stream, _MAX_SUITE_BYTES, where)
    try:
        suite = Suite.model_validate(tomllib.loads(content.decode("utf-8")))
    except ValidationError as error:
        field, said = _first(error)
        raise EntryError(f"{where}: {field}: {said}.") from error
    except (ValueError, RecursionError) as error:
        raise EntryError(f"{where}: {printable(error)}.") from error
    for name, options in suite.methods.items():
        _check_options(options, f"{where}: methods.{name}")
    return suite


def _check_options(options: Mapping[str, Any], where: str) -> None:
    """See that each is an option of `aenbench run`, of the kind that this takes; raises EntryError."""
    for option, value in options.items():
        if option not in _OPTIONS:
            raise EntryError(f"{where}: {printable(option)} is no option; give {', '.join(_OPTIONS)}.")
        try:
            _kind_of(option).validate_python(value)
        except ValidationError as error:
            raise EntryError(f"{where}.{option}: {_first(error)[1]}, got {printable(value, 60)}.") from error


@cache
def _kind_of(option: str) -> TypeAdapter[Any]:
    """What an option takes, by the annotation of its field: nothing is converted, but an integer is a number."""
    strict = ConfigDict(strict=True, allow_inf_nan=False, str_max_length=200)
    return TypeAdapter(get_type_hints(RunOptions)[option], config=strict)


def _first(error: ValidationError) -> tuple[str, str]:
    """The first field that a model refuses, and why."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return printable(".".join(str(part) for part in first["loc"])), printable(first["msg"])
