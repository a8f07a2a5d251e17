"""A configuration that is a group of the user's own, in the manifest and back.

A manifest may be a stranger's. So its permutations are written as text that is matched before it is parsed, are
bounded in number, and are looked at alone: the group's order and its elements are computed only where a folder is
built, rebuilt or undone.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from gdatasets.errors import IntegrityError, InvalidArgumentError, UnknownNameError
from gdatasets.folder.manifest import ConfigRecord, GroupRecord, Manifest, SplitRecord, read_manifest
from gdatasets.generation.configured import AnyConfiguration
from gdatasets.generation.group_moves import GroupConfiguration, group_fingerprint
from gdatasets.generation.specs import CONFIGURATIONS
from gdatasets.groups.group import Group

FAMILY = "permutations"
MAX_NUMBERS = 1 << 20
"""Points times generators, over all configurations of a folder: some 7 MB of its manifest."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,95}")


def check_group_configurations(
    configs: Iterable[GroupConfiguration], image_shape: tuple[int, ...], already: Manifest
) -> None:
    """Raise `InvalidArgumentError` for what cannot be built beside the configurations of a folder."""
    numbers = {
        name: sum(len(text.split()) for text in config.group.generators.values())
        for name, config in already.configurations.items()
        if config.group is not None
    }
    for config in configs:
        if config.name in CONFIGURATIONS or not _NAME.fullmatch(config.name):
            raise InvalidArgumentError(
                f'"{config.name}" cannot be the name of a group of your own; use lower-case letters, digits, "-", "_", '
                "and no name that `gdatasets list` shows."
            )
        if config.group.shape != image_shape[:2]:
            rows, columns = config.group.shape
            raise InvalidArgumentError(
                f"The group moves {rows}x{columns} pixels, the images have {image_shape[0]}x{image_shape[1]}; make "
                "generators of that size, or resize the images."
            )
        numbers[config.name] = config.group.permutations.size
        _group_record(config)
    if sum(numbers.values()) > MAX_NUMBERS:
        raise InvalidArgumentError(
            f"The generators have {sum(numbers.values()):,} numbers, a folder takes {MAX_NUMBERS:,}; few generators "
            "are enough, for they generate all products."
        )


def group_config_record(config: GroupConfiguration, splits: dict[str, SplitRecord]) -> ConfigRecord:
    """The record of a finished configuration."""
    return ConfigRecord(
        family=FAMILY,
        actions=[],
        step=config.group.step,
        fingerprint=config.fingerprint,
        splits=splits,
        group=_group_record(config),
    )


def _group_record(config: GroupConfiguration) -> GroupRecord:
    group = config.group
    rows = [" ".join(map(str, row)) for row in group.permutations.tolist()]
    try:
        return GroupRecord(order=group.order, generators=dict(zip(group.names, rows, strict=True)))
    except ValidationError as error:
        raise InvalidArgumentError(
            "The generators need names of at most 96 characters, without quotation marks, bars and line breaks."
        ) from error


def check_group_record(name: str, config: ConfigRecord, image_shape: tuple[int, ...]) -> list[str]:
    """What is wrong with a record that has a group, one line each; takes time in its length, computes no order."""
    if name in CONFIGURATIONS or not _NAME.fullmatch(name):
        return [f"{name!r} cannot be the name of a group of one's own"]
    try:
        group = _group_of(name, config, image_shape)
    except IntegrityError as error:
        return [str(error)]
    if (config.family, config.actions) != (FAMILY, []) or config.fingerprint != group_fingerprint(name, group):
        return [f"{name} is not the configuration of the generators in the manifest"]
    return []


def _group_of(name: str, config: ConfigRecord, image_shape: tuple[int, ...]) -> Group:
    record = config.group
    assert record is not None
    rows = {generator: text.split(" ") for generator, text in record.generators.items()}
    points = image_shape[0] * image_shape[1]
    if len(rows) * points > MAX_NUMBERS or any(len(row) != points for row in rows.values()):
        raise IntegrityError(f"{name}: the generators in the manifest are no permutations of {points:,} pixels")
    try:
        return Group.from_permutations(
            {generator: [int(number) for number in row] for generator, row in rows.items()},
            image_shape[:2],
            config.step,
        )
    except InvalidArgumentError as error:
        raise IntegrityError(f"{name}: the manifest's generator {error}") from error


def folder_configuration(manifest: Manifest, name: str) -> AnyConfiguration:
    """A configuration of a folder, from the package or from the generators in the manifest.

    Raises:
        UnknownNameError: the manifest has none of that name.
        IntegrityError: it is neither, or its group is not the one that the manifest says.
    """
    if name not in manifest.configurations:
        raise UnknownNameError("configuration", name, manifest.configurations)
    record = manifest.configurations[name]
    if record.group is None:
        if name not in CONFIGURATIONS:
            raise IntegrityError(f"{name} is not a configuration that this gdatasets knows.")
        return CONFIGURATIONS[name]
    wrong = check_group_record(name, record, manifest.shape)
    if wrong:
        raise IntegrityError(f"{wrong[0]}.")
    group = _group_of(name, record, manifest.shape)
    if group.order != record.group.order:
        raise IntegrityError(f"{name}: the group has {group.order:,} elements, not {record.group.order:,}.")
    return GroupConfiguration(group, name)


def read_group(folder: str | os.PathLike[str], config: str | None = None) -> Group:
    """The group that moved the images of a built folder, for `undo_group(images, group, elements)`.

    Args:
        folder: a build.
        config: a configuration that was built from a group; by default the only one.

    Raises:
        UnknownNameError: the folder has no such configuration.
        IntegrityError: there is no sound manifest, or its group is not the one that it says.
    """
    manifest = read_manifest(Path(folder))
    groups = [name for name, record in manifest.configurations.items() if record.group is not None]
    name = groups[0] if config is None and len(groups) == 1 else config or ""
    if name not in groups:
        raise UnknownNameError("configuration of a group of one's own", name, groups)
    found = folder_configuration(manifest, name)
    assert isinstance(found, GroupConfiguration)
    return found.group
