"""How the test images of a generated dataset fall into groups, by the element that moved each of them.

The elements are columns that the dataset publishes. They are drawn again here: that needs no image.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdatasets.generation.moves import Elements, draw_elements
from gdatasets.generation.rotation import QUARTER
from gdatasets.generation.specs import DATASETS, Configuration, dataset_spec
from gdatasets.groups.actions import ACTIONS

SECTORS = 12
_SECTOR = 3_600 // SECTORS  # tenths of a degree
_SHIFTS = {"htrans": "hshift", "vtrans": "vshift"}


@dataclass(frozen=True, eq=False)
class Facet:
    """One way of sorting images.

    Attributes:
        name: what is asked of an image, such as `rotation`.
        values: the answers, in the order they are shown in.
        value_of: the number of each image's answer, integers (n,).
    """

    name: str
    values: tuple[str, ...]
    value_of: NDArray[np.int64]


def task_facets(dataset: str, configuration: str, samples: NDArray[np.int64]) -> tuple[Facet, ...]:
    """The facets of the test images with these numbers; none where `gdatasets` did not move a dataset's images.

    Raises:
        UnknownNameError: a dataset of `gdatasets` has no such configuration.
    """
    if dataset not in DATASETS:
        return ()
    spec = dataset_spec(dataset)
    config = spec.configuration(configuration)
    elements = draw_elements(spec, config, "test", 0, int(samples.max()) + 1, spec.source.image_shape[0])
    return element_facets(config, elements[samples])


def element_facets(config: Configuration, elements: Elements) -> tuple[Facet, ...]:
    """The facets that a configuration's elements (n,) give.

    Family `group`: which element moved the image, such as `90° + hflip`; where several actions take part, also what
    each of them did, and which pair of shifts. Families `paper` and `bilinear`: each action on or off, and the angle
    in twelve sectors of 30 degrees, of which `0°` is centered on upright (-15 up to, not including, +15 degrees).
    """
    facets = tuple(_action_facet(action, config, elements) for action in config.actions)
    if config.family != "group" or len(facets) < 2:
        return facets
    shifts = tuple(facet for facet in facets if facet.name in _SHIFTS)
    pairs = (_combined("shift", shifts),) if len(shifts) == len(_SHIFTS) else ()
    return _combined("element", facets), *facets, *pairs


def _action_facet(action: str, config: Configuration, elements: Elements) -> Facet:
    """What one action did to each image."""
    if action == "rotation":
        step = QUARTER if config.family == "group" else _SECTOR
        sectors = (elements["angle"].astype(np.int64) + step // 2) // step % (3_600 // step)
        return Facet(action, tuple(f"{number * step // 10}°" for number in range(3_600 // step)), sectors)
    if config.family == "group" and action in _SHIFTS:
        return _numbered(action, elements[_SHIFTS[action]], lambda shift: f"{shift} px")
    applied = elements["bits"].astype(np.int64) >> ACTIONS.index(action) & 1
    return Facet(action, ("off", "on"), applied)


def _numbered(name: str, values: NDArray[np.int16], label: Callable[[int], str]) -> Facet:
    """A facet of the numbers that occur, ascending."""
    found, value_of = np.unique(values, return_inverse=True)
    return Facet(name, tuple(label(int(value)) for value in found), value_of.astype(np.int64))


def _combined(name: str, facets: tuple[Facet, ...]) -> Facet:
    """The facet of all combinations that occur."""
    answers = np.stack([facet.value_of for facet in facets])
    found, value_of = np.unique(answers, axis=1, return_inverse=True)
    names = tuple(_element_name(facets, column) for column in found.T.tolist())
    return Facet(name, names, value_of.reshape(-1).astype(np.int64))


def _element_name(facets: tuple[Facet, ...], answers: list[int]) -> str:
    """Such as `90° + hflip + htrans 4 px`; `identity` for the one that moves nothing."""
    parts = []
    for facet, answer in zip(facets, answers, strict=True):
        value = facet.values[answer]
        if value in ("off", "0°", "0 px"):
            continue
        parts.append({"on": facet.name}.get(value, value if facet.name == "rotation" else f"{facet.name} {value}"))
    return " + ".join(parts) or "identity"
