"""Entries for work done elsewhere: predictions or logits, and what their author says of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from aenbench.errors import EntryError
from aenbench.leaderboard.entry import (
    MAX_SEEDS,
    Authors,
    Count,
    DatasetName,
    Entry,
    Interval,
    Line,
    Links,
    Networks,
    Parameters,
    SafeName,
    Seconds,
    SeedResult,
    Strict,
    Text,
    Versions,
)
from aenbench.leaderboard.entry_arrays import encode_logits, encode_predictions
from aenbench.leaderboard.entry_folder import LOGITS_FILE, MOVED_FILE, check_free, entry_folder, write_entry
from aenbench.leaderboard.methods import method_problem
from aenbench.leaderboard.untrusted.files import open_bounded, read_bounded
from aenbench.leaderboard.untrusted.json_yaml import parse_yaml
from aenbench.leaderboard.untrusted.npz import Expected, read_npz
from aenbench.leaderboard.untrusted.text import plain_line, plain_name, printable
from aenbench.scoring import score
from aenbench.scoring.invariance import probe_shape
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import PROTOCOLS, ProtocolName
from aenbench.tasks.task import Root, Task
from gdatasets.errors import OutputError
from gdatasets.files import write_whole

MAX_META_BYTES = 64 << 10

Stated = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(plain_line), AfterValidator(plain_name)]


class SubmittedSeed(Strict):
    """What a submitter knows of one independent repetition of the whole procedure."""

    seed: Count
    parameters: Parameters
    networks_trained: Networks = 0
    search_seconds: Seconds | None = None
    training_seconds: Seconds | None = None


def _different(seeds: tuple[SubmittedSeed, ...]) -> tuple[SubmittedSeed, ...]:
    if len({each.seed for each in seeds}) != len(seeds):
        raise ValueError("a seed appears twice")
    return seeds


class Submission(Strict):
    """What a submitter knows, the content of `entry.yaml`; `aenbench template` explains the fields. No scores."""

    name: SafeName
    method: Stated
    description: Text = ""
    authors: Annotated[Authors, Field(min_length=1)]
    links: Links = Field(default_factory=dict)
    dataset: DatasetName
    configuration: SafeName
    protocol: ProtocolName = "standard"
    budget: Stated
    seeds: Annotated[tuple[SubmittedSeed, ...], Field(min_length=1, max_length=MAX_SEEDS), AfterValidator(_different)]
    command: Text = ""
    code_revision: Line = ""
    outside_data: Line = ""
    hardware: Line = ""
    software: Versions = Field(default_factory=dict)


TEMPLATE = """\
# What you know of your entry. `aenbench submit --predictions preds.npz --meta entry.yaml` adds the rest: scores are
# computed from the predictions and never typed. All text is plain text. Lines marked "optional" can be left out.

name: my-network                # of the entry and its folder: a-z, 0-9, '.', '_' and '-'
method: my network              # what the tables call it, in words; `gcnn:c4` is a baseline's name
description: |                  # optional: what it is, in a few sentences, up to 2,000 characters
  A convolutional network whose features are averaged over the four rotations.
authors:                        # one or more
  - Ada Lovelace
links:                          # optional: up to ten https addresses
  paper: https://example.org/paper
  code: https://example.org/code
  weights: https://example.org/weights

dataset: g-digits               # `aenbench datasets` lists them
configuration: aug2             # `gdatasets list` lists them; none for datasets that are used as published
protocol: standard              # optional: standard (choices never saw a test image) or paper (the original rules)
budget: 10 epochs, 16 networks  # what a seed was allowed to spend, in your words

# One item for each row of the predictions, in the same order: independent repetitions of everything, search included.
seeds:
  - seed: 0                     # its number; each appears once
    parameters: 25450           # free parameters of the network that was tested
    networks_trained: 16        # optional: distinct networks that its search trained; 0 where nothing was searched
    search_seconds: 61.5        # optional: wall time of the search, s
    training_seconds: 12.25     # optional: wall time of the final training, s
  - seed: 1
    parameters: 25450
    networks_trained: 16

command: python train.py --seed 0 --seed 1                 # optional: what was typed, exactly
code_revision: 0123456789abcdef0123456789abcdef01234567    # optional: the commit that ran
outside_data: none              # optional: images beyond the training split that it has seen, pretraining included, and
                                # whether test images, or what they were made from, may be among them
hardware: one NVIDIA A100                                  # optional
software:                                                  # optional: versions, in quotes
  python: "3.12.4"
  torch: "2.7.1"
