"""Entries on disk: written whole, read with suspicion.

leaderboards/
├── README.md                         the tables, generated
└── <dataset>/<configuration>/<entry>/
    ├── entry.json                    what was run (`Entry`)
    ├── predictions.npy               uint8 (seeds, test images), classes in dataset order
    ├── trials.csv                    every network that a search trained (searches only)
    └── search.png                    the search's progress (searches only)
"""

import hashlib
import io
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from aenbench.data import Images, Root
from aenbench.errors import EntryError
from aenbench.leaderboard.entry import Entry
from gdatasets.errors import OutputError
from gdatasets.files import write_whole

ENTRY_FILE = "entry.json"
PREDICTIONS_FILE = "predictions.npy"
MAX_ENTRY_BYTES = 1 << 20
MAX_PREDICTIONS_BYTES = 64 << 20


def entry_folder(base: Path, dataset: str, configuration: str, name: str) -> Path:
    """Where an entry of this name belongs: base/dataset/configuration/name."""
    return base / dataset / configuration / name


def check_free(folder: Path, overwrite: bool) -> None:
    """Fail before any work is done where an entry could not be written.

    Raises:
        OutputError: it exists and `overwrite` is false, or the folder cannot be written to.
    """
    if folder.exists() and not overwrite:
        raise OutputError(f"{folder} exists; choose another --out, or replace it with --overwrite.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder.parent):
            pass
    except OSError as error:
        raise _unwritable(folder.parent, error) from error


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(f"Cannot write to {folder} ({error.strerror}); choose another --out.")


def encode_predictions(predictions: NDArray[np.uint8]) -> bytes:
    """Predictions (seeds, n) as the bytes of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(predictions, dtype=np.uint8), allow_pickle=False)
    return buffer.getvalue()


def write_entry(folder: Path, entry: Entry, predictions: bytes, extras: Mapping[str, bytes]) -> None:
    """Write an entry's folder whole or not at all, replacing an older one of that name.

    Raises:
        OutputError: it could not be written; nothing is left behind.
    """
    files = {ENTRY_FILE: entry.model_dump_json(indent=1).encode() + b"\n", PREDICTIONS_FILE: predictions, **extras}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            for name, content in files.items():
                write_whole(beside / name, content)
            beside.chmod(0o755)
            if folder.exists():
                folder.rename(beside / "replaced")
            beside.rename(folder)
            shutil.rmtree(folder / "replaced", ignore_errors=True)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise _unwritable(folder.parent, error) from error


def find_entries(base: Path) -> list[Path]:
    """Every entry's folder at or below a folder, sorted.

    Raises:
        EntryError: there is none.
    """
    if not base.is_dir():
        raise EntryError(f"{base} is not a folder; name an entry's folder, or one that holds entries.")
    folders = sorted(path.parent for path in base.rglob(ENTRY_FILE) if not path.parent.name.startswith("."))
    if not folders:
        raise EntryError(f"{base} holds no {ENTRY_FILE}; name an entry's folder, or one that holds entries.")
    return folders


def read_entry(folder: Path, root: Root = None) -> tuple[Entry, NDArray[np.uint8]]:
    """An entry and its predictions (seeds, n), checked against each other but not yet scored.

    Raises:
        EntryError: a file is missing, too large or malformed, or the predictions are not those the entry names.
        UnknownNameError: its dataset or configuration is not known here.
    """
    entry = read_description(folder)
    content = _read_bounded(folder / PREDICTIONS_FILE, MAX_PREDICTIONS_BYTES)
    if hashlib.sha256(content).hexdigest() != entry.predictions_sha256:
        raise EntryError(f"{folder / PREDICTIONS_FILE} was changed: its SHA-256 is not the one in {ENTRY_FILE}.")
    return entry, _decode_predictions(content, (len(entry.seeds), Images(entry.task, root).test_images), folder)


def read_description(folder: Path) -> Entry:
    """What an entry says of itself, well-formed but not compared with anything.

    Raises:
        EntryError: the file is missing, too large or malformed.
    """
    try:
        return Entry.model_validate_json(_read_bounded(folder / ENTRY_FILE, MAX_ENTRY_BYTES))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise EntryError(f"{folder / ENTRY_FILE}: {where}: {first['msg']}.") from error


def _read_bounded(path: Path, limit: int) -> bytes:
    try:
        if path.stat().st_size > limit:
            raise EntryError(f"{path} is larger than {limit:,} bytes.")
        return path.read_bytes()
    except OSError as error:
        raise EntryError(f"{path} cannot be read ({error.strerror}).") from error


def _decode_predictions(content: bytes, shape: tuple[int, int], folder: Path) -> NDArray[np.uint8]:
    """Parse a .npy of exactly this shape; nothing else is accepted, objects least of all."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        found, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except ValueError as error:
        raise EntryError(f"{folder / PREDICTIONS_FILE} is not a .npy file.") from error
    expected = f"uint8 {shape}"
    if version != (1, 0) or fortran or dtype != np.uint8 or found != shape:
        raise EntryError(f"{folder / PREDICTIONS_FILE}: expected {expected} in C order, got {dtype} {found}.")
    body = content[stream.tell() :]
    if len(body) != shape[0] * shape[1]:
        raise EntryError(f"{folder / PREDICTIONS_FILE}: {len(body):,} bytes of predictions, expected {expected}.")
    return np.frombuffer(body, dtype=np.uint8).reshape(shape)
