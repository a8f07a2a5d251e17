"""Predictions and logits of an entry, as bytes and back."""

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import EntryError
from aenbench.leaderboard.untrusted import npy

_LOWEST_LOGIT = float(np.finfo(np.float16).min)


def encode_predictions(predictions: NDArray[np.uint8]) -> bytes:
    """Predictions (seeds, n) as the bytes of a .npy file."""
    return npy.encode(predictions.astype(np.uint8, copy=False))


def encode_logits(logits: NDArray[np.floating]) -> bytes:
    """Logits (seeds, n, classes) as the bytes of a .npy file in float16.

    From each image's logits their largest one is subtracted, which changes no softmax; what then lies below the
    lowest finite float16, -65,504, becomes that. So nothing overflows, and the classes that held the maximum hold it,
    at exactly 0, after rounding. Others within 2^-25 of it may then hold it too: `predictions.npy` decides.

    Raises:
        EntryError: a logit is infinite or NaN.
    """
    if not np.isfinite(logits).all():
        raise EntryError("The logits hold NaN or infinity; every one must be a finite number.")
    shifted = np.empty(logits.shape, dtype=np.float16)
    with np.errstate(over="ignore", under="ignore"):
        for seed, values in enumerate(logits):
            exact = values.astype(np.float64)
            shifted[seed] = np.maximum(exact - exact.max(axis=-1, keepdims=True), _LOWEST_LOGIT)
    return npy.encode(shifted)


def decode_predictions(content: bytes, shape: tuple[int, int], where: str) -> NDArray[np.uint8]:
    """Predictions from a .npy file of exactly this shape; raises EntryError for anything else."""
    return npy.decode(content, np.uint8, shape, where).astype(np.uint8, copy=False)
