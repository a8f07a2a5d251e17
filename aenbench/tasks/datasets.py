"""Every image dataset that a task can name, in one shape.

Four kinds: the datasets that `gdatasets` generates (`g-mnist`, ..., each with its configurations); the sources of
`gdatasets.sources.catalog`, used as they are; what `gdatasets build` made of a user's own images, with the
configurations of the folder; and own images as they are, a folder or .zip file of class folders. The last two are found
by their path or by their name inside the root; datasets and sources at an import path, `"package.module:name"`, too.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aenbench.errors import InvalidArgumentError
from gdatasets.errors import SourceError, UnknownNameError
from gdatasets.generation.arrays import Arrays
from gdatasets.generation.load import load_arrays
from gdatasets.generation.moves import ELEMENT_DTYPE
from gdatasets.generation.specs import DATASETS, DatasetSpec, own_spec, pinned_digest
from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.image_folder import FolderSource
from gdatasets.sources.published import load_source
from gdatasets.sources.source import Source, SourceArrays, data_roots
from gdatasets.sources.splits import fixed_order
from gdatasets.user_code import load_object

if TYPE_CHECKING:
    from gdatasets.folder.built_dataset import BuiltDataset

Root = str | os.PathLike[str] | None

AS_PUBLISHED = "none"
"""The one configuration of datasets that are used as they are."""

MAX_CLASSES = 256  # predictions are kept in one byte each
_LEAST_OF_A_CLASS = 2  # one to learn from and one to choose by
_OWN_VALIDATION = 10  # one in so many training images where no number is stated
_DEFAULT_G_CONFIGURATION = "aug2"


@dataclass(frozen=True, eq=False)
class Dataset:
    """A labeled image dataset in one configuration, found but not yet read.

    Attributes:
        name: of its folder on the leaderboard.
        version: MAJOR.MINOR.PATCH of a generated or built dataset; `as-published` for others.
        configuration: how its images are moved; `none` where they are as published.
        classes: class names, by label.
        image_shape: (size, size) for gray images, (size, size, 3) for color.
        samples: images in each split; `train` and `test` are always there.
        validation: images at the end of `train`, as `read` gives it, that choices are made by; of a user's own, those
            of a folder `validation`, or a tenth.
        read: the images uint8 (n, *image_shape) and labels int64 (n,) of a split, kept once they were read. The
            training split of a dataset that was not generated comes in a fixed pseudo-random order, because published
            files are often sorted by class; where a source keeps groups together (`Source.held_out`), in its own.
            Test splits come as published.
        digest: `content_sha256` of a split as `read` gives it: the pinned one of a generated dataset that has one; of a
            build that of its manifest, which the images were compared with; otherwise computed from the images.
    """

    name: str
    version: str
    configuration: str
    classes: tuple[str, ...]
    image_shape: tuple[int, ...]
    samples: Mapping[str, int]
    validation: int
    read: Callable[[str], SourceArrays]
    digest: Callable[[str], str]


def default_configuration(name: str, root: Root = None) -> str:
    """The configuration that a run takes where none is given."""
    names, usual = _configurations(name, root)
    return _DEFAULT_G_CONFIGURATION if _DEFAULT_G_CONFIGURATION in names else usual


def unmoved_configuration(name: str, root: Root = None) -> str:
    """`none`, the images as they are published, where the dataset has that; otherwise its default one."""
    names, usual = _configurations(name, root)
    return AS_PUBLISHED if AS_PUBLISHED in names else usual


def _configurations(name: str, root: Root) -> tuple[Collection[str], str]:
    """What a dataset or build has, and its own default."""
    known = _in_catalog(name)
    if isinstance(known, DatasetSpec):
        return known.configurations, known.default_configuration
    if known is None and (build := _find_build(name, root)) is not None:
        from gdatasets.folder.card import default_configuration as usual_of

        return build.manifest.configurations, usual_of(build.manifest)
    return (AS_PUBLISHED,), AS_PUBLISHED


def as_typed(name: str) -> str:
    """The dataset that a user typed: a folder or .zip file of the current folder is meant, also without `./`.

    Names that an entry states are not looked up so: reading a stranger's entry opens no folder of the reader's.
    """
    is_path = os.sep in name or "/" in name or _in_catalog(name) is not None
    return name if is_path or not Path(name).exists() else os.path.join(os.curdir, name)  # noqa: PTH118


def open_dataset(name: str, configuration: str, root: Root = None) -> Dataset:
    """Find a dataset.

    Args:
        name: of a dataset of `gdatasets`, of one of its sources, the import path of either, the path of a build or of
            a folder or .zip file of class folders, or the name of one of these inside a root (without `.zip`).
        configuration: one that the dataset has.
        root: where the raw files are looked for first; then `$GDATASETS_ROOT` and the user's cache.

    Raises:
        UnknownNameError: no such dataset or configuration.
        SourceError: the user's own images cannot be read, or have no test split.
        IntegrityError: a build is not what its manifest says, or that is not sound.
        InvalidArgumentError: the images have more than 256 classes or an impossible size; or an import path gives no
            dataset and no source.
    """
    known = _in_catalog(name)
    if isinstance(known, DatasetSpec):
        return _generated(name, known, configuration, root)
    build = None if known is not None else _find_build(name, root, configuration)
    if build is not None:
        return _built(build, configuration)
    own = None if known is not None else FolderSource(_find_own(name, root))
    if configuration != AS_PUBLISHED:
        raise UnknownNameError(f"configuration of {name}", configuration, [AS_PUBLISHED])
    if own is not None:
        return _own(own)
    assert known is not None
    return _as_published(name, known, root)


def check_names(name: str, configuration: str, root: Root = None) -> None:
    """See that a dataset exists, and has a configuration; of a user's own no image is read.

    Args:
        name: as `open_dataset` takes it.
        configuration: that it should have.
        root: where a user's own images are looked for first.

    Raises:
        UnknownNameError: no such dataset or configuration.
        SourceError: the name is a path that does not exist, or its images are to be looked for in a root that is no
            folder.
        IntegrityError: the manifest of a build is not sound.
        InvalidArgumentError: an import path gives no dataset and no source.
    """
    known = _in_catalog(name)
    if isinstance(known, DatasetSpec):
        known.configuration(configuration)
        return
    build = None if known is not None else _find_build(name, root, configuration)
    if known is None and build is None:
        _find_own(name, root)
    names = [AS_PUBLISHED] if build is None else build.manifest.configurations
    if configuration not in names:
        raise UnknownNameError(f"configuration of {name}", configuration, names)


def _in_catalog(name: str) -> DatasetSpec | Source | None:
    """The dataset or source of a name or import path; None of what can only be a user's own images."""
    if name in DATASETS:
        return DATASETS[name]
    if name in SOURCES:
        return SOURCES[name]
    if ":" not in name or os.sep in name or "/" in name or Path(name).exists():
        return None
    is_source = isinstance(load_object(name, "a dataset"), Source)
    return SOURCES.find(name) if is_source else DATASETS.find(name)


