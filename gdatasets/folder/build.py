"""A dataset folder from a source: Parquet shards, card, manifest; atomic, resumable, in bounded memory.

What this module manages on disk, below the folder that the user names:

    README.md  preview.png  croissant.json  CITATION.cff     rewritten after each configuration
    manifest.json                                            written last: what it lists is finished
    aug2/train-00000-of-00006.parquet ...                    appears whole, when all shards of aug2 are written
    .partial/.lock                                           held while a build runs
    .partial/aug2/train-00000-of-00006.parquet ...           whole shards of an unfinished configuration

Nothing about an unfinished build is trusted: its shards are compared with what they should hold and used if equal.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gdatasets.errors import IntegrityError, InvalidArgumentError, OutputError
from gdatasets.files import file_sha256, locked, matches, output_error, writing
from gdatasets.folder.card import write_card
from gdatasets.folder.manifest import (
    NAME,
    ConfigRecord,
    FileRecord,
    Manifest,
    SourceRecord,
    SplitRecord,
    read_manifest,
    write_manifest,
)
from gdatasets.folder.own_group import check_group_configurations, folder_configuration, group_config_record
from gdatasets.folder.shards import read_shard, write_shard
from gdatasets.generation.arrays import Arrays, SplitPlan
from gdatasets.generation.configured import AnyConfiguration, as_configuration, config_fingerprint, element_dtype
from gdatasets.generation.digests import ContentHasher
from gdatasets.generation.group_moves import GroupConfiguration
from gdatasets.generation.specs import (
    BUILT_IN,
    CONFIGURATIONS,
    DATASETS,
    DatasetSpec,
    dataset_spec,
    fingerprint,
    pinned_digest,
)
from gdatasets.groups.group import Group
from gdatasets.processes import adopt_environment, end_with_parent, worker_context
from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.published import PublishedSource
from gdatasets.sources.sized import SizedSource, at_size
from gdatasets.sources.source import ImageSource

Progress = Callable[[str, int, int], None]
"""Called with what is being made, samples done and samples in all."""

_SHARD_SAMPLES = 10_000
_MAX_WORKERS = 1_000
_SHARD_BYTES = 1 << 28


@dataclass(frozen=True)
class BuildOptions:
    """How to build; none of it changes the content.

    Attributes:
        workers: processes that encode images; 1 encodes in this one.
        shard_size: samples in a shard; by default 10,000, or as many as have 256 MiB of pixels.
        progress: told of every piece that is finished.
    """

    workers: int = 1
    shard_size: int | None = None
    progress: Progress = field(default=lambda _what, _done, _total: None)

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= _MAX_WORKERS:
            raise InvalidArgumentError(f"Expected at least 1 worker and at most {_MAX_WORKERS:,}, got {self.workers}.")
        if self.shard_size is not None and self.shard_size < 1:
            raise InvalidArgumentError(f"Expected at least 1 sample in a shard, got {self.shard_size}.")


def build_dataset(
    name: str,
    configs: Sequence[str | Group | GroupConfiguration],
    out: str | os.PathLike[str],
    root: str | os.PathLike[str] | None = None,
    options: BuildOptions | None = None,
    size: int | None = None,
) -> Manifest:
    """Build configurations of a dataset into a folder; what is finished there is kept.

    Args:
        name: one of `gdatasets.DATASETS`, or an import path.
        configs: names of configurations that the dataset has; none means its default one. A dataset that does not
            come with the package takes groups of pixel permutations too.
        out: the folder; made where it is missing.
        root: a torchvision-style folder to look for the source's raw files in first.
        options: how to build.
        size: pixels along a side, fewer than the source has: another dataset, `NAME-SIZE`, without published digests.

    Raises:
        UnknownNameError: no such dataset or configuration.
        InvalidArgumentError: a group does not fit the images or the dataset; the source is smaller than `size`.
        SourceError: the source is missing and cannot be fetched, or is not the published one.
        OutputError: the folder cannot be written, holds something else, or another build is writing to it.
        IntegrityError: this machine generates other bytes than the published ones.
    """
    spec = dataset_spec(name)
    source = at_size(PublishedSource(spec.source_name, root), size)
    return build(spec.at_size(source.image_shape[0]), source, configs, out, options)


def build(
    spec: DatasetSpec,
    source: ImageSource,
    configs: Sequence[str | Group | GroupConfiguration],
    out: str | os.PathLike[str],
    options: BuildOptions | None = None,
) -> Manifest:
    """Build configurations of any source into a folder; see `build_dataset`."""
    options = options or BuildOptions()
    wanted = _wanted(spec, configs)
    _check_not_published(spec.name, source)
    for split in source.about.samples:
        source.read(split, 0, 1)  # a missing source is an error before anything is written
    folder = Path(out)
    manifest = _existing(folder, spec, source)
    check_group_configurations(
        [config for config in wanted if isinstance(config, GroupConfiguration)], source.image_shape, manifest
    )
    with _workspace(folder) as partial, _pool(options.workers) as pool:
        builder = _Builder(spec, source, folder, partial, options, pool)
        for config in wanted:
            manifest = builder.add(manifest, config)
    return manifest


def check_own_dataset(spec: DatasetSpec) -> None:
    """Raise `InvalidArgumentError` for a dataset of the package, which has no groups of the user's own."""
    if spec.name in BUILT_IN:
        raise InvalidArgumentError(
            f"{spec.name} is the name of a published dataset, whose configurations are fixed; give your own group a "
            "dataset of another name."
        )


