"""Checking a dataset folder, or what this machine generates, against digests.

Without `rebuild`, a shard is opened only when its SHA-256 is the manifest's: hash before parse. With it, a damaged
shard is opened too, within bounds, to name the sample that differs.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdatasets.errors import IntegrityError, InvalidArgumentError, UnknownNameError
from gdatasets.files import matches
from gdatasets.folder.build import Progress
from gdatasets.folder.card import default_configuration
from gdatasets.folder.contents import SplitContents, unlisted_files
from gdatasets.folder.datasets_library import can_be_loaded_from, differences_as_loaded
from gdatasets.folder.identity import check_description, check_header, check_identity, check_texts
from gdatasets.folder.manifest import FileRecord, Manifest, read_manifest
from gdatasets.folder.own_group import folder_configuration
from gdatasets.folder.preview import contact_sheet, shows
from gdatasets.generation.arrays import Arrays, SplitPlan
from gdatasets.generation.configured import AnyConfiguration
from gdatasets.generation.digests import ContentHasher
from gdatasets.generation.specs import (
    CONFIGURATIONS,
    DATASETS,
    DatasetSpec,
    no_published_digest,
    pinned_digests,
)
from gdatasets.sources.source import ImageSource


@dataclass
class Report:
    """What a verification looked at and what it found wrong.

    Attributes:
        splits: splits whose contents were compared.
        samples: samples in them.
        findings: one line each; none means verified.
        notices: what else is to be known of the result, one line each.
    """

    splits: int = 0
    samples: int = 0
    findings: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def verified(self) -> bool:
        return not self.findings


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


def verify_folder(
    folder: str | os.PathLike[str],
    source: ImageSource | None = None,
    configs: tuple[str, ...] = (),
    progress: Progress = _silent,
) -> Report:
    """Compare the files with the manifest and the contents with the manifest and the pinned digests.

    Args:
        folder: a finished build.
        source: rebuild everything from it as well, and name the samples that differ.
        configs: only the contents of these configurations; by default all.
        progress: told of every piece that is compared.

    Raises:
        UnknownNameError: a configuration is not in the folder.
        SourceError: the source is missing or not the published one.
    """
    report, place = Report(), Path(folder)
    try:
        manifest = read_manifest(place)
    except IntegrityError as error:
        report.findings.append(str(error))
        return report
    for name in configs:
        if name not in manifest.configurations:
            raise UnknownNameError("configuration", name, manifest.configurations)
    damaged = _check_files(place, manifest, report)
    report.findings += check_identity(manifest)
    report.findings += check_header(place, manifest) if "README.md" not in damaged else []
    spec = DatasetSpec(manifest.dataset, manifest.title, manifest.version, manifest.source.name)
    report.notices += [notice] if (notice := no_published_digest(spec)) else []
    if source is not None and source.digest() != manifest.source.sha256:
        ours, theirs = source.digest(), manifest.source.sha256
        report.findings.append(f"the source is another one: SHA-256 {ours[:16]}..., the build's {theirs[:16]}...")
    for name, config in manifest.configurations.items():
        if configs and name not in configs:
            continue
        known = _known(manifest, name, report) if source is not None else None
        for split in config.splits:
            plan = None
            if source is not None and known is not None and split in source.about.samples:
                plan = SplitPlan(spec, known, source, split)
            _check_split(SplitContents(place, manifest, name, split), damaged, plan, report, progress)
    if not can_be_loaded_from(place):
        report.notices.append(f"{place} was not loaded as `datasets` does, which takes its brackets for a pattern")
    elif report.verified:  # only now is everything that `datasets` parses known
        for name in configs or tuple(manifest.configurations):
            report.findings += differences_as_loaded(place, manifest, name)
    if manifest.dataset in DATASETS:
        known_spec = DATASETS[manifest.dataset].at(manifest.version)
        report.findings += check_description(manifest, known_spec, known_spec.source)
        texts = check_texts(place, manifest, known_spec, known_spec.source)
        report.findings += [finding for name, finding in texts.items() if name not in damaged]
    if source is not None and "preview.png" not in damaged:
        report.findings += _check_preview(place, manifest, spec, source)
    return report


def _check_preview(folder: Path, manifest: Manifest, spec: DatasetSpec, source: ImageSource) -> list[str]:
    if source.digest() != manifest.source.sha256:  # has been reported
        return []
    try:
        sheet = contact_sheet(spec, folder_configuration(manifest, default_configuration(manifest)), source)
    except (IntegrityError, InvalidArgumentError):  # has been reported with the configuration
        return []
    return [] if shows(folder / "preview.png", sheet) else ["preview.png does not show what the source gives"]


def _known(manifest: Manifest, name: str, report: Report) -> AnyConfiguration | None:
    """The configuration to rebuild; None, and a finding, where the manifest's group is not what it says."""
    if name not in CONFIGURATIONS and manifest.configurations[name].group is None:
        return None
    try:
        return folder_configuration(manifest, name)
    except (IntegrityError, InvalidArgumentError) as error:
        if (finding := str(error).removesuffix(".")) not in report.findings:
            report.findings.append(finding)
        return None


