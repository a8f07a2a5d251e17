"""Croissant 1.1 JSON-LD of a dataset folder (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html)."""

import json
from typing import Any

from gdatasets.folder.manifest import ConfigRecord, Manifest
from gdatasets.folder.responsible_use import render_rai, responsible_use
from gdatasets.generation.specs import DatasetSpec, is_pinned
from gdatasets.sources.source import Source

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def render_croissant(spec: DatasetSpec, source: Source, manifest: Manifest, citation: str) -> str:
    """The JSON-LD text; shards are named relative to the folder, each with its SHA-256."""
    configs = manifest.configurations
    content: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": spec.name,
        "description": f"{source.title}, each image moved by a known element of a group of image symmetries.",
        "version": spec.version,
        "license": _license(source),
        "url": f"https://huggingface.co/datasets/aen/{spec.name}" if is_pinned(spec) else source.homepage or ".",
        "creator": {
            "@type": "Organization",
            "name": "The AEN benchmark authors" if is_pinned(spec) else f"The authors of {spec.title}",
        },
        "citeAs": citation,
        "isBasedOn": source.homepage or source.title,
        **render_rai(responsible_use(spec, source, manifest)),
        "keywords": ["equivariance", "symmetry", "image classification"],
        "distribution": [part for name, config in configs.items() for part in _distribution(name, config)],
        "recordSet": [_record_set(name, config, source) for name, config in configs.items()],
    }
    if spec.released:
        content["datePublished"] = spec.released
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _license(source: Source) -> str:
    """The page of an SPDX identifier, or what the publisher says instead."""
    if source.license in ("", "none stated"):
        return "unknown"
    return source.license if " " in source.license else f"https://spdx.org/licenses/{source.license}"


def _distribution(name: str, config: ConfigRecord) -> list[dict[str, Any]]:
    shards = [shard for split in config.splits.values() for shard in split.shards]
    files = [
        {
            "@type": "cr:FileObject",
            "@id": shard.path,
            "name": shard.path,
            "contentUrl": shard.path,
            "contentSize": f"{shard.bytes} B",
            "encodingFormat": "application/x-parquet",
            "sha256": shard.sha256,
        }
        for shard in shards
    ]
    together = {
        "@type": "cr:FileSet",
        "@id": f"{name}/shards",
        "name": f"{name}/shards",
        "encodingFormat": "application/x-parquet",
        "includes": f"{name}/*.parquet",
    }
    return [*files, together]


def _columns(source: Source, config: ConfigRecord) -> tuple[tuple[str, str, str], ...]:
    """Name, type and meaning of each column."""
    always = (
        ("image", "sc:ImageObject", "the moved image"),
        ("label", "sc:Integer", "class number"),
        ("source_index", "sc:Integer", source.index_meaning),
    )
    if config.group is not None:
        return (*always, ("element", "sc:Integer", "number of the group's element in lexicographic order"))
    return (
        *always,
        ("bits", "sc:Text", "twelve characters, 1 where the action of that number was applied"),
        ("angle", "sc:Integer", "tenths of a degree, counter-clockwise"),
        ("hshift", "sc:Integer", "pixels rolled along columns"),
        ("vshift", "sc:Integer", "pixels rolled along rows"),
    )


def _record_set(name: str, config: ConfigRecord, source: Source) -> dict[str, Any]:
    sizes = ", ".join(f"{split} {record.samples:,}" for split, record in config.splits.items())
    moves = ", ".join(config.actions) or "no action"
    if config.group is not None:
        moves = f"a group of order {config.group.order:,}"
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"Configuration {name} ({config.family}: {moves}); {sizes}.",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{column}",
                "name": column,
                "description": description,
                "dataType": kind,
                "source": {
                    "fileSet": {"@id": f"{name}/shards"},
                    "extract": {"column": column},
                    **({"transform": {"jsonPath": "bytes"}} if column == "image" else {}),
                },
            }
            for column, kind, description in _columns(source, config)
        ],
    }
