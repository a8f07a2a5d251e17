"""The command `gdatasets duplicates`: near copies of training images among test and validation images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gdatasets.cli.output import say
from gdatasets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from gdatasets.sources.source import ImageSource


def duplicates(
    name: Annotated[
        str, typer.Argument(metavar="NAME|DIR|ZIP", help="A source or dataset, a build, or class folders.")
    ],
    most: Annotated[int, typer.Option(help="Images of each split to look for, evenly spaced.")] = 2_000,
    size: Annotated[int | None, typer.Option(help="Class folders of more than one size: compare at N x N.")] = None,
    root: Annotated[
        Path | None, typer.Option("--root", help="Folder to look for files in; also $GDATASETS_ROOT.")
    ] = None,
) -> None:
    """Look for test and validation images that are among the training images too, as they are or nearly."""
    from gdatasets.sources.near_duplicates import NEAR, find_near_duplicates

    source = _original(name, size, root)
    about = source.about
    train = about.samples.get("train", 0)
    learned = ("train", 0, train - about.validation)
    parts = {split: (split, 0, count) for split, count in about.samples.items() if split != "train"}
    if about.validation:
        parts["validation (the end of train)"] = ("train", train - about.validation, train)
    if not train or not parts:
        say(f"{name} has one split; there is nothing to compare.")
        return
    for what, part in parts.items():
        found = find_near_duplicates(source, part, learned, most)
        say(
            f"{what}: of {found.images:,} images, {found.identical:,} are among {found.others:,} training images and "
            f"{found.near:,} nearly are (thumbnails correlate by {NEAR} or more), {found.two_labels:,} of these with "
            f"another label; {found.flat:,} of hardly any contrast were compared for identity only."
        )
        for image, other in found.examples:
            say(f"  {part[0]} {image} ~ train {other}")


def _original(name: str, size: int | None, root: Path | None) -> "ImageSource":
    """The original images of whatever a name means."""
    from gdatasets.folder.built_dataset import find_build, restore_source
    from gdatasets.folder.card import default_configuration
    from gdatasets.generation.specs import DATASETS
    from gdatasets.sources.image_folder import FolderSource
    from gdatasets.sources.published import PublishedSource

    build = find_build(name)
    is_folder = build is None and (Path(name).exists() or Path(name).suffix == ".zip")
    if size is not None and not is_folder:
        raise InvalidArgumentError(f"--size is for class folders; {name} has images of one size.")
    if build is not None:
        return restore_source(build, default_configuration(build.manifest))
    if is_folder:
        return FolderSource(Path(name), size)
    return PublishedSource(DATASETS[name].source_name if name in DATASETS else name, root)
