"""Datasets as arrays in memory."""

import os

from gdatasets.errors import IntegrityError, UnknownNameError
from gdatasets.generation.arrays import Arrays, SplitPlan
from gdatasets.generation.specs import VALIDATION, dataset_spec, is_part_of_train, pinned_digest
from gdatasets.sources.published import PublishedSource


def load_arrays(
    name: str,
    config: str | None = None,
    split: str = "train",
    root: str | os.PathLike[str] | None = None,
    *,
    download: bool = True,
) -> Arrays:
    """Generate a split of a dataset from its source: the published bytes, checked against their pinned digest.

    A dataset that has no published digest is compared with nothing; `Arrays.content_sha256` names what came out.

    Args:
        name: one of `gdatasets.DATASETS`, or an import path.
        config: a configuration that the dataset has; by default its default one.
        split: `train` or `test`; or `validation`, the end of `train` that the benchmark chooses by. `train` is the
            published split and holds those too.
        root: a torchvision-style folder to look for the source's raw files in first.
        download: fetch the source where it is found nowhere.

    Raises:
        UnknownNameError: no such dataset, configuration or split.
        SourceError: the source is missing and cannot be fetched, or is not the published one.
        IntegrityError: this machine generates other bytes than the published ones.
    """
    spec = dataset_spec(name)
    config = spec.configuration(config).name
    if is_part_of_train(spec, split):
        return load_arrays(name, config, "train", root, download=download).last(spec.validation_samples)
    arrays = generate_arrays(name, config, split, root, download=download)
    digest, pinned = arrays.content_sha256, pinned_digest(name, config, split)
    if pinned is not None and digest != pinned:
        raise IntegrityError(
            f"{name}/{config}/{split} came out with content_sha256 {digest[:16]}..., published is {pinned[:16]}...; "
            "please report it with your versions of numpy and pillow."
        )
    return arrays


def generate_arrays(
    name: str,
    config: str | None,
    split: str,
    root: str | os.PathLike[str] | None = None,
    *,
    start: int = 0,
    stop: int | None = None,
    download: bool = True,
) -> Arrays:
    """Samples start..stop-1 of a split, not compared with any digest; the same as slicing `load_arrays`."""
    spec = dataset_spec(name)
    chosen = spec.configuration(config)
    is_part = is_part_of_train(spec, split)
    if split not in spec.source.samples and not is_part:
        raise UnknownNameError("split", split, [*spec.source.samples, VALIDATION])
    plan = SplitPlan(spec, chosen, PublishedSource(spec.source_name, root, download), "train" if is_part else split)
    before = len(plan) - spec.validation_samples if is_part else 0
    first, last, _ = slice(start, stop).indices(len(plan) - before)
    return plan.generate(before + first, before + max(first, last))
