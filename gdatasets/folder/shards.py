"""Samples as rows of Parquet files that the Hugging Face `datasets` library reads, and back.

Columns: `image` (PNG bytes, feature `Image`), `label` (feature `ClassLabel` with names), `source_index` int64, and the
element that moved the image: `bits` (twelve characters, the first for action 0), `angle` int16 (tenths of a degree,
counterclockwise), `hshift` and `vshift` int16 (pixels). Of a group of the user's own that is `element` int64: the
element's number.
"""

import io
import json
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from gdatasets.errors import IntegrityError
from gdatasets.files import reading
from gdatasets.folder.untrusted_parquet import ParquetError, ParquetLimits, open_parquet
from gdatasets.generation.arrays import Arrays
from gdatasets.generation.moves import ELEMENT_DTYPE, Elements, element_bits
from gdatasets.groups.actions import ACTIONS, Images

_COMPRESS_LEVEL = 3  # on MNIST: as small as Pillow's default of 6, and a quarter faster
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER = _PNG_SIGNATURE + b"\x00\x00\x00\rIHDR"
_PNG_OVERHEAD = 4_096  # bytes that a PNG may take beyond its raw pixels
_OTHER_COLUMNS_BYTES = 256  # what a row may take beside its image
_BATCH_BYTES = 128 << 20  # of raw pixels that are decoded at a time
_ALWAYS_DECODED, _DECODED_PER_BYTE = 64 << 20, 5_000  # pixels; a constant image takes a thousandth of them as PNG
_CHUNKS_AHEAD = 2  # pieces in flight for each worker


def element_columns(elements: np.dtype[np.void]) -> dict[str, str]:
    """Name and type of the columns that hold elements of this dtype."""
    return {name: "string" if name == "bits" else elements[name].name for name in elements.names or ()}


def features(classes: Iterable[str], elements: np.dtype[np.void] = ELEMENT_DTYPE) -> dict[str, Any]:
    """The columns as the Hugging Face `datasets` library writes them into a Parquet schema."""
    return {
        "image": {"_type": "Image"},
        "label": {"names": list(classes), "_type": "ClassLabel"},
        "source_index": {"dtype": "int64", "_type": "Value"},
        **{name: {"dtype": kind, "_type": "Value"} for name, kind in element_columns(elements).items()},
    }


def schema(classes: Iterable[str], elements: np.dtype[np.void] = ELEMENT_DTYPE) -> pa.Schema:
    """The Arrow schema of every shard with elements of this dtype."""
    fields = [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("label", pa.int64()),
        ("source_index", pa.int64()),
        *((name, pa.type_for_alias(kind)) for name, kind in element_columns(elements).items()),
    ]
    described = {"info": {"features": features(classes, elements)}}
    return pa.schema(fields, metadata={"huggingface": json.dumps(described)})


def encode_images(images: Images) -> list[bytes]:
    """Each image as a PNG file: gray from (n, size, size), color from (n, size, size, 3)."""
    encoded = []
    for image in images:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG", compress_level=_COMPRESS_LEVEL)
        encoded.append(stream.getvalue())
    return encoded


def decode_image(png: bytes, image_shape: tuple[int, ...]) -> Images:
    """The pixels of a PNG; its size is compared before anything is unpacked.

    Raises:
        IntegrityError: not a PNG of this shape, or one with more than pixels: a reader may turn an image by its EXIF.
    """
    height, width, channels = (*image_shape, 1)[:3]
    declared = (int.from_bytes(png[20:24], "big"), int.from_bytes(png[16:20], "big"))
    if not png.startswith(_PNG_HEADER) or declared != (height, width):
        raise IntegrityError(f"Expected a PNG of {height}x{width} pixels.")
    _check_chunks(png)
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            if image.mode != ("L" if channels == 1 else "RGB"):
                raise IntegrityError(f"Expected a PNG of {channels} channels, got mode {image.mode}.")
            return np.asarray(image).reshape(image_shape)
    except (OSError, SyntaxError, ValueError) as error:
        raise IntegrityError(f"A PNG cannot be decoded ({error}).") from error


def _check_chunks(png: bytes) -> None:
    """Raise `IntegrityError` for anything but a header, pixels and an end."""
    kinds, at = [], len(_PNG_SIGNATURE)
    while at < len(png):
        kinds.append(png[at + 4 : at + 8])
        at += int.from_bytes(png[at : at + 4], "big") + 12
    if at != len(png) or kinds[-1] != b"IEND" or set(kinds[1:-1]) != {b"IDAT"}:
        raise IntegrityError("Expected a PNG of the chunks IHDR, IDAT and IEND alone.")


def write_shard(
    stream: BinaryIO,
    classes: tuple[str, ...],
    pieces: Iterable[Arrays],
    pool: Executor | None,
    elements: np.dtype[np.void] = ELEMENT_DTYPE,
) -> None:
    """Write consecutive pieces as one Parquet file, a row group a piece; the same bytes with any pool or none."""
    with pq.ParquetWriter(stream, schema(classes, elements), compression="snappy", write_page_index=True) as writer:
        for piece, pngs in _encoded(pieces, pool):
            columns: list[Any] = [
                pa.array([{"bytes": png, "path": None} for png in pngs], type=writer.schema.field("image").type),
                piece.labels,
                piece.source_index,
                *(_element_column(piece.elements, name) for name in elements.names or ()),
            ]
            writer.write_table(pa.table(dict(zip(writer.schema.names, columns, strict=True)), schema=writer.schema))


