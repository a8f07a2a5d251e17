"""The twelve actions on square images, and the permutation groups that they generate.

An action is defined once, as a move of image arrays (`act`). Its permutation is what that move does to an image of
pixel indices, so data and layers can never disagree. `(g x).ravel() == x.ravel()[permutation]`: permutations are
gather indices, and "first a, then b" is `permutation_a[permutation_b]`.

Source: arXiv 2104.04848, section 5.1 and figure 3; names and bit order as in the released code.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.partitions import merge, number

Images = NDArray[Any]
Permutations = NDArray[np.int64]


def _scramble1(x: Images, _: int) -> Images:
    h = x.shape[1] // 2
    top_left, top_right, bottom_left, bottom_right = x[:, :h, :h], x[:, :h, h:], x[:, h:, :h], x[:, h:, h:]
    left = np.concatenate([bottom_left, bottom_right], axis=1)
    right = np.concatenate([top_left, top_right], axis=1)
    return np.concatenate([left, right], axis=2)


def _swap_within(x: Images, half: tuple[slice, ...], axis: int) -> Images:
    """Swap the two quadrants of one half of each image."""
    moved = x.copy()
    moved[half] = np.roll(x[half], x.shape[1] // 2, axis=axis)
    return moved


_ALL = slice(None)

# Each takes images (n, size, size, ...) and the roll step; row 0 is on top, column 0 on the left.
_MOVES: dict[str, Callable[[Images, int], Images]] = {
    "rotation": lambda x, _: np.rot90(x, axes=(1, 2)),
    "hflip": lambda x, _: x[:, :, ::-1],
    "vflip": lambda x, _: x[:, ::-1],
    "htrans": lambda x, step: np.roll(x, -step, axis=2),
    "vtrans": lambda x, step: np.roll(x, -step, axis=1),
    "scramble1": _scramble1,
    "scramble2": lambda x, _: np.roll(x, x.shape[2] // 2, axis=2),
    "scramble3": lambda x, _: np.roll(x, x.shape[1] // 2, axis=1),
    "scramble4": lambda x, _: _swap_within(x, (_ALL, _ALL, slice(None, x.shape[1] // 2)), axis=1),
    "scramble5": lambda x, _: _swap_within(x, (_ALL, _ALL, slice(x.shape[1] // 2, None)), axis=1),
    "scramble6": lambda x, _: _swap_within(x, (_ALL, slice(None, x.shape[1] // 2)), axis=2),
    "scramble7": lambda x, _: _swap_within(x, (_ALL, slice(x.shape[1] // 2, None)), axis=2),
}

ACTIONS: tuple[str, ...] = tuple(_MOVES)
"""The names of the twelve actions, in the bit order of every state string."""


def _check_action(action: str) -> None:
    if action not in _MOVES:
        raise UnknownNameError("action", action, ACTIONS)


def act(action: str, images: Images, step: int = 4) -> Images:
    """Move every image by one action.

    Args:
        action: one of `ACTIONS`.
        images: shape (n, size, size) or (n, size, size, channels), any dtype.
        step: pixels that `htrans` and `vtrans` roll by: `out[i, j] = x[i, (j + step) % size]` for `htrans`.

    Returns:
        The moved images, of the same shape and dtype; it may be a view.

    Raises:
        UnknownNameError: there is no such action.
        InvalidArgumentError: the images are not square, or of odd size for a scramble.
    """
    _check_action(action)
    if images.ndim < 3 or images.shape[1] != images.shape[2]:
        raise InvalidArgumentError(f"Expected square images (n, size, size, ...), got shape {images.shape}.")
    if action.startswith("scramble") and images.shape[1] % 2:
        raise InvalidArgumentError(
            f"{action} moves quadrants, so the size must be even; got {images.shape[1]}. Resize to an even size."
        )
    return _MOVES[action](images, step)


def actions_from_bits(bits: str) -> tuple[str, ...]:
    """The names of a state string: `actions_from_bits("110000000000")` is `("rotation", "hflip")`."""
    if len(bits) != len(ACTIONS) or set(bits) - {"0", "1"}:
        raise InvalidArgumentError(f'Expected {len(ACTIONS)} characters 0 or 1, got "{bits}".')
    return tuple(name for name, bit in zip(ACTIONS, bits, strict=True) if bit == "1")


def bits_from_actions(actions: Iterable[str]) -> str:
    """The state string of a set of names, in bit order."""
    chosen = set(actions)
    for name in sorted(chosen - set(ACTIONS)):
        _check_action(name)
    return "".join("1" if name in chosen else "0" for name in ACTIONS)


def check_permutations(permutations: ArrayLike) -> Permutations:
    """Generators as int64 (k, degree), or an error that names the row that is no permutation.

    Raises:
        InvalidArgumentError: not two-dimensional, or a row is not a permutation of 0..degree-1.
    """
    rows = np.asarray(permutations)
    if rows.ndim != 2 or not (np.issubdtype(rows.dtype, np.integer) or rows.size == 0):
        raise InvalidArgumentError(
            f"Expected permutations as integers of shape (generators, degree), got {rows.dtype} {rows.shape}."
        )
    rows = rows.astype(np.int64)
    for position, row in enumerate(rows):
        in_range = not row.size or (row.min() >= 0 and row.max() < row.size)
        if not (in_range and np.bincount(row, minlength=row.size).all()):
            raise InvalidArgumentError(f"Row {position} is not a permutation of 0..{rows.shape[1] - 1}.")
    return rows


def orbit_labels(permutations: ArrayLike) -> NDArray[np.int32]:
    """Number the orbits of the group generated by `permutations`: int32 (degree,), labels 0..orbits-1.

    Labels are given in order of each orbit's smallest point.
    """
    rows = check_permutations(permutations)
    points = np.arange(rows.shape[1], dtype=np.int32)
    roots = points
    for row in rows:
        roots = merge(roots, points, row)
    return number(roots)[1].astype(np.int32)


def enumerate_elements(permutations: ArrayLike, limit: int = 100_000) -> Permutations:
    """Every element of the generated group, int64 (order, degree), identity first, by breadth-first search.

    Raises:
        InvalidArgumentError: the group has more than `limit` elements.
    """
    rows = check_permutations(permutations)
    identity = np.arange(rows.shape[1])
    found = {identity.tobytes(): identity}
    frontier = [identity]
    while frontier:
        reached = []
        for element in frontier:
            for generator in rows:
                product = element[generator]
                key = product.tobytes()
                if key not in found:
                    found[key] = product
                    reached.append(product)
                    if len(found) > limit:
                        raise InvalidArgumentError(
                            f"The group has more than {limit:,} elements; raise limit or use its order only."
                        )
        frontier = reached
    return np.array(list(found.values()))


@dataclass(frozen=True)
class Group:
    """The group generated by some of the twelve actions on a square pixel grid.

    Attributes:
        actions: names out of `ACTIONS`, kept in bit order whatever order they are given in.
        size: pixels along one side of the grid.
        step: pixels that `htrans` and `vtrans` roll by.

    Raises:
        UnknownNameError: an action does not exist.
        InvalidArgumentError: the size is not positive, or odd for a scramble.
    """

    actions: Sequence[str]
    size: int
    step: int = 4

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InvalidArgumentError(f"The size must be at least 1, got {self.size}.")
        bits = bits_from_actions(self.actions)
        object.__setattr__(self, "actions", actions_from_bits(bits))
        _ = self.permutations  # an impossible action is an error here, not later

    @cached_property
    def permutations(self) -> Permutations:
        """Gather indices of the generators, int64 (len(actions), size * size)."""
        pixels = np.arange(self.size**2).reshape(1, self.size, self.size)
        rows = [act(action, pixels, self.step).reshape(-1) for action in self.actions]
        return np.array(rows, dtype=np.int64).reshape(len(rows), self.size**2)

    @cached_property
    def order(self) -> int:
        """The number of elements, also of groups too large to enumerate (Schreier-Sims, by sympy)."""
        from sympy.combinatorics import Permutation, PermutationGroup

        if not self.actions:
            return 1
        return int(PermutationGroup([Permutation(row.tolist()) for row in self.permutations]).order())

    def elements(self, limit: int = 100_000) -> Permutations:
        """Every element as gather indices, int64 (order, size * size), identity first."""
        return enumerate_elements(self.permutations, limit)

    @cached_property
    def orbits(self) -> NDArray[np.int32]:
        """The orbit number of each pixel, int32 (size * size,)."""
        return orbit_labels(self.permutations)
