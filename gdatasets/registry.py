"""One way to extend everything that has a name: datasets, actions, model families, searches, scores.

REGISTRY.register("mine", value)              # for this process
REGISTRY.find("package.module:value")         # at an import path: for worker processes and commands too
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.user_code import load_object

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Values by name, in the order in which they were registered.

    Looking up an unknown name raises UnknownNameError, a KeyError that lists the names that exist.

    Args:
        kind: what the values are, for errors: "search".
        values: those that come with the package.
        check: makes a user's object the value that is registered under a name, or raises InvalidArgumentError.
    """

    def __init__(
        self, kind: str, values: Mapping[str, T] | None = None, check: Callable[[str, Any], T] | None = None
    ) -> None:
        self._kind = kind
        self._values: dict[str, T] = dict(values or {})
        self._check = check
        self._own = frozenset(self._values)

    def __getitem__(self, name: str) -> T:
        if name not in self._values:
            raise UnknownNameError(self._kind, name, self._values)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def register(self, name: str, value: Any) -> T:
        """Add a value for this process and return it.

        Raises:
            InvalidArgumentError: the name is taken or contains a colon, or the value is none of this kind.
        """
        if not name or ":" in name:
            raise InvalidArgumentError(f'"{name}" cannot be the name of a {self._kind}: a colon marks an import path.')
        if name in self._values:
            raise InvalidArgumentError(f'There is a {self._kind} "{name}" already; choose another name.')
        self._values[name] = self._checked(name, value)
        return self._values[name]

    def unregister(self, name: str) -> None:
        """Remove a value that was registered; those of the package stay.

        Raises:
            UnknownNameError: no value of this name was registered.
        """
        if name not in self._values or name in self._own:
            raise UnknownNameError(f"registered {self._kind}", name, [each for each in self if each not in self._own])
        del self._values[name]

    def find(self, name: str) -> T:
        """The value of a name, or at the import path `"package.module:name"`; the current folder is searched too.

        Raises:
            UnknownNameError: it is neither.
            InvalidArgumentError: the import path gives nothing of this kind.
        """
        if name in self._values:
            return self._values[name]
        if ":" not in name:
            raise UnknownNameError(self._kind, name, [*self, '"package.module:name" of your own'])
        return self._checked(name, load_object(name, f"a {self._kind}"))

    def _checked(self, name: str, value: Any) -> T:
        return value if self._check is None else self._check(name, value)
