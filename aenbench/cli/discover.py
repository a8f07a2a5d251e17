"""The command `discover`: which symmetries the images of a dataset have."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from aenbench.cli.options import DeviceOption, QuietOption, RootOption
from gdatasets.cli.output import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aenbench.discovery.choice import Choice
    from aenbench.discovery.findings import Discovery
    from aenbench.tasks.datasets import Dataset


_DETAILS = ("agreement", "drop", "rise", "low", "high")


def discover(
    dataset: Annotated[str, typer.Argument(help="A dataset, or a folder or .zip file of class folders.")],
    config: Annotated[
        str | None,
        typer.Option(help="Configuration, such as d4; by default none, images as published, where the dataset has it."),
    ] = None,
    candidates: Annotated[
        str,
        typer.Option(
            metavar="actions|d4|angles|FILE.npy",
            help="Moves to ask about; angles are every 15 degrees, angles:5 every 5; a file holds permutations "
            "(k, points).",
        ),
    ] = "actions",
    method: Annotated[
        str,
        typer.Option(
            metavar="auto|kernel|classifier|learned-augmentation|post-hoc",
            help="kernel trains nothing; classifier trains a small network; auto asks it where the kernel cannot tell. "
            "The last two train a network, too, and test nothing: no p-values, no level.",
        ),
    ] = "auto",
    network: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Import path of a trained network that post-hoc asks, package.module:name; it gets validation images, "
            "normalized as for aenbench run.",
        ),
    ] = None,
    images: Annotated[int | None, typer.Option(help="Number of training images to look at, drawn at random.")] = None,
    level: Annotated[
        float, typer.Option(help="Significance level of all tests together, and of the intervals.")
    ] = 0.05,
    margin: Annotated[
        float | None,
        typer.Option(help="The largest effect that counts as small; .02 for the kernel, .1 for the classifier."),
    ] = None,
    step: Annotated[int, typer.Option(help="Pixels that the rolls among the actions move by.")] = 4,
    seed: Annotated[int, typer.Option(help="Seed of all random draws.")] = 0,
    jitter: Annotated[
        int,
        typer.Option(
            metavar="PIXELS",
            help="Ask for symmetries up to shifts: crop each image by this many pixels at a random place.",
        ),
    ] = 0,
    device: DeviceOption = "cpu",
    output: Annotated[Path | None, typer.Option("--json", help="JSON file for the whole result.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for discovery.json, generators.npy and pictures.")] = None,
    quiet: QuietOption = False,
    root: RootOption = None,
) -> None:
    """Test which moves leave the distribution of the images of each class unchanged."""
    import numpy as np

    from aenbench.discovery.choice import Choice
    from aenbench.discovery.discover import IMAGES
    from aenbench.discovery.discover import discover as ask
    from aenbench.discovery.usage import ready_commands
    from aenbench.execution.device import Device
    from aenbench.reports.figures import encode_png
    from aenbench.tasks.datasets import as_typed, open_dataset, unmoved_configuration
    from gdatasets.cli.progress import shown
    from gdatasets.files import make_folder, write_whole
    from gdatasets.groups.generator_file import encode_generators, read_generators

    trained_on = Device.parse(device)
    trained_on.check()
    dataset = as_typed(dataset)
    config = config or unmoved_configuration(dataset, root)
    found = open_dataset(dataset, config, root)
    moves = read_generators(Path(candidates)) if Path(candidates).suffix == ".npy" else candidates
    if network is not None:
        from aenbench.user_code import load_module

        own = load_module(network)
        pixels, labels = _as_networks_see(found, root)
    else:
        own, train = None, found.read("train")
        pixels, labels = train.images, np.asarray(found.classes)[train.labels]
    with shown(quiet) as report:
        result: Discovery | Choice = cast("Any", ask)(  # which one it is follows from the method
            pixels,
            labels,
            moves,
            method=method,  # `discover` says what is none
            limit=IMAGES if images is None else images,
            level=level,
            margin=margin,
            jitter=jitter,
            step=step,
            seed=seed,
            report=report,
            network=own,
            device=trained_on.name,
        )
    file = None if out is None else str(out / "generators.npy")
    commands = ready_commands(result.group, dataset, config, pixels.shape[1:3], file)
    if root is not None:
        commands = tuple(shlex.join([*shlex.split(command), "--root", str(root)]) for command in commands)
    if isinstance(result, Choice):
        show_choice(result, commands)
    else:
        show(result, commands)
    told = {
        "dataset": dataset,
        "config": config,
        "jitter": jitter,
        "device": trained_on.kind,
        **result.to_json(),
        "commands": commands,
    }
    text = json.dumps(told, indent=1) + "\n"
    files = {output: text.encode()} if output is not None else {}
    if out is not None:
        files |= {out / "discovery.json": text.encode(), out / "effects.png": encode_png(result.plot())}
        if not isinstance(result, Choice):
            pictures = {"confusion.png": result.plot_confusion(), "pairs.png": result.plot_pairs()}
            files |= {out / name: encode_png(picture) for name, picture in pictures.items() if picture is not None}
        files |= {out / "generators.npy": encode_generators(result.group.permutations)}
    for path, content in files.items():
        make_folder(path.parent)
        write_whole(path, content)
        say(f"Wrote {path}")


def _as_networks_see(found: "Dataset", root: Path | None) -> "tuple[NDArray[Any], NDArray[Any]]":
    """Validation images, normalized, (n, rows, columns, channels), with class numbers: no run learns from them."""
    from aenbench.tasks.images import Images
    from aenbench.tasks.protocol import STANDARD
    from aenbench.tasks.task import Task

    held_out = Images(Task(found.name, found.configuration, STANDARD), root, found).training()[1]
    say(f"The network is asked on {len(held_out):,} validation images, normalized as for aenbench run.")
    return held_out.images.permute(0, 2, 3, 1).numpy(), held_out.labels.numpy()


def show_choice(result: "Choice", commands: Sequence[str] = ()) -> None:
    """A line for each candidate of a method that tests nothing, and what follows."""
    width, words = max(len(name) for name in result.confidences), result.words
    heads = [name for name in _DETAILS if any(name in each for each in result.details.values())]
    say("  ".join([f"{'move':{width}}", f"{'confidence':>10}", *(f"{name:>10}" for name in heads), "says"]))
    for name, confidence in result.confidences.items():
        details = [f"{result.details[name][head]:10.4f}" for head in heads]
        say("  ".join([f"{name:{width}}", f"{confidence:10.4f}", *details, words[name]]))
    for notice in result.notices:
        say(notice)
    if not result.has_learned:
        say(f"Right answers are no more frequent than the largest class, {result.chance:.1%}: nothing is chosen.")
    if result.invariant:
        say(f"The network is invariant under {', '.join(name for name in words if name in result.invariant)}.")
    state = f", state {result.state}" if result.state is not None and set(result.state) != {"0"} else ""
    chosen = ", ".join(result.chosen) or "none"
    say(f"Chosen: {chosen}; they generate a group of order {result.group.order:,}{state}.")
    say(
        f"No test: a confidence is what one network learned, not a p-value, and no level holds. A move is chosen above "
        f"{result.threshold:.3g}."
    )
    for command in commands:
        say(f"Train it: {command}")
    say(
        f"{result.images:,} images, of which the network was asked on {result.asked:,} and knew {result.accuracy:.1%}; "
        f"{result.seconds:.1f} s of a core."
    )


def show(result: "Discovery", commands: Sequence[str] = ()) -> None:
    """A line for each candidate, and what follows."""
    width = max(len(name) for name in result.measured)
    say(f"{'move':{width}}  {'effect':>7}  {'interval':>16}  {'p':>7}  verdict")
    adjusted = result.p_values
    for name, each in result.measured.items():
        interval = f"{each.low:.4f}..{each.high:.4f}"
        by = "" if result.methods[name] == "kernel" else " (classifier)"
        say(f"{name:{width}}  {each.effect:7.4f}  {interval:>16}  {adjusted[name]:7.4f}  {result.verdicts[name]}{by}")
    seen = f"  seen when {result.control.share:.1%} of the images break a symmetry so"
    control = f"({result.control_name})"
    say(f"{control:{width}}  {result.control.effect:7.4f}{seen if result.control.share < 1 else ''}")
    for notice in result.notices:
        say(notice)
    for name in result.contradictions:
        say(f"{name} is not a symmetry, yet it is a product of symmetries: the verdicts contradict each other.")
    if result.classification is not None:
        cosets = result.classification.confusion.cosets
        say(f"Moves that the classifier does not tell apart: {'; '.join(', '.join(coset) for coset in cosets)}.")
    for name, exchange in result.exchanges.items():
        each = exchange.measured
        say(
            f"{name} is symmetric up to exchanging these classes: {exchange}; effect {each.effect:.4f} "
            f"({each.low:.4f}..{each.high:.4f}), p {each.p_value:.4f}."
        )
    if result.profile is not None:
        say(f"Rotations: {result.profile}.")
    names = result.named("symmetry")
    state = f", state {result.state}" if result.state is not None and set(result.state) != {"0"} else ""
    say(f"Symmetries: {', '.join(names) or 'none'}; a group of order {result.group.order:,}{state}.")
    if result.generators:
        _show_group(result)
    for command in commands:
        say(f"Train it: {command}")
    say(
        f"{result.images:,} images, {result.seconds:.1f} s of a core, level {result.level:g}, margin {result.margin:g}."
    )


def _show_group(result: "Discovery") -> None:
    """What generates the group, what else is in it, and how many weights it leaves free."""
    also = [name for name in result.group.closure if name not in result.moves.permutations]
    more = f"; it contains {', '.join(also)}" if also else ""
    say(f"Generators: {', '.join(result.generators)}{more}.")
    if (sharing := result.sharing) is not None:
        pixels = result.group.degree
        say(f"A layer {pixels:,} > {pixels:,} shared by it has {sharing.free:,} free weights of {sharing.weights:,}.")
