"""The errors of aenbench: one base; each also inherits the builtin that a caller would expect."""

from collections.abc import Iterable
from typing import TypeVar

from gdatasets.errors import GDatasetsError, UnknownNameError
from gdatasets.errors import InvalidArgumentError as InvalidArgumentError

T = TypeVar("T", bound=str)


class AenbenchError(GDatasetsError):
    """Base of every error that aenbench raises on purpose. Its text is one line that says what to do next."""


class EntryError(AenbenchError, ValueError):
    """A leaderboard entry is incomplete, malformed or does not agree with its predictions."""


class TableError(AenbenchError, ValueError):
    """A table is missing, damaged, or not the one that was asked for."""


class StoreError(AenbenchError, OSError):
    """A store of trials is damaged, of another kind or plan, or cannot be used."""


class TrainingError(AenbenchError, ArithmeticError):
    """A training diverged: its loss is no number any more, or a huge one."""


class WeightsError(AenbenchError, ValueError):
    """A file of weights is missing, damaged, or not that of the network that was asked for."""


class ExecutorError(AenbenchError, RuntimeError):
    """Work could not be started, or its workers died again and again."""


def known_name(kind: str, name: str, known: Iterable[T]) -> T:
    """The one of these names that was given; raises UnknownNameError, which lists them."""
    names = tuple(known)
    found = next((each for each in names if each == name), None)
    if found is None:
        raise UnknownNameError(kind, name, names)
    return found
