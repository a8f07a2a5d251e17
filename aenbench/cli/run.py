"""Commands that train and score: `run`, and what helps before it: `check`, `datasets`."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aenbench.cli.options import AddressOption, DeviceOption, ExecutorOption, QuietOption, RootOption, WorkersOption
from aenbench.errors import EntryError, InvalidArgumentError
from gdatasets.cli.output import say, say_lines, warn
from gdatasets.errors import GDatasetsError, SourceError
from gdatasets.visible_text import visible

if TYPE_CHECKING:
    from aenbench.leaderboard.entry import Entry
    from aenbench.scoring import Scored


def _notice(message: str) -> None:
    warn(message)


def run(
    baseline: Annotated[
        str | None,
        typer.Option(
            help="mlp, full, single, single:<action>, aen, gcnn:<group>, gcnn-aen, cnn, z2cnn, p4cnn, p4m, resnet, "
            "resnet:<group> or group; "
            "of your own model family package.module:name for its search, package.module:name:<part> for one of its "
            "networks."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Your own network, package.module:name: an nn.Module class, or a function that makes one."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the entry, with --model; by default the network's.")] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="With --model: whose final training it gets: aen (by default), gcnn, p4cnn, cnn, resnet or "
            "package.module:family."
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="g-mnist, mnist-rot, cifar10, ..., a folder that `gdatasets build` made, or a folder or .zip of "
            "class folders; `aenbench datasets` lists them. By default G-MNIST where its source is available."
        ),
    ] = None,
    config: Annotated[
        str | None, typer.Option(help="A configuration; `gdatasets list` shows all. By default aug2, or the only one.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="standard or paper.")] = "standard",
    budget: Annotated[str, typer.Option(help="quick or standard.")] = "standard",
    seeds: Annotated[int, typer.Option(help="Independent repetitions.")] = 3,
    augment: Annotated[
        str,
        typer.Option(
            help="Augment the training images: rotate360, rotate, hflip, vflip, translate, scale, shear, or some of "
            "them with commas between."
        ),
    ] = "",
    size: Annotated[str, typer.Option(help="small or large: the size of gcnn:<group>.")] = "small",
    search: Annotated[
        str | None,
        typer.Option(
            help="What chooses, for aen and gcnn-aen: dqn (the paper's, by default), greedy, evolution, random, "
            "exhaustive, discover (asks the images, trains no network), guided (in the order that they give), or "
            "package.module:function."
        ),
    ] = None,
    generators: Annotated[
        str | None,
        typer.Option(
            help="Generators of --baseline group: a .npy file of pixel permutations (k, n), a group (d4), or actions."
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(help="Precision of the final training: float32 or bfloat16 (autocast); by default its recipe's."),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Passes of the final training over its images. This and the next seven change "
            "its recipe: where it then differs from the fixed one, the entry is one of the open track."
        ),
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Images per step of the final training.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Learning rate of the final training, the highest of its schedule.")
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Weight decay of the final training.")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="Learning rate schedule of the final training: constant, one-cycle or cosine.")
    ] = None,
    optimizer: Annotated[str | None, typer.Option(help="Optimizer of the final training: adam, adamw or sgd.")] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(help="Label smoothing of the final training, 0 to below 1.")
    ] = None,
    train_images: Annotated[
        int | None,
        typer.Option(help="Train the final network on only the first N training images."),
    ] = None,
    root: RootOption = None,
    out: Annotated[Path, typer.Option(help="Entries go to OUT/<dataset>/<config>/<entry>.")] = Path("runs"),
    device: DeviceOption = "cpu",
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    keep_logits: Annotated[
        bool, typer.Option("--keep-logits", help="Keep the test images' logits in the entry, for its calibration.")
    ] = False,
    logger: Annotated[
        str | None,
        typer.Option(
            help="package.module:name, a function or class of yours that is called after each pass of a final training "
            "with (what, epoch, loss, accuracy, learning_rate), for TensorBoard, W&B or the like."
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Keep the final networks in DIR/<dataset>/<config>/<entry>, a file seed-N.safetensors for each, for "
            "`aenbench.load_model`. Where this is --out, they become part of the entry, which holds small ones only."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an entry of the same name.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Search, train and score a baseline, or train and score a network of your own, and write its entry."""

    from aenbench.cli.progress import progress_report
    from aenbench.execution.executors import executor_from
    from aenbench.leaderboard.rescoring import rescore
    from aenbench.runs.foresight import foresee
    from aenbench.runs.loggers import load_logger, logged
    from aenbench.runs.options import RunOptions
    from aenbench.runs.run import run as run_plan
    from aenbench.tasks.images import Images
    from aenbench.training.recipe import slow_precision

    options = RunOptions(
        baseline,
        model,
        name,
        recipe,
        dataset,
        config,
        protocol,
        budget,
        seeds,
        augment,
        size,
        keep_logits,
        generators,
        search,
        precision,
        epochs,
        batch,
        learning_rate,
        weight_decay,
        schedule,
        optimizer,
        label_smoothing,
        train_images,
        device,
    )
    plan = options.plan(root)
    plan.device.check(executor)
    Images(plan.task, root)  # a wrong name ends here, before anything is fetched
    if dataset is None:
        plan = replace(plan, task=replace(plan.task, dataset=default_dataset(root)))
    if notice := slow_precision(plan.spent.final, plan.device):
        _notice(notice)
    command = "aenbench " + shlex.join(sys.argv[1:])
    told = load_logger(logger) if logger is not None else None
    with (
        executor_from(executor, workers, address, plan.device) as where,
        progress_report(quiet) as shown,
        logged(shown, told, _notice) as report,
    ):
        folder = run_plan(plan, out, command, report, where, overwrite, weights)
    entry, result, differences = rescore(folder.resolve(), root, Images(plan.task, root))
    if differences:
        raise EntryError(f"{folder}: {'; '.join(differences)}.")
    show_result(entry, result)
    if line := foresee(plan):
        say(line)
    say(f"Entry: {folder}")


