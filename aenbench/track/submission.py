"""A submission to the track, as files that a stranger may have written.

leaderboards/discovery/<name>/
├── submission.json      what was done, and what the arrays are (`Submission`)
└── <task>.npy           the answer to one task, where it is an array

Answers are generators (k, 784), each row the gather indices of one move, with `by_class` the class of each row; or
weighted elements, the same with a weight of each row in the JSON; or a partition (784, 784) of the weights of a dense
layer; or weighted angles, which are in the JSON. Integers only, and nothing is unpickled. A submission says what it
found, and never what it scores.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from aenbench.errors import EntryError
from aenbench.leaderboard.entry import Authors, Line, Links, Name, SafeName, Seconds, Share, Strict, Text, Versions
from aenbench.leaderboard.entry_folder import SUBMISSION_FILE
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
from aenbench.track.partition_distance import Labels
from aenbench.track.tasks import PIXELS, Task, candidates, tasks
from gdatasets.errors import OutputError
from gdatasets.groups.permutation_groups import Permutations
from gdatasets.journal import replace_folder

MAX_DESCRIPTION_BYTES = 1 << 20
MAX_GENERATORS = 64
"""Of one group; as many of each of ten classes."""
_MAX_ROWS = 10 * MAX_GENERATORS
MAX_WEIGHTED = 2_000
"""Weighted elements; of the tasks' groups that are small enough to be listed, the largest has 1,792."""
MAX_ARRAY_BYTES = PIXELS**2 * 8 + 1_000
MAX_ANGLES = 3_600

Class = Annotated[int, Field(strict=True, ge=0, le=255)]
Angle = Annotated[float, Field(strict=True, ge=-180, le=180)]
Weight = Annotated[float, Field(strict=True, ge=0, le=1)]
Confidences = Annotated[dict[Name, Share], Field(max_length=100, json_schema_extra={"additionalProperties": False})]


class Answer(Strict):
    """What was found in the images of one task."""

    kind: Literal["generators", "elements", "partition", "angles"] = Field(
        description="generators, elements or partition: in <task>.npy; angles: below"
    )
    by_class: Annotated[tuple[Class, ...], Field(max_length=_MAX_ROWS)] = Field(
        default=(),
        description="the class of each generator or element, in tasks whose classes have groups of their own",
    )
    angles: Annotated[tuple[Angle, ...], Field(max_length=MAX_ANGLES)] = Field(default=(), description="degrees")
    weights: Annotated[tuple[Weight, ...], Field(max_length=MAX_ANGLES)] = Field(
        default=(), description="of the angles, with a sum of 1; or of the elements, only their ratios are meant"
    )
    confidences: Confidences = Field(
        default_factory=dict, description="for each candidate, how sure it is that it is a symmetry, 0..1"
    )
    seconds: Seconds | None = Field(default=None, description="processor time, s; null if not known")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.kind == "angles") != bool(self.angles):
            raise ValueError('angles are given where the kind is "angles", and nowhere else')
        if self.kind == "elements":
            if not any(self.weights):
                raise ValueError("elements have weights, of which one at least is above 0")
        elif len(self.angles) != len(self.weights):
            raise ValueError("each angle has one weight, and generators and partitions have none")
        elif self.weights and not math.isclose(sum(self.weights), 1, abs_tol=1e-6):
            raise ValueError("the weights do not sum to 1")
        if self.by_class and self.kind not in ("generators", "elements"):
            raise ValueError("only generators and elements have classes")
        return self


class Submission(Strict):
    """What a submission says of itself, and the answers that are no arrays."""

    schema_version: Literal[1] = 1
    name: SafeName = Field(description="of the submission, and of its folder")
    method: Name = Field(description="what found the symmetries")
    description: Text = Field(default="", description="how, in plain text")
    authors: Authors = ()
    links: Links = Field(default_factory=dict, description="paper, code, ...: https addresses")
    command: Text = Field(default="", description="the command that made it")
    code_revision: Line = ""
    software: Versions = Field(default_factory=dict, description="versions by name")
    answers: Annotated[dict[SafeName, Answer], Field(max_length=1_000)] = Field(description="by task")
    created: Line = Field(description="UTC, ISO 8601")


@dataclass(frozen=True, eq=False)
class Found:
    """The answer to one task, read and well-formed.

    Attributes:
        answer: what the description says of it.
        generators: gather indices int64 (k, 784); None for other kinds.
        elements: gather indices int64 (k, 784), whose weights are those of the answer; None for other kinds.
        partition: labels int32 (784, 784); None for other kinds.
    """

    answer: Answer
    generators: Permutations | None = None
    elements: Permutations | None = None
    partition: Labels | None = None


