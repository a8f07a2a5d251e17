"""Datasets as arrays in memory."""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdatasets.digests import ContentHasher
from gdatasets.errors import IntegrityError
from gdatasets.generate import Elements, draw_elements, move
from gdatasets.groups import Images
from gdatasets.sources import load_source
from gdatasets.specs import DEFAULT_CONFIGURATION, configuration, dataset_spec, pinned_digest


@dataclass(frozen=True, eq=False)
class Arrays:
    """A split, or a run of consecutive samples of one.

    Attributes:
        images: uint8 (n, 28, 28), 0 is the background.
        labels: int64 (n,), class numbers.
        source_index: int64 (n,), which image of the source's split was moved.
        elements: `gdatasets.generate.ELEMENT_DTYPE` (n,), how it was moved.
    """

    images: Images
    labels: NDArray[np.int64]
    source_index: NDArray[np.int64]
    elements: Elements

    @property
    def content_sha256(self) -> str:
        """The digest of these samples; of a whole split, the one that the package pins."""
        hasher = ContentHasher(self.images.shape[1:])
        hasher.update(self.images, self.labels, self.source_index, self.elements)
        return hasher.hexdigest()


def load_arrays(
    name: str,
    config: str = DEFAULT_CONFIGURATION,
    split: str = "train",
    root: str | os.PathLike[str] | None = None,
) -> Arrays:
    """Generate a split of a dataset from its source: the published bytes, checked against their pinned digest.

    Args:
        name: `g-mnist`, `g-fashion-mnist` or `g-digits`.
        config: one of `gdatasets.specs.CONFIGURATIONS`.
        split: `train` or `test`.
        root: a torchvision-style folder to look for the source's raw files in first.

    Raises:
        UnknownNameError: no such dataset, configuration or split.
        SourceError: the source is missing and cannot be fetched, or is not the published one.
        IntegrityError: this machine generates other bytes than the published ones.
    """
    arrays = generate_arrays(name, config, split, root)
    digest, pinned = arrays.content_sha256, pinned_digest(name, config, split)
    if digest != pinned:
        raise IntegrityError(
            f"{name}/{config}/{split} came out with content_sha256 {digest[:16]}..., published is {pinned[:16]}...; "
            "please report it with your versions of numpy and pillow."
        )
    return arrays


def generate_arrays(
    name: str,
    config: str,
    split: str,
    root: str | os.PathLike[str] | None = None,
    *,
    start: int = 0,
    stop: int | None = None,
) -> Arrays:
    """Samples start..stop-1 of a split, not compared with any digest; the same as slicing `load_arrays`."""
    spec, chosen = dataset_spec(name), configuration(config)
    source = load_source(spec.source_name, split, root)
    index = np.arange(len(source.labels), dtype=np.int64)[start:stop]
    first = int(index[0]) if len(index) else 0
    elements = draw_elements(spec, chosen, split, first, first + len(index))
    images = source.images[first : first + len(index)]
    labels = source.labels[first : first + len(index)].copy()
    return Arrays(move(images, elements), labels, index, elements)
