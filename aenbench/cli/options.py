"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

RootOption = Annotated[
    Path | None,
    typer.Option("--root", help="Folder with MNIST/raw and FashionMNIST/raw; also $GDATASETS_ROOT."),
]
WorkersOption = Annotated[
    int | None, typer.Option(help="Processes that work side by side, one thread each; by default one a core.")
]
ExecutorOption = Annotated[str, typer.Option(help="local: processes of this machine; ray: a Ray cluster.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress.")]
DeviceOption = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        help="Where networks are trained: cpu, cuda (a GPU), cuda:1, or auto, which takes a GPU where there is one.",
    ),
]
AddressOption = Annotated[str | None, typer.Option(help="Of the Ray cluster; by default one is started here.")]
FamilyOption = Annotated[
    str | None, typer.Option("--space", help="package.module:family, where the space is that of your own model family.")
]
