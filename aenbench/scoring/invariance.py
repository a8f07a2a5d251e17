"""Test images moved once more: what a network's invariance is measured by.

An entry may keep its predictions for the first 1,000 test images after each of the twelve actions, rolls by 4 pixels,
pixel-exact. The share of them that is what it predicted without the move is its invariance under that action.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdatasets.groups.actions import ACTIONS, act

PROBED_IMAGES = 1_000
MOVES = ACTIONS


def probe_shape(seeds: int, test_images: int) -> tuple[int, int, int]:
    """Shape (seeds, moves, images) of the predictions for moved images."""
    return seeds, len(MOVES), min(PROBED_IMAGES, test_images)


def can_be_probed(image_size: int) -> bool:
    """Whether every move is one of images of this size."""
    return image_size % 2 == 0


def moved_images(images: NDArray[Any]) -> NDArray[Any]:
    """The first test images after each move.

    Args:
        images: (n, size, size) or (n, size, size, channels), any dtype; the size is even.

    Returns:
        (moves, images, size, size) or (moves, images, size, size, channels), in the order of `MOVES`.
    """
    return np.stack([act(move, images[:PROBED_IMAGES]) for move in MOVES])
