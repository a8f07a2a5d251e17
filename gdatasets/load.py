"""Datasets as arrays in memory."""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdatasets.digests import ContentHasher
from gdatasets.generate import Elements, draw_elements, move
from gdatasets.groups import Images
from gdatasets.sources import load_source
from gdatasets.specs import DEFAULT_CONFIGURATION, configuration, dataset_spec


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
    *,
    start: int = 0,
    stop: int | None = None,
) -> Arrays:
    """Generate a split of a dataset from its source, the same bytes on every machine.

    Args:
        name: `g-mnist`, `g-fashion-mnist` or `g-digits`.
        config: one of `gdatasets.specs.CONFIGURATIONS`.
        split: `train` or `test`.
        root: a torchvision-style folder to look for the source's raw files in first.
        start, stop: generate only these samples; the same as slicing the whole split.

    Raises:
        UnknownNameError: no such dataset, configuration or split.
        SourceError: the source is missing and cannot be fetched, or is not the published one.
    """
    spec, chosen = dataset_spec(name), configuration(config)
    source = load_source(spec.source_name, split, root)
    index = np.arange(len(source.labels), dtype=np.int64)[start:stop]
    first = int(index[0]) if len(index) else 0
    elements = draw_elements(spec, chosen, split, first, first + len(index))
    images = source.images[first : first + len(index)]
    labels = source.labels[first : first + len(index)].copy()
    return Arrays(move(images, elements), labels, index, elements)
