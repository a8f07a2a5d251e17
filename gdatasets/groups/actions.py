"""The twelve actions on square images, and a registry for further ones.

An action is defined once, as a frozen value with its move of image arrays. Its permutation is what that move does to an
image of pixel indices, so data and layers can never disagree. `(g x).ravel() == x.ravel()[permutation]`: permutations
are gather indices, and "first a, then b" is `permutation_a[permutation_b]`.

Source: arXiv 2104.04848, section 5.1 and figure 3; names and bit order as in the released code.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.groups.permutation_groups import check_permutations, inverse, permutation_order
from gdatasets.registry import Registry

__all__ = ["ACTIONS", "ACTION_REGISTRY", "Action", "act", "actions_from_bits", "bits_from_actions", "find_action"]

Images = NDArray[Any]
Move = Callable[[Images, int], Images]
"""Moves images (n, size, size, ...); the second argument is the roll step in pixels."""


@dataclass(frozen=True)
class Action:
    """A move of square images that only permutes pixels.

    Attributes:
        name: what users type.
        move: takes images (n, size, size, ...) and the roll step in pixels; returns the moved images, or a view.
        family: of actions that belong together: `square`, `roll`, `scramble`, or a word of your own.
        even_size_only: whether the size must be even.
        inverse: the move that undoes it; by default its permutation is inverted.
    """

    name: str
    move: Move
    family: str = "custom"
    even_size_only: bool = False
    inverse: Move | None = None

    def can_act_on(self, size: int) -> bool:
        """Whether images of this size can be moved, as far as their size decides."""
        return not (self.even_size_only and size % 2)

    def permutation(self, size: int, step: int = 4) -> NDArray[np.int64]:
        """Gather indices on a grid of this size: int64 (size * size,).

        Raises:
            InvalidArgumentError: it cannot act on this size, or does not permute the pixels.
        """
        pixels = np.arange(size**2).reshape(1, size, size)
        try:
            rows = check_permutations(np.asarray(self(pixels, step)).reshape(1, -1))
        except InvalidArgumentError as error:
            if not self.can_act_on(size):
                raise
            raise InvalidArgumentError(
                f"{self.name} does not permute the pixels of a {size} x {size} image; an action may only move pixels."
            ) from error
        return rows.reshape(-1)

    def order(self, size: int, step: int = 4) -> int:
        """How many times it is applied, at the least, until every pixel is back in its place."""
        return permutation_order(self.permutation(size, step))

    def undo(self, images: Images, step: int = 4) -> Images:
        """Put moved images (n, size, size, ...) back."""
        _check_images(self, images)
        if self.inverse is not None:
            return self.inverse(images, step)
        size = images.shape[1]
        back = inverse(self.permutation(size, step))
        return images.reshape(len(images), size * size, *images.shape[3:])[:, back].reshape(images.shape)

    def __call__(self, images: Images, step: int = 4) -> Images:
        """The moved images, of the same shape and dtype; it may be a view.

        Raises:
            InvalidArgumentError: the images are not square, or of odd size where it must be even.
        """
        _check_images(self, images)
        moved = self.move(images, step)
        if moved.shape != images.shape:
            raise InvalidArgumentError(
                f"{self.name} turns images {images.shape[1:]} into {moved.shape[1:]}; an action must keep their shape."
            )
        return moved


def _check_images(action: Action, images: Images) -> None:
    if images.ndim < 3 or images.shape[1] != images.shape[2]:
        raise InvalidArgumentError(f"Expected square images (n, size, size, ...), got shape {images.shape}.")
    if not action.can_act_on(images.shape[1]):
        what = "moves quadrants, so the" if action.family == "scramble" else "says that the"
        raise InvalidArgumentError(
            f"{action.name} {what} size must be even; got {images.shape[1]}. Resize to an even size."
        )


def _scramble1(x: Images, _: int) -> Images:
    h = x.shape[1] // 2
    top_left, top_right, bottom_left, bottom_right = x[:, :h, :h], x[:, :h, h:], x[:, h:, :h], x[:, h:, h:]
    left = np.concatenate([bottom_left, bottom_right], axis=1)
    right = np.concatenate([top_left, top_right], axis=1)
    return np.concatenate([left, right], axis=2)


def _scramble1_back(x: Images, _: int) -> Images:
    return _scramble1(_scramble1(_scramble1(x, _), _), _)  # of order 4


def _swap_within(x: Images, half: tuple[slice, ...], axis: int) -> Images:
    """Swap the two quadrants of one half of each image."""
    moved = x.copy()
    moved[half] = np.roll(x[half], x.shape[1] // 2, axis=axis)
    return moved


_ALL = slice(None)


def _scramble(name: str, move: Move, back: Move | None = None) -> Action:
    return Action(name, move, "scramble", even_size_only=True, inverse=back or move)


def _mirror(name: str, move: Move) -> Action:
    return Action(name, move, "square", inverse=move)


def _roll(name: str, axis: int) -> Action:
    return Action(
        name,
        lambda x, step: np.roll(x, -step, axis=axis),
        "roll",
        inverse=lambda x, step: np.roll(x, step, axis=axis),
    )


# Row 0 is on top, column 0 on the left; the order is the bit order of every state string.
_TWELVE = (
    Action(
        "rotation",
        lambda x, _: np.rot90(x, axes=(1, 2)),
        "square",
        inverse=lambda x, _: np.rot90(x, -1, axes=(1, 2)),
    ),
    _mirror("hflip", lambda x, _: x[:, :, ::-1]),
    _mirror("vflip", lambda x, _: x[:, ::-1]),
    _roll("htrans", axis=2),
    _roll("vtrans", axis=1),
    _scramble("scramble1", _scramble1, _scramble1_back),
    _scramble("scramble2", lambda x, _: np.roll(x, x.shape[2] // 2, axis=2)),
    _scramble("scramble3", lambda x, _: np.roll(x, x.shape[1] // 2, axis=1)),
    _scramble("scramble4", lambda x, _: _swap_within(x, (_ALL, _ALL, slice(None, x.shape[1] // 2)), axis=1)),
    _scramble("scramble5", lambda x, _: _swap_within(x, (_ALL, _ALL, slice(x.shape[1] // 2, None)), axis=1)),
    _scramble("scramble6", lambda x, _: _swap_within(x, (_ALL, slice(None, x.shape[1] // 2)), axis=2)),
    _scramble("scramble7", lambda x, _: _swap_within(x, (_ALL, slice(x.shape[1] // 2, None)), axis=2)),
)

ACTIONS: tuple[str, ...] = tuple(action.name for action in _TWELVE)
"""The names of the twelve actions, in the bit order of every state string."""


def _as_action(name: str, value: Any) -> Action:
    """What a user registers: an `Action`, or the function that moves the images."""
    if "," in name:
        raise InvalidArgumentError(f'"{name}" cannot be the name of an action: a comma separates actions.')
    if isinstance(value, Action):
        return replace(value, name=name)
    if not callable(value) or isinstance(value, type):
        raise InvalidArgumentError(
            f"{name} is {type(value).__name__}; expected an Action, or a function of images (n, size, size, ...) and "
            "a roll step."
        )
    return Action(name, value)


ACTION_REGISTRY: Registry[Action] = Registry("action", {action.name: action for action in _TWELVE}, _as_action)
"""Actions by name: the twelve, and those of users, which have no place in a state string.

