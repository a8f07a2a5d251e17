"""Images at a smaller size than their source's: made from its pixels, never by enlarging."""

from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from PIL import Image

from gdatasets.errors import InvalidArgumentError
from gdatasets.sources.source import ImageSource, Source, SourceArrays


def size_rule(size: int) -> str:
    """What `shrink` does, in words."""
    return (
        f"of each image the central square, resized to {size}x{size} pixels (Pillow, bilinear with antialiasing) where "
        "it has another size"
    )


def shrink(image: Image.Image, size: int, where: str, enlarge: bool = False) -> Image.Image:
    """The central square of an image, resized to `size` pixels a side (Pillow, bilinear with antialiasing).

    Args:
        image: of any size.
        size: of the result.
        where: names the image in an error.
        enlarge: make a smaller image larger, which adds no detail.

    Raises:
        InvalidArgumentError: the image is smaller.
    """
    side = min(image.size)
    if side < size and not enlarge:
        raise InvalidArgumentError(
            f"{where} is {image.width}x{image.height}, smaller than --size {size}; images are never enlarged. "
            f"Use --size {side - side % 2} or less."
        )
    if image.size == (size, size):
        return image
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.BILINEAR)


@dataclass(frozen=True)
class SizedSource:
    """A source whose images are made smaller as they are read.

    Attributes:
        original: images of one size.
        size: pixels along a side, even, at most the original's.

    Raises:
        InvalidArgumentError: the original is smaller, or the size is odd.
    """

    original: ImageSource
    size: int

    def __post_init__(self) -> None:
        native = self.original.image_shape[0]
        name = self.original.about.name
        if self.size > native:
            raise InvalidArgumentError(
                f"{name} has images of {native}x{native}, smaller than --size {self.size}; images are never enlarged. "
                f"Use --size {native} or less, or a source that is larger."
            )
        if self.size < 2 or self.size % 2:
            raise InvalidArgumentError(f"Expected an even --size from 2 to {native} for {name}, got {self.size}.")

    @property
    def about(self) -> Source:
        return replace(self.original.about, image_shape=self.image_shape, size_rule=size_rule(self.size))

    @property
    def image_shape(self) -> tuple[int, ...]:
        return (self.size, self.size, *self.original.image_shape[2:])

    def digest(self) -> str:
        """Over the original's digest and the shape, so that two sizes are two sources."""
        whole = f"gdatasets-sized-1 {self.image_shape} {self.original.digest()}\n"
        return sha256(whole.encode()).hexdigest()

    def read(self, split: str, start: int, stop: int) -> SourceArrays:
        images, labels = self.original.read(split, start, stop)
        smaller = np.empty((len(images), *self.image_shape), dtype=np.uint8)
        for number, image in enumerate(images):
            smaller[number] = np.asarray(shrink(Image.fromarray(image), self.size, self.original.about.name))
        return SourceArrays(smaller, labels)


def at_size(source: ImageSource, size: int | None) -> ImageSource:
    """A source at another size; itself where no size, or its own, is asked for."""
    return source if size in (None, source.image_shape[0]) else SizedSource(source, size)
