"""The six augmentations of the paper's ten-bit space, and one more, drawn for each sample and epoch.

How a sample is augmented depends only on (seed, epoch, index of the sample): eight 64-bit words of the Philox
counter-based generator, keyed by a SHA-256 of the first two and read from counter 2 * index. Word k always belongs to
the same parameter, so what one augmentation does never depends on which others are chosen, nor on workers, batches or
their order; torch's global generator is not touched.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import InvalidArgumentError
from gdatasets.errors import UnknownNameError

if TYPE_CHECKING:
    from torch import Tensor

_WORDS = 8  # drawn for each sample
_COUNTERS = 2  # that a sample takes: Philox gives four words at each
_BLOCK = 1024  # samples whose words are drawn, and kept, together


class Parameters(NamedTuple):
    """How one sample is augmented, by each of the augmentations.

    Attributes:
        angle: degrees, counterclockwise, -30..30.
        hflip, vflip: whether the image is mirrored left to right, and top to bottom.
        right, down: whole pixels that the image is moved by, at most a fifth of the width and of the height, rounded.
        scale: how much larger the image becomes, 0.9..1.1.
        shear: degrees that the columns lean by, -10..10; rows stay rows.
        turn: degrees, counterclockwise, -180..180, of `rotate360`.
    """

    angle: float
    hflip: bool
    vflip: bool
    right: int
    down: int
    scale: float
    shear: float
    turn: float = 0.0


Matrix = tuple[float, float, float, float, float, float]
"""Where a pixel comes from: (a, b, c, d, e, f) reads the pixel at (x, y) from (a x + b y + c, d x + e y + f).
Pixels, measured from the center of the image, x to the right and y down."""


def _rotation(angle: float) -> Matrix:
    turn = math.radians(-(angle % 360))  # in this order, as torchvision does: the last bit depends on it
    return math.cos(turn), math.sin(turn), 0, -math.sin(turn), math.cos(turn), 0


_MATRICES: dict[str, Callable[[Parameters], Matrix]] = {
    "rotate360": lambda drawn: _rotation(drawn.turn),
    "rotate": lambda drawn: _rotation(drawn.angle),
    "translate": lambda drawn: (1, 0, -drawn.right, 0, 1, -drawn.down),
    "scale": lambda drawn: (1 / drawn.scale, 0, 0, 0, 1 / drawn.scale, 0),
    "shear": lambda drawn: (1, math.tan(math.radians(drawn.shear)), 0, 0, 1, 0),
}

_AXES = {"hflip": 3, "vflip": 2}  # of (batch, channels, height, width)

AUGMENTATIONS: tuple[str, ...] = ("rotate", "hflip", "vflip", "translate", "scale", "shear")
"""Those of the paper's ten-bit space, in the order of its bits, which is the order they are applied in."""

ALL_AUGMENTATIONS: tuple[str, ...] = ("rotate360", *AUGMENTATIONS)
"""Every name, in the order they are applied in. The paper's space has no bit for `rotate360`: no search chooses it."""


@dataclass(frozen=True)
class Augmentation:
    """Random moves of the training images (arXiv 2104.04848, section 5.2): each one chosen is drawn for every image.

    `rotate360` by any angle; `rotate` by up to 30 degrees; `hflip` and `vflip` with probability 1/2; `translate` by up
    to a fifth of the size, in whole pixels; `scale` by 0.9 to 1.1; `shear` along x by up to 10 degrees. All are uniform
    and about the center, one after the other, each with the nearest pixel: the pixels that `rotate`, `horizontal_flip`,
    `vertical_flip` and `affine` of `torchvision.transforms.v2.functional` give when called for each image in turn, but
    for the rare pixel that is read from the middle between two: torchvision's last bit there depends on the CPU.

    Attributes:
        names: out of `ALL_AUGMENTATIONS`, kept in that order; none leaves the images as they are.

    Raises:
        UnknownNameError: there is no such augmentation.
    """

    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in ALL_AUGMENTATIONS:
                raise UnknownNameError("augmentation", name, ALL_AUGMENTATIONS)
        object.__setattr__(self, "names", tuple(name for name in ALL_AUGMENTATIONS if name in self.names))

    def augment(self, images: "Tensor", samples: "Tensor", epoch: int, seed: int, fill: Sequence[float]) -> "Tensor":
        """Augment a batch.

        Args:
            images: normalized, float32 (batch, channels, height, width); they are not changed.
            samples: the index of each image in the training split, int64 (batch,).
            epoch: the pass over the training split.
            seed: of the run.
            fill: what takes the place of pixels from outside the image: one value for each channel, that of a black
                pixel after normalization.

        Returns:
            A new tensor of the shape of `images`; without augmentations, `images` itself.

        Raises:
            InvalidArgumentError: shapes, types or values other than these.
        """
        _check_batch(images, samples, fill)
        if not self.names:
            return images
        height, width = images.shape[2:]
        drawn = draw_parameters(samples, epoch, seed, height, width)
        import torch

        black = torch.tensor(fill, dtype=torch.float32, device=images.device).view(-1, 1, 1)
        for name in self.names:
            images = _mirror(images, name, drawn) if name in _AXES else _resample(images, name, drawn, black)
        return images


