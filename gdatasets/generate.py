"""Specification and source images to moved images and the elements that moved them: pure, vectorised, bit-exact.

Sample i's element depends only on (dataset, major version, configuration, split, i): four 64-bit words of the Philox
counter-based generator, keyed by a SHA-256 of the first four and read at counter i. See `docs/determinism.md`.
"""

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import IntegrityError, InvalidArgumentError
from gdatasets.groups import ACTIONS, Images, act
from gdatasets.specs import Configuration, DatasetSpec

ELEMENT_DTYPE = np.dtype([("bits", "<u2"), ("angle", "<i2"), ("hshift", "<i2"), ("vshift", "<i2")])
"""How one image was moved. `bits`: bit a is set when action number a of `ACTIONS` was applied (in bit order). `angle`:
tenths of a degree, counter-clockwise, -1799..1800. `hshift`, `vshift`: pixels that `htrans` and `vtrans` rolled by,
`out[i, j] = x[i, (j + hshift) % size]`."""

Elements = NDArray[np.void]

_WORDS = 4  # drawn for each sample: coins, angle, hshift, vshift; one block of Philox
_ANGLES = 3600
_QUARTER = 900
_TABLE_MAX_SIZE = 64  # 3,600 index tables are 59 MB at this size; larger images are turned one by one
_CHUNK = 1024  # images moved at a time, so that they stay in the cache
_ROTATION_TABLE_28_SHA256 = "239f0f71cfa5c9e9d0a0c2a3a5878eef661647147bdf98df4b08a47d12731cfa"


def element_bits(elements: Elements) -> list[str]:
    """The state string of each element: twelve characters, the first one for action 0."""
    return [format(bits, f"0{len(ACTIONS)}b")[::-1] for bits in elements["bits"].tolist()]


def draw_elements(
    dataset: DatasetSpec, config: Configuration, split: str, start: int, stop: int, size: int = 28
) -> Elements:
    """The elements that move samples start..stop-1 of a split: `ELEMENT_DTYPE`, shape (stop - start,)."""
    if not 0 <= start <= stop:
        raise InvalidArgumentError(f"Expected 0 <= start <= stop, got {start} and {stop}.")
    words = _random_words(f"{dataset.name}/{dataset.major}/{config.name}/{split}", start, stop)
    elements = np.zeros(stop - start, dtype=ELEMENT_DTYPE)
    coins = words[:, 0]
    for number, action in enumerate(ACTIONS):
        if action not in config.actions:
            continue
        if action == "rotation":
            elements["angle"] = _draw_angles(words[:, 1], config)
            applied = np.ones(len(elements), bool) if config.family == "paper" else elements["angle"] != 0
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


def _random_words(stream: str, start: int, stop: int) -> NDArray[np.uint64]:
    """Uniform 64-bit words (stop - start, 4); row i is block i of the Philox generator keyed by the stream's name."""
    key = int.from_bytes(hashlib.sha256(f"gdatasets/{stream}".encode()).digest()[:16], "little")
    generator = np.random.Philox(key=key)
    generator.advance(start)
    return generator.random_raw(_WORDS * (stop - start)).reshape(-1, _WORDS)


def _below(words: NDArray[np.uint64], bound: int) -> NDArray[np.int64]:
    """Integers 0..bound-1; the bias of the remainder is below bound / 2**64."""
    return (words % np.uint64(bound)).astype(np.int64)


