"""A manifest and the texts beside it, against what this version of the package knows and would write."""

from pathlib import Path

import yaml

from gdatasets.files import reading
from gdatasets.folder.card import card_header, dataset_digest, render_card
from gdatasets.folder.citation import Cited, render_citation
from gdatasets.folder.croissant import render_croissant
from gdatasets.folder.manifest import ConfigRecord, Manifest
from gdatasets.folder.own_group import check_group_record
from gdatasets.generation.specs import (
    BUILT_IN,
    CONFIGURATIONS,
    DATASETS,
    DatasetSpec,
    configuration,
    fingerprint,
    pinned_digests,
    published_versions,
)
from gdatasets.sources.source import Source


def check_identity(manifest: Manifest) -> list[str]:
    """The manifest against what this package knows of the dataset, its configurations and its digests; one line each.

    Of a dataset of one's own the package knows nothing but the configurations.
    """
    findings = [
        f"{name} is not the configuration that this gdatasets knows by that name"
        for name, config in manifest.configurations.items()
        if config.group is None and not _is_known(name, config)
    ]
    for name, config in manifest.configurations.items():
        for split, record in config.splits.items():
            parts = len(record.shards)
            names = [f"{name}/{split}-{part:05d}-of-{parts:05d}.parquet" for part in range(parts)]
            if [shard.path for shard in record.shards] != names:
                findings.append(f"{name}/{split}: its shards are not named as a build names them")
        if config.group is None:
            continue
        findings += check_group_record(name, config, manifest.shape)
        if manifest.dataset in BUILT_IN:
            findings.append(f"{name} is a group of one's own, which the published {manifest.dataset} does not have")
    if manifest.dataset not in DATASETS:
        return findings
    current = DATASETS[manifest.dataset]
    known = published_versions(manifest.dataset) or (current.version,)
    if manifest.version not in known:
        return [
            *findings,
            f"{manifest.dataset}@{manifest.version} is not a known version (known: {', '.join(known)})",
        ]
    pinned = pinned_digests(manifest.dataset, manifest.version)
    about = current.source
    if tuple(manifest.classes) != about.classes or manifest.source.sha256 != (about.digest or manifest.source.sha256):
        findings.append(f"the manifest's classes or source are not those of {manifest.dataset}")
    for name, config in manifest.configurations.items():
        if config.group is not None:
            continue
        if set(config.splits) != set(pinned.get(name, {}) if pinned else about.samples):
            findings.append(f"{name} does not have the published splits")
        for split, record in config.splits.items():
            if pinned.get(name, {}).get(split, record.content_sha256) != record.content_sha256:
                findings.append(f"{name}/{split}: the manifest's content_sha256 is not the pinned one")
    return findings


def _is_known(name: str, config: ConfigRecord) -> bool:
    if name not in CONFIGURATIONS:
        return False
    known = configuration(name)
    theirs = (config.fingerprint, config.family, tuple(config.actions), config.step)
    return theirs == (fingerprint(known), known.family, tuple(known.actions), known.step)


def check_header(folder: Path, manifest: Manifest) -> list[str]:
    """The YAML of `README.md`, by which `datasets` chooses files and features, against the manifest's; one line each.

    Comments may differ; every other character counts, so that no two parsers can differ about the rest.
    """
    expected = card_header(manifest)
    different = (
        "README.md: its YAML is not that of this manifest, and names other files, splits or features to `datasets`"
    )
    try:
        with reading(folder / "README.md") as stream:
            text = stream.read(4 * len(expected) + (1 << 16)).decode()
        found = text.removeprefix("---\n").split("\n---\n")[0] + "\n"
        is_same = (
            text.startswith("---\n")
            and "\r" not in found
            and _without_comments(found) == _without_comments(expected)
            and yaml.safe_load(found) == yaml.safe_load(expected)
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return [different]
    return [] if is_same else [different]


def _without_comments(text: str) -> list[str]:
    return [line for line in text.split("\n") if not line.lstrip(" ").startswith("#")]


def check_description(manifest: Manifest, spec: DatasetSpec, source: Source) -> list[str]:
    """Title, source, license and citation in the manifest against those that this version knows; one line each."""
    theirs, ours = {"title": manifest.title}, {"title": spec.title}
    for name in ("name", "title", "license", "homepage", "citation"):
        theirs[f"source.{name}"], ours[f"source.{name}"] = getattr(manifest.source, name), getattr(source, name)
    return [
        f"manifest.json: {key} is {_shown(theirs[key])}, this version would write {_shown(ours[key])}"
        for key in ours
        if theirs[key] != ours[key]
    ]


def check_texts(folder: Path, manifest: Manifest, spec: DatasetSpec, source: Source) -> dict[str, str]:
    """Card, citation and Croissant file against what would be written today.

    None of it changes a sample, so a folder that differs here can still be loaded.

    Args:
        folder: a dataset folder.
        manifest: its manifest.
        spec: the dataset, at the manifest's version.
        source: the images it was made from.

    Returns:
        One line for each file that differs, by its name.
    """
    findings = {}
    cited = Cited(spec, source, dataset_digest(spec, manifest))
    texts = {
        "README.md": render_card(spec, manifest, cited),
        "CITATION.cff": render_citation(cited, "cff"),
        "croissant.json": render_croissant(spec, source, manifest, render_citation(cited, "bibtex")),
    }
    for name, expected in texts.items():
        try:
            with reading(folder / name) as stream:
                found = stream.read(4 * len(expected) + (1 << 16)).decode()
        except (OSError, UnicodeDecodeError) as error:
            findings[name] = f"{name} cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})"
            continue
        if found != expected:
            pairs = zip(f"{found}\n".split("\n"), f"{expected}\n".split("\n"), strict=False)
            number = next((at for at, (mine, other) in enumerate(pairs, 1) if mine != other), 1)
            findings[name] = f"{name} differs from what this version would write, first in line {number}"
    return findings


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
