"""A dataset in words: sizes, digests, groups with their orders, and how to cite it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gdatasets.folder.built_dataset import BuiltDataset
from gdatasets.folder.citation import cite, parse_reference
from gdatasets.folder.own_group import FAMILY
from gdatasets.generation.configured import AnyConfiguration
from gdatasets.generation.group_moves import GroupConfiguration
from gdatasets.generation.specs import DatasetSpec, is_pinned, no_published_digest, pinned_digests
from gdatasets.groups.group import Group
from gdatasets.sources.published import source_is_local
from gdatasets.sources.source import Source


@dataclass(frozen=True)
class Described:
    """What is said of a dataset.

    Attributes:
        spec: the dataset, at the version that is described.
        source: the original images.
        whence: where these come from.
        configurations: by name.
        digests: `content_sha256`, by configuration and split.
        citation: BibTeX.
    """

    spec: DatasetSpec
    source: Source
    whence: str
    configurations: Mapping[str, AnyConfiguration]
    digests: Mapping[str, Mapping[str, str]]
    citation: str


def describe_version(reference: str) -> str:
    """A published version, `NAME` or `NAME@VERSION`, in words; raises UnknownNameError."""
    spec = parse_reference(reference)
    where = "on this machine" if source_is_local(spec.source_name) else "fetched when first needed"
    return _describe(
        Described(
            spec,
            spec.source,
            f"{where}; {spec.source.homepage}",
            {name: spec.configuration(name) for name in spec.configurations},
            pinned_digests(spec.name, spec.version) if is_pinned(spec) else {},
            cite(reference),
        )
    )


def describe_build(build: BuiltDataset) -> str:
    """A folder that was built, in words."""
    configurations, source = build.manifest.configurations, build.manifest.source
    return _describe(
        Described(
            build.spec,
            build.about,
            f"SHA-256 {source.sha256}{f'; {source.homepage}' if source.homepage else ''}",
            {name: build.configuration(name) for name in configurations},
            {
                name: {split: each.content_sha256 for split, each in record.splits.items()}
                for name, record in configurations.items()
            },
            build.cite(),
        )
    )


def _describe(described: Described) -> str:
    return "\n".join([*_about(described), "", *_moves(described), "", described.citation.rstrip("\n")])


def _about(described: Described) -> Iterator[str]:
    spec, source = described.spec, described.source
    yield f"{spec.title} {spec.version}: {source.title}, moved by groups of image symmetries"
    size, color = source.image_shape[0], "RGB" if len(source.image_shape) == 3 else "gray"
    yield f"images   {size}x{size}, {color}; {len(source.classes)} classes: {', '.join(source.classes)}"
    yield f"splits   {', '.join(f'{split} {count:,}' for split, count in source.samples.items())}"
    yield f"source   {described.whence}"
    yield f"license  {source.terms}"
    if notice := no_published_digest(spec):
        yield f"digests  {notice}"


def _moves(described: Described) -> Iterator[str]:
    size = described.source.image_shape[0]
    for name, config in described.configurations.items():
        if isinstance(config, GroupConfiguration):
            order, moves = config.group.order, ", ".join(config.group.names)
            yield f"{name:10} {FAMILY}, group of order {order}: {moves or 'the identity'}"
        else:
            finite = config.pixel_exact
            order = Group(config.actions, size, config.step).order if finite else 0
            what = f"group of order {order}" if finite else "any angle, no finite group"
            yield f"{name:10} {config.family}, {what}: {', '.join(config.actions) or 'the identity'}"
        for split, digest in described.digests.get(name, {}).items():
            yield f"{'':10} {split:5} {digest}"
