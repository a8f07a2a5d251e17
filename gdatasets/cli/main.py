"""The command `gdatasets`. Heavy imports wait until a command needs them, so that `--help` answers at once."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gdatasets.cli.duplicates import duplicates
from gdatasets.cli.exit_codes import VersionOption, fail, run_command
from gdatasets.cli.output import say, say_lines
from gdatasets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from gdatasets.folder.verify import Report
    from gdatasets.generation.group_moves import GroupConfiguration
    from gdatasets.generation.specs import DatasetSpec
    from gdatasets.sources.source import ImageSource

app = typer.Typer(
    help="Deterministic symmetry datasets: build, verify, look at, cite and publish them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="Folder with MNIST/raw, EMNIST/raw, ...; also $GDATASETS_ROOT."),
]
ConfigOption = Annotated[
    list[str] | None, typer.Option("--config", help="A configuration; may be repeated. `gdatasets list` shows all.")
]
SourceOption = Annotated[
    Path | None,
    typer.Option(
        "--source",
        metavar="DIR|ZIP",
        help="Your own images: class folders, with or without train and test; or a source's name.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def main() -> None:
    """Run the command; a user's mistake ends in one line and exit code 2, a failed verification in 1."""
    run_command(app, "gdatasets")


@app.callback()
def _gdatasets(_version: VersionOption = False) -> None:
    """Deterministic symmetry datasets: build, verify, look at, cite and publish them."""


@app.command("list", epilog="Example: gdatasets list")
def list_datasets() -> None:
    """The datasets and their configurations."""
    from gdatasets.generation.specs import CONFIGURATIONS, DATASETS, is_pinned

    for spec in DATASETS.values():
        splits = ", ".join(f"{split} {count:,}" for split, count in spec.source.samples.items())
        pinned = "" if is_pinned(spec) else "; no published digest"
        say(f"{spec.name:16} {spec.version}  {splits}; made from {spec.source.title}{pinned}")
    for names in dict.fromkeys(spec.configurations for spec in DATASETS.values()):
        owners = [spec for spec in DATASETS.values() if spec.configurations == names]
        say_lines(f"\nConfigurations of {', '.join(spec.name for spec in owners)} ({len(names)}):")
        for config in (CONFIGURATIONS[name] for name in names):
            default = "  (default)" if config.name == owners[0].default_configuration else ""
            say(f"{config.name:10} {config.family:8} {config.bits}  {', '.join(config.actions) or '-'}{default}")


@app.command(epilog="Example: gdatasets info g-mnist@1.0.0")
def info(
    name: Annotated[str, typer.Argument(metavar="NAME[@VERSION]|DIR", help="A dataset, or a build's folder.")],
) -> None:
    """Sizes, digests, groups with their orders, and how to cite."""
    from gdatasets.folder.built_dataset import find_build
    from gdatasets.folder.description import describe_build, describe_version

    build = find_build(name)
    say_lines(describe_version(name) if build is None else describe_build(build))