def _check_not_published(name: str, source: ImageSource) -> None:
    """Whether images that are not the published ones go by a name of their own.

    Names are compared in lower case, and those of moved datasets without the `-SIZE` that `DatasetSpec.at_size` adds.

    Raises:
        InvalidArgumentError: `name` is that of a published dataset or source; says under which name they may be used.
    """
    typed = name.lower()
    moved = DATASETS.get(typed) or DATASETS.get(re.sub(r"-[0-9]+$", "", typed))
    published = moved.source if moved is not None else SOURCES.get(typed)
    if published is None:
        return
    read = source.original if isinstance(source, SizedSource) else source
    if isinstance(read, PublishedSource) and read.name == (moved.source_name if moved is not None else typed):
        return
    count, whole = sum(source.about.samples.values()), sum(published.samples.values())
    raise InvalidArgumentError(
        f"{source.about.title} ({count:,} images) is not the published {name} ({whole:,} images of {published.title}, "
        f"in the publisher's own files); use it under a name of its own, such as {published.subset_name(count)}."
    )


def _wanted(spec: DatasetSpec, configs: Sequence[str | Group | GroupConfiguration]) -> list[AnyConfiguration]:
    """The configurations that are asked for, each once."""
    wanted: dict[str, AnyConfiguration] = {}
    for given in configs or (None,):
        if isinstance(given, Group | GroupConfiguration):
            check_own_dataset(spec)
            config = as_configuration(given)
        else:
            config = spec.configuration(given)
        if wanted.get(config.name, config) != config:
            raise InvalidArgumentError(f'Two configurations are named "{config.name}"; give each its own name.')
        wanted[config.name] = config
    return list(wanted.values())


def _existing(folder: Path, spec: DatasetSpec, source: ImageSource) -> Manifest:
    """The manifest in the folder, an empty one where there is none; an error where another dataset is there."""
    about = source.about
    fresh = Manifest(
        dataset=spec.name,
        title=spec.title,
        version=spec.version,
        image_shape=list(source.image_shape),
        classes=list(about.classes),
        source=SourceRecord(
            name=about.name,
            title=about.title,
            license=about.license,
            homepage=about.homepage,
            citation=about.citation,
            sha256=source.digest(),
        ),
        configurations={},
        files=[],
    )
    if not folder.exists():
        return fresh
    if not folder.is_dir():
        raise OutputError(f"{folder} is not a folder; choose another --out.")
    if not (folder / NAME).exists():
        strangers = [path.name for path in folder.iterdir() if path.name != ".partial"]
        if strangers and not (folder / ".partial").is_dir():
            raise OutputError(f"{folder} is not empty and holds no build ({strangers[0]}); choose another --out.")
        return fresh
    found = read_manifest(folder)
    ours = fresh.model_copy(update={"configurations": {}, "files": [], "sha256": ""})
    theirs = found.model_copy(update={"configurations": {}, "files": [], "sha256": ""})
    if ours != theirs:
        raise OutputError(
            f"{folder} holds {found.dataset}@{found.version} from the source {found.source.sha256[:16]}..., not "
            f"{spec.name}@{spec.version} from {fresh.source.sha256[:16]}...; choose another --out."
        )
    return found


