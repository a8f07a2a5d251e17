"""The errors of aenbench: one base; each also inherits the builtin that a caller would expect."""

from gdatasets.errors import GDatasetsError


class AenbenchError(GDatasetsError):
    """Base of every error that aenbench raises on purpose. Its text is one line that says what to do next."""


class InvalidArgumentError(AenbenchError, ValueError):
    """A value outside what the function accepts."""


class EntryError(AenbenchError, ValueError):
    """A leaderboard entry is incomplete, malformed or does not agree with its predictions."""


class TableError(AenbenchError, ValueError):
    """A table is missing, damaged, or not the one that was asked for."""


class StoreError(AenbenchError, OSError):
    """A store of trials is damaged, of another kind or plan, or cannot be used."""


class ExecutorError(AenbenchError, RuntimeError):
    """Work could not be started, or its workers died again and again."""
