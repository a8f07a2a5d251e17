"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="Folder with MNIST/raw, EMNIST/raw, ...; also $GDATASETS_ROOT."),
]
WorkersOption = Annotated[
    int | None, typer.Option(help="Parallel processes, one thread each; by default one per core.")
]
ExecutorOption = Annotated[str, typer.Option(help="local: processes on this machine; ray: a Ray cluster.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
DeviceOption = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        help="Where networks are trained: cpu, cuda (a GPU), cuda:1, or auto (a GPU if there is one).",
    ),
]
AddressOption = Annotated[str | None, typer.Option(help="Address of a Ray cluster; a local one is started by default.")]
FamilyOption = Annotated[
    str | None, typer.Option("--space", help="Your own model family, package.module:family, if the space is its own.")
]
