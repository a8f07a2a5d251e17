"""Dataset folders through the Hugging Face `datasets` library: from the Hub, from this machine, or made on the spot."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gdatasets.errors import IntegrityError, UnknownNameError
from gdatasets.folder.build import build
from gdatasets.folder.card import default_configuration
from gdatasets.folder.contents import differing_contents, differing_files
from gdatasets.folder.datasets_library import open_configuration
from gdatasets.folder.identity import check_header, check_identity
from gdatasets.folder.manifest import NAME as MANIFEST
from gdatasets.folder.manifest import read_manifest
from gdatasets.generation.specs import (
    DATASETS,
    VALIDATION,
    DatasetSpec,
    dataset_spec,
    is_part_of_train,
    is_pinned,
    no_published_digest,
    pinned_digests,
    published_versions,
)
from gdatasets.hub.client import Hub
from gdatasets.sources.published import PublishedSource
from gdatasets.sources.source import cache_folder

_LOG = logging.getLogger("gdatasets")


def load_dataset(
    path: str,
    name: str | None = None,
    split: str | None = None,
    revision: str | None = None,
    *,
    streaming: bool = False,
    root: str | os.PathLike[str] | None = None,
) -> Any:
    """Load a dataset as `datasets.load_dataset` does, from the nearest place that has the very version.

    A published dataset comes from the Hub at its tag when that is reachable, else from a build in the working
    directory (`aen/<dataset>`), else it is generated into the cache. Wherever it comes from, files and features are
    those of the manifest and of this package, never those that the card names, and the digest of its samples, computed
    once for the digests of its files, is the pinned one. A dataset that has no published digest is not looked for on
    the Hub, is compared with its manifest only, and the log says so. A folder of one's own build is loaded from there.

    Args:
        path: `g-mnist`, `aen/g-mnist`, the import path of a dataset, or the folder of a build.
        name: a configuration; by default the dataset's default one.
        split: one split; by default a dictionary of all. `validation` is the end of `train` that the benchmark chooses
            by, which no file holds as a split of its own; a build of one's own images has it only as a split.
        revision: `v1.0.0` or `1.0.0`; by default the newest version that this package knows.
        streaming: iterate without loading. A folder is checked first all the same; from the Hub the manifest alone is,
            and the bytes that arrive are not compared with it.
        root: where the source's raw files are, if it has to be generated.

    Returns:
        What `datasets.load_dataset` returns.

    Raises:
        UnknownNameError: no such dataset, configuration or version.
        IntegrityError: a copy is not the version that it says it is.
        HubError: the Hub is there, but failed.
    """
    end = None if split is None else _end_of_train(path)
    if split == VALIDATION and end is not None:
        if not streaming:
            return load_dataset(path, name, f"train[-{end[1]}:]", revision, root=root)
        return load_dataset(path, name, "train", revision, streaming=True, root=root).skip(end[0] - end[1])
    more = () if end is None else (VALIDATION,)
    published = path.removeprefix("aen/")
    if published not in DATASETS and (":" not in path or Path(path).exists()):
        return _load_folder(_own_folder(path, revision), name, split, streaming, more)
    spec = dataset_spec(published)
    version = (revision or spec.version).removeprefix("v")
    if is_pinned(spec):
        found = _from_hub(spec, name, split, version, streaming, more)
        if found is not None:
            return found
    pinned_digests(published, version)  # an unknown version is an error here
    if notice := no_published_digest(spec):
        _LOG.warning("%s", notice)
    config = spec.configuration(name).name
    beside = Path("aen") / spec.name
    if (beside / MANIFEST).is_file():
        manifest = read_manifest(beside)
        if (manifest.dataset, manifest.version) != (spec.name, version):
            raise IntegrityError(
                f"{beside} holds {manifest.dataset}@{manifest.version}, not {spec.name}@{version}; build that version, "
                "or move the folder away."
            )
        if config in manifest.configurations:
            return _load_folder(beside, config, split, streaming, more)
    generated = cache_folder() / "built" / f"{spec.name}-{version}"
    build(spec.at(version), PublishedSource(spec.source_name, root), [config], generated)
    return _load_folder(generated, config, split, streaming, more)


def _end_of_train(path: str) -> tuple[int, int] | None:
    """How many samples `train` has, and how many of them, the last ones, are validation images; None where it has none.

    Of a folder that holds a build of a published dataset, those of that dataset.
    """
    published = path.removeprefix("aen/")
    is_folder = published not in DATASETS and (":" not in path or Path(path).exists())
    name = read_manifest(Path(path)).dataset if is_folder and (Path(path) / MANIFEST).is_file() else published
    if name not in DATASETS and (is_folder or ":" not in name):
        return None
    spec = dataset_spec(name)
    return (spec.source.samples["train"], spec.validation_samples) if is_part_of_train(spec, VALIDATION) else None


def _own_folder(path: str, revision: str | None) -> Path:
    folder = Path(path)
    if not (folder / MANIFEST).is_file():
        raise UnknownNameError("dataset", path, [*DATASETS, "the folder of a build"])
    manifest = read_manifest(folder)
    if revision is not None and manifest.version != revision.removeprefix("v"):
        raise IntegrityError(f"{path} holds version {manifest.version}, not {revision}; build that version.")
    return folder


def _from_hub(
    spec: DatasetSpec, name: str | None, split: str | None, version: str, streaming: bool, more: tuple[str, ...]
) -> Any:
    """The Hub's copy at the version's tag; None where the Hub or the tag is not there."""
    hub, tag = Hub(f"aen/{spec.name}"), f"v{version}"
    commit = (hub.tags() or {}).get(tag) if hub.is_reachable() else None
    if commit is None:
        return None
    manifest = hub.manifest(commit)
    config = name or default_configuration(manifest)
    if config not in manifest.configurations:
        raise UnknownNameError("configuration", config, manifest.configurations)
    wrong = check_identity(manifest) if version in published_versions(spec.name) else []
    if (manifest.dataset, manifest.version) != (spec.name, version) or wrong:
        raise IntegrityError(
            f"{hub.repo} at {tag} is not {spec.name}@{version}: {(wrong or ['its manifest differs'])[0]}."
        )
    if streaming:
        _check_split(split, [*manifest.configurations[config].splits, *more])
        return open_configuration(manifest, config, f"hf://datasets/{hub.repo}@{commit}", split, streaming)
    return _load_folder(hub.snapshot(commit, [f"{config}/*", "README.md", MANIFEST]), config, split, streaming, more)


def _check_split(split: str | None, known: Sequence[str]) -> None:
    """Refuse a split that is none of these, nor a part or a sum of them, as `datasets` writes those."""
    if split is not None and split.partition("[")[0] not in known and "+" not in split:
        raise UnknownNameError("split", split, known)


def _load_folder(folder: Path, name: str | None, split: str | None, streaming: bool, more: tuple[str, ...] = ()) -> Any:
    """Load one configuration of a build whose files are those of its manifest and whose manifest is known.

    `more` are splits that `load_dataset` makes of others: they are named where a split is none.
    """
    manifest = read_manifest(folder)
    config = name or default_configuration(manifest)
    if config not in manifest.configurations:
        raise UnknownNameError("configuration", config, manifest.configurations)
    _check_split(split, [*manifest.configurations[config].splits, *more])
    wrong = [*differing_files(folder, manifest, config), *check_identity(manifest)]
    wrong = wrong or [*check_header(folder, manifest), *differing_contents(folder, manifest, config)]
    if wrong:
        raise IntegrityError(f"{folder} cannot be trusted: {wrong[0]}; build it again.")
    return open_configuration(manifest, config, str(folder.resolve()), split, streaming)
