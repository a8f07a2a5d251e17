"""Which datasets' images are on this machine, and how to get the others. Nothing is fetched."""

from pathlib import Path

from gdatasets.errors import SourceError
from gdatasets.generation.specs import DATASETS
from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.published import load_source, source_is_local


def how_to_get(dataset: str, root: Path | None) -> str | None:
    """What to do for a dataset's images, one line; None if they are available, or given by a path.

    Args:
        dataset: as of a task.
        root: a folder to look for images in first.

    Raises:
        SourceError: the root is no folder.
    """
    name = DATASETS[dataset].source_name if dataset in DATASETS else dataset
    if name not in SOURCES or source_is_local(name, root):
        return None
    try:
        for split in SOURCES[name].samples:
            load_source(name, split, root, download=False)
    except SourceError as error:
        return str(error)
    return None  # after all
