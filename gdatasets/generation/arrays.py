"""Samples in memory, and generating any run of them from a source."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdatasets.generation.configured import AnyConfiguration, draw, move_by
from gdatasets.generation.digests import ContentHasher
from gdatasets.generation.moves import Elements
from gdatasets.generation.specs import DatasetSpec
from gdatasets.groups.actions import Images
from gdatasets.sources.source import ImageSource

_PIECE_SAMPLES = 1_000
_PIECE_BYTES = 1 << 23


@dataclass(frozen=True, eq=False)
class Arrays:
    """A split, or a run of consecutive samples of one.

    Attributes:
        images: uint8 (n, size, size) or (n, size, size, channels), 0 is the background.
        labels: int64 (n,), class numbers.
        source_index: int64 (n,), which image of the source was moved (`Source.index_meaning`).
        elements: `gdatasets.generation.moves.ELEMENT_DTYPE` (n,), how it was moved; of a group of the user's own
            `gdatasets.generation.group_moves.NUMBER_DTYPE`.
    """

    images: Images
    labels: NDArray[np.int64]
    source_index: NDArray[np.int64]
    elements: Elements

    def __len__(self) -> int:
        return len(self.labels)

    def last(self, count: int) -> "Arrays":
        """The last so many samples."""
        tail = slice(len(self) - count, None)
        return Arrays(self.images[tail], self.labels[tail], self.source_index[tail], self.elements[tail])

    @property
    def content_sha256(self) -> str:
        """The digest of these samples; of a whole split, the one that the package pins."""
        hasher = ContentHasher(self.images.shape[1:], self.elements.dtype)
        hasher.update(self.images, self.labels, self.source_index, self.elements)
        return hasher.hexdigest()


@dataclass(frozen=True)
class SplitPlan:
    """One split of one configuration, before it is generated.

    Attributes:
        spec: the dataset.
        config: the configuration.
        source: where its images come from.
        split: a split of the source.
    """

    spec: DatasetSpec
    config: AnyConfiguration
    source: ImageSource
    split: str

    def __len__(self) -> int:
        return self.source.about.samples[self.split]

    def generate(self, start: int, stop: int) -> Arrays:
        """Samples start..stop-1, whatever was generated before."""
        elements = draw(self.spec, self.config, self.split, start, stop, self.source.image_shape[0])
        images, labels = self.source.read(self.split, start, stop)
        numbers = self.source.about.image_numbers(self.split, start, stop)
        return Arrays(move_by(self.config, images, elements), labels.copy(), numbers, elements)

    def pieces(self, start: int, stop: int) -> Iterator[Arrays]:
        """Samples start..stop-1 in consecutive pieces of bounded memory."""
        step = piece_length(self.source.image_shape)
        for first in range(start, stop, step):
            yield self.generate(first, min(stop, first + step))


def piece_length(image_shape: tuple[int, ...]) -> int:
    """How many images of this shape are handled at a time: at most 1,000, at most 8 MiB."""
    return max(1, min(_PIECE_SAMPLES, _PIECE_BYTES // int(np.prod(image_shape))))