@app.command(epilog="Example: gdatasets build g-mnist d4-roll --out g-mnist")
def build(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME [CONFIG]...", help="A dataset, then configurations.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The folder to build into, by default NAME; finished parts are kept."),
    ] = None,
    config: ConfigOption = None,
    every: Annotated[bool, typer.Option("--all", help="All configurations.")] = False,
    workers: Annotated[int, typer.Option(help="Processes that encode images.")] = 1,
    shard_size: Annotated[int | None, typer.Option(help="Samples in a shard; by default 10,000.")] = None,
    root: RootOption = None,
    source: SourceOption = None,
    size: Annotated[
        int | None, typer.Option(help="Pixels along a side. The central square is reduced, never enlarged.")
    ] = None,
    color: Annotated[
        bool | None, typer.Option("--color/--gray", help="Own images: RGB or gray; by default as the first image.")
    ] = None,
    version: Annotated[str, typer.Option(help="With --source: MAJOR.MINOR.PATCH, by default 1.0.0.")] = "",
    title: Annotated[str, typer.Option(help="With --source: a title for the card.")] = "",
    license: Annotated[str, typer.Option(help="Own images: SPDX identifier of their license.")] = "",
    homepage: Annotated[str, typer.Option(help="Own images: where they come from.")] = "",
    citation: Annotated[str, typer.Option(help="Own images: how to cite them.")] = "",
    subset_of: Annotated[
        str,
        typer.Option(
            metavar="SOURCE", help="Own images: they are a part of this source; take its license, citation and texts."
        ),
    ] = "",
    documentation: Annotated[
        Path | None,
        typer.Option(metavar="FILE.yaml", help="Own images: a YAML file of collection, annotation, biases, ..."),
    ] = None,
    generators: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.npy|NAMES",
            help="Own dataset: move by the group of pixel permutations (k, pixels) in a file, or of named actions.",
        ),
    ] = None,
    config_name: Annotated[
        str, typer.Option(help="Name of the configuration of --generators; by default group- and a digest.")
    ] = "",
    quiet: QuietOption = False,
) -> None:
    """Build configurations of a dataset, or of your own images, into a folder that `datasets.load_dataset` reads."""
    from gdatasets.cli.progress import shown
    from gdatasets.folder.build import BuildOptions, build_dataset
    from gdatasets.folder.build import build as build_folder
    from gdatasets.generation.specs import dataset_spec

    name, *rest = names or [""]
    configs = [*rest, *(config or [])]
    if config_name and generators is None:
        raise InvalidArgumentError("--config-name names the group of --generators FILE.npy|NAMES; give both.")
    of_own_images = {
        "--color or --gray": color is not None,
        "--license": license,
        "--homepage": homepage,
        "--citation": citation,
        "--subset-of": subset_of,
        "--documentation": documentation,
    }
    if source is None:
        _refuse(name or "a dataset", {**of_own_images, "--version": version, "--title": title})
    with shown(quiet) as progress:
        options = BuildOptions(workers, shard_size, progress)
        if source is not None:
            from gdatasets.generation.specs import named_spec
            from gdatasets.sources.catalog import SOURCES
            from gdatasets.sources.image_folder import FolderSource, Provenance
            from gdatasets.sources.published import PublishedSource
            from gdatasets.sources.sized import at_size

            stated = Provenance(title, license, homepage, citation).of_subset(subset_of).documented(documentation)
            images: ImageSource = FolderSource(source, size, color, stated)
            if str(source) in SOURCES and not source.exists():
                _refuse(str(source), of_own_images)
                images = at_size(PublishedSource(str(source), root), size)
            spec = named_spec(images.about, name, version or "1.0.0", title)
            groups = _own_groups(spec, generators, config_name, images.image_shape)
            chosen = spec.configurations if every else configs
            folder = out or Path(spec.name)
            manifest = build_folder(spec, images, [*chosen, *groups], folder, options)
        elif name:
            spec = dataset_spec(name)
            groups = _own_groups(spec, generators, config_name, (size or spec.source.image_shape[0],) * 2)
            named = spec.configurations if every else configs
            folder = out or Path(spec.at_size(size or spec.source.image_shape[0]).name)
            manifest = build_dataset(name, [*named, *groups], folder, root, options, size)
        else:
            raise InvalidArgumentError("Name a dataset, or your own images with --source DIR|ZIP.")
    _say(quiet, f"{folder} holds {manifest.dataset}@{manifest.version}: {', '.join(manifest.configurations)}")


def _refuse(name: str, options: Mapping[str, object]) -> None:
    """Options that say something of a user's own images are not passed over where the images are another's."""
    if given := [option for option, value in options.items() if value]:
        raise InvalidArgumentError(
            f"{' and '.join(given)}: only your own images take this (--source DIR|ZIP); {name} has its own."
        )


def _own_groups(
    spec: "DatasetSpec", generators: str | None, name: str, image_shape: tuple[int, ...]
) -> "list[GroupConfiguration]":
    """The group of --generators on images of this shape; none where the option is not given."""
    if generators is None:
        return []
    from gdatasets.folder.build import check_own_dataset
    from gdatasets.generation.group_moves import GroupConfiguration
    from gdatasets.groups.generator_file import read_generators
    from gdatasets.groups.group import Group, parse_group

    check_own_dataset(spec)
    if generators.endswith(".npy"):
        return [GroupConfiguration(Group.from_permutations(read_generators(Path(generators)), image_shape[:2]), name)]
    return [GroupConfiguration(parse_group(generators, image_shape[0]), name)]


@app.command(epilog="Example: gdatasets verify g-mnist --rebuild")
def verify(
    target: Annotated[str, typer.Argument(metavar="DIR|NAME@VERSION", help="A build, or a published version.")],
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Generate everything again from the source, and compare.")
    ] = False,
    config: ConfigOption = None,
    root: RootOption = None,
    source: SourceOption = None,
    quiet: QuietOption = False,
) -> None:
    """Compare files with the manifest and contents with the pinned digests; exit code 1 on any difference."""
    from gdatasets.cli.progress import shown
    from gdatasets.folder.citation import parse_reference
    from gdatasets.folder.verify import verify_folder, verify_version
    from gdatasets.generation.specs import DATASETS
    from gdatasets.sources.published import PublishedSource

    configs = tuple(config or ())
    with shown(quiet) as progress:
        if Path(target).is_dir():
            original = _source_of(Path(target), root, source) if rebuild else None
            report = verify_folder(target, original, configs, progress)
        elif "@" in target or ":" in target or target in DATASETS:
            spec = parse_reference(target)
            report = verify_version(spec, PublishedSource(spec.source_name, root), configs, progress)
        else:
            raise InvalidArgumentError(
                f"{target} is not a folder; give a build's, or NAME@VERSION of {', '.join(DATASETS)}."
            )
    _conclude(target, report)


