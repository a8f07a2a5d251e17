"""Entries on disk: written whole, read with suspicion, scored again from their predictions, shown as a table.

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
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aenbench.data import Images, Root, Task
from aenbench.errors import EntryError
from aenbench.models import Architecture, Protocol
from aenbench.scoring import Score, score
from gdatasets.errors import GDatasetsError, OutputError
from gdatasets.files import write_whole

ENTRY_FILE = "entry.json"
PREDICTIONS_FILE = "predictions.npy"
MAX_ENTRY_BYTES = 1 << 20
MAX_PREDICTIONS_BYTES = 64 << 20

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
SafeName = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,99}$")]
Text = Annotated[str, Field(max_length=2_000)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SeedResult(_Model):
    """One independent repetition of the whole procedure: search, training, test."""

    seed: int
    actions: tuple[Text, ...] = Field(default=(), description="actions that a dense network is equivariant to")
    group: Text = Field(default="", description="group of a group convolutional network; empty for others")
    large: bool = Field(default=False, description="whether it is the large one")
    augmentations: tuple[Text, ...] = Field(default=(), description="of its training images")
    parameters: Count = Field(description="free parameters")
    networks_trained: Count = Field(description="distinct networks trained by the search")
    states_visited: Count = Field(description="distinct action sets asked for by the search")
    search_seconds: Seconds = Field(description="wall time of the search, seconds")
    training_seconds: Seconds = Field(description="wall time of the final training, seconds")
    chosen_by: Share = Field(description="accuracy on the images that the choices were made by")
    accuracy: Share = Field(description="share of right test predictions; recomputed by `aenbench verify`")


class Interval(_Model):
    """A mean over seeds with its 95 % interval, as shares 0..1."""

    mean: Share
    low: Share
    high: Share


class Entry(_Model):
    """What an entry says of itself. Scores in it are compared with the predictions, and never shown unchecked."""

    schema_version: Literal[1] = 1
    name: SafeName
    baseline: Text
    dataset: SafeName
    dataset_version: Text
    configuration: SafeName
    test_content_sha256: Sha256 = Field(description="content_sha256 of the test split")
    image_size: Annotated[int, Field(ge=2, le=4096)] = Field(default=28, description="pixels along one side")
    protocol: Protocol
    budget: Text
    seeds: Annotated[tuple[SeedResult, ...], Field(min_length=1, max_length=1_000)]
    accuracy: Interval
    predictions_sha256: Sha256 = Field(description="SHA-256 of predictions.npy")
    command: Text = Field(description="the command that made it")
    hardware: Text
    software: dict[Text, Text] = Field(max_length=50)
    created: Text = Field(description="UTC, ISO 8601")

    @property
    def task(self) -> Task:
        return Task(self.dataset, self.configuration, self.protocol)


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


def rescore(folder: Path, root: Root = None) -> tuple[Entry, Score, list[str]]:
    """Score an entry from its predictions and the pinned labels.

    Returns:
        The entry, its score, and every difference between what it says and what was found, one line each.

    Raises:
        EntryError: the entry is malformed.
        SourceError: the dataset's source is not at hand.
    """
    entry, predictions = read_entry(folder, root)
    images = Images(entry.task, root)
    result = score(predictions, images.test_labels())
    differences = []
    if predictions.max() >= images.classes:
        differences.append(f"class {predictions.max()} does not exist in {entry.dataset}")
    if entry.dataset_version != images.dataset.version:
        differences.append(f"{entry.dataset} {entry.dataset_version} is not at hand, but {images.dataset.version}")
    elif entry.test_content_sha256 != images.dataset.digest("test"):
        differences.append(f"test_content_sha256 is not that of {entry.dataset} {entry.dataset_version}")
    if folder.parts[-3:] != (entry.dataset, entry.configuration, entry.name):
        differences.append(f"it belongs in {entry.dataset}/{entry.configuration}/{entry.name}")
    stated = {f"seed {seed.seed}: accuracy": seed.accuracy for seed in entry.seeds}
    if len(stated) != len(entry.seeds):
        differences.append("a seed appears twice")
    found = dict(zip(stated, result.per_seed, strict=False))
    stated |= {f"accuracy {part}": getattr(entry.accuracy, part) for part in ("mean", "low", "high")}
    found |= {f"accuracy {part}": getattr(result, part) for part in ("mean", "low", "high")}
    for name, value in stated.items():
        if abs(value - found[name]) > 1e-9:
            differences.append(f"{name} is {found[name]:.6f} by its predictions, {value:.6f} is stated")
    return entry, result, differences


def render(base: Path, root: Root = None) -> str:
    """The tables of every entry below a folder, as Markdown; every score is computed from the predictions.

    Raises:
        EntryError: an entry is malformed, or says something else than its predictions.
    """
    tables: dict[tuple[str, str, str], list[tuple[Score, Entry]]] = {}
    for folder in find_entries(base):
        entry, result, differences = rescore(folder, root)
        if differences:
            raise EntryError(f"{folder}: {'; '.join(differences)}.")
        tables.setdefault((entry.dataset, entry.configuration, entry.protocol), []).append((result, entry))
    sections = [_section(key, rows) for key, rows in sorted(tables.items())]
    return "\n".join([_PREAMBLE, *sections])


_PREAMBLE = """# Leaderboards

