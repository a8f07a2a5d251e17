"""What a dataset and a configuration are: frozen values, their registry and their fingerprints.

Three families of configurations. *paper*: the random transforms of the released code of arXiv 2104.04848, drawn once
for each image: `rotation` by any angle (nearest neighbour, zero fill) always, every other action with probability 1/2,
rolls by one pixel. *group*: a uniformly random element of a finite group, pixel-exact and invertible. *bilinear*:
`rotation` by any angle with bilinear interpolation and zero fill, as in Rotated MNIST.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from typing import Literal

from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.generation.rotation import Interpolation
from gdatasets.groups.actions import ACTIONS, actions_from_bits, bits_from_actions
from gdatasets.sources.image_folder import FolderSource
from gdatasets.sources.published import SOURCES
from gdatasets.sources.source import Source

Family = Literal["paper", "group", "bilinear"]


@dataclass(frozen=True)
class Configuration:
    """How images are moved.

    Attributes:
        name: what users type, such as `aug2`.
        family: `paper`, `group` or `bilinear`.
        actions: the actions that take part, in bit order; they are applied in this order.
        step: pixels of one roll: 4 in the family group, else 1.
    """

    name: str
    family: Family
    actions: tuple[str, ...]
    step: int

    @property
    def bits(self) -> str:
        """The actions as a state string of twelve characters."""
        return bits_from_actions(self.actions)

    @property
    def pixel_exact(self) -> bool:
        """Whether every move only permutes pixels, so that `undo` restores the source image."""
        return self.family == "group" or "rotation" not in self.actions

    @property
    def interpolation(self) -> Interpolation:
        """How pixels are made where `rotation` is not by a multiple of 90 degrees."""
        return "bilinear" if self.family == "bilinear" else "nearest"


_PAPER_BITS = {
    "none": "000000000000",
    "aug1": "011000100001",
    "aug2": "110000001100",
    "aug3": "100100010010",
    "aug4": "111111000000",
    "aug5": "111111111111",
}
_GROUP_ACTIONS = {
    "c4": ("rotation",),
    "d4": ("rotation", "hflip"),
    "v4": ("hflip", "vflip"),
    "roll": ("htrans", "vtrans"),
    "d4-roll": ("rotation", "hflip", "htrans", "vtrans"),
}

CONFIGURATIONS: dict[str, Configuration] = {
    **{name: Configuration(name, "paper", actions_from_bits(bits), 1) for name, bits in _PAPER_BITS.items()},
    **{name: Configuration(name, "paper", (name,), 1) for name in ACTIONS},
    **{name: Configuration(name, "group", actions, 4) for name, actions in _GROUP_ACTIONS.items()},
    "any-angle": Configuration("any-angle", "bilinear", ("rotation",), 1),
}
"""All configurations, by name; a `DatasetSpec` states which ones a dataset has."""

DEFAULT_CONFIGURATION = "d4-roll"
"""Of every dataset that does not state another."""

_COMMON = (*_PAPER_BITS, *ACTIONS, *_GROUP_ACTIONS)


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset that this package generates.

    Attributes:
        name: what users type, such as `g-mnist`.
        title: for people.
        version: MAJOR.MINOR.PATCH; MAJOR changes when existing samples change, MINOR when something is added, PATCH
            when the same data are serialised otherwise.
        source_name: one of `gdatasets.sources.published.SOURCES`.
        validation: samples at the end of `train` that the benchmark uses as its validation split.
        released: the day of this version, YYYY-MM-DD; empty for a user's own dataset.
        configurations: names of the configurations that it has; by default the 23 of the families paper and group.
        default_configuration: the one that is meant where none is named.
    """

    name: str
    title: str
    version: str
    source_name: str
    validation: int = 0
    released: str = ""
    configurations: tuple[str, ...] = _COMMON
    default_configuration: str = DEFAULT_CONFIGURATION

    @property
    def source(self) -> Source:
        return SOURCES[self.source_name]

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def at(self, version: str) -> "DatasetSpec":
        """The same dataset at another version."""
        return replace(self, version=version)

    def configuration(self, name: str | None = None) -> Configuration:
        """A configuration of this dataset, by default its default one.

        Raises:
            UnknownNameError: it has none of that name; lists those that it has.
        """
        chosen = self.default_configuration if name is None else name
        if chosen not in self.configurations:
            raise UnknownNameError(f"configuration of {self.name}", chosen, self.configurations)
        return CONFIGURATIONS[chosen]


