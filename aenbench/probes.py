"""Test images moved once more: what a network's invariance is measured by.

An entry may keep its predictions for the first 1,000 test images after each of the twelve actions, rolls by 4 pixels,
pixel-exact. The share of them that is what it predicted without the move is its invariance under that action.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from aenbench.data import LabelledImages
from aenbench.training import predict
from gdatasets.groups import ACTIONS, act

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


def predict_moved(model: nn.Module, test: LabelledImages, batch: int = 1_000) -> NDArray[np.uint8]:
    """The most likely class of the first test images after each move, uint8 (moves, images)."""
    moved = moved_images(test.images.permute(0, 2, 3, 1).numpy()).transpose(0, 1, 4, 2, 3)
    classes = [predict(model, torch.from_numpy(np.ascontiguousarray(images)), batch).numpy() for images in moved]
    return np.stack(classes).astype(np.uint8)
