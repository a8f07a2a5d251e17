"""Images of a split that are in the training images too, as they are or nearly: a test with them is an easier one.

Two images are nearly the same where their thumbnails, gray and about 16x16, correlate by at least `NEAR`: the same
picture coded again, at another brightness or contrast, or the next frame of a recording. Coded again as JPEG of quality
75, all of 1,000 images of EuroSAT, of CIFAR-10 and of PatchCamelyon are still that near. Simple drawings resemble each
other as much without being copies; so the report counts how many near pairs have two labels. Images of hardly any
contrast, such as open water, are compared for identity alone.
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gdatasets.errors import InvalidArgumentError
from gdatasets.sources.source import ImageSource

NEAR = 0.99
"""Correlation of two thumbnails from which on the images count as near duplicates."""
_FLAT = 4.0
_THUMBNAIL = 16
_PIECE_BYTES = 16 << 20
_EXAMPLES = 5
_GRAY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class NearDuplicates:
    """What was found of some images among others.

    Attributes:
        images: how many were looked for.
        others: among how many.
        identical: of the images, those of which another has every pixel.
        near: those of which another is nearly the same; the identical ones are none of them.
        two_labels: of `near`, those whose nearest has another label.
        flat: images of hardly any contrast, which were compared for identity alone.
        examples: positions of near pairs: the image, its nearest among the others.
    """

    images: int
    others: int
    identical: int
    near: int
    two_labels: int
    flat: int
    examples: tuple[tuple[int, int], ...]


def find_near_duplicates(
    source: ImageSource, looked_for: tuple[str, int, int], among: tuple[str, int, int], most: int = 2_000
) -> NearDuplicates:
    """Look for images of one part of a source among those of another.

    Time grows with `most` times the others; memory holds the thumbnails of the first and a piece of the second.

    Args:
        source: the images.
        looked_for: split, first sample and the one after the last.
        among: the same, of the images that are learned from.
        most: images that are looked for, evenly spaced.

    Raises:
        InvalidArgumentError: `most` is below 1.
    """
    if most < 1:
        raise InvalidArgumentError(f"Expected at least 1 image to look for, got {most}.")
    split, start, stop = looked_for
    numbers = np.unique(np.linspace(start, stop - 1, min(most, stop - start)).round().astype(np.int64))
    wanted = _Described.of(source, split, [(int(number), int(number) + 1) for number in numbers])
    nearest = np.full(len(numbers), -1.0, dtype=np.float32)
    partner, label = np.zeros(len(numbers), dtype=np.int64), np.zeros(len(numbers), dtype=np.int64)
    seen: set[bytes] = set()
    step = max(1, _PIECE_BYTES // int(np.prod(source.image_shape)))
    for first in range(among[1], among[2], step):
        piece = _Described.of(source, among[0], [(first, min(first + step, among[2]))])
        seen.update(piece.digests)
        likeness = wanted.vectors @ piece.vectors.T
        best = likeness.argmax(axis=1)
        value = likeness[np.arange(len(best)), best]
        nearer = value > nearest
        nearest[nearer], partner[nearer], label[nearer] = (
            value[nearer],
            first + best[nearer],
            piece.labels[best[nearer]],
        )
    identical = np.array([digest in seen for digest in wanted.digests])
    near = (nearest >= NEAR) & ~identical
    return NearDuplicates(
        images=len(numbers),
        others=among[2] - among[1],
        identical=int(identical.sum()),
        near=int(near.sum()),
        two_labels=int((near & (label != wanted.labels)).sum()),
        flat=int((~wanted.vectors.any(axis=1)).sum()),
        examples=tuple((int(numbers[at]), int(partner[at])) for at in np.flatnonzero(near)[:_EXAMPLES]),
    )


@dataclass(frozen=True)
class _Described:
    vectors: NDArray[np.float32]
    """(n, pixels): thumbnails of mean 0 and length 1; all 0 where the image is flat."""
    labels: NDArray[np.int64]
    digests: list[bytes]

    @staticmethod
    def of(source: ImageSource, split: str, ranges: list[tuple[int, int]]) -> "_Described":
        vectors, labels, digests = [], [], []
        for start, stop in ranges:
            images, numbers = source.read(split, start, stop)
            vectors.append(describe(images))
            labels.append(numbers)
            digests += [blake2b(image.tobytes(), digest_size=16).digest() for image in images]
        return _Described(np.concatenate(vectors), np.concatenate(labels), digests)


def describe(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Gray thumbnails of mean 0 and length 1, float32 (n, pixels), of uint8 (n, size, size[, 3]); flat ones are 0."""
    gray = images.astype(np.float32) if images.ndim == 3 else images @ _GRAY
    size = gray.shape[1]
    side = next((side for side in range(_THUMBNAIL, 7, -1) if size % side == 0), 0)
    if side:
        small = gray.reshape(len(gray), side, size // side, side, size // side).mean(axis=(2, 4))
    else:
        square = (min(size, _THUMBNAIL),) * 2
        small = np.stack([np.asarray(Image.fromarray(each).resize(square, Image.Resampling.BOX)) for each in gray])
    flat = small.reshape(len(small), -1)
    centered = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centered, axis=1, keepdims=True)
    return np.where(length < _FLAT * np.sqrt(flat.shape[1]), 0, centered / np.maximum(length, 1e-6)).astype(np.float32)
