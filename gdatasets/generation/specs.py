"""What a dataset and a configuration are: frozen values, their registry and their fingerprints.

Three families of configurations. *paper*: the random transforms of the released code of arXiv 2104.04848, drawn once
for each image: `rotation` by any angle (nearest neighbor, zero fill) always, every other action with probability 1/2,
rolls by one pixel. *group*: a uniformly random element of a finite group, pixel-exact and invertible. *bilinear*:
`rotation` by any angle with bilinear interpolation and zero fill, as in Rotated MNIST.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.groups.actions import ACTIONS, actions_from_bits, bits_from_actions
from gdatasets.registry import Registry
from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.source import Source

if TYPE_CHECKING:
    from gdatasets.generation.rotation import Interpolation
    from gdatasets.sources.image_folder import FolderSource

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
    def interpolation(self) -> "Interpolation":
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

VALIDATION = "validation"
"""The split that is the end of `train`: its last `DatasetSpec.validation_samples`. No published file holds it apart."""

_OWN_VALIDATION = 10  # one in so many training images where no number is stated

_COMMON = (*_PAPER_BITS, *ACTIONS, *_GROUP_ACTIONS)


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset that this package generates.

    Attributes:
        name: what users type, such as `g-mnist`.
        title: for people.
        version: MAJOR.MINOR.PATCH; MAJOR changes when existing samples change, MINOR when something is added, PATCH
            when the same data are serialized otherwise.
        source_name: one of `gdatasets.sources.catalog.SOURCES`, or a source's import path.
        validation: samples at the end of `train` that the benchmark uses as its validation split.
        released: the day on which the digests of this version were published, YYYY-MM-DD; empty where they were not.
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
        return SOURCES.find(self.source_name)

    @property
    def validation_samples(self) -> int:
        """Samples at the end of `train` that choices are made by: as stated, else a tenth."""
        return self.validation or max(1, self.source.samples.get("train", 0) // _OWN_VALIDATION)

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def at(self, version: str) -> "DatasetSpec":
        """The same dataset at another version."""
        return replace(self, version=version)

    def at_size(self, size: int) -> "DatasetSpec":
        """The dataset of the same images at another size, `NAME-SIZE`; itself at the source's own size."""
        if size == self.source.image_shape[0]:
            return self
        return replace(self, name=f"{self.name}-{size}", title=f"{self.title} at {size}x{size}", released="")

    def configuration(self, name: str | None = None) -> Configuration:
        """A configuration of this dataset, by default its default one.

        Raises:
            UnknownNameError: it has none of that name; lists those that it has.
        """
        chosen = self.default_configuration if name is None else name
        if chosen not in self.configurations:
            raise UnknownNameError(f"configuration of {self.name}", chosen, self.configurations)
        return CONFIGURATIONS[chosen]


def moved_spec(source: Source) -> DatasetSpec:
    """The specification of a source's moved images, as `Source.moved` states it.

    Raises:
        InvalidArgumentError: it states none.
    """
    moved = source.moved
    if moved is None:
        raise InvalidArgumentError(f'The source "{source.name}" states no dataset of moved images (`Source.moved`).')
    return DatasetSpec(
        moved.name,
        moved.title,
        moved.version,
        source.name,
        source.validation,
        moved.released,
        moved.configurations or _COMMON,
        moved.default_configuration or DEFAULT_CONFIGURATION,
    )


def _built_in() -> dict[str, DatasetSpec]:
    """The datasets of all sources; those with published digests first, in the order of their publication."""
    specs = [moved_spec(source) for source in SOURCES.values() if source.moved is not None]
    order = list(_pinned())
    specs.sort(key=lambda spec: order.index(spec.name) if spec.name in order else len(order))
    return {spec.name: spec for spec in specs}


def _check_spec(name: str, value: Any) -> DatasetSpec:
    if not isinstance(value, DatasetSpec):
        raise InvalidArgumentError(f'"{name}" is no dataset: expected a DatasetSpec, got {type(value).__name__}.')
    if ":" not in name and name != value.name:
        raise InvalidArgumentError(f'This dataset is named "{value.name}"; register it by that name, not "{name}".')
    if value.name in DATASETS and value != DATASETS[value.name]:
        raise InvalidArgumentError(f'There is another dataset "{value.name}"; give yours another name.')
    _check_identifiers(value.name, value.version)
    if value.name != value.name.lower():
        raise InvalidArgumentError(f'"{value.name}" names folders of the benchmark; write it in lower case.')
    for config in value.configurations:
        configuration(config)
    value.configuration()
    _ = value.source
    return value


