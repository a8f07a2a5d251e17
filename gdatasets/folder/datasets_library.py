"""A configuration of a dataset folder in the Hugging Face `datasets` library, from the files that a manifest lists."""

import glob
import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gdatasets.folder.contents import SplitContents
from gdatasets.folder.manifest import Manifest
from gdatasets.folder.shards import features

_ROWS = 1_000


def open_configuration(manifest: Manifest, config: str, base: str, split: str | None, streaming: bool) -> Any:
    """Files, splits and features as the manifest and this package have them; a card is not asked.

    The library keeps what it prepares under the files' digests, so a changed file never meets an old preparation.

    Args:
        manifest: of the folder.
        config: a configuration of it.
        base: where the paths in the manifest begin: a folder, or `hf://datasets/<repository>@<commit>`.
        split: as `datasets.load_dataset` takes it; None for all.
        streaming: iterate without loading.

    Returns:
        What `datasets.load_dataset` returns.
    """
    from datasets import Features
    from datasets.data_files import DataFilesDict, DataFilesList
    from datasets.packaged_modules.parquet.parquet import Parquet

    splits = manifest.configurations[config].splits
    digests = {name: [shard.sha256 for shard in record.shards] for name, record in splits.items()}
    builder = Parquet(
        dataset_name=manifest.dataset,
        config_name=config,
        hash=hashlib.sha256(repr(digests).encode()).hexdigest(),
        data_files=DataFilesDict(
            {
                name: DataFilesList(
                    [f"{base}/{shard.path}" for shard in record.shards], [(digest,) for digest in digests[name]]
                )
                for name, record in splits.items()
            }
        ),
        features=Features.from_dict(_features(manifest, config)),
    )
    if streaming:
        return builder.as_streaming_dataset(split=split)
    builder.download_and_prepare()
    return builder.as_dataset(split=split)


def _features(manifest: Manifest, config: str) -> dict[str, Any]:
    return features(manifest.classes, SplitContents(Path(), manifest, config, "").elements)


def can_be_loaded_from(folder: Path) -> bool:
    """Whether `datasets` finds the files of a folder at this path, which it takes for a pattern."""
    return not glob.has_magic(str(folder.resolve()))


def differences_as_loaded(folder: Path, manifest: Manifest, config: str) -> list[str]:
    """What `datasets.load_dataset(folder)` gives, by the folder's own card, against the shards; one line each.

    Every file must have been checked before: this parses them without bounds. Images are compared as PNG bytes.
    """
    import datasets

    place = str(folder.resolve())
    with tempfile.TemporaryDirectory(prefix="gdatasets-") as cache:
        try:
            loaded = datasets.load_dataset(place, config, streaming=True, cache_dir=cache)
            return list(_differences(folder, manifest, config, loaded))
        except Exception as error:  # whatever the library may raise, it cannot load the folder
            first = (str(error).splitlines() or [""])[0]
            return [f"{config}: `datasets` cannot load it ({type(error).__name__}: {first[:200]})"]


def _differences(folder: Path, manifest: Manifest, config: str, loaded: Any) -> Iterator[str]:
    from datasets import Features

    splits = manifest.configurations[config].splits
    if list(loaded) != list(splits):
        yield f"{config}: `datasets` finds the splits {', '.join(map(str, loaded))}, not {', '.join(splits)}"
        return
    expected = Features.from_dict(_features(manifest, config))
    for split, record in splits.items():
        if loaded[split].features != expected:
            yield f"{config}/{split}: `datasets` gives it other features"
            continue
        paths = [folder / shard.path for shard in record.shards]
        ours = _blocks(batch for path in paths for batch in _batches(path))
        theirs = _blocks(
            batch for table in loaded[split].with_format("arrow").iter(_ROWS) for batch in table.to_batches()
        )
        for number, (left, right) in enumerate(zip_longest(ours, theirs)):
            if left is None or right is None or not left.equals(right.select(left.column_names).cast(left.schema)):
                yield f"{config}/{split}: `datasets` gives other samples, first in the {_ROWS} from {number * _ROWS}"
                break


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as shard:
        yield from shard.iter_batches(batch_size=_ROWS)


def _blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows of the batches, `_ROWS` at a time."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        while sum(part.num_rows for part in held) >= _ROWS:
            table = pa.Table.from_batches(held)
            yield table.slice(0, _ROWS)
            held = table.slice(_ROWS).to_batches()
    if any(part.num_rows for part in held):
        yield pa.Table.from_batches(held)