def read_submission(folder: Path) -> tuple[Submission, Mapping[str, Found]]:
    """A submission and its answers by task, checked but not scored.

    Raises:
        EntryError: one line that names the file: it is missing, malformed, too large, a link, answers no task, or
            holds what is no permutation; or the folder holds anything else.
    """
    name = absolute(folder).name
    with open_folder(folder) as place:
        content = _read(place, folder, SUBMISSION_FILE, MAX_DESCRIPTION_BYTES)
        submission = parse_json(content, Submission, shown(folder, SUBMISSION_FILE))
        if submission.name != name:
            raise EntryError(f"{shown(folder)}: {SUBMISSION_FILE} is of {submission.name}; rename the folder.")
        arrays = {f"{task}.npy": task for task, each in submission.answers.items() if each.kind != "angles"}
        for file in sorted(os.listdir(place)):  # noqa: PTH208
            if file != SUBMISSION_FILE and file not in arrays:
                raise EntryError(f"{shown(folder)} holds {printable(file)}, which {SUBMISSION_FILE} does not name.")
        found = {task: _read_answer(place, folder, task, each) for task, each in submission.answers.items()}
    return submission, found


def write_submission(folder: Path, submission: Submission, arrays: Mapping[str, NDArray[np.integer]]) -> None:
    """Write a folder whole or not at all, replacing an older one of that name.

    Args:
        folder: its last part is the submission's name.
        submission: what it says.
        arrays: generators, elements or partitions by task, in as few bytes as hold them.

    Raises:
        OutputError: it could not be written; nothing is left behind.
    """
    files = {SUBMISSION_FILE: submission.model_dump_json(indent=1, exclude_defaults=True).encode() + b"\n"}
    for task, array in arrays.items():
        files[f"{task}.npy"] = npy.encode(array.astype(np.min_scalar_type(int(array.max(initial=0)))))
    replace_folder(folder, files)


def check_free(folder: Path, overwrite: bool) -> None:
    """Fail before any work is done where a submission could not be written; raises OutputError."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise OutputError(f"{folder} is no folder; choose another --out.")
    if folder.exists() and not overwrite:
        raise OutputError(f"{folder} exists; choose another --out, or replace it with --overwrite.")


def _read(place: Place, folder: Path, name: str, limit: int) -> bytes:
    with open_plain(name, limit, shown(folder, name), NO_FOLLOW, place) as stream:
        return read_bounded(stream, limit, shown(folder, name))


def _read_answer(place: Place, folder: Path, name: str, answer: Answer) -> Found:
    where = shown(folder, SUBMISSION_FILE)
    task = tasks().get(name)
    if task is None:
        raise EntryError(f"{where}: {printable(name)} is no task; see docs/discovery-track.md.")
    _check_kind(task, answer, where)
    for candidate in answer.confidences:
        if candidate not in candidates():
            raise EntryError(f"{where}: {task.name}: {printable(candidate)} is no candidate of the track.")
    if answer.kind == "angles":
        return Found(answer)
    where = shown(folder, f"{name}.npy")
    array = _read_integers(place, folder, f"{name}.npy", answer)
    if answer.kind == "partition":
        return Found(answer, partition=np.unique(array, return_inverse=True)[1].reshape(array.shape).astype(np.int32))
    if answer.by_class and len(answer.by_class) != len(array):
        raise EntryError(f"{where} holds {len(array)} {answer.kind}, and by_class has {len(answer.by_class)}.")
    if answer.kind == "elements" and len(answer.weights) != len(array):
        raise EntryError(f"{where} holds {len(array)} elements, and there are {len(answer.weights)} weights.")
    for number, row in enumerate(array):
        if row.min() < 0 or row.max() >= PIXELS or not np.bincount(row.astype(np.int64), minlength=PIXELS).all():
            raise EntryError(f"{where}: row {number} is no permutation of 0..{PIXELS - 1}.")
    moves = array.astype(np.int64)
    return Found(answer, elements=moves) if answer.kind == "elements" else Found(answer, generators=moves)


def _check_kind(task: Task, answer: Answer, where: str) -> None:
    if (answer.kind == "angles") != (task.family == "angles"):
        expected = "angles" if task.family == "angles" else "generators, elements or a partition"
        raise EntryError(f"{where}: {task.name} is answered by {expected}, got {answer.kind}.")
    if task.family == "classes" and answer.kind == "partition":
        raise EntryError(f"{where}: {task.name} is answered by generators or elements with by_class, got a partition.")
    if answer.by_class and task.family != "classes":
        raise EntryError(f"{where}: {task.name} has one group for all classes; leave by_class out.")


def _read_integers(place: Place, folder: Path, name: str, answer: Answer) -> NDArray[np.integer]:
    """The integers of a .npy file; nothing is read before its type and shape have been compared."""
    where = shown(folder, name)
    with open_plain(name, MAX_ARRAY_BYTES, where, NO_FOLLOW, place) as stream:
        header = npy.read_header(stream, where)
        is_partition, most = answer.kind == "partition", _MAX_ROWS if answer.by_class else MAX_GENERATORS
        most = MAX_WEIGHTED if answer.kind == "elements" else most
        fits = header.shape == (PIXELS, PIXELS) if is_partition else header.shape[1:] == (PIXELS,)
        if header.dtype.kind not in "iu" or not fits or (not is_partition and header.shape[0] > most):
            expected = f"({PIXELS}, {PIXELS})" if is_partition else f"(at most {most}, {PIXELS})"
            raise EntryError(f"{where}: expected integers {expected}, got {printable(header)}.")
        array: NDArray[np.integer] = npy.read_body(stream, header, where)  # type: ignore[assignment]
    return array
