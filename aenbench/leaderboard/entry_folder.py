"""Entries on disk: written whole, read with suspicion.

leaderboards/
├── README.md                         the tables, generated
├── entry.schema.json                 JSON Schema of entry.json, generated
└── <dataset>/<configuration>/<entry>/
    ├── entry.json                    what was run (`Entry`)
    ├── predictions.npy               uint8 (seeds, test images), classes in dataset order
    ├── logits.npy                    float16 (seeds, test images, classes), for calibration only (optional)
    ├── moved.npy                     uint8 (seeds, 12, images): the first test images after each action (optional)
    ├── reproduction.json             what `aenbench reproduce` found (optional)
    ├── reproduced.npy                the predictions that it got, as predictions.npy
    ├── history.csv                   every pass of the final trainings: loss, accuracy, learning rate (optional)
    ├── trials.csv                    every network that a search trained (searches only)
    ├── search.png                    the search's progress (searches only)
    └── seed-0.safetensors            the weights of each seed's network, where they are small (optional)

An entry's folder holds these files and nothing else. Symbolic links are not followed, neither as folders nor as files.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import EntryError
from aenbench.leaderboard.entry import Entry
from aenbench.leaderboard.entry_arrays import decode_predictions
from aenbench.leaderboard.untrusted import npy
from aenbench.leaderboard.untrusted.files import (
    NO_FOLLOW,
    Place,
    absolute,
    open_folder,
    open_plain,
    read_bounded,
    shown,
)
from aenbench.leaderboard.untrusted.json_yaml import parse_json
from aenbench.leaderboard.untrusted.text import printable
from aenbench.scoring import Moved
from aenbench.scoring.invariance import MOVES, probe_shape
from aenbench.tasks.images import Images
from aenbench.tasks.task import Root
from gdatasets.errors import OutputError
from gdatasets.journal import recover, replace_folder

ENTRY_FILE = "entry.json"
PREDICTIONS_FILE = "predictions.npy"
LOGITS_FILE = "logits.npy"
MOVED_FILE = "moved.npy"
REPRODUCTION_FILE = "reproduction.json"
REPRODUCED_FILE = "reproduced.npy"
HISTORY_FILE = "history.csv"
TRIALS_FILE = "trials.csv"
PROGRESS_FILE = "search.png"
SUBMISSION_FILE = "submission.json"
"""What a submission to the discovery track holds instead of an `entry.json`."""

_TABLE_FILES = (".parquet", ".effects.json")

MAX_BYTES: Mapping[str, int] = {
    ENTRY_FILE: 1 << 20,
    PREDICTIONS_FILE: 64 << 20,
    LOGITS_FILE: 64 << 20,
    MOVED_FILE: 16 << 20,
    REPRODUCTION_FILE: 1 << 16,
    REPRODUCED_FILE: 64 << 20,
    HISTORY_FILE: 8 << 20,
    TRIALS_FILE: 16 << 20,
    PROGRESS_FILE: 4 << 20,
}
"""The files that an entry's folder may hold, and how large each may be."""

MAX_KEPT_WEIGHTS = 200 << 10
"""Bytes of a seed's weights in an entry's folder; larger ones lie in a folder of their own, or on the Hub."""

_WEIGHTS_FILE = re.compile(r"seed-(0|[1-9][0-9]{0,15})\.safetensors")


def weights_file(seed: int) -> str:
    """The file of a seed's weights."""
    return f"seed-{seed}.safetensors"


def max_bytes(name: str) -> int | None:
    """How large a file of this name may be in an entry's folder; None where it may not be there."""
    return MAX_KEPT_WEIGHTS if _WEIGHTS_FILE.fullmatch(name) else MAX_BYTES.get(name)


def entry_folder(base: Path, dataset: str, configuration: str, name: str) -> Path:
    """Where an entry of this name belongs: base/dataset/configuration/name."""
    return base / dataset / configuration / name


