"""The command `gdatasets`. Heavy imports wait until a command needs them, so that `--help` answers at once."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gdatasets.errors import GDatasetsError, InvalidArgumentError

if TYPE_CHECKING:
    from gdatasets.sources import ImageSource
    from gdatasets.verify import Report

_UsageError: type[Exception] = typer.BadParameter.__bases__[0]

app = typer.Typer(
    help="Deterministic symmetry datasets: build, verify, look at, cite and publish them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="Folder with MNIST/raw and FashionMNIST/raw; also $GDATASETS_ROOT."),
]
ConfigOption = Annotated[
    list[str] | None, typer.Option("--config", help="A configuration; may be repeated. `gdatasets list` shows all.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress.")]


def main() -> None:
    """Run the command; a user's mistake ends in one line and exit code 2, a failed verification in 1."""
    try:
        code = app(standalone_mode=False)
    except _UsageError as error:
        code = _fail(f"{getattr(error, 'format_message')()} See --help.")  # noqa: B009
    except GDatasetsError as error:
        code = _fail(str(error))
    except OSError as error:
        code = _fail(f"{error.filename or 'The system'}: {error.strerror or error}.")
    except (KeyboardInterrupt, typer.Abort):
        code = _fail("Interrupted; run the same command again to go on from there.", 130)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int = 2) -> int:
    sys.stderr.write(f"gdatasets: {' '.join(message.split())}\n")
    return code


@app.command("list")
def list_datasets() -> None:
    """The datasets and their configurations."""
    from gdatasets.specs import CONFIGURATIONS, DATASETS, DEFAULT_CONFIGURATION

    for spec in DATASETS.values():
        splits = ", ".join(f"{split} {count:,}" for split, count in spec.source.samples.items())
        typer.echo(f"{spec.name:16} {spec.version}  {splits}; made from {spec.source.title}")
    typer.echo(f"\n{len(CONFIGURATIONS)} configurations of each:")
    for config in CONFIGURATIONS.values():
        default = "  (default)" if config.name == DEFAULT_CONFIGURATION else ""
        typer.echo(f"{config.name:10} {config.family:5} {config.bits}  {', '.join(config.actions) or '-'}{default}")


@app.command()
def info(name: Annotated[str, typer.Argument(help="A dataset, or NAME@VERSION.")]) -> None:
    """Sizes, digests, groups with their orders, and how to cite."""
    from gdatasets.cite import cite, parse_reference
    from gdatasets.groups import Group
    from gdatasets.sources import source_is_local
    from gdatasets.specs import CONFIGURATIONS, pinned_digests

    spec = parse_reference(name)
    source = spec.source
    typer.echo(f"{spec.title} {spec.version}: {source.title}, moved by groups of image symmetries")
    typer.echo(f"images   28x28, grey; {len(source.classes)} classes: {', '.join(source.classes)}")
    typer.echo(f"splits   {', '.join(f'{split} {count:,}' for split, count in source.samples.items())}")
    typer.echo(
        f"source   {'at hand' if source_is_local(source.name) else 'fetched when first needed'}; {source.homepage}"
    )
    typer.echo(f"licence  {source.licence}\n")
    for config_name, digests in pinned_digests(spec.name, spec.version).items():
        config = CONFIGURATIONS[config_name]
        turns = config.family == "paper" and "rotation" in config.actions
        order = (
            "any angle, no finite group" if turns else f"group of order {Group(config.actions, 28, config.step).order}"
        )
        typer.echo(f"{config_name:10} {config.family}, {order}: {', '.join(config.actions) or 'the identity'}")
        for split, digest in digests.items():
            typer.echo(f"{'':10} {split:5} {digest}")
    typer.echo(f"\n{cite(f'{spec.name}@{spec.version}')}", nl=False)


