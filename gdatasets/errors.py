"""The errors of gdatasets: one base; each also inherits the builtin that a caller would expect."""

from collections.abc import Iterable
from difflib import get_close_matches


class GDatasetsError(Exception):
    """Base of every error that gdatasets raises on purpose. Its text is one line that says what to do next."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""  # KeyError would show the repr, in quotes


class UnknownNameError(GDatasetsError, KeyError):
    """A dataset, configuration, action, split or version that does not exist."""

    def __init__(self, kind: str, got: object, known: Iterable[str]) -> None:
        super().__init__(kind, str(got), tuple(known))  # as given, so that it can be pickled: workers raise it too

    def __str__(self) -> str:
        kind, got, known = self.args
        close = get_close_matches(got.lower(), {name.lower(): name for name in known}, n=1, cutoff=0.7)
        hint = next((f' Did you mean "{name}"?' for name in known if [name.lower()] == close), "")
        return f'Unknown {kind} "{got}".{hint} Choose from: {", ".join(known)}.'


class InvalidArgumentError(GDatasetsError, ValueError):
    """A value outside what the function accepts."""


class SourceError(GDatasetsError, OSError):
    """Source images are missing, cannot be fetched, or are not the published ones."""


class IntegrityError(GDatasetsError, ValueError):
    """Contents do not have the digest they should have."""


class OutputError(GDatasetsError, OSError):
    """A folder or file could not be written."""


class BusyError(OutputError):
    """Another process is writing there."""


class HubError(GDatasetsError, OSError):
    """The Hugging Face Hub refused, failed or could not be reached."""