def datasets(root: RootOption = None) -> None:
    """List the datasets that a run can take, and which of them are on this machine."""
    from gdatasets.generation.specs import DATASETS, is_pinned
    from gdatasets.sources.catalog import SOURCES
    from gdatasets.sources.published import source_is_fetchable, source_is_local
    from gdatasets.sources.source import data_roots

    unpinned = {name for name, spec in DATASETS.items() if not is_pinned(spec)}
    sources = {name: spec.source_name for name, spec in DATASETS.items()} | {name: name for name in SOURCES}
    for name, source in sources.items():
        sizes = " / ".join(f"{count:,}" for count in SOURCES.find(source).samples.values())
        fetched = "to be fetched" if source_is_fetchable(source) else "to be fetched by hand, with an account"
        here = "on this machine" if source_is_local(source, root) else fetched
        say(f"{name:16} {sizes:18} {here}{'; no published digest' if name in unpinned else ''}")
    for place in data_roots(root):
        for name, what in _own_images(place):
            say(f"{name:37} {what} in {place}")
    say_lines("\nAny folder or .zip file of class folders, train/CLASS/image and test/CLASS/image, by its path.")


def _own_images(place: Path) -> list[tuple[str, str]]:
    """Archives and builds of a root, which `--dataset` takes by name; archives are not opened."""
    from gdatasets.folder.manifest import is_build

    if not place.is_dir():
        return []
    found = [(path.stem, ".zip file") for path in place.iterdir() if path.suffix == ".zip" and path.is_file()]
    return sorted([*found, *((path.name, "build") for path in place.iterdir() if is_build(path))])


def default_dataset(root: Path | None) -> str:
    """G-MNIST when its source is present or can be fetched, otherwise G-Digits, and says so."""
    from gdatasets.sources.published import load_source, source_is_local

    if not source_is_local("mnist", root):
        _notice("MNIST is not on this machine; trying to fetch it.")
    try:
        load_source("mnist", "train", root)
    except SourceError as error:
        if source_is_local("mnist", root):
            raise
        _notice(f"{error} Using G-Digits instead, which needs no download; --dataset chooses another.")
        return "g-digits"
    return "g-mnist"