@contextmanager
def _workspace(folder: Path) -> Iterator[Path]:
    """The place for unfinished work, held by this process; removed unless whole shards are left to resume from."""
    existed = folder.exists()
    partial = folder / ".partial"
    if partial.is_symlink():
        raise OutputError(f"{partial} is a link, and nothing is written into links; remove it or choose another --out.")
    try:
        with locked(partial):
            for leftover in [*folder.glob(".*.part"), *partial.glob("*/.*.part")]:  # of a killed build
                leftover.unlink()
            try:
                yield partial
            finally:
                if not any(partial.glob("*/*.parquet")):
                    shutil.rmtree(partial, ignore_errors=True)
    finally:
        if not existed:
            with suppress(OSError):
                folder.rmdir()  # only where it is still empty


def _begin(variables: dict[str, str]) -> None:
    adopt_environment(variables)
    end_with_parent()


@contextmanager
def _pool(workers: int) -> Iterator[Executor | None]:
    if workers == 1:
        yield None
        return
    try:
        with ProcessPoolExecutor(workers, worker_context(), _begin, (dict(os.environ),)) as pool:
            yield pool
    except BrokenExecutor as error:
        raise OutputError("A worker process was killed, perhaps for its memory; use fewer --workers.") from error


@dataclass(frozen=True)
class _Builder:
    spec: DatasetSpec
    source: ImageSource
    folder: Path
    partial: Path
    options: BuildOptions
    pool: Executor | None

    def add(self, manifest: Manifest, config: AnyConfiguration) -> Manifest:
        """The manifest with this configuration finished in it and on disk."""
        name = config.name
        done = manifest.configurations.get(name)
        if isinstance(config, GroupConfiguration) and done is not None:
            config = _same_group(manifest, config)
        if done is not None and done.fingerprint == config_fingerprint(config) and self._is_intact(done):
            if any(not matches(self.folder / file.path, file.bytes, file.sha256) for file in manifest.files):
                return self._describe(manifest)
            return manifest
        place, work = self.folder / name, self.partial / name
        for folder in (place, work):
            _check_shards_only(folder)
        if place.exists():  # shards of a build that ended before its manifest, or damaged ones: used where right
            shutil.rmtree(work, ignore_errors=True)
            place.rename(work)
        work.mkdir(exist_ok=True)
        splits = {split: self._split(config, split, work) for split in self.source.about.samples}
        wanted = {Path(shard.path).name for split in splits.values() for shard in split.shards}
        for stray in [path for path in work.iterdir() if path.name not in wanted]:
            stray.unlink()
        work.rename(place)
        records = {**manifest.configurations, name: _config_record(config, splits)}
        own = sorted(set(records) - set(CONFIGURATIONS))
        ordered = {known: records[known] for known in [*CONFIGURATIONS, *own] if known in records}
        return self._describe(manifest.model_copy(update={"configurations": ordered}))

    def _is_intact(self, record: ConfigRecord) -> bool:
        shards = [shard for split in record.splits.values() for shard in split.shards]
        return all(matches(self.folder / shard.path, shard.bytes, shard.sha256) for shard in shards)

    def _describe(self, manifest: Manifest) -> Manifest:
        """Write the metadata, and the manifest after it."""
        files = []
        for path in write_card(self.folder, self.spec, self.source, manifest):
            files.append(_record(path, self.folder))
        return write_manifest(self.folder, manifest.model_copy(update={"files": files}))

    def _split(self, config: AnyConfiguration, split: str, work: Path) -> SplitRecord:
        name = config.name
        plan = SplitPlan(self.spec, config, self.source, split)
        hasher = ContentHasher(self.source.image_shape, element_dtype(config))
        size = self.options.shard_size or _default_shard_size(self.source.image_shape)
        starts = range(0, len(plan), size) or range(1)
        shards = []
        for number, start in enumerate(starts):
            stop = min(len(plan), start + size)
            path = work / f"{split}-{number:05d}-of-{len(starts):05d}.parquet"
            pieces = self._watched(plan.pieces(start, stop), hasher, f"{name}/{split}", (start, len(plan)))
            self._shard(path, plan, pieces, (start, stop))
            record = _record(path, work)
            shards.append(record.model_copy(update={"path": f"{name}/{path.name}", "samples": stop - start}))
        digest = hasher.hexdigest()
        if self.spec.name in DATASETS and not isinstance(config, GroupConfiguration):
            pinned = pinned_digest(self.spec.name, name, split, self.spec.version)
            if pinned is not None and digest != pinned:
                shutil.rmtree(work)
                raise IntegrityError(
                    f"{self.spec.name}/{name}/{split} came out with content_sha256 {digest[:16]}..., published is "
                    f"{pinned[:16]}...; please report it with your versions of numpy and pillow."
                )
        return SplitRecord(samples=len(plan), content_sha256=digest, shards=shards)

    def _watched(
        self, pieces: Iterable[Arrays], hasher: ContentHasher, what: str, done_and_total: tuple[int, int]
    ) -> Iterator[Arrays]:
        done, total = done_and_total
        for piece in pieces:
            hasher.update(piece.images, piece.labels, piece.source_index, piece.elements)
            yield piece
            done += len(piece)
            self.options.progress(what, done, total)

    def _shard(self, path: Path, plan: SplitPlan, pieces: Iterator[Arrays], bounds: tuple[int, int]) -> None:
        """Write a shard, or leave it where it holds the right samples already; takes all of `pieces`."""
        if path.exists():
            if self._is_right(path, pieces, bounds[1] - bounds[0], element_dtype(plan.config)):
                return
            pieces = plan.pieces(*bounds)
        try:
            with writing(path) as stream:
                write_shard(stream, self.source.about.classes, pieces, self.pool, element_dtype(plan.config))
        except OSError as error:
            raise output_error(path, error) from error

    def _is_right(self, path: Path, pieces: Iterator[Arrays], samples: int, elements: np.dtype[np.void]) -> bool:
        shape = self.source.image_shape
        expected, found = ContentHasher(shape, elements), ContentHasher(shape, elements)
        for piece in pieces:
            expected.update(piece.images, piece.labels, piece.source_index, piece.elements)
        try:
            for piece in read_shard(path, self.source.about.classes, shape, samples, elements, is_own=True):
                found.update(piece.images, piece.labels, piece.source_index, piece.elements)
        except IntegrityError:
            return False
        return found.hexdigest() == expected.hexdigest()


