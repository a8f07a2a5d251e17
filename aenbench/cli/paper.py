"""The command `aenbench reproduce paper`."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from aenbench.cli.options import AddressOption, ExecutorOption, QuietOption, RootOption, WorkersOption
from aenbench.errors import known_name
from gdatasets.cli.output import say

PARTS = {
    "a": "single_actions",
    "b": "found_networks",
    "c": "learning_curves",
    "d": "construction_time",
    "e": "group_convolutions",
}
"""The module of `aenbench.paper` that runs each part."""


def reproduce_paper(
    part: Annotated[
        list[str] | None,
        typer.Option(
            help="a: single actions; b: networks found; c: the search's progress; d: construction time; e: group "
            "convolutions. May be given several times; by default all."
        ),
    ] = None,
    scale: Annotated[str, typer.Option(help="quick: minutes; two-cores: hours; paper: days.")] = "quick",
    seeds: Annotated[int | None, typer.Option(help="Repetitions; by default as many as the scale says.")] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Datasets of parts a to c instead of g-mnist and g-fashion-mnist; may be repeated."),
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Option(
            help="Datasets of part e instead of the paper's six, as in `aenbench run --dataset`; may be repeated."
        ),
    ] = None,
    tables: Annotated[
        Path,
        typer.Option(
            help="Searches look networks up in the tables of this folder where one fits, instead of training."
        ),
    ] = Path("leaderboards/tables"),
    root: RootOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; by default paper-SCALE.")] = None,
    workers: WorkersOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = None,
    quiet: QuietOption = False,
) -> None:
    """Make the experiments of arXiv 2104.04848 again: tables and pictures, part by part, resumed where interrupted."""
    from aenbench.cli.progress import progress_report
    from aenbench.execution.executors import executor_from
    from aenbench.paper.context import DATASETS, Setting
    from aenbench.paper.scales import scale_of

    chosen = [known_name("part", name, PARTS) for name in part or PARTS]
    size = scale_of(scale, seeds)
    with executor_from(executor, workers, address) as where, progress_report(quiet) as report:
        setting = Setting(
            scale=size,
            out=out or Path(f"paper-{size.name}"),
            datasets=tuple(dict.fromkeys(dataset or DATASETS)),
            image_datasets=tuple(dict.fromkeys(images or ())),
            root=root,
            tables=tables,
            executor=where,
            report=report,
        )
        for name in dict.fromkeys(chosen):
            say(f"Part {name}: {import_module(f'aenbench.paper.{PARTS[name]}').run(setting)}")