DATASETS: dict[str, DatasetSpec] = {
    spec.name: spec
    for spec in (
        DatasetSpec("g-mnist", "G-MNIST", "1.0.0", "mnist", 10_000, "2026-11-23"),
        DatasetSpec("g-fashion-mnist", "G-Fashion-MNIST", "1.0.0", "fashion-mnist", 10_000, "2026-11-23"),
        DatasetSpec("g-digits", "G-Digits", "1.0.0", "digits", 300, "2026-11-23"),
        DatasetSpec(
            "mnist-rot", "MNIST-rot", "1.0.0", "mnist-resplit", 2_000, "2026-11-23", ("any-angle",), "any-angle"
        ),
    )
}


def dataset_spec(name: str) -> DatasetSpec:
    """The specification of a dataset; raises `UnknownNameError` with the known names."""
    if name not in DATASETS:
        raise UnknownNameError("dataset", name, DATASETS)
    return DATASETS[name]


def configuration(name: str) -> Configuration:
    """A configuration by name; raises `UnknownNameError` with the known names."""
    if name not in CONFIGURATIONS:
        raise UnknownNameError("configuration", name, CONFIGURATIONS)
    return CONFIGURATIONS[name]


def fingerprint(spec: Configuration | DatasetSpec) -> str:
    """SHA-256 of a specification; equal values have equal fingerprints."""
    text = json.dumps({type(spec).__name__: asdict(spec)}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _pinned() -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    text = resources.files("gdatasets").joinpath("pinned_digests.json").read_text(encoding="utf-8")
    pinned: dict[str, dict[str, dict[str, dict[str, str]]]] = json.loads(text)
    return pinned


def published_versions(dataset: str) -> tuple[str, ...]:
    """The versions of a dataset whose digests this package pins, oldest first."""
    return tuple(_pinned().get(dataset_spec(dataset).name, {}))


def pinned_digests(dataset: str, version: str) -> dict[str, dict[str, str]]:
    """The published digests of a version, by configuration and split; raises `UnknownNameError`."""
    versions = _pinned().get(dataset_spec(dataset).name, {})
    if version not in versions:
        raise UnknownNameError("version", version, versions)
    return versions[version]


def pinned_digest(dataset: str, config: str, split: str, version: str | None = None) -> str:
    """The published `content_sha256` of one split, by default of the current version.

    Raises:
        UnknownNameError: no such dataset, version, configuration or split was published.
    """
    spec = dataset_spec(dataset)
    splits = pinned_digests(dataset, version or spec.version).get(spec.configuration(config).name, {})
    if split not in splits:
        raise UnknownNameError("split", split, splits)
    return splits[split]


def own_spec(source: FolderSource, name: str = "", version: str = "1.0.0") -> DatasetSpec:
    """The specification of a user's dataset; its name keys the random numbers, as a published dataset's does.

    Raises:
        InvalidArgumentError: the name or the version is malformed.
    """
    chosen = name or re.sub(r"[^a-z0-9._-]+", "-", source.about.name.lower()).strip("-._")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}", chosen):
        raise InvalidArgumentError(f'"{chosen}" cannot be the name of a dataset; use letters, digits, ".", "_", "-".')
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise InvalidArgumentError(f'Expected a version MAJOR.MINOR.PATCH, got "{version}".')
    return DatasetSpec(chosen, source.provenance.title or chosen, version, source.about.name)
