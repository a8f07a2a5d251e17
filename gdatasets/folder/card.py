"""The metadata of a dataset folder: the card with its YAML, a contact sheet, the citation and Croissant JSON-LD."""

from pathlib import Path
from typing import Any

import yaml

from gdatasets.files import write_whole
from gdatasets.folder.citation import METHOD_CITATION, Cited, render_citation, version_digest
from gdatasets.folder.croissant import render_croissant
from gdatasets.folder.manifest import ConfigRecord, Manifest
from gdatasets.folder.own_group import folder_configuration
from gdatasets.folder.preview import contact_sheet, sheet_png
from gdatasets.folder.responsible_use import MOVES, families, render_sections, responsible_use
from gdatasets.folder.shards import element_columns
from gdatasets.generation.group_moves import NUMBER_DTYPE
from gdatasets.generation.moves import ELEMENT_DTYPE
from gdatasets.generation.specs import (
    DATASETS,
    DEFAULT_CONFIGURATION,
    DatasetSpec,
    is_pinned,
    pinned_digests,
)
from gdatasets.sources.source import ImageSource, Source

_LICENSES = {
    "": "unknown",
    "none stated": "unknown",
    **{known: known.lower() for known in ("CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC-BY-4.0", "MIT", "CC0-1.0")},
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write_card(folder: Path, spec: DatasetSpec, source: ImageSource, manifest: Manifest) -> list[Path]:
    """Write everything that describes the configurations of the manifest; returns the files."""
    cited = Cited(spec, source.about, dataset_digest(spec, manifest))
    sheet = contact_sheet(spec, folder_configuration(manifest, default_configuration(manifest)), source)
    contents = {
        "preview.png": sheet_png(sheet),
        "CITATION.cff": render_citation(cited, "cff").encode(),
        "croissant.json": render_croissant(spec, source.about, manifest, render_citation(cited, "bibtex")).encode(),
        "README.md": render_card(spec, manifest, cited).encode(),
    }
    for name, content in contents.items():
        write_whole(folder / name, content)
    return [folder / name for name in contents]


def default_configuration(manifest: Manifest) -> str:
    """The configuration that is loaded when none is named: the usual one, or the first that was built."""
    names = manifest.configurations
    published = DATASETS.get(manifest.dataset)
    usual = published.default_configuration if published else DEFAULT_CONFIGURATION
    return usual if usual in names else next(iter(names))


def dataset_digest(spec: DatasetSpec, manifest: Manifest) -> str:
    """The version's digest: of the published version as a whole, or of what the folder holds of an unpinned dataset."""
    if is_pinned(spec):
        return version_digest(pinned_digests(spec.name, spec.version))
    return version_digest(
        {
            name: {split: record.content_sha256 for split, record in config.splits.items()}
            for name, config in manifest.configurations.items()
        }
    )


def render_card(spec: DatasetSpec, manifest: Manifest, cited: Cited) -> str:
    """`README.md`: YAML that the Hub and `datasets` read, and the text for people."""
    return f"---\n{card_header(manifest)}---\n{_text(spec, manifest, cited)}"


def card_header(manifest: Manifest) -> str:
    """The YAML of `README.md`, which names the files, splits and features to the Hub and to `datasets`."""
    text: str = yaml.safe_dump(_header(manifest), sort_keys=False, allow_unicode=True, width=100)
    return text


def _header(manifest: Manifest) -> dict[str, Any]:
    samples = max(sum(split.samples for split in config.splits.values()) for config in manifest.configurations.values())
    default = default_configuration(manifest)
    return {
        "pretty_name": manifest.title,
        "license": _LICENSES.get(manifest.source.license, "other"),
        "task_categories": ["image-classification"],
        "size_categories": [next((name for bound, name in _SIZES if samples < bound), "1M<n<10M")],
        "source_datasets": ["extended|other"],
        "tags": ["equivariance", "symmetry", "group-theory"],
        "configs": [
            {
                "config_name": name,
                **({"default": True} if name == default else {}),
                "data_files": [{"split": split, "path": f"{name}/{split}-*.parquet"} for split in config.splits],
            }
            for name, config in manifest.configurations.items()
        ],
        "dataset_info": [_info(manifest, name, config) for name, config in manifest.configurations.items()],
    }


def _info(manifest: Manifest, name: str, config: ConfigRecord) -> dict[str, Any]:
    names = {str(number): label for number, label in enumerate(manifest.classes)}
    sizes = {split: sum(shard.bytes for shard in record.shards) for split, record in config.splits.items()}
    elements = NUMBER_DTYPE if config.group else ELEMENT_DTYPE
    return {
        "config_name": name,
        "features": [
            {"name": "image", "dtype": "image"},
            {"name": "label", "dtype": {"class_label": {"names": names}}},
            {"name": "source_index", "dtype": "int64"},
            *({"name": column, "dtype": kind} for column, kind in element_columns(elements).items()),
        ],
        "splits": [
            {"name": split, "num_bytes": sizes[split], "num_examples": record.samples}
            for split, record in config.splits.items()
        ],
        "download_size": sum(sizes.values()),
        "dataset_size": sum(sizes.values()),
    }


_ACTION_COLUMNS = [
    "| `bits` | string | twelve characters, the first for `rotation`: 1 where the action was applied |",
    "| `angle` | int16 | tenths of a degree, counter-clockwise |",
    "| `hshift`, `vshift` | int16 | pixels rolled: `out[i, j] = x[i, (j + hshift) % n]` |",
]
_NUMBER_COLUMNS = [
    "| `element` | int64 | number of the element, in the lexicographic order of the group's gather indices |",
]


def _moves(config: ConfigRecord) -> str:
    """What moves the images of a configuration, in a cell of the table."""
    if config.group is None:
        return ", ".join(config.actions) or "-"
    return f"{', '.join(config.group.generators) or 'no generator'}; order {config.group.order:,}"


def _splits(source: Source) -> str:
    """Which images of the source each split has."""
    if source.split_rule:
        return f"splits {source.split_rule}."
    if source.ranges is None:
        return "splits as in the source."
    parts = [
        f"`{split}` has {' and '.join(f'{part.start:,} to {part.stop - 1:,}' for part in ranges)}"
        for split, ranges in source.ranges.items()
    ]
    return (
        f"splits cut anew from the source's images, counted over its training and then its test images: "
        f"{', '.join(parts)}; no image is in two splits."
    )


def _text(spec: DatasetSpec, manifest: Manifest, cited: Cited) -> str:
    shape = "x".join(str(length) for length in manifest.image_shape)
    configs = manifest.configurations
    rows = [
        f"| `{name}` | {config.family} | {_moves(config)} | {split} | {record.samples:,} | `{record.content_sha256}` |"
        for name, config in configs.items()
        for split, record in config.splits.items()
    ]
    has_groups = any(config.group for config in configs.values())
    columns = [
        *(_ACTION_COLUMNS if any(config.group is None for config in configs.values()) else []),
        *(_NUMBER_COLUMNS if has_groups else []),
    ]
    how = [f"- *{family}*: {MOVES[family]}." for family in families(spec, manifest)]
    if cited.source.size_rule:
        how.insert(0, f"- *size*: {cited.source.size_rule}.")
    known = "The twelve actions are those of the paper below. " if columns != _NUMBER_COLUMNS else ""
    source = manifest.source
    folder = f"aen/{spec.name}" if is_pinned(spec) else "this folder"
    load = f'load_dataset("{folder}", "{default_configuration(manifest)}"'
    revision = f', revision="v{spec.version}")' if is_pinned(spec) else ")"
    validation = (
        f" The last {spec.validation:,} samples of `train` are the validation split of the AEN benchmark."
        if spec.validation
        else ""
    )
    return f"""
# {manifest.title} {manifest.version}

Images of *{source.title}*, each moved by a known element of a group of image symmetries: the same bytes on every
machine, and the element stored beside each image.

![one row a source image: the original, then moves of it](preview.png)

## Load

```python
from datasets import load_dataset

data = {load}{revision}
```

## Contents

Images of {shape} pixels, {len(manifest.classes)} classes, {_splits(cited.source)}{validation}

| column | type | meaning |
|---|---|---|
| `image` | image (PNG) | the moved image, uint8 |
| `label` | class label | its class |
| `source_index` | int64 | {cited.source.index_meaning} |
{chr(10).join(columns)}

| configuration | family | actions, in the order they are applied | split | samples | `content_sha256` |
|---|---|---|---|---|---|
{chr(10).join(rows)}

## How it was made

{chr(10).join(how)}

{known}Sample i's element depends only on the dataset, its major version, the
configuration, the split and i (counter-based Philox). `content_sha256` is over pixels, labels, source indices and
elements, not over Parquet bytes; `gdatasets verify DIR --rebuild` makes everything again from the source and compares.

## Source and license

- Original: {source.title}{f", <{source.homepage}>" if source.homepage else ""}
- License of the original data, which holds for these derived images too: {cited.source.terms}
- Source SHA-256: `{source.sha256}`
- {source.citation or "No citation was given."}

## Cite

Version {manifest.version}, version SHA-256 `{cited.digest}`:

```bibtex
{render_citation(cited, "bibtex").rstrip()}
```

The twelve actions: {METHOD_CITATION}

{render_sections(responsible_use(spec, cited.source, manifest)).rstrip()}
"""
