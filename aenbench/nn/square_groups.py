"""The ten groups of symmetries of the square pixel grid, from their generators.

A symmetry g moves images by `(g x)[i, j] = x[..]`: it reverses rows, columns or both, and may then exchange the two
axes. All that the group convolutions need follows from the generators by closure: the elements, the table of products,
and how each element moves the pixels of any grid. The moves are those of `gdatasets.groups.actions`, so that a group
here and the same group of a dataset can never disagree.

Source: Cohen and Welling, Group Equivariant Convolutional Networks, arXiv 1602.07576, section 4.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import InvalidArgumentError
from gdatasets.errors import UnknownNameError
from gdatasets.groups.group import Group
from gdatasets.groups.permutation_groups import Permutations, enumerate_elements

MOVES: dict[str, tuple[str, ...]] = {
    "rotation": ("rotation",),
    "half-turn": ("rotation", "rotation"),
    "hflip": ("hflip",),
    "vflip": ("vflip",),
    "diagonal": ("rotation", "vflip"),
    "antidiagonal": ("rotation", "hflip"),
}
"""The moves that generate the groups, each as actions of `gdatasets.groups.actions`, the first one first."""

SQUARE_GROUPS: dict[str, tuple[str, ...]] = {
    "trivial": (),
    "c2": ("half-turn",),
    "hflip": ("hflip",),
    "vflip": ("vflip",),
    "diagonal": ("diagonal",),
    "antidiagonal": ("antidiagonal",),
    "c4": ("rotation",),
    "v4": ("hflip", "vflip"),
    "v4-diagonal": ("diagonal", "antidiagonal"),
    "d4": ("rotation", "hflip"),
}
"""Generators of every subgroup of the square's symmetries: these ten are all there are."""

GROUP_BITS: tuple[str, ...] = ("rotation", "hflip", "vflip")
"""The moves that the three group bits of the paper's search space stand for (arXiv 2104.04848, section 5.2)."""


@dataclass(frozen=True)
class SquareGroup:
    """A group of symmetries of the square. Elements are numbered 0..order-1, the identity first.

    Attributes:
        name: one of `SQUARE_GROUPS`.

    Raises:
        UnknownNameError: there is no such group.
    """

    name: str

    def __post_init__(self) -> None:
        if self.name not in SQUARE_GROUPS:
            raise UnknownNameError("group", self.name, SQUARE_GROUPS)

    @cached_property
    def _corners(self) -> Permutations:
        """How each element gathers the pixels of a 2 x 2 image, int64 (order, 4); no two elements do it alike."""
        return _close(SQUARE_GROUPS[self.name])

    @property
    def order(self) -> int:
        """The number of elements."""
        return len(self._corners)

    @cached_property
    def products(self) -> NDArray[np.int64]:
        """`products[g, h]` is the element "first h, then g": int64 (order, order)."""
        number = {row.tobytes(): k for k, row in enumerate(self._corners)}
        return np.array([[number[h[g].tobytes()] for h in self._corners] for g in self._corners])

    @cached_property
    def inverses(self) -> NDArray[np.int64]:
        """The inverse of each element: int64 (order,)."""
        return np.argwhere(self.products == 0)[:, 1]

    @cached_property
    def exchanges_axes(self) -> bool:
        """Whether some element turns rows into columns."""
        return bool((self._corners[:, 0] // 2 != self._corners[:, 1] // 2).any())

    @cached_property
    def reverses(self) -> tuple[bool, bool]:
        """Whether some element reads (the rows, the columns) of the image from the far end."""
        return bool((self._corners[:, 0] // 2).any()), bool((self._corners[:, 0] % 2).any())

    def pixels(self, height: int, width: int | None = None) -> Permutations:
        """How each element gathers the pixels of an image: int64 (order, height * width).

        `(g x).ravel() == x.ravel()[pixels[g]]`.

        Raises:
            InvalidArgumentError: the grid is not square although some element exchanges its axes.
        """
        width = height if width is None else width
        if self.exchanges_axes and height != width:
            raise InvalidArgumentError(
                f"{self.name} turns rows into columns, so it acts on square grids only; got {height} x {width}."
            )
        image = np.arange(height * width).reshape(height, width)
        moved = []
        for first, second, *_ in self._corners:
            seen = image[:: -1 if first // 2 else 1, :: -1 if first % 2 else 1]
            moved.append((seen.T if first // 2 != second // 2 else seen).ravel())
        return np.array(moved)

    def features(self, height: int, width: int | None = None) -> Permutations:
        """How each element gathers a feature (order, height, width): int64 (order, order * height * width).

        A feature is a function of elements and pixels, and moves by `(g f)[h] = g (f[g^-1 h])`.
        """
        pixels = self.pixels(height, width)
        sources = self.products[self.inverses]  # (g, h) -> g^-1 h
        gathered: Permutations = sources[:, :, None] * pixels.shape[1] + pixels[:, None, :]
        return gathered.reshape(self.order, -1)


def group_generated_by(moves: Iterable[str]) -> SquareGroup:
    """The group that some of `MOVES` generate, by closure, whichever moves were named.

    Raises:
        UnknownNameError: there is no such move.
    """
    elements = {row.tobytes() for row in _close(tuple(moves))}
    return next(
        SquareGroup(name)
        for name, generators in SQUARE_GROUPS.items()
        if {row.tobytes() for row in _close(generators)} == elements
    )


def group_from_bits(bits: str) -> SquareGroup:
    """The group of three bits (rotation, hflip, vflip): 101, 110 and 111 all generate `d4`.

    Raises:
        InvalidArgumentError: not three characters 0 or 1.
    """
    if len(bits) != len(GROUP_BITS) or set(bits) - {"0", "1"}:
        raise InvalidArgumentError(f'Expected three characters 0 or 1 ({", ".join(GROUP_BITS)}), got "{bits}".')
    return group_generated_by(move for move, bit in zip(GROUP_BITS, bits, strict=True) if bit == "1")


@cache
def _close(moves: tuple[str, ...]) -> Permutations:
    """Every element that the moves generate, as gather indices on a 2 x 2 image, identity first."""
    generators = []
    for move in moves:
        if move not in MOVES:
            raise UnknownNameError("move", move, MOVES)
        gathered = np.arange(4)
        for action in MOVES[move]:
            gathered = gathered[Group((action,), 2).permutations[0]]
        generators.append(gathered)
    return enumerate_elements(np.array(generators).reshape(-1, 4))
