"""Which datasets' images are on this machine, and how to get the others. Nothing is fetched."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from gdatasets.errors import SourceError
from gdatasets.generation.specs import DATASETS
from gdatasets.sources.named import NAMED
from gdatasets.sources.published import load_source, source_is_local
from gdatasets.sources.source import SourceArrays


def how_to_get(dataset: str, root: Path | None) -> str | None:
    """What to do for a dataset's images, one line; None if they are at hand, or said to be by a path.

    Args:
        dataset: as of a task.
        root: a folder to look for images in first.

    Raises:
        SourceError: the root is no folder.
    """
    splits: Iterable[str]
    load: Callable[..., SourceArrays]
    if dataset in DATASETS:
        source = DATASETS[dataset].source
        is_local, splits = source_is_local(source.name, root), source.samples
        load = partial(load_source, source.name)
    elif dataset in NAMED:
        is_local, splits = NAMED[dataset].is_local(root), NAMED[dataset].samples
        load = NAMED[dataset].load
    else:
        return None
    return None if is_local else _complaint(load, splits, root)


def _complaint(load: Callable[..., SourceArrays], splits: Iterable[str], root: Path | None) -> str | None:
    """What reading without fetching says; None if it succeeds after all."""
    try:
        for split in splits:
            load(split, root=root, download=False)
    except SourceError as error:
        return str(error)
    return None