def draw_parameters(samples: "Tensor", epoch: int, seed: int, height: int, width: int) -> list[Parameters]:
    """How each sample is augmented in an epoch, by whichever augmentations are chosen.

    Args:
        samples: indices in the training split, int64 (batch,), not negative.
        epoch: the pass over the training split.
        seed: of the run.
        height, width: pixels of an image, of which the translations are fractions.
    """
    words = [_random_words(sample // _BLOCK, epoch, seed)[sample % _BLOCK] for sample in samples.tolist()]
    uniform = (np.array(words, np.uint64).reshape(-1, _WORDS) >> np.uint64(11)) * 2.0**-53  # (batch, 8), 0 <= u < 1
    signed = 2 * uniform - 1
    columns = (
        30 * signed[:, 0],
        uniform[:, 1] < 0.5,
        uniform[:, 2] < 0.5,
        np.rint(0.2 * width * signed[:, 3]).astype(np.int64),
        np.rint(0.2 * height * signed[:, 4]).astype(np.int64),
        1 + 0.1 * signed[:, 5],
        10 * signed[:, 6],
        180 * signed[:, 7],
    )
    return [Parameters(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


@lru_cache(maxsize=256)  # 16 MiB, all words of an epoch of 262,144 samples
def _random_words(block: int, epoch: int, seed: int) -> NDArray[np.uint64]:
    """Uniform 64-bit words (1024, 8), those of samples 1024 * block and on."""
    key = int.from_bytes(hashlib.sha256(f"aenbench/augmentation/{seed}/{epoch}".encode()).digest()[:16], "little")
    generator = np.random.Philox(key=key)
    generator.advance(_COUNTERS * _BLOCK * block)
    words = generator.random_raw(_WORDS * _BLOCK).reshape(-1, _WORDS)
    words.flags.writeable = False
    return words


def _mirror(images: "Tensor", name: str, drawn: list[Parameters]) -> "Tensor":
    import torch

    chosen = torch.tensor([getattr(each, name) for each in drawn], dtype=torch.bool, device=images.device)
    return torch.where(chosen.view(-1, 1, 1, 1), images.flip(_AXES[name]), images)


def _resample(images: "Tensor", name: str, drawn: list[Parameters], black: "Tensor") -> "Tensor":
    """Read each image (batch, channels, height, width) through its own matrix, the nearest pixel; black outside.

    The arithmetic of torchvision's `affine`, in its order and precision, but element by element: an image's pixels
    depend neither on the batch that it is in nor on the CPU's matrix product.
    """
    import torch
    from torch.nn import functional as F

    height, width = images.shape[2:]
    half = torch.tensor([width / 2, height / 2], dtype=torch.float32, device=images.device).view(2, 1)
    matrices = torch.tensor([_MATRICES[name](each) for each in drawn], dtype=torch.float32, device=images.device)
    scaled = matrices.view(len(drawn), 2, 3) / half
    a, b, c = scaled.view(len(drawn), 2, 1, 1, 3).unbind(-1)  # each (batch, 2, 1, 1): for x and for y
    x = torch.arange(width, dtype=torch.float32, device=images.device) - (width - 1) / 2
    y = torch.arange(height, dtype=torch.float32, device=images.device).view(-1, 1) - (height - 1) / 2
    origins = (x * a + y * b + c).permute(0, 2, 3, 1)  # (batch, height, width, 2), the edges of the image at -1 and 1
    marked = torch.cat((images, torch.ones_like(images[:, :1])), dim=1)  # the last channel is 0 where outside is read
    moved = F.grid_sample(marked, origins, mode="nearest", padding_mode="zeros", align_corners=False)
    return torch.where(moved[:, -1:] == 1, moved[:, :-1], black)


def _check_batch(images: "Tensor", samples: "Tensor", fill: Sequence[float]) -> None:
    import torch

    if images.ndim != 4 or images.dtype != torch.float32 or 0 in images.shape[1:]:
        raise InvalidArgumentError(
            f"Expected images float32 (batch, channels, height, width), got {images.dtype} {tuple(images.shape)}."
        )
    if samples.dtype != torch.int64 or samples.shape != images.shape[:1]:
        raise InvalidArgumentError(
            f"Expected the index of each of {len(images)} images, int64 ({len(images)},), got {samples.dtype} "
            f"{tuple(samples.shape)}."
        )
    if len(samples) and samples.min() < 0:
        raise InvalidArgumentError(f"Expected indices of samples, 0 or more, got {int(samples.min())}.")
    if len(fill) != images.shape[1] or not all(math.isfinite(value) for value in fill):
        raise InvalidArgumentError(
            f"Expected one finite fill value for each of {images.shape[1]} channels, got {list(fill)}."
        )
