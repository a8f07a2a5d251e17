"""Images turned about their center by tenths of a degree, counterclockwise, with zeros around them.

Two interpolations. *nearest*: as Pillow's `rotate`, through look-up tables that Pillow makes. *bilinear*: in integer
fixed-point arithmetic from a table of sines, so that every machine computes the same bytes; see `docs/rotation.md`.
Both turn by multiples of 90 degrees exactly as `np.rot90` does.
"""

import hashlib
import math
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import IntegrityError, InvalidArgumentError
from gdatasets.groups.actions import Images

Interpolation = Literal["nearest", "bilinear"]

ANGLES = 3600
"""Angles in a full turn: tenths of a degree."""
QUARTER = ANGLES // 4

_TABLE_MAX_SIZE = 64  # 3,600 index tables are 59 MB at this size; larger images are turned one by one
_ROTATION_TABLE_28_SHA256 = "239f0f71cfa5c9e9d0a0c2a3a5878eef661647147bdf98df4b08a47d12731cfa"

_SINE_BITS = 16
_WEIGHT_BITS = 10
_SINE_TABLE_SHA256 = "3201cefb43581c6b446db590c11fef8c9f461a4f60b9001f346da246ea731894"
_MAX_SIZE = 4096  # coordinates stay below 3 * size * 2**16 < 2**31
_CHUNK_PIXELS = 1 << 16  # turned at a time, so that they stay in the cache


def turn_quarters(images: Images, angles: NDArray[np.int16]) -> None:
    """Turn in place, each image by its own multiple of 90 degrees, given in tenths of a degree."""
    quarters = angles // QUARTER % 4
    for quarter in (1, 2, 3):
        chosen = np.flatnonzero(quarters == quarter)
        if len(chosen):
            images[chosen] = np.rot90(images[chosen], quarter, axes=(1, 2))


