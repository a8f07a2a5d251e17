"""Moves asked on features: images and moved images are embedded, and the kernel compares what comes out.

Features of a moved image follow in no way from those of the image, so their distances change with every power of a
move, and the quick test of `aenbench.discovery.randomization` does not hold. Images of one random half are compared
with moved images of the other, and pairs are exchanged: exact for any features, with the power of fewer pairs.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aenbench.discovery.kernel import BANDWIDTHS, Measured, Permutation, Pixels
from aenbench.discovery.sample import Sample
from aenbench.discovery.two_samples import compare, draw_halves
from aenbench.errors import InvalidArgumentError

Embed = Callable[[NDArray[Any]], ArrayLike]
"""From images (n, rows, columns, channels), as they were given, to features (n, d), finite numbers."""


def measure_embedded(
    sample: Sample,
    moves: Mapping[str, Permutation],
    control: Permutation,
    embed: Embed,
    *,
    level: float,
    generator: np.random.Generator,
) -> tuple[dict[str, Measured], Measured]:
    """Measure moves, and the control, on features.

    Args:
        sample: independent images.
        moves: gather indices (rows * columns,) by name.
        control: the same of a shuffle.
        embed: gives the features.
        level: of the family of tests, and of each interval.
        generator: of halves and exchanges.

    Raises:
        InvalidArgumentError: the features are no finite numbers (n, d), or all of them are equal.
    """
    one, other, classes = draw_halves(sample.labels, generator)
    left = _features(embed, sample.images[one])
    if not left.size or left.max() == left.min():
        raise InvalidArgumentError("All features of all images are equal; they show no symmetry and no difference.")

    def told(move: Permutation) -> Measured:
        right = _features(embed, _moved(sample.images[other], move))
        if right.shape != left.shape:
            raise InvalidArgumentError(
                f"Expected features {left.shape} of moved images, as of the others, got {right.shape}."
            )
        return compare(left, right, classes, level=level, tests=len(moves), generator=generator, scale=pooled_scale)

    return {name: told(move) for name, move in moves.items()}, told(control)


def pooled_scale(points: Pixels) -> float:
    """Twice the squared bandwidth of the wider kernel: a fraction of the median squared distance, float32 (n, d)."""
    norms = np.einsum("ij,ij->i", points, points)
    squares = norms[:, None] + norms[None, :] - 2 * points @ points.T
    return max(2 * BANDWIDTHS[0] * float(np.median(squares[np.triu_indices(len(points), 1)])), 1e-12)


def _moved(images: NDArray[Any], move: Permutation) -> NDArray[Any]:
    return images.reshape(len(images), len(move), -1)[:, move].reshape(images.shape)


def _features(embed: Embed, images: NDArray[Any]) -> Pixels:
    found = np.asarray(embed(images))
    is_numeric = np.issubdtype(found.dtype, np.number) and not np.issubdtype(found.dtype, np.complexfloating)
    if found.ndim != 2 or len(found) != len(images) or not is_numeric or not np.isfinite(found).all():
        raise InvalidArgumentError(
            f"Expected finite features ({len(images)}, d) of {len(images)} images, got {found.dtype} {found.shape}."
        )
    return np.ascontiguousarray(found, dtype=np.float32)
