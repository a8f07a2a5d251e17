"""How to use a group that was found: few generators, the sharing of a layer, and commands that train its networks."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from aenbench.nn.sharing import parameter_sharing
from aenbench.nn.square_groups import SQUARE_GROUPS, SquareGroup
from gdatasets.groups.actions import ACTIONS, bits_from_actions
from gdatasets.groups.group import Group

MAX_PAIRS = 1 << 24
"""Pairs of pixels up to which a sharing is counted."""


@dataclass(frozen=True)
class Sharing:
    """The weights of a dense layer from the image's grid to another such grid that commutes with the group.

    Attributes:
        free: weights that are left free, the orbits of pairs of pixels.
        weights: of the layer without sharing, pixels * pixels.
    """

    free: int
    weights: int


def count_sharing(group: Group) -> Sharing | None:
    """The sharing of one channel; None for more than `MAX_PAIRS` pairs of pixels."""
    pairs = group.degree**2
    return None if pairs > MAX_PAIRS else Sharing(parameter_sharing(group, group)[1], pairs)


def state_of(group: Group) -> str | None:
    """The twelve bits of the actions in a group, in the order of `ACTIONS`; None where its images are not square."""
    return bits_from_actions(name for name in group.closure if name in ACTIONS) if group.is_square else None


def few_generators(permutations: Mapping[str, NDArray[np.int64]]) -> tuple[str, ...]:
    """The names, in their order, without those that earlier ones generate."""
    kept: list[str] = []
    group: Group | None = None
    for name, row in permutations.items():
        if group is None or row not in group:
            kept.append(name)
            group = Group.from_permutations({each: permutations[each] for each in kept})
    return tuple(kept)


def as_actions(group: Group) -> tuple[str, ...] | None:
    """Actions, with rolls by 4, that generate this group; None where it has more elements than they generate."""
    if not group.is_square:
        return None
    usual = Group.from_permutations(group.permutations, group.shape)
    names = [name for name in usual.closure if name in ACTIONS]
    if not names or Group(names, group.size).order != group.order:
        return None
    rows = Group(names, group.size).permutations
    return few_generators(dict(zip(names, rows, strict=True)))


def as_square_group(group: Group) -> str | None:
    """The name in `SQUARE_GROUPS` of a group that turns and mirrors the whole image; None of any other."""
    if not group.is_square or group.order > 8:
        return None
    for name in SQUARE_GROUPS:
        square = SquareGroup(name)
        if square.order == group.order and all(row in group for row in square.pixels(group.size)):
            return name
    return None


def ready_commands(
    group: Group, dataset: str, config: str, shape: tuple[int, ...], file: str | None = None
) -> tuple[str, ...]:
    """The commands that train the dense and the convolutional network of a group; none of the trivial one.

    Args:
        group: of the images that were asked.
        dataset, config: what `aenbench run` is to train on.
        shape: (rows, columns) of its images; smaller images were asked where these were cropped.
        file: where the generators are saved, for a group that actions do not generate.
    """
    if group.order == 1 or len(shape) != 2 or shape[0] != shape[1]:
        return ()
    names = as_actions(group)
    if names is None and file is None:
        generators = None
    elif names is None:
        generators = file if group.degree == prod(shape) else None
    else:
        generators = ",".join(names)
    square = as_square_group(group)
    baselines = [["group", "--generators", generators]] if generators else []
    baselines += [[f"gcnn:{square}"]] if square else []
    data = ["--dataset", dataset, "--config", config]
    return tuple(shlex.join(["aenbench", "run", "--baseline", *baseline, *data]) for baseline in baselines)