def _element_column(elements: Elements, name: str) -> Any:
    return element_bits(elements) if name == "bits" else np.ascontiguousarray(elements[name])


def _encoded(pieces: Iterable[Arrays], pool: Executor | None) -> Iterator[tuple[Arrays, list[bytes]]]:
    if pool is None:
        for piece in pieces:
            yield piece, encode_images(piece.images)
        return
    ahead = _CHUNKS_AHEAD * getattr(pool, "_max_workers", 1)
    waiting = deque[Any]()
    for piece in pieces:
        waiting.append((piece, pool.submit(encode_images, piece.images)))
        if len(waiting) > ahead:
            first, future = waiting.popleft()
            yield first, future.result()
    for first, future in waiting:
        yield first, future.result()


def read_shard(
    path: Path,
    classes: tuple[str, ...],
    image_shape: tuple[int, ...],
    samples: int,
    elements: np.dtype[np.void] = ELEMENT_DTYPE,
    is_own: bool = False,
) -> Iterator[Arrays]:
    """The samples of a shard, a piece at a time.

    Args:
        path: a Parquet file, whose digest the caller has checked or whose content the caller is about to.
        classes: class names.
        image_shape: of every image.
        samples: rows that the file must have.
        elements: dtype of the elements.
        is_own: an interrupted build reads its own work again: in this process, which saves starting another for each
            shard. Files of strangers are decoded in a process of its own.

    Raises:
        IntegrityError: the file is not a shard of this shape.
    """
    value_bytes = int(np.prod(image_shape)) + _PNG_OVERHEAD
    batch_rows = max(1, min(1_000, _BATCH_BYTES // value_bytes))
    limits = ParquetLimits(samples, samples * (value_bytes + _OTHER_COLUMNS_BYTES), value_bytes, batch_rows)
    wrong = f"{path.name} does not hold {samples} samples in the columns of this dataset."
    rows = 0
    try:
        with reading(path) as file:
            _check_size(path, os.fstat(file.fileno()).st_size, samples * int(np.prod(image_shape)))
            with _open_own(file) if is_own else open_parquet(file, limits) as (found, batches):
                if not found.equals(schema(classes, elements), check_metadata=True):
                    raise IntegrityError(wrong)
                for batch in batches:
                    rows += batch.num_rows
                    yield _to_arrays(batch, image_shape, len(classes), elements)
    except (ParquetError, pa.ArrowException) as error:
        raise IntegrityError(f"{path.name} cannot be read as Parquet ({str(error).splitlines()[0]}).") from error
    except OSError as error:
        raise IntegrityError(f"{path.name} cannot be read ({error.strerror or error}).") from error
    if rows != samples:
        raise IntegrityError(wrong)


def _check_size(path: Path, size: int, decoded: int) -> None:
    """Raise `IntegrityError` for a file that is too small for its pixels, of which one image may be named often."""
    if decoded > _ALWAYS_DECODED + _DECODED_PER_BYTE * size:
        raise IntegrityError(f"{path.name} has {size:,} bytes for {decoded:,} bytes of pixels; that is no shard.")


@contextmanager
def _open_own(file: BinaryIO) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    with pq.ParquetFile(file) as shard:
        yield shard.schema_arrow, shard.iter_batches(batch_size=1_000)


def _to_arrays(
    batch: pa.RecordBatch, image_shape: tuple[int, ...], classes: int, elements: np.dtype[np.void]
) -> Arrays:
    if any(column.null_count for column in batch.columns):
        raise IntegrityError("A column has missing values.")
    images_column = batch.column("image")
    if images_column.field("path").null_count != batch.num_rows:
        raise IntegrityError("An image names a path; only its bytes are allowed.")
    pngs = images_column.field("bytes").to_pylist()
    images = np.empty((len(pngs), *image_shape), dtype=np.uint8)
    for number, png in enumerate(pngs):
        images[number] = decode_image(png or b"", image_shape)
    labels = np.array(batch.column("label"), dtype=np.int64)
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise IntegrityError(f"A label is outside 0..{classes - 1}.")
    index = np.array(batch.column("source_index"), dtype=np.int64)
    return Arrays(images, labels, index, _to_elements(batch, elements))


def _to_elements(batch: pa.RecordBatch, dtype: np.dtype[np.void]) -> Elements:
    elements = np.zeros(batch.num_rows, dtype=dtype)
    for name in dtype.names or ():
        column = batch.column(name)
        elements[name] = _parse_bits(column.to_pylist()) if name == "bits" else np.array(column, dtype=dtype[name])
    return elements


def _parse_bits(texts: list[str]) -> NDArray[np.uint16]:
    for text in set(texts):
        if len(text) != len(ACTIONS) or set(text) - {"0", "1"}:
            raise IntegrityError(f"Expected {len(ACTIONS)} characters 0 or 1 in the column bits.")
    return np.array([int(text[::-1], 2) for text in texts], dtype=np.uint16)
