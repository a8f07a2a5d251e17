"""Specification and source images to moved images and the elements that moved them: pure, vectorized, bit-exact.

Sample i's element depends only on (dataset, major version, configuration, split, i): four 64-bit words of the Philox
counter-based generator, keyed by a SHA-256 of the first four and read at counter i. See `docs/determinism.md`.
"""

import hashlib
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import InvalidArgumentError
from gdatasets.generation.rotation import ANGLES, QUARTER, Interpolation, turn_bilinear, turn_nearest, turn_quarters
from gdatasets.generation.specs import Configuration, DatasetSpec
from gdatasets.generation.tensors import check_image_shape, through_numpy
from gdatasets.groups.actions import ACTIONS, Images, act, find_action

ELEMENT_DTYPE = np.dtype([("bits", "<u2"), ("angle", "<i2"), ("hshift", "<i2"), ("vshift", "<i2")])
"""How one image was moved. `bits`: bit a is set when action number a of `ACTIONS` was applied (in bit order). `angle`:
tenths of a degree, counterclockwise, -1799..1800. `hshift`, `vshift`: pixels that `htrans` and `vtrans` rolled by,
`out[i, j] = x[i, (j + hshift) % size]`."""

Elements = NDArray[np.void]
AnyImages = TypeVar("AnyImages")

_WORDS = 4  # drawn for each sample: coins, angle, hshift, vshift; one block of Philox
_CHUNK = 1024  # images moved at a time, so that they stay in the cache


def element_bits(elements: Elements) -> list[str]:
    """The state string of each element: twelve characters, the first one for action 0."""
    return [format(bits, f"0{len(ACTIONS)}b")[::-1] for bits in elements["bits"].tolist()]


