"""The images that are asked: checked, cropped, drawn at random, without classes that are too small."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aenbench.errors import InvalidArgumentError

MIN_CLASS = 20
"""Images, or clusters of images, that a class needs to be asked."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Images that are asked.

    Attributes:
        images: (n, rows, columns, channels), numbers.
        labels: int64 (n,), numbers of classes.
        clusters: int64 (n,), which images belong together.
        classes: names of the classes by number; of those left out, too.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]
    clusters: NDArray[np.int64]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)"""
        return self.images.shape[1], self.images.shape[2]

    @property
    def channels(self) -> int:
        return int(self.images.shape[3])

    @property
    def has_clusters(self) -> bool:
        """Whether some images belong together."""
        return len(np.unique(self.clusters)) < len(self)

    @property
    def pixels(self) -> NDArray[np.float32]:
        """The images flattened, float32 (n, rows * columns * channels)."""
        return self.images.reshape(len(self.images), -1).astype(np.float32)


def draw_sample(
    images: ArrayLike,
    labels: ArrayLike | None,
    clusters: ArrayLike | None,
    limit: int | None,
    jitter: int,
    generator: np.random.Generator,
) -> tuple[Sample, list[str]]:
    """Check images and draw those that are asked; with what was left out or assumed, one line each.

    Args:
        images: (n, rows, columns) or (n, rows, columns, channels), numbers.
        labels: integers or names (n,), or None: then the images are taken together.
        clusters: (n,), which images belong together, or None: each by itself.
        limit: images that are looked at; all for None. Clusters are taken whole.
        jitter: rows and columns that each image is cropped by at a random place.
        generator: of crops and choice.

    Raises:
        InvalidArgumentError: images or labels that nothing can be said of.
    """
    array = _checked(images)
    notices = []
    if jitter:
        array = _crop(array, jitter, generator)
        notices.append(f"up to shifts: each image was cropped by {jitter} pixels at a random place")
    names, numbers = _labels(labels, len(array), notices)
    belonging = _clusters(clusters, len(array))
    chosen = _choose(belonging, limit, generator)
    chosen = chosen[_large_enough(names, numbers[chosen], belonging[chosen], notices)]
    kept = array[chosen].reshape(len(chosen), *array.shape[1:3], -1)
    return Sample(kept, numbers[chosen], belonging[chosen], tuple(names)), notices


def _crop(images: NDArray[Any], jitter: int, generator: np.random.Generator) -> NDArray[Any]:
    """Each image without `jitter` of its rows and columns, of which some are taken from either side at random."""
    count, rows, columns = images.shape[:3]
    if not 0 < jitter < min(rows, columns):
        raise InvalidArgumentError(f"Expected a jitter from 0 to {min(rows, columns) - 1} pixels, got {jitter}.")
    top, left = generator.integers(0, jitter + 1, (2, count))
    down = top[:, None] + np.arange(rows - jitter)
    across = left[:, None] + np.arange(columns - jitter)
    cropped: NDArray[Any] = images[np.arange(count)[:, None, None], down[:, :, None], across[:, None, :]]
    return cropped


def _checked(images: ArrayLike) -> NDArray[Any]:
    """Images as an array of finite numbers that are not all equal."""
    try:
        array = np.asarray(images)
    except ValueError as error:
        raise InvalidArgumentError("The images differ in size; crop or resize them to one.") from error
    if array.ndim not in (3, 4) or not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise InvalidArgumentError(
            f"Expected images as numbers (n, rows, columns) or (n, rows, columns, channels), got {array.dtype} "
            f"{array.shape}."
        )
    if not array.size or np.issubdtype(array.dtype, np.complexfloating) or not np.isfinite(array).all():
        raise InvalidArgumentError(f"Expected finite real pixels, got {array.dtype} {array.shape}.")
    if array.max() == array.min():
        raise InvalidArgumentError("All pixels of all images are equal; they show no symmetry and no difference.")
    return array


def _labels(labels: ArrayLike | None, images: int, notices: list[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Names of the classes, and the number of each image's class."""
    if labels is None:
        notices.append("there are no labels: the law of all images together is tested, not that of each class")
        return ["all"], np.zeros(images, dtype=np.int64)
    array = np.asarray(labels)
    if array.shape != (images,):
        raise InvalidArgumentError(f"Expected one label for each of {images:,} images, got {array.shape}.")
    found, numbers = np.unique(array, return_inverse=True)
    if len(found) < 2:
        raise InvalidArgumentError("All images have one label; leave the labels out to test the images together.")
    return [str(name) for name in found.tolist()], numbers.astype(np.int64)


def _clusters(clusters: ArrayLike | None, images: int) -> NDArray[np.int64]:
    if clusters is None:
        return np.arange(images)
    array = np.asarray(clusters)
    if array.shape != (images,):
        raise InvalidArgumentError(f"Expected one cluster for each of {images:,} images, got {array.shape}.")
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def _choose(clusters: NDArray[np.int64], limit: int | None, generator: np.random.Generator) -> NDArray[np.int64]:
    """Whole clusters in random order until so many images are chosen; image numbers, ascending."""
    if limit is not None and limit < 1:
        raise InvalidArgumentError(f"Expected at least 1 image to look at, got {limit}.")
    if limit is None or limit >= len(clusters):
        return np.arange(len(clusters))
    sizes = np.bincount(clusters)
    order = generator.permutation(len(sizes))
    kept = order[np.cumsum(sizes[order]) <= limit]
    return np.flatnonzero(np.isin(clusters, kept))


def _large_enough(
    names: list[str], labels: NDArray[np.int64], clusters: NDArray[np.int64], notices: list[str]
) -> NDArray[np.int64]:
    """Places of the images whose class has enough clusters."""
    kept = []
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        count = len(np.unique(clusters[places]))
        if count >= MIN_CLASS:
            kept.append(places)
        else:
            notices.append(
                f"class {names[label]} is left out: it has {count} of the {MIN_CLASS} independent images it needs"
            )
    if not kept:
        raise InvalidArgumentError(
            f"No class has {MIN_CLASS} independent images, which a test needs; give more images, or leave labels out."
        )
    return np.sort(np.concatenate(kept))
