"""Trained networks of entries, from a folder or from a repository on the Hub.

<base>/<dataset>/<configuration>/<entry>/
├── entry.json               a copy of the entry's, with the SHA-256 of each seed's weights
└── seed-0.safetensors       the network of seed 0 (`aenbench.models.weights`)

`aenbench run --weights DIR` writes such a folder. A board is one too: an entry's folder may hold small weights. A
repository on the Hub has the same tree, at a tag for each entry (`tag_of`).

A file is read within bounds, and hashed before anything in it is parsed. Nothing of it is run.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aenbench.errors import InvalidArgumentError, WeightsError
from aenbench.leaderboard.entry import Entry, SeedResult, safe_name
from aenbench.leaderboard.entry_folder import (
    ENTRY_FILE,
    MAX_BYTES,
    encode_entry,
    entry_folder,
    weights_file,
)
from aenbench.leaderboard.entry_folder import read_description as read_entry_file
from aenbench.leaderboard.recount import entry_offer
from aenbench.leaderboard.untrusted.json_yaml import parse_json
from aenbench.tasks.images import Images
from gdatasets.errors import HubError, UnknownNameError
from gdatasets.files import read_whole
from gdatasets.hub.client import Hub
from gdatasets.journal import recover, replace_folder
from gdatasets.visible_text import visible

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

REPOSITORY = "aen/models"
"""Where the weights of the published entries are looked for: a folder of this name, or the Hub."""


class Place(Protocol):
    """A folder that holds weights, or a repository."""

    def read(self, path: str, limit: int) -> bytes:
        """A file of no more than so many bytes; raises WeightsError, or HubError."""

    def where(self, path: str) -> str:
        """The file, for errors."""


@dataclass(frozen=True)
class WeightsFolder:
    """Weights on this machine."""

    base: Path

    def where(self, path: str) -> str:
        return visible(self.base / path, 1_000)

    def read(self, path: str, limit: int) -> bytes:
        try:
            return read_whole(self.base / path, limit)
        except OSError as error:
            raise WeightsError(
                f"{self.where(path)} cannot be read ({error.strerror}); expected <weights>/<dataset>/<configuration>/"
                f"<entry>/ with {ENTRY_FILE} and {weights_file(0)}, as `aenbench run --weights` writes it."
            ) from error


@dataclass(frozen=True)
class WeightsOnHub:
    """Weights in a repository, at one commit."""

    hub: Hub
    commit: str

    def where(self, path: str) -> str:
        return visible(f"{self.hub.repo}@{self.commit[:12]}/{path}", 1_000)

    def read(self, path: str, limit: int) -> bytes:
        size = self.hub.size(path, self.commit)
        if size is None or size > limit:
            what = "is not there" if size is None else f"is larger than {limit:,} bytes"
            raise WeightsError(f"{self.where(path)} {what}; check the name of the entry and the revision.")
        try:
            return read_whole(self.hub.download(path, self.commit), limit)
        except HubError:
            raise
        except OSError as error:
            raise WeightsError(f"{self.where(path)} cannot be read ({error.strerror}); download it again.") from error


def load_model(
    name: str,
    seed: int = 0,
    weights: str | Path = REPOSITORY,
    *,
    revision: str | None = None,
    board: str | Path | None = None,
    module: "nn.Module | None" = None,
) -> "nn.Module":
    """The trained network of an entry, whose predictions on normalized test images are the entry's.

    Args:
        name: an entry, `<dataset>/<configuration>/<entry>`, such as `g-mnist/aug2/aen`.
        seed: one of the entry's seeds.
        weights: a folder that holds weights, as `aenbench run --weights` writes it, or a model repository on the Hub;
            a folder of that name comes first.
        revision: a tag or commit of the repository; by default the entry's tag.
        board: a folder of entries, such as `leaderboards`. The entry there then decides which weights are its own, and
            at which tag they are; otherwise the copy of `entry.json` beside the weights does.
        module: a network to load the weights into, and to return, if this package does not build it (your own).

    Returns:
        The network on the CPU, in evaluation mode: images float32 (batch, channels, size, size), normalized, to logits
        (batch, classes). Its attribute `normalization` (`aenbench.tasks.images.Normalization`) makes such images of
        pixels: `model.normalization.apply(uint8)`; `input_shape` is (channels, size, size).

    Raises:
        InvalidArgumentError: the name is malformed, or several tags are the entry's.
        WeightsError: the weights are missing, damaged, not those that the entry states, or of another network.
        EntryError: the entry is missing or malformed.
        UnknownNameError: the entry has no such seed.
        HubError: the Hub cannot be reached, refused, or has no such repository or tag.
    """
    parts = _parts(name)
    entry = None if board is None else read_entry_file(entry_folder(Path(board), *parts))
    place = _place(weights, parts, revision, entry)
    if entry is None:
        path = f"{name}/{ENTRY_FILE}"
        entry = parse_json(place.read(path, MAX_BYTES[ENTRY_FILE]), Entry, place.where(path))
    if (entry.dataset, entry.configuration, entry.name) != parts:
        stated = "/".join((entry.dataset, entry.configuration, entry.name))
        raise WeightsError(f"{place.where(name)} holds the entry {stated}; name that, or move it to its place.")
    results = {result.seed: result for result in entry.seeds}
    if seed not in results:
        raise UnknownNameError(f"seed of {name}", seed, map(str, results))
    return read_model(entry, results[seed], place, module)


def read_model(entry: Entry, result: SeedResult, place: Place, module: "nn.Module | None" = None) -> "nn.Module":
    """The trained network of one seed of an entry; see `load_model`.

    Raises:
        WeightsError: the weights are missing, damaged, not those that the entry states, or of another network.
        HubError: the Hub failed.
    """
    from aenbench.models.weights import MAX_WEIGHTS_BYTES, fill, read_description, rebuild

    path = f"{entry.dataset}/{entry.configuration}/{entry.name}/{weights_file(result.seed)}"
    where = place.where(path)
    if result.weights_sha256 is None:
        raise WeightsError(f"{entry.name} states no weights of seed {result.seed}; run it with --weights DIR.")
    content = place.read(path, MAX_WEIGHTS_BYTES)
    if hashlib.sha256(content).hexdigest() != result.weights_sha256:
        raise WeightsError(f"{where} is not what the entry states: its SHA-256 differs; download or make it again.")
    description = read_description(content, where)
    offer = entry_offer(entry)
    if offer is not None:
        family = offer.family
        facts = {field: getattr(result, field) for field in family.facts}
        if not description.names(family.name, facts):
            raise WeightsError(
                f"{where} is of another network than the entry states: {visible(description.text, 300)}."
            )
    if (description.shape.protocol.name, description.shape.image_size) != (entry.protocol, entry.image_size):
        raise WeightsError(f"{where} is of a network for other images than the entry's.")
    model = fill(rebuild(description, len(content), where) if module is None else module, content, where)
    shape = description.shape
    input_shape = shape.channels, shape.image_size, shape.image_size
    for name, value in (("normalization", description.normalization), ("input_shape", input_shape)):
        if not hasattr(model, name):
            object.__setattr__(model, name, value)
    return model


def differences(entry: Entry, predictions: "NDArray[np.uint8]", place: Place, images: Images) -> tuple[int, list[str]]:
    """Whether the weights of an entry predict what it states.

    Args:
        entry: of which seeds have weights.
        predictions: uint8 (seeds, n), the entry's.
        place: where the weights are.
        images: of the entry's task.

    Returns:
        How many seeds were compared, and one line for each thing that is wrong. Networks that this package does not
        build are not compared, and no problem.
    """
    import torch

    from aenbench.models.weights import differing
    from aenbench.training.fit import compute_logits

    test, wrong, compared = None, [], 0
    for result, stated in zip(entry.seeds, predictions, strict=True):
        if result.weights_sha256 is None or entry_offer(entry) is None:
            continue
        test = test or images.test()
        try:
            model = read_model(entry, result, place)
            logits = compute_logits(model, test.images, 250)
        except (WeightsError, InvalidArgumentError, RuntimeError) as error:
            wrong.append(str(error).splitlines()[0])
            continue
        compared += 1
        if count := differing(logits, torch.from_numpy(stated.copy())):
            wrong.append(
                f"seed {result.seed}: its weights predict another class for {count:,} of {len(stated):,} images"
            )
    return compared, wrong


def write_weights(base: Path, entry: Entry, files: Mapping[str, bytes]) -> Path:
    """Write the weights of an entry's seeds, with the entry, whole or not at all; returns their folder.

    Raises:
        OutputError: they could not be written.
    """
    folder = entry_folder(base, entry.dataset, entry.configuration, entry.name)
    replace_folder(folder, {ENTRY_FILE: encode_entry(entry), **files})
    return folder


def has_weights(base: Path, entry: Entry) -> bool:
    """Whether a folder of weights holds any of this entry's."""
    folder = entry_folder(base, entry.dataset, entry.configuration, entry.name)
    recover(folder.parent)
    return any((folder / weights_file(result.seed)).exists() for result in entry.seeds)