def _check_identifiers(name: str, version: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}", name):
        raise InvalidArgumentError(f'"{name}" cannot be the name of a dataset; use letters, digits, ".", "_", "-".')
    if not re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}", version):
        raise InvalidArgumentError(f'Expected a version MAJOR.MINOR.PATCH, got "{version}".')


def dataset_spec(name: str) -> DatasetSpec:
    """The specification of a dataset, by its name or import path; raises `UnknownNameError` with the known names."""
    return DATASETS.find(name)


def configuration(name: str) -> Configuration:
    """A configuration by name; raises `UnknownNameError` with the known names."""
    if name not in CONFIGURATIONS:
        raise UnknownNameError("configuration", name, CONFIGURATIONS)
    return CONFIGURATIONS[name]


def is_part_of_train(spec: DatasetSpec, split: str) -> bool:
    """Whether this is the validation split of a dataset that has none of its own: then it is the end of `train`."""
    return split == VALIDATION and VALIDATION not in spec.source.samples


def fingerprint(spec: Configuration | DatasetSpec) -> str:
    """SHA-256 of a specification; equal values have equal fingerprints."""
    text = json.dumps({type(spec).__name__: asdict(spec)}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _pinned() -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    text = resources.files("gdatasets").joinpath("pinned_digests.json").read_text(encoding="utf-8")
    pinned: dict[str, dict[str, dict[str, dict[str, str]]]] = json.loads(text)
    return pinned


DATASETS: Registry[DatasetSpec] = Registry("dataset", _built_in(), _check_spec)
"""Every dataset, by name; `register` adds one for this process, `find` takes import paths too."""


BUILT_IN = frozenset(DATASETS)
"""Names of the datasets that come with the package."""


def published_versions(dataset: str) -> tuple[str, ...]:
    """The versions of a dataset whose digests this package pins, oldest first; none of an unpinned dataset."""
    return tuple(_pinned().get(dataset_spec(dataset).name, {}))


def is_pinned(spec: DatasetSpec) -> bool:
    """Whether this package pins digests of the dataset."""
    return spec.name in _pinned()


def no_published_digest(spec: DatasetSpec) -> str:
    """What is to be said of a dataset whose digests this package does not pin, one line; empty where it does."""
    if is_pinned(spec):
        return ""
    return f"{spec.name}@{spec.version} has no published digest; cite the content_sha256 of your copy with it."


def pinned_digests(dataset: str, version: str) -> dict[str, dict[str, str]]:
    """The published digests of a version, by configuration and split; none of an unpinned dataset.

    Raises:
        UnknownNameError: no such dataset, or not that version of it.
    """
    spec = dataset_spec(dataset)
    versions = _pinned().get(spec.name, {})
    if not versions and version == spec.version:
        return {}
    if version not in versions:
        raise UnknownNameError(f"version of {spec.name}", version, versions or (spec.version,))
    return versions[version]


def pinned_digest(dataset: str, config: str, split: str, version: str | None = None) -> str | None:
    """The published `content_sha256` of one split, by default of the current version; None of an unpinned dataset.

    Raises:
        UnknownNameError: no such dataset, version, configuration or split was published.
    """
    spec = dataset_spec(dataset)
    digests = pinned_digests(dataset, version or spec.version)
    splits = digests.get(spec.configuration(config).name, {})
    if not digests:
        return None
    if split not in splits:
        raise UnknownNameError("split", split, splits)
    return splits[split]


def own_spec(source: "FolderSource", name: str = "", version: str = "1.0.0") -> DatasetSpec:
    """The specification of a user's dataset; its name keys the random numbers, as a published dataset's does.

    Raises:
        InvalidArgumentError: the name or the version is malformed.
    """
    return named_spec(source.about, name, version, source.provenance.title)


def named_spec(source: Source, name: str = "", version: str = "1.0.0", title: str = "") -> DatasetSpec:
    """The specification of a dataset of one's own that is made from any source; see `own_spec`."""
    chosen = name or re.sub(r"[^a-z0-9._-]+", "-", source.name.lower()).strip("-._")
    _check_identifiers(chosen, version)
    return DatasetSpec(chosen, title or chosen, version, source.name.replace(":", "-"))
