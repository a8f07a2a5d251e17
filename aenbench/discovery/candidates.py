"""The moves that are asked about: names with gather indices of the pixels."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aenbench.errors import InvalidArgumentError
from gdatasets.errors import UnknownNameError
from gdatasets.groups.actions import ACTIONS, find_action
from gdatasets.groups.group import Group

Candidates = str | Group | Mapping[str, ArrayLike] | ArrayLike
CANDIDATES = ("actions", "d4")
STEP = 15
"""Degrees between the angles that are asked about."""


@dataclass(frozen=True, eq=False)
class Moves:
    """Candidates on one grid.

    Attributes:
        shape: (rows, columns) of the images.
        permutations: gather indices by name, int64 (rows * columns,).
        left_out: why a candidate is not asked about, by name.
        step: pixels that rolls move by.
        angles: degrees by name, where rotations are asked about; only those of right angles have permutations.
    """

    shape: tuple[int, int]
    permutations: Mapping[str, NDArray[np.int64]]
    left_out: Mapping[str, str] = field(default_factory=dict)
    step: int = 4
    angles: Mapping[str, float] = field(default_factory=dict)

    def on_pixels(self, channels: int) -> dict[str, NDArray[np.int64]]:
        """The same for flattened images (rows, columns, channels)."""
        colors = np.arange(channels)
        return {name: (row[:, None] * channels + colors).ravel() for name, row in self.permutations.items()}

    def group_of(self, names: tuple[str, ...]) -> Group:
        """The group that these candidates generate; of named actions it knows their names; angles between right ones
        are no permutations, and left out."""
        names = tuple(name for name in names if name in self.permutations)
        if all(name in ACTIONS for name in names) and names and self.shape[0] == self.shape[1]:
            return Group(names, self.shape[0], self.step)
        return Group.from_permutations({name: self.permutations[name] for name in names}, self.shape, self.step)


def find_candidates(candidates: Candidates, shape: tuple[int, int], step: int = 4) -> Moves:
    """The moves that a name or the user's own permutations mean.

    Args:
        candidates: `actions`, the twelve; `d4`, the seven moves of the square; `angles` or `angles:DEGREES`, rotations
            by multiples of 15 or so many degrees; a `Group`, its generators; gather indices (k, points), or by name.
        shape: (rows, columns) of the images.
        step: pixels that the rolls among the actions move by.

    Raises:
        UnknownNameError: a name that means nothing.
        InvalidArgumentError: a move does not fit the images, moves nothing, or there is none.
    """
    if isinstance(candidates, str) and candidates.split(":")[0] == "angles":
        return _angles(candidates, shape)
    if isinstance(candidates, str):
        if candidates not in CANDIDATES:
            raise UnknownNameError(
                "set of candidates", candidates, [*CANDIDATES, "angles", "a .npy file of permutations"]
            )
        if shape[0] != shape[1]:
            raise InvalidArgumentError(
                f"The candidates {candidates} move square images; got {shape[0]}x{shape[1]}. Crop or resize them, or "
                "give permutations of your own."
            )
        return _actions(shape[0], step) if candidates == "actions" else Moves(shape, _square(shape[0]), {}, step)
    if isinstance(candidates, Group):
        group = candidates
    elif isinstance(candidates, Mapping):
        group = Group.from_permutations(candidates, shape, step)
    else:
        rows = np.atleast_2d(np.asarray(candidates))
        group = Group.from_permutations({f"candidate {k}": row for k, row in enumerate(rows)}, shape, step)
    if group.shape != shape:
        raise InvalidArgumentError(f"The candidates move {group.shape} pixels, the images have {shape}; make them fit.")
    permutations = dict(zip(group.names, group.permutations, strict=True))
    for name, row in permutations.items():
        if np.array_equal(row, np.arange(len(row))):
            raise InvalidArgumentError(f'The candidate "{name}" moves nothing; leave the identity out.')
    if not permutations:
        raise InvalidArgumentError("There is no candidate; give at least one move.")
    return Moves(shape, permutations, {}, step)


def _actions(size: int, step: int) -> Moves:
    permutations, left_out = {}, {}
    for name in ACTIONS:
        action = find_action(name)
        if not action.can_act_on(size):
            left_out[name] = f"images of odd size, {size}, have no quadrants"
            continue
        row = action.permutation(size, step)
        if np.array_equal(row, np.arange(size**2)):
            left_out[name] = f"it moves nothing on {size} pixels with step {step}"
        else:
            permutations[name] = row
    return Moves((size, size), permutations, left_out, step)


def _square(size: int) -> dict[str, NDArray[np.int64]]:
    """The seven moves of the square beside the identity."""
    grid = np.arange(size**2).reshape(size, size)
    moves = {
        "quarter turn": np.rot90(grid),
        "half turn": np.rot90(grid, 2),
        "three-quarter turn": np.rot90(grid, 3),
        "left-right flip": grid[:, ::-1],
        "top-bottom flip": grid[::-1],
        "diagonal flip": grid.T,
        "antidiagonal flip": np.rot90(grid, 2).T,
    }
    return {name: move.ravel().copy() for name, move in moves.items()}


def _angles(text: str, shape: tuple[int, int]) -> Moves:
    """Rotations up to 180 degrees by the multiples of a step; an angle and its negative are symmetries together."""
    _, _, tail = text.partition(":")
    step = int(tail) if tail.isdecimal() and len(tail) < 4 else 0
    if text != "angles" and not (1 <= step <= 90 and 180 % step == 0):
        raise InvalidArgumentError(
            f'Expected angles:DEGREES with 1 to 90 degrees that divide 180, got "{text:.40}"; or angles, which is '
            f"angles:{STEP}."
        )
    if min(shape) < 3:
        raise InvalidArgumentError(f"Images of {shape[0]}x{shape[1]} are too small to be turned; give at least 3x3.")
    angles = {f"{degrees} degrees": float(degrees) for degrees in range(step or STEP, 181, step or STEP)}
    grid = np.arange(shape[0] * shape[1]).reshape(shape)
    right = {"90 degrees": np.rot90(grid), "180 degrees": np.rot90(grid, 2)}
    exact = {name: turned.ravel().copy() for name, turned in right.items() if name in angles and turned.shape == shape}
    return Moves(shape, exact, {}, 4, angles)


def shuffle(shape: tuple[int, int], generator: np.random.Generator) -> NDArray[np.int64]:
    """A random permutation of the pixels, in pairs: of order 2, the quickest to test."""
    order = generator.permutation(shape[0] * shape[1])
    half = len(order) // 2
    row = np.arange(len(order))
    row[order[:half]], row[order[half : 2 * half]] = order[half : 2 * half], order[:half]
    return row