def _check_shards_only(folder: Path) -> None:
    """Where shards go there is nothing, or a folder of files: what somebody else put there is not moved about."""
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
        raise OutputError(f"{folder} is no folder, and shards are to be written into one; move it away.")
    for path in folder.iterdir() if folder.exists() else ():
        if path.is_dir() and not path.is_symlink():
            raise OutputError(f"{path} is a folder among shards; move it away.")


def _config_record(config: AnyConfiguration, splits: dict[str, SplitRecord]) -> ConfigRecord:
    if isinstance(config, GroupConfiguration):
        return group_config_record(config, splits)
    return ConfigRecord(
        family=config.family,
        actions=list(config.actions),
        step=config.step,
        fingerprint=fingerprint(config),
        splits=splits,
    )


def _same_group(manifest: Manifest, config: GroupConfiguration) -> GroupConfiguration:
    """The finished configuration of this name, which may have other generators of the same group."""
    done = folder_configuration(manifest, config.name)
    if not isinstance(done, GroupConfiguration) or (
        done.group.permutation_group.fingerprint != config.group.permutation_group.fingerprint
    ):
        raise OutputError(f'The folder holds another group named "{config.name}"; choose another name or --out.')
    return done


def _default_shard_size(image_shape: tuple[int, ...]) -> int:
    return max(1, min(_SHARD_SAMPLES, _SHARD_BYTES // int(np.prod(image_shape))))


def _record(path: Path, folder: Path) -> FileRecord:
    return FileRecord(path=path.relative_to(folder).as_posix(), bytes=path.stat().st_size, sha256=file_sha256(path))
