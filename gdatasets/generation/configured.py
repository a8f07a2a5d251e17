"""Both kinds of configuration behind the same functions: those that have a name, and groups of the user's own.

An element is a row of `ELEMENT_DTYPE` in the first and of `NUMBER_DTYPE` in the second; what stores, hashes and
compares elements goes by the dtype alone.
"""

import numpy as np

from gdatasets.generation.group_moves import NUMBER_DTYPE, GroupConfiguration, move_by_group
from gdatasets.generation.moves import ELEMENT_DTYPE, Elements, draw_elements, move
from gdatasets.generation.specs import Configuration, DatasetSpec, fingerprint
from gdatasets.groups.actions import Images
from gdatasets.groups.group import Group

AnyConfiguration = Configuration | GroupConfiguration


def as_configuration(config: AnyConfiguration | Group) -> AnyConfiguration:
    """The configuration itself, or that of a group."""
    return GroupConfiguration(config) if isinstance(config, Group) else config


def element_dtype(config: AnyConfiguration) -> np.dtype[np.void]:
    """What an element of the configuration is stored as."""
    return NUMBER_DTYPE if isinstance(config, GroupConfiguration) else ELEMENT_DTYPE


def draw(spec: DatasetSpec, config: AnyConfiguration, split: str, start: int, stop: int, size: int) -> Elements:
    """The elements that move samples start..stop-1 of a split: `element_dtype(config)` (stop - start,)."""
    if not isinstance(config, GroupConfiguration):
        return draw_elements(spec, config, split, start, stop, size)
    elements = np.zeros(stop - start, dtype=NUMBER_DTYPE)
    elements["element"] = config.draw(spec, split, np.arange(start, stop))
    return elements


def move_by(config: AnyConfiguration, images: Images, elements: Elements) -> Images:
    """Move each image (n, rows, columns[, channels]) by its element: a new array."""
    if isinstance(config, GroupConfiguration):
        return move_by_group(images, config.group, np.ascontiguousarray(elements["element"]))
    return move(images, elements, config.interpolation)


def config_fingerprint(config: AnyConfiguration) -> str:
    """SHA-256 of a configuration; equal values have equal fingerprints."""
    return config.fingerprint if isinstance(config, GroupConfiguration) else fingerprint(config)