def check_free(folder: Path, overwrite: bool, option: str = "--out") -> None:
    """Fail before any work is done where an entry could not be written.

    Args:
        folder: as `entry_folder` gives it.
        overwrite: whether an entry that is there may be replaced.
        option: that names another place, for errors.

    Raises:
        OutputError: it exists and `overwrite` is false; one of its last three folders is a symbolic link or differs
            from another one in case only; or it cannot be written to.
    """
    for part in (folder.parent.parent, folder.parent, folder):
        if part.is_symlink():
            raise OutputError(
                f"{part} is a symbolic link, and entries are not written through links; choose another {option}."
            )
        for other in _names_in(part.parent):
            if other != part.name and other.casefold() == part.name:
                raise OutputError(f"{part} differs from {printable(other)} in case only; choose another name.")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is not a folder, but an entry is; move it away, or choose another {option}.")
    if folder.exists() and not overwrite:
        raise OutputError(f"{folder} exists; choose another {option}, or replace it with --overwrite.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder.parent):
            pass
    except OSError as error:
        raise _unwritable(folder.parent, error, option) from error


def _names_in(folder: Path) -> list[str]:
    """What lies in a folder; nothing where it does not exist or cannot be listed."""
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []


def _unwritable(folder: Path, error: OSError, option: str) -> OutputError:
    return OutputError(f"Cannot write to {folder} ({error.strerror}); choose another {option}.")


def encode_entry(entry: Entry) -> bytes:
    """The content of `entry.json`."""
    return entry.model_dump_json(indent=1).encode() + b"\n"


def write_entry(folder: Path, entry: Entry, predictions: bytes, extras: Mapping[str, bytes]) -> None:
    """Write an entry's folder whole or not at all, replacing an older one of that name.

    Raises:
        OutputError: it could not be written, or a file is one that could not be read again; nothing is left behind.
    """
    files = {ENTRY_FILE: encode_entry(entry), PREDICTIONS_FILE: predictions, **extras}
    for name, content in files.items():
        if len(content) > (max_bytes(name) or -1):
            raise OutputError(f"An entry cannot hold {name} of {len(content):,} bytes; see docs/submitting.md.")
    replace_folder(folder, files)


def find_entries(base: Path) -> list[Path]:
    """Every folder at or below a folder that is meant as an entry, sorted; hidden ones are passed over.

    These are the folders with an `entry.json`, and what would be passed over in silence otherwise: symbolic links,
    which are not followed, and folders of files without an `entry.json`. Reading those fails with the reason. Folders
    that hold nothing but Parquet files, and effects beside them, are those of tables, and those with a
    `submission.json` belong to the discovery track (`aenbench.track`), which looks for them itself; both lie beside
    the entries.

    Raises:
        EntryError: there is none, or a folder cannot be listed.
    """
    if not base.is_dir():
        raise EntryError(f"{base} is not a folder; name an entry's folder, or one that holds entries.")
    found: list[Path] = []
    waiting = [base]
    while waiting:
        folder = waiting.pop()
        recover(folder)
        try:
            with os.scandir(folder) as listing:
                items = [item for item in listing if not item.name.startswith(".")]
        except OSError as error:
            raise EntryError(f"{shown(folder)} cannot be listed ({error.strerror}).") from error
        folders = [folder / item.name for item in items if item.is_dir(follow_symlinks=False)]
        links = [folder / item.name for item in items if item.is_symlink()]
        if not any(item.name == ENTRY_FILE for item in items) and any(item.name == SUBMISSION_FILE for item in items):
            continue
        are_tables = all(item.name.endswith(_TABLE_FILES) for item in items) and not links
        is_forgotten = folder != base and not folders and len(items) > len(links) and not are_tables
        if is_forgotten or any(item.name == ENTRY_FILE for item in items):
            found.append(folder)
        else:
            waiting += folders
            found += links
    if not found:
        raise EntryError(f"{base} holds no {ENTRY_FILE}; name an entry's folder, or one that holds entries.")
    return sorted(found)


def sort_into_boards(base: Path, folders: Iterable[Path]) -> tuple[dict[Path, list[Path]], list[str]]:
    """The entries at or below a folder, by the board that holds them: the folder above their dataset's, absolute.

    Where the folder itself is a board, what looks like a board inside it is none: its entries would stand beside those
    of the same place, and their answer sheets would score those.

    Returns:
        The boards; and one line for each entry of a board inside a board.
    """
    boards: dict[Path, list[Path]] = {}
    for folder in folders:
        boards.setdefault(absolute(folder / "../../.."), []).append(folder)
    outer = absolute(base)
    inner = [board for board in boards if outer in boards and outer in board.parents]
    return boards, [
        f"{shown(folder)}: it lies in a board inside a board; expected {shown(base)}/<dataset>/<configuration>/<entry>."
        for board in inner
        for folder in boards.pop(board)
    ]


def read_entry(folder: Path, root: Root = None, images: Images | None = None) -> tuple[Entry, NDArray[np.uint8]]:
    """An entry and its predictions (seeds, n), its files checked against each other but not yet scored.

    Args:
        folder: the entry's.
        root: a folder to look for the dataset's source in first.
        images: of its task, where they were found already.

    Raises:
        EntryError: a file is missing, too large, malformed or none that an entry has, the predictions or logits are
            not those the entry names, or the folder's name is not the entry's.
        UnknownNameError: its dataset or configuration is not known here.
    """
    contents = read_contents(folder, root, images)
    return contents.entry, contents.predictions


@dataclass(frozen=True, eq=False)
class Contents:
    """The files of an entry that scores rest on.

    Attributes:
        entry: what it says.
        predictions: uint8 (seeds, n).
        logits: float16 (seeds, n, classes); None where it has none.
        moved: predictions for moved images; None where it has none.
    """

    entry: Entry
    predictions: NDArray[np.uint8]
    logits: NDArray[np.float16] | None
    moved: Moved | None


def read_contents(folder: Path, root: Root = None, images: Images | None = None) -> Contents:
    """As `read_entry`, with the logits and the predictions for moved images."""
    check_files(folder)
    entry = read_description(folder)
    content = read_file(folder, PREDICTIONS_FILE)
    _check_digest(folder, PREDICTIONS_FILE, content, entry.predictions_sha256)
    _check_weights(folder, entry)
    images = images or Images(entry.task, root)
    shape = (len(entry.seeds), images.test_images)
    predictions = decode_predictions(content, shape, shown(folder, PREDICTIONS_FILE))
    logits = read_logits(folder, entry, predictions, images.classes)
    return Contents(entry, predictions, logits, read_moved(folder, entry, predictions, images.classes))


def read_description(folder: Path) -> Entry:
    """What an entry says of itself, well-formed but not compared with anything.

    Raises:
        EntryError: the file is missing, too large or malformed.
    """
    return parse_json(read_file(folder, ENTRY_FILE), Entry, shown(folder, ENTRY_FILE))


def read_logits(folder: Path, entry: Entry, predictions: NDArray[np.uint8], classes: int) -> NDArray[np.float16] | None:
    """The logits (seeds, n, classes) of an entry, in which each predicted class holds its image's maximum.

    Returns:
        None where the entry has none.

    Raises:
        EntryError: they are not those the entry names, malformed, not finite, or do not give its predictions.
    """
    where = shown(folder, LOGITS_FILE)
    if entry.logits_sha256 is None:
        if os.path.lexists(folder / LOGITS_FILE):
            raise EntryError(f"{where} exists, but {ENTRY_FILE} has no logits_sha256.")
        return None
    content = read_file(folder, LOGITS_FILE)
    _check_digest(folder, LOGITS_FILE, content, entry.logits_sha256)
    logits = npy.decode(content, np.float16, (*predictions.shape, classes), where).astype(np.float16, copy=False)
    if not np.isfinite(logits).all():
        raise EntryError(f"{where} holds NaN or infinity.")
    if predictions.max() >= classes:
        raise EntryError(f"{where}: class {predictions.max()} does not exist in {entry.dataset}.")
    of_predicted = np.take_along_axis(logits, predictions[..., None].astype(np.intp), axis=-1)[..., 0]
    if differing := int((of_predicted != logits.max(axis=-1)).sum()):
        raise EntryError(f"{where}: for {differing:,} images the predicted class does not hold the largest logit.")
    return logits


def read_moved(folder: Path, entry: Entry, predictions: NDArray[np.uint8], classes: int) -> Moved | None:
    """The predictions of an entry for moved test images (`aenbench.scoring.invariance`).

    Returns:
        None where the entry has none.

    Raises:
        EntryError: they are not those the entry names, malformed, or name a class that does not exist.
    """
    where = shown(folder, MOVED_FILE)
    if entry.moved_sha256 is None:
        if os.path.lexists(folder / MOVED_FILE):
            raise EntryError(f"{where} exists, but {ENTRY_FILE} has no moved_sha256.")
        return None
    content = read_file(folder, MOVED_FILE)
    _check_digest(folder, MOVED_FILE, content, entry.moved_sha256)
    moved = npy.decode(content, np.uint8, probe_shape(*predictions.shape), where).astype(np.uint8, copy=False)
    if moved.max() >= classes:
        raise EntryError(f"{where}: class {moved.max()} does not exist in {entry.dataset}.")
    return Moved(MOVES, moved)


def read_file(folder: Path, name: str) -> bytes:
    """One of the files that an entry's folder may hold (`max_bytes`).

    Raises:
        EntryError: the folder or the file is missing, a symbolic link or no plain file, or the file is too large.
    """
    with open_folder(folder) as directory:
        return _read_in(directory, folder, name)


def _read_in(directory: Place, folder: Path, name: str) -> bytes:
    limit, where = max_bytes(name), shown(folder, name)
    assert limit is not None, "one of an entry's files"
    with open_plain(name, limit, where, NO_FOLLOW, directory) as stream:
        return read_bounded(stream, limit, where)


def check_files(folder: Path) -> None:
    """That a folder has an entry's name, and holds nothing but an entry's files, each plain and within its limit.

    Raises:
        EntryError: it has not, or holds anything else.
    """
    name = absolute(folder).name
    if name != name.lower():
        raise EntryError(f"{shown(folder)}: {printable(name)} and {printable(name.lower())} differ in case only.")
    with open_folder(folder) as directory:
        for file in sorted(os.listdir(directory)):  # noqa: PTH208
            if (limit := max_bytes(file)) is None:
                known = ", ".join([*MAX_BYTES, weights_file(0)])
                raise EntryError(
                    f"{shown(folder)} holds {printable(file)}, which does not belong in an entry; allowed: {known}."
                )
            with open_plain(file, limit, shown(folder, file), NO_FOLLOW, directory):
                pass


def _check_weights(folder: Path, entry: Entry) -> None:
    """That the weights in an entry's folder are those it names; those that lie elsewhere are not looked for."""
    stated = {weights_file(result.seed): result.weights_sha256 for result in entry.seeds}
    for name in sorted(name for name in _names_in(folder) if _WEIGHTS_FILE.fullmatch(name)):
        sha256 = stated.get(name)
        if sha256 is None:
            raise EntryError(f"{shown(folder, name)} exists, but {ENTRY_FILE} has no weights_sha256 of that seed.")
        _check_digest(folder, name, read_file(folder, name), sha256)


def _check_digest(folder: Path, name: str, content: bytes, sha256: str) -> None:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EntryError(f"{shown(folder, name)} was changed: its SHA-256 is not the one in {ENTRY_FILE}.")
