"""The command `auto`: which symmetries a folder of images has, and whether they pay."""

from pathlib import Path
from typing import Annotated

import typer

from aenbench.cli.options import DeviceOption, QuietOption, RootOption
from gdatasets.cli.output import say


def auto(
    images: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER",
            help="A folder or .zip file of class folders, with or without train and test; or a build, or a dataset.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="A folder for the report, the entries and the weights.")] = Path("auto"),
    seeds: Annotated[int, typer.Option(help="Trainings of each network; a single one gives no interval.")] = 3,
    budget: Annotated[str, typer.Option(help="quick or standard.")] = "standard",
    device: DeviceOption = "cpu",
    root: RootOption = None,
    quiet: QuietOption = False,
) -> None:
    """Ask images which symmetries they have, train a network with and one without them, and report whether it pays.

    The report is OUT/report/report.html, and report.md. An interrupted call continues with the same command.
    """
    from aenbench.auto.pipeline import AutoOptions, run_auto
    from aenbench.auto.report import HTML_FILE
    from aenbench.cli.progress import progress_report
    from aenbench.execution.device import Device
    from aenbench.execution.executors import executor_from

    options = AutoOptions(images, seeds, budget, device)
    with executor_from("local", device=Device.parse(device)) as executor, progress_report(quiet) as report:
        outcome = run_auto(options, out, report, executor, root)
    say(outcome.answer)
    say(f"Report: {out / 'report' / HTML_FILE}")