def tag_of(entry: Entry) -> str:
    """The tag of an entry's weights on the Hub: its name, and what tells it from a later one of that name."""
    return f"{_tag_start((entry.dataset, entry.configuration, entry.name))}{entry.predictions_sha256[:12]}"


def _tag_start(parts: tuple[str, str, str]) -> str:
    return "--".join((*parts, ""))


def _parts(name: str) -> tuple[str, str, str]:
    try:
        dataset, configuration, entry = map(safe_name, name.split("/"))
    except ValueError as error:
        raise InvalidArgumentError(
            f'Expected an entry as "<dataset>/<configuration>/<entry>", such as g-mnist/aug2/aen, got '
            f'"{visible(name, 100)}".'
        ) from error
    return dataset, configuration, entry


def _place(weights: str | Path, parts: tuple[str, str, str], revision: str | None, entry: Entry | None) -> Place:
    """The folder, or the repository at the entry's tag."""
    folder = Path(weights)
    is_repository = isinstance(weights, str) and re.fullmatch(r"[\w.-]+/[\w.-]+", weights) is not None
    if folder.is_dir() or not is_repository:
        recover(entry_folder(folder, *parts).parent)
        return WeightsFolder(folder)
    hub = Hub(str(weights), kind="model")
    if not hub.is_reachable():
        raise HubError(
            f"There is no folder {weights}, and the Hub cannot be reached; give a folder of weights, or try again."
        )
    tags = hub.tags()
    if tags is None:
        raise HubError(f"There is neither a folder nor a model repository {weights}; check the name.")
    if revision is not None:
        return WeightsOnHub(hub, tags.get(revision, revision))
    start = _tag_start(parts)
    own = [tag for tag in tags if re.fullmatch(re.escape(start) + "[0-9a-f]{12}", tag)]
    wanted = own if entry is None else [tag for tag in own if tag == tag_of(entry)]
    if len(wanted) > 1:
        raise InvalidArgumentError(
            f"{weights} has several versions of {'/'.join(parts)}; choose a revision: {', '.join(sorted(wanted))}."
        )
    if not wanted:
        expected = f"{start}..." if entry is None else tag_of(entry)
        raise HubError(f"{weights} has no weights of {'/'.join(parts)}: no tag {expected}; check the entry's name.")
    return WeightsOnHub(hub, tags[wanted[0]])
