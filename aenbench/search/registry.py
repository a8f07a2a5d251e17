"""The searches by name, and a user's own by import path."""

import inspect
import secrets
from dataclasses import dataclass
from functools import partial
from typing import Any

from aenbench.errors import InvalidArgumentError
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search import dqn, evidence, evolution, exhaustive, greedy, guided, random
from aenbench.search.record import Evaluate, Record, Search
from aenbench.user_code import modules_sha256
from gdatasets.registry import Registry


def _checked(name: str, found: Any) -> Search:
    """A user's search, whose result will be checked; raises InvalidArgumentError where it is none."""
    if not callable(found):
        raise InvalidArgumentError(f'Expected "{name}" to be a function, got {type(found).__name__}.')
    signature = inspect.signature(found)
    try:
        signature.bind("space", "evaluate", "budget", "seed")
    except TypeError as error:
        raise InvalidArgumentError(
            f'Expected "{name}" to take (space, evaluate, budget, seed), got {signature}.'
        ) from error
    return OwnSearch(name, found)


SEARCHES: Registry[Search] = Registry(
    "search",
    {
        "dqn": dqn.search,
        "random": random.search,
        "evolution": evolution.search,
        "greedy": greedy.search,
        "exhaustive": exhaustive.search,
        "discover": evidence.discover,
        "guided": guided.search,
    },
    _checked,
)
"""Every search by name. `SEARCHES.register("mine", function)` adds one for this process, whose workers get the function
itself, so it must be one of a module; `SEARCHES.find("package.module:function")` finds one anywhere."""

ASK_IMAGES = frozenset({"discover", "guided"})
"""Searches that ask the images, too: what they choose need not be the network of the highest value."""

USUAL_NETWORKS = {"discover": 0, "guided": guided.NETWORKS}
"""How many networks a search trains at most where the budget names no number; the others spend all of their budget."""

DEFAULT_SEARCH = "dqn"
"""The paper's: what a baseline that searches uses where none is named."""


def _find(name: str) -> Search:
    return SEARCHES.find(name)


def source_sha256(search: Search) -> str:
    """Digest of the files that a search of `SEARCHES` is in: equal digests, equal code.

    They are the file of the module in which it is defined, of a `functools.partial` also those of the functions and
    classes given by name, and for a user's own that of the module which its import path names. What these import is not
    looked at. Code that is in no file gets another digest each time.
    """
    if isinstance(search, OwnSearch):
        names = {search.function.__module__, search.path.partition(":")[0]}
    elif isinstance(search, partial):
        names = {part.__module__ for part in (search.func, *search.keywords.values()) if callable(part)}
    else:
        names = {search.__module__}
    return modules_sha256(names) or secrets.token_hex(32)


@dataclass(frozen=True)
class OwnSearch:
    """A user's own search, whose result is checked.

    It is sent to another process by its import path, which that one finds in the current folder too.

    Attributes:
        path: where it was imported from, or the name that it was registered under.
        function: the search.
    """

    path: str
    function: Search

    def __call__(self, space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:
        """Search, and see that the answer is a record with at least one trial.

        Raises:
            InvalidArgumentError: it is not.
        """
        record: object = self.function(space, evaluate, budget, seed)
        if not isinstance(record, Record):
            raise InvalidArgumentError(
                f'Expected "{self.path}" to return an aenbench.search.record.Record, got {type(record).__name__}.'
            )
        if not record.trials:
            raise InvalidArgumentError(f'"{self.path}" evaluated no network; ask its record for value(space.start).')
        return record

    def __reduce__(self) -> tuple[Any, ...]:
        if ":" in self.path:
            return _find, (self.path,)
        return OwnSearch, (self.path, self.function)