def _draw_angles(words: NDArray[np.uint64], config: Configuration) -> NDArray[np.int64]:
    if config.family == "paper":
        return _below(words, _ANGLES) - (_ANGLES // 2 - 1)
    return (_below(words, 4) * _QUARTER + 1799) % _ANGLES - 1799


def move(images: Images, elements: Elements) -> Images:
    """Move each image by its element, actions in bit order.

    Args:
        images: uint8 (n, size, size) or (n, size, size, channels).
        elements: `ELEMENT_DTYPE` (n,).

    Returns:
        A new array of the shape and dtype of `images`.
    """
    _check_pairs(images, elements)
    moved = np.empty_like(images)
    for start in range(0, len(images), _CHUNK):
        part = slice(start, start + _CHUNK)
        moved[part] = _move_chunk(images[part], elements[part])
    return moved


def undo(images: Images, elements: Elements) -> Images:
    """Put pixel-exact moves back: `undo(move(x, elements), elements)` equals x.

    Raises:
        InvalidArgumentError: an element turns by an angle that is not a multiple of 90 degrees; that loses pixels.
    """
    _check_pairs(images, elements)
    if np.any(elements["angle"] % _QUARTER):
        first = int(np.flatnonzero(elements["angle"] % _QUARTER)[0])
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
            _turn_quarters(restored, -elements["angle"])
        elif action in ("htrans", "vtrans"):
            _roll(restored, action, -elements["hshift" if action == "htrans" else "vshift"])
        else:
            inverse_powers = 3 if action == "scramble1" else 1  # order 4; all others are their own inverse
            part = restored[chosen]
            for _ in range(inverse_powers):
                part = act(action, part)
            restored[chosen] = part
    return restored


def _check_pairs(images: Images, elements: Elements) -> None:
    if elements.dtype != ELEMENT_DTYPE or elements.shape != images.shape[:1]:
        raise InvalidArgumentError(
            f"Expected one element for each of {len(images)} images, got {elements.dtype} {elements.shape}."
        )


def _move_chunk(images: Images, elements: Elements) -> Images:
    moved = images.copy()
    angles = elements["angle"]
    if np.any(angles % _QUARTER):
        moved = _turn(moved, angles)
    elif np.any(angles):
        _turn_quarters(moved, angles)
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


def _turn_quarters(images: Images, angles: NDArray[np.int16]) -> None:
    """Turn in place by multiples of 90 degrees."""
    quarters = angles // _QUARTER % 4
    for quarter in (1, 2, 3):
        chosen = np.flatnonzero(quarters == quarter)
        if len(chosen):
            images[chosen] = np.rot90(images[chosen], quarter, axes=(1, 2))


def _roll(images: Images, action: str, shifts: NDArray[np.int16]) -> None:
    """Roll in place, each image by its own number of pixels."""
    for shift in np.unique(shifts[shifts != 0]).tolist():
        chosen = np.flatnonzero(shifts == shift)
        images[chosen] = act(action, images[chosen], step=shift)


def _turn(images: Images, angles: NDArray[np.int16]) -> Images:
    """Turn each image by its own angle in tenths of a degree, as Pillow's `rotate` does: nearest, zero fill."""
    size = images.shape[1]
    if size > _TABLE_MAX_SIZE:
        return _turn_one_by_one(images, angles)
    flat = images.reshape(len(images), size * size, -1)
    padded = np.concatenate([np.zeros_like(flat[:, :1]), flat], axis=1)  # position 0 is the fill
    gather = rotation_table(size)[angles % _ANGLES].astype(np.intp)
    gather += (np.arange(len(images)) * padded.shape[1])[:, None]
    return padded.reshape(-1, flat.shape[2])[gather].reshape(images.shape)


def _turn_one_by_one(images: Images, angles: NDArray[np.int16]) -> Images:
    from PIL import Image

    turned = np.empty_like(images)
    for number, (image, angle) in enumerate(zip(images, angles.tolist(), strict=True)):
        turned[number] = Image.fromarray(image).rotate(angle / 10, Image.Resampling.NEAREST)
    return turned


@lru_cache(maxsize=4)
def rotation_table(size: int) -> NDArray[np.uint16]:
    """For each angle (row: tenths of a degree modulo 3,600) where each pixel comes from: uint16 (3600, size * size).

    0 is the fill, p + 1 is pixel p. Made by rotating an image of pixel numbers with Pillow, nearest neighbour.

    Raises:
        IntegrityError: Pillow turns 28x28 images otherwise than when the published digests were made.
    """
    from PIL import Image

    table = np.empty((_ANGLES, size * size), dtype=np.uint16)
    numbers = Image.fromarray(np.arange(1, size * size + 1, dtype=np.int32).reshape(size, size))
    for angle in range(1 - _ANGLES // 2, _ANGLES // 2 + 1):
        table[angle % _ANGLES] = np.asarray(numbers.rotate(angle / 10, Image.Resampling.NEAREST)).reshape(-1)
    table.flags.writeable = False
    digest = hashlib.sha256(table.astype("<u2").tobytes()).hexdigest()
    if size == 28 and digest != _ROTATION_TABLE_28_SHA256:
        raise IntegrityError(
            f"This Pillow rotates otherwise (table SHA-256 {digest[:16]}...); install another version."
        )
    return table