def _generated(name: str, spec: DatasetSpec, configuration: str, root: Root) -> Dataset:
    source = spec.source
    spec.configuration(configuration)  # an unknown one is an error here
    check_benchmark(spec.name, source.classes, source.samples)

    @cache
    def load(split: str) -> tuple[SourceArrays, str]:
        arrays = load_arrays(name, configuration, split, root)
        digest = pinned_digest(name, configuration, split) or arrays.content_sha256
        return SourceArrays(arrays.images, arrays.labels), digest

    return Dataset(
        name=spec.name,
        version=spec.version,
        configuration=configuration,
        classes=source.classes,
        image_shape=source.image_shape,
        samples=source.samples,
        validation=spec.validation_samples,
        read=lambda split: load(split)[0],
        digest=lambda split: pinned_digest(name, configuration, split) or load(split)[1],
    )


def _as_published(name: str, source: Source, root: Root) -> Dataset:
    check_benchmark(source.name, source.classes, source.samples)

    @cache
    def read(split: str) -> SourceArrays:
        arrays = load_source(name, split, root)
        return _in_fixed_order(arrays, source.name) if split == "train" and not source.held_out else arrays

    validation = source.validation or _tenth(source.samples)
    return _unmoved(source.name, source.classes, source.image_shape, source.samples, validation, read)