A name registered here is known to this process only; worker processes find an action at its import path.
"""


def find_action(name: str) -> Action:
    """One of the twelve, a registered action, or the one at the import path `"package.module:name"`.

    Raises:
        UnknownNameError: it is none of these.
        InvalidArgumentError: the import path gives no action.
    """
    return ACTION_REGISTRY.find(name)


def act(action: str, images: Images, step: int = 4) -> Images:
    """Move every image by one action.

    Args:
        action: one of `ACTIONS`, a registered one, or an import path.
        images: shape (n, size, size) or (n, size, size, channels), any dtype.
        step: pixels that `htrans` and `vtrans` roll by: `out[i, j] = x[i, (j + step) % size]` for `htrans`.

    Returns:
        The moved images, of the same shape and dtype; it may be a view.

    Raises:
        UnknownNameError: there is no such action.
        InvalidArgumentError: the images are not square, or of odd size for a scramble.
    """
    return find_action(action)(images, step)


def actions_from_bits(bits: str) -> tuple[str, ...]:
    """The names of a state string: `actions_from_bits("110000000000")` is `("rotation", "hflip")`."""
    if len(bits) != len(ACTIONS) or set(bits) - {"0", "1"}:
        raise InvalidArgumentError(f'Expected {len(ACTIONS)} characters 0 or 1, got "{bits}".')
    return tuple(name for name, bit in zip(ACTIONS, bits, strict=True) if bit == "1")


def bits_from_actions(actions: Iterable[str]) -> str:
    """The state string of a set of names out of `ACTIONS`, in bit order.

    Raises:
        UnknownNameError: there is no such action.
        InvalidArgumentError: a user's own action, which has no bit.
    """
    chosen = set(actions)
    for name in sorted(chosen - set(ACTIONS)):
        if name in ACTION_REGISTRY or ":" in name:
            raise InvalidArgumentError(
                f'"{name}" has no place in the string of {len(ACTIONS)} bits; use it by name, in a Group or with '
                "--baseline group."
            )
        raise UnknownNameError("action", name, ACTIONS)
    return "".join("1" if name in chosen else "0" for name in ACTIONS)