def turn_nearest(images: Images, angles: NDArray[np.int16]) -> Images:
    """Turn each image by its own angle as Pillow's `rotate` does.

    Args:
        images: uint8 (n, size, size) or (n, size, size, channels).
        angles: tenths of a degree (n,).
    """
    size = images.shape[1]
    if size > _TABLE_MAX_SIZE:
        return _turn_one_by_one(images, angles)
    flat = images.reshape(len(images), size * size, -1)
    padded = np.concatenate([np.zeros_like(flat[:, :1]), flat], axis=1)  # position 0 is the fill
    gather = rotation_table(size)[angles % ANGLES].astype(np.intp)
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

    0 is the fill, p + 1 is pixel p. Made by rotating an image of pixel numbers with Pillow, nearest neighbor.

    Raises:
        IntegrityError: Pillow turns 28x28 images otherwise than when the published digests were made.
    """
    from PIL import Image

    table = np.empty((ANGLES, size * size), dtype=np.uint16)
    numbers = Image.fromarray(np.arange(1, size * size + 1, dtype=np.int32).reshape(size, size))
    for angle in range(1 - ANGLES // 2, ANGLES // 2 + 1):
        table[angle % ANGLES] = np.asarray(numbers.rotate(angle / 10, Image.Resampling.NEAREST)).reshape(-1)
    table.flags.writeable = False
    digest = hashlib.sha256(table.astype("<u2").tobytes()).hexdigest()
    if size == 28 and digest != _ROTATION_TABLE_28_SHA256:
        raise IntegrityError(
            f"This Pillow rotates otherwise (table SHA-256 {digest[:16]}...); install another version."
        )
    return table


@lru_cache(maxsize=1)
def sine_table() -> NDArray[np.int32]:
    """round(65,536 sin a) for each angle a (tenths of a degree): int32 (3600,); the cosine is 900 places further on.

    Only the first quarter is computed, in floating point; the others are its mirror images. No value before rounding is
    nearer than 0.0006 to a half, and a mathematical library that was wrong by that much would be found by the digest.

    Raises:
        IntegrityError: this machine's sines are not those that the published digests were made with.
    """
    quarter = [round(math.sin(math.radians(angle / 10)) * (1 << _SINE_BITS)) for angle in range(QUARTER + 1)]
    half = [*quarter, *quarter[-2:0:-1]]
    table = np.array([*half, *(-sine for sine in half)], dtype=np.int32)
    table.flags.writeable = False
    digest = hashlib.sha256(table.astype("<i4").tobytes()).hexdigest()
    if digest != _SINE_TABLE_SHA256:
        raise IntegrityError(
            f"This machine's sines are others (table SHA-256 {digest[:16]}...); please report it with your platform."
        )
    return table


def turn_bilinear(images: Images, angles: NDArray[np.int16]) -> Images:
    """Turn each image by its own angle, each pixel from the four around where it comes from.

    All in integers: positions in 2**-17 pixels, rounded to 2**-10; the weights are products of those; the weighted sum
    is rounded to the nearest gray level, halves up.

    Args:
        images: uint8 (n, size, size) or (n, size, size, channels), size at most 4,096.
        angles: tenths of a degree (n,).

    Raises:
        InvalidArgumentError: the images are larger.
    """
    size = images.shape[1]
    if size > _MAX_SIZE:
        raise InvalidArgumentError(f"Images of at most {_MAX_SIZE} pixels a side can be turned, got {size}.")
    turned = np.empty_like(images)
    step = max(1, _CHUNK_PIXELS // (size * size))
    for start in range(0, len(images), step):
        part = slice(start, start + step)
        turned[part] = _turn_chunk(images[part], angles[part])
    return turned


def _turn_chunk(images: Images, angles: NDArray[np.int16]) -> Images:
    count, size = images.shape[:2]
    margin = size // 4 + 2  # a corner comes from at most (sqrt(2) - 1) / 2 * size outside, its neighbor from one more
    width = size + 2 * margin
    padded = np.zeros((count, width, width, *images.shape[3:]), dtype=np.int32)
    padded[:, margin:-margin, margin:-margin] = images
    pixels = padded.reshape(count * width * width, -1)

    rows, columns = _positions(size, angles)
    weight = (1 << _WEIGHT_BITS) - 1
    down, right = (rows & weight)[..., None], (columns & weight)[..., None]
    first = ((rows >> _WEIGHT_BITS) + margin) * width + (columns >> _WEIGHT_BITS) + margin
    first += (np.arange(count, dtype=np.int32) * (width * width))[:, None, None]

    above = _between(pixels[first], pixels[first + 1], right)
    below = _between(pixels[first + width], pixels[first + width + 1], right)
    total = _between(above, below, down)
    shift = 2 * _WEIGHT_BITS
    return ((total + (1 << shift - 1)) >> shift).astype(np.uint8).reshape(images.shape)


def _positions(size: int, angles: NDArray[np.int16]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The row and the column that each pixel comes from, in 2**-10 pixels: two arrays int32 (n, size, size).

    Twice the distance from the center is an integer, so that positions before rounding are exact multiples of 2**-17.
    """
    table = sine_table()
    sine, cosine = table[angles % ANGLES][:, None], table[(angles + QUARTER) % ANGLES][:, None]
    doubled = 2 * np.arange(size, dtype=np.int32) - (size - 1)  # from the center, in half pixels
    drop = _SINE_BITS + 1 - _WEIGHT_BITS
    center = ((size - 1) << _SINE_BITS) + (1 << drop - 1)  # and one half, to round to the nearest
    rows = (doubled * cosine + center)[:, :, None] + (doubled * sine)[:, None, :]
    columns = (center - doubled * sine)[:, :, None] + (doubled * cosine)[:, None, :]
    return rows >> drop, columns >> drop


def _between(one: NDArray[np.int32], other: NDArray[np.int32], weight: NDArray[np.int32]) -> NDArray[np.int32]:
    """`one` where the weight is 0, `other` where it is 2**10, times 2**10."""
    return (one << _WEIGHT_BITS) + (other - one) * weight
