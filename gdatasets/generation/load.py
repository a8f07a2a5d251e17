"""Datasets as arrays in memory."""

import os

from gdatasets.errors import IntegrityError, UnknownNameError
from gdatasets.generation.arrays import Arrays, SplitPlan
from gdatasets.generation.specs import dataset_spec, pinned_digest
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
        split: `train` or `test`.
        root: a torchvision-style folder to look for the source's raw files in first.
        download: fetch the source where it is found nowhere.

    Raises:
        UnknownNameError: no such dataset, configuration or split.
        SourceError: the source is missing and cannot be fetched, or is not the published one.
        IntegrityError: this machine generates other bytes than the published ones.
    """
    config = dataset_spec(name).configuration(config).name
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
    if split not in spec.source.samples:
        raise UnknownNameError("split", split, spec.source.samples)
    plan = SplitPlan(spec, chosen, PublishedSource(spec.source_name, root, download), split)
    first, last, _ = slice(start, stop).indices(len(plan))
    return plan.generate(first, max(first, last))
