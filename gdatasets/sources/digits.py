"""scikit-learn's bundled handwritten digits, enlarged and padded to 28 x 28."""

import hashlib
from functools import lru_cache

import numpy as np

from gdatasets.errors import SourceError
from gdatasets.sources.source import SourceArrays

_TRAIN_IMAGES = 1_437
_DIGITS_IMAGES_SHA256 = "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3"


_DIGITS_LABELS_SHA256 = "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0"


@lru_cache(maxsize=2)
def _digits(split: str) -> SourceArrays:
    """Digits of 8x8 pixels and 17 grey levels, scaled to 0..255, each pixel made 3x3, padded by 2.

    scikit-learn gives no split. Its order is by writer, so the last 360 images are the test split: other hands.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    raw, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
    for array, expected in ((raw, _DIGITS_IMAGES_SHA256), (labels, _DIGITS_LABELS_SHA256)):
        if hashlib.sha256(array.tobytes()).hexdigest() != expected:
            raise SourceError("scikit-learn's digits are not the published ones; reinstall scikit-learn.")
    levels = (raw.astype(np.uint16) * 255 // 16).astype(np.uint8)
    images = np.pad(levels.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    part = slice(None, _TRAIN_IMAGES) if split == "train" else slice(_TRAIN_IMAGES, None)
    arrays = SourceArrays(images[part], labels[part].astype(np.int64))
    for array in arrays:
        array.flags.writeable = False
    return arrays
