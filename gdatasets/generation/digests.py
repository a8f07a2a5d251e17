"""`content_sha256`: the identity of a split, over a canonical serialization of its pixels, labels and elements.

The hashed bytes are one header and then one record a sample, in split order, with no padding; integers little-endian:

    header   b"gdatasets-content-1 <height>x<width>x<channels>\\n"        (channels 1 for gray images)
    record   pixels  uint8  height * width * channels   row by row, channels last
             label   int64
             source  int64   number of the source image (`source_index`)
             bits    uint16  bit a is set when action number a was applied
             angle   int16   tenths of a degree
             hshift  int16   pixels
             vshift  int16   pixels

Images moved by a group of the user's own have, instead of the last four, one number, and the header says so:

    header   b"gdatasets-content-1 <height>x<width>x<channels> element\\n"
    element  int64   the element's number (`gdatasets.groups.numbering`)

It does not depend on Parquet, PNG, shards or chunks.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from gdatasets.generation.moves import ELEMENT_DTYPE, Elements
from gdatasets.groups.actions import Images


class ContentHasher:
    """Computes `content_sha256` from consecutive pieces of a split, of any length.

    Args:
        shape: of one image: (height, width) or (height, width, channels).
        elements: dtype of the elements.
    """

    def __init__(self, shape: tuple[int, ...], elements: np.dtype[np.void] = ELEMENT_DTYPE) -> None:
        height, width, channels = (*shape, 1)[:3]
        fields = "" if elements == ELEMENT_DTYPE else " " + ",".join(elements.names or ())
        self._hash = hashlib.sha256(f"gdatasets-content-1 {height}x{width}x{channels}{fields}\n".encode())
        self._record = np.dtype(
            [
                ("pixels", "u1", (height * width * channels,)),
                ("label", "<i8"),
                ("source", "<i8"),
                ("element", elements),
            ]
        )

    def update(
        self, images: Images, labels: NDArray[np.int64], source_index: NDArray[np.int64], elements: Elements
    ) -> None:
        """Add the next samples: uint8 (n, height, width[, channels]) and one label, index and element for each."""
        for start in range(0, len(images), 1024):
            part = slice(start, start + 1024)
            records = np.empty(len(images[part]), dtype=self._record)
            records["pixels"] = images[part].reshape(len(records), -1)
            records["label"] = labels[part]
            records["source"] = source_index[part]
            records["element"] = elements[part]
            self._hash.update(records.tobytes())

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