def check_benchmark(where: str, classes: tuple[str, ...], samples: Mapping[str, int]) -> None:
    """Whether images can be learned from and scored."""
    if missing := {"train", "test"} - set(samples):
        raise SourceError(f"{where} has no images below {' and '.join(sorted(missing))}; a benchmark needs both.")
    if len(classes) < 2:
        raise SourceError(f"{where} has one class; there is nothing to tell apart. Give a folder for each class.")
    if len(classes) > MAX_CLASSES:
        raise InvalidArgumentError(f"{where} has {len(classes)} classes; at most {MAX_CLASSES} are scored.")


def _check_class_sizes(where: str, sizes: Mapping[str, int]) -> None:
    """Whether each class has an image to learn from and one to choose by."""
    for label, count in sizes.items():
        if count < _LEAST_OF_A_CLASS:
            raise SourceError(
                f'{where} has {count} training image{"" if count == 1 else "s"} of the class "{label}"; a benchmark '
                f"needs {_LEAST_OF_A_CLASS} or more of each. Add images, or remove the class."
            )


def _tenth(samples: Mapping[str, int]) -> int:
    """Images that choices are made by where no number is stated."""
    return max(1, samples["train"] // _OWN_VALIDATION)


def _own(source: FolderSource) -> Dataset:
    """A folder of class folders, or a .zip file of one."""
    about, name = source.about, own_spec(source).name.lower()
    check_own_name(name, str(source.path), sum(about.samples.values()))
    check_benchmark(str(source.path), about.classes, about.samples)
    _check_class_sizes(str(source.path), source.class_sizes("train"))
    samples, validation = _held_out(about.samples)

    @cache
    def read(split: str) -> SourceArrays:
        arrays = source.read(split, 0, about.samples[split])
        if split != "train":
            return arrays
        held_out = about.samples.get("validation", 0)
        return _with_held_out(arrays, source.read("validation", 0, held_out) if held_out else None, name)

    return _unmoved(name, about.classes, source.image_shape, samples, validation, read)


def _built(build: "BuiltDataset", configuration: str) -> Dataset:
    """What `gdatasets build` made, in one of the folder's configurations: moved already, with the folder's splits."""
    manifest, where = build.manifest, str(build.folder)
    name, published = manifest.dataset.lower(), manifest.dataset in DATASETS
    if configuration not in manifest.configurations:
        raise UnknownNameError(f"configuration of {where}", configuration, manifest.configurations)
    records = manifest.configurations[configuration].splits
    every = {split: record.samples for split, record in records.items()}
    check_benchmark(where, tuple(manifest.classes), every)
    if not published:
        check_own_name(name, where, sum(every.values()))
    samples, validation = _held_out(every)
    original = SOURCES.get(manifest.source.name)
    keeps_order = published or (original is not None and bool(original.held_out) and original.samples == every)
    if original is not None and keeps_order:
        validation = original.validation or validation

    def moved(split: str) -> SourceArrays:
        arrays = build.read(configuration, split)
        if split == "train":
            counts = np.bincount(arrays.labels, minlength=len(manifest.classes))
            _check_class_sizes(where, dict(zip(manifest.classes, counts.tolist(), strict=True)))
        return SourceArrays(arrays.images, arrays.labels)

    @cache
    def read(split: str) -> SourceArrays:
        if split != "train" or keeps_order:
            return moved(split)
        return _with_held_out(moved(split), moved("validation") if "validation" in records else None, name)

    def digest(split: str) -> str:
        read(split)  # what differs from the manifest is an error
        parts = [records[each].content_sha256 for each in (split, "validation") if each in records]
        return (
            parts[0] if split != "train" or len(parts) == 1 else hashlib.sha256("\n".join(parts).encode()).hexdigest()
        )

    return Dataset(
        name,
        manifest.version,
        configuration,
        tuple(manifest.classes),
        manifest.shape,
        samples,
        (build.spec.validation if published else 0) or validation,
        read,
        digest,
    )


def check_own_name(name: str, where: str, count: int) -> None:
    """An entry about `count` own images of a published dataset's name would be scored by the answers of that one."""
    if name in DATASETS or name in SOURCES:
        published = DATASETS[name].source if name in DATASETS else SOURCES[name]
        raise InvalidArgumentError(
            f"{where} is named {name}, as a published dataset is; give yours another name, such as "
            f"{published.subset_name(count)}."
        )


def _held_out(samples: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """The splits where a `validation` ends `train`, and how many images choices are made by: that, or a tenth."""
    held_out = samples.get("validation", 0)
    splits = {split: count for split, count in samples.items() if split != "validation"}
    validation = held_out or _tenth(splits)
    splits["train"] += held_out
    return splits, validation


def _with_held_out(train: SourceArrays, held_out: SourceArrays | None, name: str) -> SourceArrays:
    """Training images in their fixed order, and after them those of a split `validation`."""
    parts = [_in_fixed_order(train, name), *([] if held_out is None else [held_out])]
    return SourceArrays(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _unmoved(
    name: str,
    classes: tuple[str, ...],
    image_shape: tuple[int, ...],
    samples: Mapping[str, int],
    validation: int,
    read: Callable[[str], SourceArrays],
) -> Dataset:
    def digest(split: str) -> str:
        images, labels = read(split)
        unmoved = np.zeros(len(labels), dtype=ELEMENT_DTYPE)
        return Arrays(images, labels, np.arange(len(labels), dtype=np.int64), unmoved).content_sha256

    return Dataset(name, "as-published", AS_PUBLISHED, classes, image_shape, samples, validation, read, digest)


def _in_fixed_order(arrays: SourceArrays, name: str) -> SourceArrays:
    """The samples in an order that depends on the dataset's name and length only, and on no library's version."""
    order = fixed_order(f"aenbench-order-1/{name}", len(arrays.labels))
    return SourceArrays(arrays.images[order], arrays.labels[order])


def _find_build(name: str, root: Root, configuration: str | None = None) -> "BuiltDataset | None":
    """The build that a name means; None where it means something else, or nothing.

    Where a root has images under the same name too, those are meant unless a configuration tells them from a build.
    """
    places = _own_places(name, root)
    places = places[:1] if configuration in (None, AS_PUBLISHED) else places
    folders = [place for place in places if place.is_dir()]
    if not folders:
        return None
    from gdatasets.folder.built_dataset import open_build  # what reads Parquet is imported when needed
    from gdatasets.folder.manifest import is_build

    return next((open_build(folder) for folder in folders if is_build(folder)), None)


def _find_own(name: str, root: Root) -> Path:
    """The user's own images, wherever a name means them."""
    if places := _own_places(name, root):
        if not places[0].exists():
            raise SourceError(f"{places[0]} does not exist; give a build, or a folder or .zip file of class folders.")
        return places[0]
    others = ("package.module:name", "the path of a build, or of a folder or .zip file of class folders")
    raise UnknownNameError("dataset", name, [*DATASETS, *SOURCES, *others])


def _own_places(name: str, root: Root) -> list[Path]:
    """A path as it is; a plain name only inside a root, so that an entry names nothing else."""
    if "/" in name or os.sep in name or name.lower().endswith(".zip"):
        return [Path(name).expanduser()]
    files = (f"{name}.zip", name) if name and not name.startswith(".") else ()
    return [path for base in data_roots(root) for file in files if (path := base / file).exists()]