Generated by `aenbench leaderboard`; do not edit. Every accuracy is computed from the entry's `predictions.npy` and the
published labels. Brackets hold 95 % intervals: Student's t over seeds, Wilson's for a single seed. Networks and
search time are means over seeds; times depend on the machine (see each `entry.json`).
"""


def _section(key: tuple[str, str, str], rows: Iterable[tuple[Score, Entry]]) -> str:
    dataset, config, protocol = key
    lines = [
        f"## {dataset} / {config}, protocol `{protocol}`",
        "",
        "| entry | accuracy, % | seeds | parameters | networks trained | search + training, s | network |",
        "|---|---|---|---|---|---|---|",
    ]
    for result, entry in sorted(rows, key=lambda row: (-row[0].mean, row[1].name)):
        link = f"[{entry.name}]({dataset}/{config}/{entry.name}/)"
        cells = [link, format_accuracy(result), str(len(entry.seeds)), *cost_cells(entry), format_networks(entry)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def format_accuracy(result: Score) -> str:
    """Such as `61.20 [60.85, 61.55]`, in percent."""
    return f"{100 * result.mean:.2f} [{100 * result.low:.2f}, {100 * result.high:.2f}]"


def cost_cells(entry: Entry) -> tuple[str, str, str]:
    """Parameters (range over seeds), networks trained (mean), seconds of search + training (means)."""
    parameters = sorted({seed.parameters for seed in entry.seeds})
    span = f"{parameters[0]:,}" if len(parameters) == 1 else f"{parameters[0]:,} to {parameters[-1]:,}"
    networks = np.mean([seed.networks_trained for seed in entry.seeds])
    search = np.mean([seed.search_seconds for seed in entry.seeds])
    training = np.mean([seed.training_seconds for seed in entry.seeds])
    return span, f"{networks:.0f}", f"{search:.0f} + {training:.0f}"


def format_networks(entry: Entry) -> str:
    """Each seed's network; once where the seeds agree."""
    return "; ".join(dict.fromkeys(_describe(seed, entry) for seed in entry.seeds))


def _describe(seed: SeedResult, entry: Entry) -> str:
    """Such as `rotation+hflip` (actions that generate it, none of them redundant) or `d4 large, augmented by scale`."""
    network = "+".join(_generators(seed.actions, entry.protocol, entry.image_size)) or "none"
    if seed.group:
        network = f"{seed.group} large" if seed.large else seed.group
    return ", augmented by ".join([network, *(["+".join(seed.augmentations)] if seed.augmentations else [])])


@cache
def _generators(actions: tuple[str, ...], protocol: Protocol, image_size: int) -> tuple[str, ...]:
    return tuple(Architecture(actions, protocol, image_size=image_size).irredundant().actions)


def write_table(base: Path, root: Root = None) -> Path:
    """Regenerate `README.md` of a leaderboards folder; raises as `render` does."""
    target = base / "README.md"
    write_whole(target, render(base, root).encode())
    return target


def table_drifted(base: Path, root: Root = None) -> bool:
    """Whether `README.md` is not what its entries give."""
    try:
        current = (base / "README.md").read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    return current != render(base, root)


def verify(base: Path, root: Root = None) -> tuple[list[Path], list[str]]:
    """Recompute every entry at or below a folder.

    Returns:
        The entries looked at, and one line for each thing that is wrong with them.
    """
    folders = find_entries(base)
    problems = []
    for folder in folders:
        try:
            problems += [f"{folder}: {difference}" for difference in rescore(folder.resolve(), root)[2]]
        except EntryError as error:
            problems.append(str(error))
        except GDatasetsError as error:
            problems.append(f"{folder}: {error}")
    return folders, problems