def draw_elements(
    dataset: DatasetSpec, config: Configuration, split: str, start: int, stop: int, size: int = 28
) -> Elements:
    """The elements that move samples start..stop-1 of a split: `ELEMENT_DTYPE`, shape (stop - start,)."""
    if not 0 <= start <= stop:
        raise InvalidArgumentError(f"Expected 0 <= start <= stop, got {start} and {stop}.")
    words = random_words(f"{dataset.name}/{dataset.major}/{config.name}/{split}", start, stop)
    elements = np.zeros(stop - start, dtype=ELEMENT_DTYPE)
    coins = words[:, 0]
    for number, action in enumerate(ACTIONS):
        if action not in config.actions:
            continue
        if action == "rotation":
            elements["angle"] = _draw_angles(words[:, 1], config)
            applied = elements["angle"] != 0 if config.family == "group" else np.ones(len(elements), bool)
        elif action in ("htrans", "vtrans") and config.family == "group":
            field, word = ("hshift", words[:, 2]) if action == "htrans" else ("vshift", words[:, 3])
            elements[field] = _below(word, size // np.gcd(size, config.step)) * config.step
            applied = elements[field] != 0
        else:
            applied = (coins >> np.uint64(number)) & np.uint64(1) == 1
            if action in ("htrans", "vtrans"):
                elements["hshift" if action == "htrans" else "vshift"] = applied * config.step
        elements["bits"] |= applied.astype(np.uint16) << np.uint16(number)
    return elements


def draw_elements_at(
    dataset: DatasetSpec, config: Configuration, split: str, indices: NDArray[np.int64], size: int = 28
) -> Elements:
    """The elements of samples in any order: runs of consecutive indices are drawn together."""
    breaks = np.flatnonzero(np.diff(indices) != 1) + 1
    runs = [run for run in np.split(indices, breaks) if len(run)]
    drawn = [draw_elements(dataset, config, split, int(run[0]), int(run[-1]) + 1, size) for run in runs]
    return np.concatenate(drawn) if drawn else np.zeros(0, dtype=ELEMENT_DTYPE)


def random_words(stream: str, start: int, stop: int) -> NDArray[np.uint64]:
    """Uniform 64-bit words (stop - start, 4); row i is block i of the Philox generator keyed by the stream's name."""
    key = int.from_bytes(hashlib.sha256(f"gdatasets/{stream}".encode()).digest()[:16], "little")
    generator = np.random.Philox(key=key)
    generator.advance(start)
    return generator.random_raw(_WORDS * (stop - start)).reshape(-1, _WORDS)


def _below(words: NDArray[np.uint64], bound: int) -> NDArray[np.int64]:
    """Integers 0..bound-1; the bias of the remainder is below bound / 2**64."""
    return (words % np.uint64(bound)).astype(np.int64)


def _draw_angles(words: NDArray[np.uint64], config: Configuration) -> NDArray[np.int64]:
    if config.family == "group":
        return (_below(words, 4) * QUARTER + 1799) % ANGLES - 1799
    return _below(words, ANGLES) - (ANGLES // 2 - 1)


def move(images: Images, elements: Elements, interpolation: Interpolation = "nearest") -> Images:
    """Move each image by its element, actions in bit order.

    Args:
        images: uint8 (n, size, size) or (n, size, size, channels).
        elements: `ELEMENT_DTYPE` (n,).
        interpolation: where an angle is not a multiple of 90 degrees; a configuration states it.

    Returns:
        A new array of the shape and dtype of `images`.
    """
    _check_pairs(images, elements)
    moved = np.empty_like(images)
    for start in range(0, len(images), _CHUNK):
        part = slice(start, start + _CHUNK)
        moved[part] = _move_chunk(images[part], elements[part], interpolation)
    return moved


def undo(images: AnyImages, elements: Elements) -> AnyImages:
    """Put pixel-exact moves back: `undo(move(x, elements), elements)` equals x.

    Args:
        images: an array (n, size, size) or (n, size, size, channels) of any dtype; or a torch tensor, also with its
            channels first.
        elements: `ELEMENT_DTYPE` (n,), as NumPy array.

    Returns:
        New images of the kind, shape and dtype of `images`.

    Raises:
        InvalidArgumentError: an element turns by an angle that is not a multiple of 90 degrees, which loses pixels; or
            other images or elements than these.
    """
    restored: AnyImages = through_numpy(images, lambda array: _undo(array, elements))
    return restored


def _undo(images: Images, elements: Elements) -> Images:
    check_image_shape(images)
    _check_pairs(images, elements)
    if np.any(elements["angle"] % QUARTER):
        first = int(np.flatnonzero(elements["angle"] % QUARTER)[0])
        raise InvalidArgumentError(
            f"Sample {first} was turned by {elements['angle'][first] / 10} degrees, which loses pixels and cannot be "
            "undone; use a pixel-exact configuration."
        )
    restored = images.copy()
    for number, action in reversed(list(enumerate(ACTIONS))):
        chosen = np.flatnonzero(elements["bits"] >> number & 1)
        if not len(chosen):
            continue
        if action == "rotation":
            turn_quarters(restored, -elements["angle"])
        elif action in ("htrans", "vtrans"):
            _roll(restored, action, -elements["hshift" if action == "htrans" else "vshift"])
        else:
            restored[chosen] = find_action(action).undo(restored[chosen])
    return restored


def _check_pairs(images: Images, elements: Elements) -> None:
    if not isinstance(elements, np.ndarray):
        raise InvalidArgumentError(
            f"Expected the elements as a NumPy array of ELEMENT_DTYPE, as `load_arrays` gives them, "
            f"got {type(elements).__name__}."
        )
    if elements.dtype != ELEMENT_DTYPE or elements.shape != images.shape[:1]:
        raise InvalidArgumentError(
            f"Expected one element for each of {len(images)} images, got {elements.dtype} {elements.shape}."
        )


def _move_chunk(images: Images, elements: Elements, interpolation: Interpolation) -> Images:
    moved = images.copy()
    angles = elements["angle"]
    if np.any(angles % QUARTER):
        moved = (turn_bilinear if interpolation == "bilinear" else turn_nearest)(moved, angles)
    elif np.any(angles):
        turn_quarters(moved, angles)
    present = int(np.bitwise_or.reduce(elements["bits"], initial=0))
    for number, action in enumerate(ACTIONS):
        if action == "rotation" or not present >> number & 1:
            continue
        if action in ("htrans", "vtrans"):
            _roll(moved, action, elements["hshift" if action == "htrans" else "vshift"])
        else:
            chosen = np.flatnonzero(elements["bits"] >> number & 1)
            moved[chosen] = act(action, moved[chosen])
    return moved


def _roll(images: Images, action: str, shifts: NDArray[np.int16]) -> None:
    """Roll in place, each image by its own number of pixels."""
    for shift in np.unique(shifts[shifts != 0]).tolist():
        chosen = np.flatnonzero(shifts == shift)
        images[chosen] = act(action, images[chosen], step=shift)
