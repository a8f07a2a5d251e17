"""A finished build on this machine: what it is, and its samples, compared with the manifest before they are used."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from gdatasets.errors import IntegrityError, InvalidArgumentError, UnknownNameError
from gdatasets.files import matches
from gdatasets.folder.card import dataset_digest
from gdatasets.folder.citation import Cited, render_citation
from gdatasets.folder.contents import SplitContents
from gdatasets.folder.identity import check_identity
from gdatasets.folder.manifest import Manifest, SplitRecord, read_manifest
from gdatasets.folder.own_group import folder_configuration
from gdatasets.generation.arrays import Arrays
from gdatasets.generation.configured import AnyConfiguration, element_dtype
from gdatasets.generation.group_moves import GroupConfiguration, undo_group
from gdatasets.generation.moves import undo
from gdatasets.generation.specs import DATASETS, DatasetSpec
from gdatasets.sources.source import Source, SourceArrays


@dataclass(frozen=True, eq=False)
class BuiltDataset:
    """A folder that `gdatasets build` made.

    Attributes:
        folder: where it is.
        manifest: what it holds.
    """

    folder: Path
    manifest: Manifest

    @property
    def spec(self) -> DatasetSpec:
        """The published dataset at the build's version, or the specification of one's own."""
        built = self.manifest
        if built.dataset in DATASETS:
            return DATASETS[built.dataset].at(built.version)
        return DatasetSpec(
            built.dataset, built.title, built.version, built.source.name, configurations=tuple(built.configurations)
        )

    @property
    def about(self) -> Source:
        """The original images, as the manifest states them; all configurations have the same splits."""
        if self.manifest.dataset in DATASETS:
            return self.spec.source
        source, configurations = self.manifest.source, self.manifest.configurations.values()
        return Source(
            name=source.name,
            title=source.title,
            classes=tuple(self.manifest.classes),
            samples={split: record.samples for config in configurations for split, record in config.splits.items()},
            license=source.license,
            homepage=source.homepage,
            citation=source.citation,
            image_shape=self.manifest.shape,
        )

    def cite(self, form: str = "bibtex") -> str:
        """The citation, with the digest of what the folder holds; raises UnknownNameError for another form."""
        return render_citation(Cited(self.spec, self.about, dataset_digest(self.spec, self.manifest)), form)

    def configuration(self, name: str) -> AnyConfiguration:
        """A configuration of the folder; raises UnknownNameError for others."""
        return folder_configuration(self.manifest, name)

    def read(self, config: str, split: str) -> Arrays:
        """A split of a configuration.

        Raises:
            UnknownNameError: the folder has no such configuration or split.
            IntegrityError: a file or the content is not the one of the manifest.
        """
        elements, record = element_dtype(self.configuration(config)), self.record(config, split)
        contents = SplitContents(self.folder, self.manifest, config, split)
        for shard in record.shards:
            if not matches(self.folder / shard.path, shard.bytes, shard.sha256):
                raise IntegrityError(f"{self.folder / shard.path} is missing or changed; build the folder again.")
        pieces = [piece for shard in record.shards for piece in contents.read(shard)]
        arrays = Arrays(
            np.concatenate([np.empty((0, *self.manifest.shape), dtype=np.uint8), *(p.images for p in pieces)]),
            np.concatenate([np.empty(0, dtype=np.int64), *(p.labels for p in pieces)]),
            np.concatenate([np.empty(0, dtype=np.int64), *(p.source_index for p in pieces)]),
            np.concatenate([np.empty(0, dtype=elements), *(p.elements for p in pieces)]),
        )
        if arrays.content_sha256 != record.content_sha256:
            raise IntegrityError(f"{self.folder}: {config}/{split} is not the content of its manifest; build it again.")
        return arrays

    def record(self, config: str, split: str) -> SplitRecord:
        """What the manifest states of a split; raises UnknownNameError for one that is not there."""
        if config not in self.manifest.configurations:
            raise UnknownNameError(f"configuration of {self.folder}", config, self.manifest.configurations)
        splits = self.manifest.configurations[config].splits
        if split not in splits:
            raise UnknownNameError(f"split of {self.folder}", split, splits)
        return splits[split]


@dataclass(frozen=True, eq=False)
class RestoredSource:
    """The original images of a build, put back from those that it holds, as an `ImageSource`.

    Attributes:
        build: the folder.
        config: one of its configurations whose moves only permute pixels.
    """

    build: BuiltDataset
    config: str

    @property
    def about(self) -> Source:
        return self.build.about

    @property
    def image_shape(self) -> tuple[int, ...]:
        return self.build.manifest.shape

    def digest(self) -> str:
        return self.build.manifest.source.sha256

    def read(self, split: str, start: int, stop: int) -> SourceArrays:
        if split not in self._restored:
            moved, config = self.build.read(self.config, split), self.build.configuration(self.config)
            if isinstance(config, GroupConfiguration):
                images = undo_group(moved.images, config.group, np.ascontiguousarray(moved.elements["element"]))
            else:
                images = undo(moved.images, moved.elements)
            self._restored[split] = SourceArrays(images, moved.labels)
        images, labels = self._restored[split]
        return SourceArrays(images[start:stop], labels[start:stop])

    @cached_property
    def _restored(self) -> dict[str, SourceArrays]:
        return {}


def open_build(folder: str | os.PathLike[str]) -> BuiltDataset:
    """A finished build, its manifest read and compared with what this package knows of the dataset.

    Raises:
        IntegrityError: there is no sound manifest, or it is not of the dataset that it names.
    """
    build = BuiltDataset(Path(folder), read_manifest(Path(folder)))
    if wrong := check_identity(build.manifest):
        raise IntegrityError(f"{folder} cannot be trusted: {wrong[0]}; build it again.")
    if not build.manifest.configurations:
        raise IntegrityError(f"{folder} holds no configuration; build one.")
    return build


def find_build(name: str) -> BuiltDataset | None:
    """The build that a name on a command line means: a folder, unless a published dataset has the name."""
    return open_build(name) if name.removeprefix("aen/") not in DATASETS and Path(name).is_dir() else None


def restore_source(build: BuiltDataset, config: str) -> RestoredSource:
    """The original images behind a configuration of a build, from that one or another one that can be undone.

    Raises:
        UnknownNameError: the folder has no such configuration.
        InvalidArgumentError: no configuration of the folder can be undone.
    """
    build.configuration(config)
    for name in (config, *build.manifest.configurations):
        found = build.configuration(name)
        if isinstance(found, GroupConfiguration) or found.pixel_exact:
            return RestoredSource(build, name)
    raise InvalidArgumentError(
        f"The images of {config} were turned by angles that lose pixels; give --source DIR|ZIP, the original images."
    )