def _source_of(folder: Path, root: Path | None, own: Path | None) -> "ImageSource":
    """The source to rebuild a folder from, as its manifest names it."""
    from gdatasets.folder.manifest import read_manifest
    from gdatasets.generation.specs import DATASETS
    from gdatasets.sources.image_folder import FolderSource
    from gdatasets.sources.published import PublishedSource

    manifest = read_manifest(folder)
    if manifest.dataset in DATASETS:
        return PublishedSource(DATASETS[manifest.dataset].source_name, root)
    from gdatasets.sources.catalog import SOURCES
    from gdatasets.sources.sized import at_size

    name = str(own) if own is not None else manifest.source.name
    if (":" in name or name in SOURCES) and not Path(name).exists():
        named = at_size(PublishedSource(name, root), manifest.image_shape[0])
        if own is not None or named.digest() == manifest.source.sha256:
            return named
    if own is None:
        raise InvalidArgumentError(
            f"{manifest.dataset} was built from own images; name them with --source DIR|ZIP or package.module:source."
        )
    return FolderSource(own, manifest.image_shape[0], len(manifest.image_shape) == 3, enlarge=True)


def _conclude(target: str, report: "Report") -> None:
    for line in [*report.findings, *report.notices]:
        say(line)
    if not report.verified:
        raise typer.Exit(fail("gdatasets", f"{target} failed verification: {len(report.findings)} findings.", 1))
    splits = f"{report.splits} split{'s' if report.splits > 1 else ''}"
    say(f"{target} verified: {report.samples:,} samples in {splits}.")


@app.command(epilog="Example: gdatasets preview g-mnist aug2 --out preview.png")
def preview(
    name: Annotated[str, typer.Argument(metavar="NAME|DIR", help="A dataset, or a build's folder.")],
    config: Annotated[str, typer.Argument(help="A configuration.")],
    out: Annotated[Path, typer.Option("--out", help="The PNG file to write.")],
    rows: Annotated[int, typer.Option(help="Source images, a row each.")] = 10,
    moves: Annotated[int, typer.Option(help="Moves of each image.")] = 10,
    scale: Annotated[int, typer.Option(min=1, max=16, help="Enlarge each pixel this many times.")] = 2,
    root: RootOption = None,
    source: SourceOption = None,
) -> None:
    """A contact sheet: one row a source image, the original and then its moves."""
    from gdatasets.files import make_folder, write_whole
    from gdatasets.folder.built_dataset import find_build, restore_source
    from gdatasets.folder.preview import contact_sheet, sheet_png
    from gdatasets.generation.specs import dataset_spec
    from gdatasets.sources.published import PublishedSource

    build = find_build(name)
    if build is None:
        spec = dataset_spec(name)
        images: ImageSource = PublishedSource(spec.source_name, root)
        sheet = contact_sheet(spec, spec.configuration(config), images, rows, moves)
    else:
        images = restore_source(build, config) if source is None else _source_of(build.folder, root, source)
        if images.digest() != build.manifest.source.sha256:
            raise InvalidArgumentError(f"{source} does not hold the images that {name} was built from.")
        sheet = contact_sheet(build.spec, build.configuration(config), images, rows, moves)
    make_folder(out.parent)
    write_whole(out, sheet_png(sheet, scale))
    say(f"Wrote {out}")


@app.command(epilog="Example: gdatasets cite g-mnist@1.0.0 --format bibtex")
def cite(
    reference: Annotated[str, typer.Argument(metavar="NAME[@VERSION]|DIR", help="Such as g-mnist@1.0.0, or a build.")],
    form: Annotated[str, typer.Option("--format", help="bibtex, cff or apa.")] = "bibtex",
) -> None:
    """How to cite a published version, or a build of your own, with its digest."""
    from gdatasets.folder.built_dataset import find_build
    from gdatasets.folder.citation import cite as citation

    build = find_build(reference)
    say_lines(citation(reference, form) if build is None else build.cite(form))


@app.command(epilog="Example: gdatasets publish g-mnist --repo aen/g-mnist --dry-run")
def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A finished build.")],
    repo: Annotated[str, typer.Option("--repo", help="The dataset repository, such as aen/g-mnist.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Verify and report only; nothing is uploaded.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Upload a build to the Hugging Face Hub, read it back, and tag it with its version."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # one display of progress is enough
    from gdatasets.cli.progress import shown
    from gdatasets.hub.publish import publish as publish_folder

    with shown(quiet) as progress:
        done = publish_folder(folder, repo, dry_run, progress)
    what = f"{len(done.files)} files, {done.bytes:,} bytes, as {done.repo} {done.tag}"
    if dry_run:
        _say(quiet, f"Would publish {what}")
    elif done.already:
        _say(quiet, f"{done.repo} {done.tag} holds this content already, at {done.commit}")
    else:
        _say(quiet, f"Published {what}, at {done.commit}")


app.command(epilog="Example: gdatasets duplicates eurosat")(duplicates)


def _say(quiet: bool, message: str) -> None:
    if not quiet:
        say(message)
