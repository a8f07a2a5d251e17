"""How far an entry can be trusted, recomputed from its files: scored, or reproduced too.

A reproduction is the recorded command run again (`aenbench reproduce`). Its record holds facts only; whether it agrees
with the entry is computed each time.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from aenbench.errors import EntryError
from aenbench.leaderboard.entry import Entry, Line, Sha256, Strict, Text, Versions
from aenbench.leaderboard.entry_arrays import decode_predictions, encode_predictions
from aenbench.leaderboard.entry_folder import REPRODUCED_FILE, REPRODUCTION_FILE, read_file
from aenbench.leaderboard.untrusted.json_yaml import parse_json
from aenbench.scoring import score
from gdatasets.errors import OutputError
from gdatasets.files import output_error, write_whole

Level = Literal["scored", "reproduced"]

_TOLERANCE = 1e-9


class Reproduction(Strict):
    """What `aenbench reproduce` did, as kept in `reproduction.json`; what it got is in `reproduced.npy`."""

    schema_version: Literal[1] = Field(default=1, description="of this description")
    predictions_sha256: Sha256 = Field(description="SHA-256 of the entry's predictions.npy at that time")
    reproduced_sha256: Sha256 = Field(description="SHA-256 of reproduced.npy")
    command: Text = Field(description="the entry's command, which was run again")
    code_revision: Line = Field(default="", description="commit of the code that ran; empty if not known")
    hardware: Line = ""
    software: Versions = Field(default_factory=dict, description="versions by name")
    created: Line = Field(description="UTC, ISO 8601")


@dataclass(frozen=True)
class Agreement:
    """An entry's predictions beside those that its command gave again.

    Attributes:
        equal: of each seed, the share of images with the same prediction, 0..1.
        accuracy: mean over seeds of what was reproduced, 0..1.
        within: whether that lies in the entry's stated 95 % interval.
    """

    equal: tuple[float, ...]
    accuracy: float
    within: bool

    @property
    def is_exact(self) -> bool:
        """Whether every seed is equal bit for bit."""
        return min(self.equal) == 1

    def __str__(self) -> str:
        exact = sum(share == 1 for share in self.equal)
        least = "" if self.is_exact else f", at least {_floor(min(self.equal))} of predictions equal"
        where = "within" if self.within else "outside"
        return (
            f"{exact} of {len(self.equal)} seeds equal bit for bit{least}; accuracy {self.accuracy:.2%}, {where} the "
            "stated interval"
        )


def _floor(share: float) -> str:
    """A share in percent, never rounded up to 100."""
    return f"{np.floor(share * 10_000) / 100:.2f} %"


@dataclass(frozen=True)
class Trust:
    """How far an entry can be trusted.

    Attributes:
        level: `scored`: its accuracy was computed from its predictions. `reproduced`: its command was run again, too,
            and gave an accuracy within the interval that it states.
        checked: what was checked, and when, in one line.
        problems: what is wrong with the record of a reproduction, one line each.
        record: of the reproduction, if there is one that can be read.
        agreement: of what it got, likewise.
    """

    level: Level
    checked: str
    problems: tuple[str, ...] = ()
    record: Reproduction | None = None
    agreement: Agreement | None = None


def compare(
    entry: Entry, predictions: NDArray[np.uint8], reproduced: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Agreement:
    """Compare an entry's predictions (seeds, n) with reproduced ones of that shape, scored by labels (n,)."""
    equal = tuple(float(share) for share in (predictions == reproduced).mean(axis=1))
    accuracy = score(reproduced, labels).mean
    within = entry.accuracy.low - _TOLERANCE <= accuracy <= entry.accuracy.high + _TOLERANCE
    return Agreement(equal, accuracy, within)


def trust_of(folder: Path, entry: Entry, predictions: NDArray[np.uint8], labels: NDArray[np.int64]) -> Trust:
    """How far an entry can be trusted, by the files in its folder.

    Args:
        folder: the entry's.
        entry: what it says.
        predictions: uint8 (seeds, n), its own.
        labels: int64 (n,).
    """
    scored = "accuracy computed from the predictions"
    if not any(os.path.lexists(folder / name) for name in (REPRODUCTION_FILE, REPRODUCED_FILE)):
        return Trust("scored", scored)
    try:
        record, reproduced = _read_reproduction(folder, predictions.shape)
    except EntryError as error:
        return Trust("scored", scored, (str(error),))
    agreement = compare(entry, predictions, reproduced, labels)
    problems = tuple(f"{REPRODUCTION_FILE}: {problem}" for problem in _problems(entry, record, agreement))
    if problems:
        return Trust("scored", scored, problems, record, agreement)
    versions = " ".join(f"{name} {record.software[name]}" for name in ("torch",) if name in record.software)
    place = ", ".join(filter(None, [versions, record.hardware]))
    checked = f"{scored}; command run again on {record.created[:10]}{f' ({place})' if place else ''}: {agreement}"
    return Trust("reproduced", checked, (), record, agreement)


def _problems(entry: Entry, record: Reproduction, agreement: Agreement) -> list[str]:
    problems = []
    if entry.origin == "submission":
        problems.append("a submission cannot be reproduced")
    if record.predictions_sha256 != entry.predictions_sha256:
        problems.append("it is about other predictions than the entry's; run `aenbench reproduce` again")
    if record.command != entry.command:
        problems.append("it is about another command than the entry's; run `aenbench reproduce` again")
    if not agreement.within:
        interval = f"[{entry.accuracy.low:.2%}, {entry.accuracy.high:.2%}]"
        problems.append(f"it gave an accuracy of {agreement.accuracy:.2%}, outside the stated interval {interval}")
    return problems


def _read_reproduction(folder: Path, shape: tuple[int, ...]) -> tuple[Reproduction, NDArray[np.uint8]]:
    """The record and what was reproduced; raises EntryError where either is missing, malformed or not the other's."""
    record = parse_json(read_file(folder, REPRODUCTION_FILE), Reproduction, str(folder / REPRODUCTION_FILE))
    content, where = read_file(folder, REPRODUCED_FILE), str(folder / REPRODUCED_FILE)
    if hashlib.sha256(content).hexdigest() != record.reproduced_sha256:
        raise EntryError(f"{where} was changed: its SHA-256 is not the one in {REPRODUCTION_FILE}.")
    return record, decode_predictions(content, (shape[0], shape[1]), where)


def write_reproduction(folder: Path, again: Entry, entry: Entry, reproduced: NDArray[np.uint8]) -> None:
    """Put a reproduction beside its entry. The record appears last: without it there is no reproduction.

    Args:
        folder: the entry's.
        again: what the second run says of itself.
        entry: what the first one did.
        reproduced: uint8 (seeds, n).

    Raises:
        OutputError: it cannot be written; the entry then has none.
    """
    content = encode_predictions(reproduced)
    record = Reproduction(
        predictions_sha256=entry.predictions_sha256,
        reproduced_sha256=hashlib.sha256(content).hexdigest(),
        command=entry.command,
        code_revision=again.code_revision,
        hardware=again.hardware,
        software=again.software,
        created=again.created,
    )
    try:
        _remove_record(folder)
        write_whole(folder / REPRODUCED_FILE, content)
        write_whole(folder / REPRODUCTION_FILE, record.model_dump_json(indent=1).encode() + b"\n")
    except OutputError:
        (folder / REPRODUCED_FILE).unlink(missing_ok=True)
        raise


def _remove_record(folder: Path) -> None:
    try:
        (folder / REPRODUCTION_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise output_error(folder / REPRODUCTION_FILE, error) from error