@app.command()
def build(
    out: Annotated[Path, typer.Option("--out", help="The folder to build into; what is finished there is kept.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME [CONFIG]...", help="A dataset, then configurations.")
    ] = None,
    config: ConfigOption = None,
    every: Annotated[bool, typer.Option("--all", help="All configurations.")] = False,
    workers: Annotated[int, typer.Option(help="Processes that encode images.")] = 1,
    shard_size: Annotated[int | None, typer.Option(help="Samples in a shard; by default 10,000.")] = None,
    root: RootOption = None,
    quiet: QuietOption = False,
) -> None:
    """Build configurations of a dataset into a folder that `datasets.load_dataset` reads."""
    from gdatasets.build import BuildOptions, build_dataset
    from gdatasets.progress import shown
    from gdatasets.specs import CONFIGURATIONS

    name, *rest = names or [""]
    configs = list(CONFIGURATIONS) if every else [*rest, *(config or [])]
    if not name:
        raise InvalidArgumentError("Name a dataset: gdatasets build NAME [CONFIG...] --out DIR.")
    with shown(quiet) as progress:
        manifest = build_dataset(name, configs, out, root, BuildOptions(workers, shard_size, progress))
    _say(quiet, f"{out} holds {manifest.dataset}@{manifest.version}: {', '.join(manifest.configurations)}")


@app.command()
def verify(
    target: Annotated[str, typer.Argument(metavar="DIR|NAME@VERSION", help="A build, or a published version.")],
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make everything again from the source.")] = False,
    config: ConfigOption = None,
    root: RootOption = None,
    quiet: QuietOption = False,
) -> None:
    """Compare files with the manifest and contents with the pinned digests; exit code 1 on any difference."""
    from gdatasets.cite import parse_reference
    from gdatasets.progress import shown
    from gdatasets.sources import PublishedSource
    from gdatasets.verify import verify_folder, verify_version

    configs = tuple(config or ())
    with shown(quiet) as progress:
        if Path(target).is_dir():
            source = _source_of(Path(target), root) if rebuild else None
            report = verify_folder(target, source, configs, progress)
        elif "@" in target or "/" not in target:
            spec = parse_reference(target)
            report = verify_version(spec, PublishedSource(spec.source_name, root), configs, progress)
        else:
            raise InvalidArgumentError(f"{target} is not a folder; give a build's folder or NAME@VERSION.")
    _conclude(target, report)


def _source_of(folder: Path, root: Path | None) -> "ImageSource":
    """The source to rebuild a folder from, as its manifest names it."""
    from gdatasets.manifest import read_manifest
    from gdatasets.sources import PublishedSource
    from gdatasets.specs import dataset_spec

    return PublishedSource(dataset_spec(read_manifest(folder).dataset).source_name, root)


def _conclude(target: str, report: "Report") -> None:
    for finding in report.findings:
        typer.echo(finding)
    if not report.verified:
        raise typer.Exit(_fail(f"{target} failed verification: {len(report.findings)} findings.", 1))
    typer.echo(f"{target} verified: {report.samples:,} samples in {report.splits} splits.")


@app.command()
def preview(
    name: Annotated[str, typer.Argument(help="A dataset.")],
    config: Annotated[str, typer.Argument(help="A configuration.")],
    out: Annotated[Path, typer.Option("--out", help="The PNG file to write.")],
    rows: Annotated[int, typer.Option(help="Source images, a row each.")] = 10,
    moves: Annotated[int, typer.Option(help="Moves of each image.")] = 10,
    scale: Annotated[int, typer.Option(min=1, max=16, help="Enlarge each pixel this many times.")] = 2,
    root: RootOption = None,
) -> None:
    """A contact sheet: one row a source image, the original and then its moves."""
    from gdatasets.files import write_whole
    from gdatasets.preview import contact_sheet, sheet_png
    from gdatasets.sources import PublishedSource
    from gdatasets.specs import configuration, dataset_spec

    spec = dataset_spec(name)
    sheet = contact_sheet(spec, configuration(config), PublishedSource(spec.source_name, root), rows, moves)
    write_whole(out, sheet_png(sheet, scale))
    typer.echo(f"Wrote {out}")


@app.command()
def cite(
    reference: Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="Such as g-mnist@1.0.0.")],
    form: Annotated[str, typer.Option("--format", help="bibtex, cff or apa.")] = "bibtex",
) -> None:
    """How to cite a published version, with its digest."""
    from gdatasets.cite import cite as citation

    typer.echo(citation(reference, form), nl=False)


def _say(quiet: bool, message: str) -> None:
    if not quiet:
        typer.echo(message)