"""


def write_template(path: Path) -> None:
    """Write the example of an `entry.yaml` to a new file.

    Raises:
        OutputError: the file exists, or cannot be written.
    """
    if path.exists():
        raise OutputError(f"{path} exists; choose another --out.")
    write_whole(path, TEMPLATE.encode())


def submit(
    predictions: Path, meta: Path, out: Path, root: Root = None, overwrite: bool = False, moved: Path | None = None
) -> Path:
    """Write the entry of predictions that were made elsewhere, scored here.

    Args:
        predictions: a .npz file as `read_outputs` takes it.
        meta: `entry.yaml`, a `Submission`.
        out: where entries go, as `<out>/<dataset>/<configuration>/<name>`.
        root: a torchvision-style folder with the source's raw files.
        overwrite: replace an entry of the same name.
        moved: a .npz file of one array, `moved`, integers (seeds, 12, images): the classes predicted for
            `aenbench.scoring.invariance.moved_images` of the test images.

    Returns:
        The entry's folder.

    Raises:
        EntryError: a file cannot be read or is not what it must be.
        UnknownNameError: no such dataset or configuration.
        SourceError: the dataset's source is not available.
        OutputError: the entry exists, or cannot be written.
    """
    about = read_submission(meta)
    if problem := method_problem(about.method, "submission"):
        raise EntryError(
            f"{printable(meta)}: method: {problem}. Name a baseline, or write a name of your own in words."
        )
    images = Images(Task(about.dataset, about.configuration, PROTOCOLS[about.protocol]), root)
    if (images.dataset.name, images.dataset.configuration) != (about.dataset, about.configuration):
        raise EntryError(f'{printable(meta)}: dataset: this one is named "{printable(images.dataset.name)}".')
    folder = entry_folder(out, about.dataset, about.configuration, about.name)
    check_free(folder, overwrite)
    given = read_outputs(predictions, len(about.seeds), images.test_images, images.classes)
    encoded, extras = encode_predictions(given.predictions), {}
    if given.logits is not None:
        extras[LOGITS_FILE] = encode_logits(given.logits)
    if moved is not None:
        extras[MOVED_FILE] = encode_predictions(_read_moved(moved, given.predictions, images.classes))
    entry = _entry(about, images, given.predictions, encoded, extras)
    write_entry(folder, entry, encoded, extras)
    return folder


def read_submission(path: Path) -> Submission:
    """What a submitter says of the work; raises EntryError for a file that is not a plain `entry.yaml`."""
    with open_bounded(path, MAX_META_BYTES) as stream:
        content = read_bounded(stream, MAX_META_BYTES, printable(path))
    return parse_yaml(content, Submission, printable(path))


def _entry(
    about: Submission, images: Images, predictions: NDArray[np.uint8], encoded: bytes, extras: Mapping[str, bytes]
) -> Entry:
    result = score(predictions, images.test_labels())
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in extras.items()}
    said = {name: getattr(about, name) for name in Submission.model_fields if name != "seeds"}
    return Entry(
        **said,
        origin="submission",
        dataset_version=images.dataset.version,
        test_content_sha256=images.dataset.digest("test"),
        image_size=images.size,
        seeds=tuple(
            SeedResult(**seed.model_dump(), accuracy=accuracy)
            for seed, accuracy in zip(about.seeds, result.per_seed, strict=True)
        ),
        accuracy=Interval(mean=result.mean, low=result.low, high=result.high),
        predictions_sha256=hashlib.sha256(encoded).hexdigest(),
        logits_sha256=digests.get(LOGITS_FILE),
        moved_sha256=digests.get(MOVED_FILE),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


@dataclass(frozen=True, eq=False)
class Outputs:
    """Predictions uint8 (seeds, n); the logits (seeds, n, classes) that they come from, if those were given."""

    predictions: NDArray[np.uint8]
    logits: NDArray[np.floating] | None = None


def read_outputs(path: Path, seeds: int, images: int, classes: int) -> Outputs:
    """A network's outputs for the test images, in dataset order, from a .npz file of one array.

    That is `predictions`, integers (seeds, images), or `logits`, floats (seeds, images, classes). Predictions are then
    the class of the largest logit, the first one of equals.

    Raises:
        EntryError: it is anything else, a class does not exist, or a logit is NaN or infinite.
    """
    name, array = read_npz(
        path,
        {
            "predictions": Expected("integers", (seeds, images)),
            "logits": Expected("floats", (seeds, images, classes)),
        },
    )
    if name == "logits":
        if not np.isfinite(array).all():
            raise EntryError(f"{printable(path)}: logits hold NaN or infinity; every one must be a finite number.")
        return Outputs(array.argmax(axis=-1).astype(np.uint8), cast("NDArray[np.floating]", array))
    return Outputs(_class_numbers(path, name, array, classes))


def _read_moved(path: Path, predictions: NDArray[np.uint8], classes: int) -> NDArray[np.uint8]:
    """Predictions uint8 (seeds, moves, images) for moved images; raises EntryError for a file of anything else."""
    name, array = read_npz(path, {"moved": Expected("integers", probe_shape(*predictions.shape))})
    return _class_numbers(path, name, array, classes)


def _class_numbers(path: Path, name: str, array: NDArray[np.generic], classes: int) -> NDArray[np.uint8]:
    given = cast("NDArray[np.integer]", array)
    outside = given[(given < 0) | (given >= classes)]
    if len(outside):
        raise EntryError(
            f"{printable(path)}: class {outside[0]} does not exist in {name}; the classes are 0 to {classes - 1}."
        )
    return given.astype(np.uint8)