def verify_version(
    spec: DatasetSpec, source: ImageSource, configs: tuple[str, ...] = (), progress: Progress = _silent
) -> Report:
    """Generate a published version from its source and compare with the digests that this package pins.

    Raises:
        UnknownNameError: no such version or configuration.
        InvalidArgumentError: no digest of the dataset was published.
    """
    report = Report()
    if notice := no_published_digest(spec):
        raise InvalidArgumentError(f"{notice.partition(';')[0]}; build it, and verify the folder with --rebuild.")
    for name in configs:
        spec.configuration(name)
    for name, splits in pinned_digests(spec.name, spec.version).items():
        if configs and name not in configs:
            continue
        for split, pinned in splits.items():
            plan = SplitPlan(spec, CONFIGURATIONS[name], source, split)
            hasher, done = ContentHasher(source.image_shape), 0
            for piece in plan.pieces(0, len(plan)):
                hasher.update(piece.images, piece.labels, piece.source_index, piece.elements)
                done += len(piece)
                progress(f"{name}/{split}", done, len(plan))
            _compare_digest(report, f"{spec.name}@{spec.version}/{name}/{split}", hasher.hexdigest(), pinned, "pinned")
            report.splits += 1
            report.samples += len(plan)
    return report


def _check_files(folder: Path, manifest: Manifest, report: Report) -> set[str]:
    """Every file against its record; returns the paths that differ."""
    damaged = set()
    for file in manifest.all_files():
        path = folder / file.path
        if not path.is_file():
            report.findings.append(f"{file.path} is missing")
        elif not matches(path, file.bytes, file.sha256):
            report.findings.append(f"{file.path} differs from the manifest")
        else:
            continue
        damaged.add(file.path)
    report.findings += [f"{path} is not in the manifest" for path in unlisted_files(folder, manifest)]
    return damaged


def _check_split(
    contents: SplitContents, differing: set[str], plan: SplitPlan | None, report: Report, progress: Progress
) -> None:
    record, what = contents.record, f"{contents.config}/{contents.split}"
    damaged = [shard for shard in record.shards if shard.path in differing]
    hasher, start = contents.hasher(), 0
    for shard in record.shards:
        if plan is None and shard in damaged:
            continue
        if (contents.folder / shard.path).is_file():
            _check_shard(contents, shard, start, plan, hasher, report)
        start += shard.samples
        progress(what, start, record.samples)
    if start != record.samples and not damaged:
        report.findings.append(f"{what}: the shards hold {start} samples, the manifest says {record.samples}")
    if plan is not None and len(plan) != record.samples:
        report.findings.append(f"{what}: {record.samples} samples, the source has {len(plan)}")
    if not damaged:
        _compare_digest(report, what, hasher.hexdigest(), record.content_sha256, "the manifest's")
    report.splits += 1
    report.samples += record.samples


def _check_shard(
    contents: SplitContents,
    shard: FileRecord,
    start: int,
    plan: SplitPlan | None,
    hasher: ContentHasher,
    report: Report,
) -> None:
    sample = start
    try:
        for piece in contents.read(shard):
            hasher.update(piece.images, piece.labels, piece.source_index, piece.elements)
            if plan is not None and sample + len(piece) <= len(plan):
                for difference in _differences(piece, plan.generate(sample, sample + len(piece)), sample):
                    report.findings.append(f"{shard.path}: {difference}")
            sample += len(piece)
    except IntegrityError as error:
        report.findings.append(f"{shard.path}: {error} (after sample {sample - 1})" if sample > start else str(error))


def _differences(found: Arrays, expected: Arrays, start: int) -> Iterator[str]:
    """The first sample of each column that differs, and how many do."""
    columns: dict[str, Callable[[Arrays], NDArray[Any]]] = {
        "image": lambda arrays: arrays.images.reshape(len(arrays), -1),
        "label": lambda arrays: arrays.labels[:, None],
        "source_index": lambda arrays: arrays.source_index[:, None],
        "element": lambda arrays: arrays.elements[:, None],
    }
    for name, column in columns.items():
        wrong = np.flatnonzero((column(found) != column(expected)).any(axis=1))
        if len(wrong):
            yield f"{name} of sample {start + int(wrong[0])} differs from the source ({len(wrong)} in this piece)"


def _compare_digest(report: Report, what: str, found: str, expected: str, whose: str) -> None:
    if found != expected:
        report.findings.append(f"{what}: content_sha256 {found[:16]}... is not {whose} {expected[:16]}...")