def show_result(entry: "Entry", result: "Scored") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from aenbench.leaderboard.markdown import cost_cells, format_accuracy
    from aenbench.leaderboard.networks import format_networks

    seeds = f"{len(entry.seeds)} seed{'s' if len(entry.seeds) > 1 else ''}"
    task = f"{entry.dataset} {entry.dataset_version} / {entry.configuration}"
    table = Table(
        title=escape(visible(f"{task}, protocol {entry.protocol}, {seeds}")),
        caption="accuracy with its 95 % interval; networks: trained by the search; means over seeds",
        show_header=False,
    )
    cells = {
        "entry": entry.name,
        "accuracy, %": format_accuracy(result),
        **dict(zip(("parameters", "networks", "search + training, s"), cost_cells(entry), strict=True)),
        "network": format_networks(entry).replace("; ", "\n"),
    }
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for heading, cell in cells.items():
        table.add_row(heading, "\n".join(escape(visible(line)) for line in cell.split("\n")))
    Console().print(table)


def check(
    model: Annotated[
        str,
        typer.Argument(
            help="Import path of a module or a factory, package.module:name; or, with --weights, an entry: "
            "<dataset>/<config>/<entry>."
        ),
    ],
    group: Annotated[str, typer.Option(help="d4, c4, v4, ...; actions such as rotation,hflip; or twelve bits.")] = "d4",
    size: Annotated[
        int | None,
        typer.Option(help="Pixels along one side of the images, by default 28; with --weights the file says it."),
    ] = None,
    channels: Annotated[
        int | None,
        typer.Option(
            min=1, max=4, help="Channels of the images, by default 1; 3 for color. With --weights the file says it."
        ),
    ] = None,
    step: Annotated[int, typer.Option(help="Pixels that htrans and vtrans roll by.")] = 4,
    elements: Annotated[bool, typer.Option("--elements", help="Every element, not only the generators.")] = False,
    weights: Annotated[
        str | None,
        typer.Option(help="The trained network of an entry, from this folder or model repository on the Hub."),
    ] = None,
    seed: Annotated[int, typer.Option(help="With --weights: which of the entry's networks.")] = 0,
) -> None:
    """Measure how far a network's outputs are from invariant under a group; exit code 1 when they are not."""
    from aenbench.leaderboard.saved_models import load_model
    from aenbench.user_code import load_module
    from gdatasets.groups.group import parse_group

    if weights is None:
        size, channels = 28 if size is None else size, channels or 1
        named = parse_group(group, size, step)
        network: Any = load_module(model)
    else:
        network = load_model(model, seed, weights)
        stated, side, _ = network.input_shape
        if size not in (None, side) or channels not in (None, stated):
            raise InvalidArgumentError(
                f"{model} takes images ({stated}, {side}, {side}), as its weights say; leave out --size and --channels."
            )
        size, channels = side, stated
        named = parse_group(group, size, step)
    from aenbench.nn import check_equivariance

    try:
        report = check_equivariance(network, named, channels=channels, elements="all" if elements else "generators")
    except GDatasetsError:
        raise
    except Exception as error:  # torch's for a batch that does not fit, or the network's own
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise InvalidArgumentError(
            f"{model} cannot be called on a batch (4, {channels}, {size}, {size}): {why}. Give its --size and "
            "--channels."
        ) from error
    for name, size_of_error in report.errors.items():
        say(f"{'differs' if name in report.failing else 'holds':8} {name}  error {size_of_error:.3g}")
    if not report.passed:
        failing = f"{len(report.failing)} of {len(report.errors)}"
        warn(f"{model} is not invariant under {failing} elements (tolerance {report.tolerance:.3g}).")
        raise typer.Exit(1)
    say(f"{model} is invariant under {group} (order {named.order}), tolerance {report.tolerance:.3g}.")
