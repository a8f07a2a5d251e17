"""How images are sorted by the element that moved them, against the moves themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aenbench.scoring import element_facets, task_facets
from aenbench.scoring.subgroups import Facet
from gdatasets.generation.load import load_arrays
from gdatasets.generation.moves import ELEMENT_DTYPE, draw_elements, move
from gdatasets.generation.specs import CONFIGURATIONS, DATASETS
from gdatasets.groups.actions import ACTIONS

ORDERS = {"c4": 4, "d4": 8, "v4": 4, "roll": 49, "d4-roll": 392}


def named(facets: tuple[Facet, ...], name: str) -> Facet:
    return next(facet for facet in facets if facet.name == name)


@pytest.mark.parametrize(("name", "order"), ORDERS.items())
def test_elements_are_told_apart_exactly_as_the_moved_images_are(name: str, order: int) -> None:
    config = CONFIGURATIONS[name]
    elements = draw_elements(DATASETS["g-mnist"], config, "test", 0, 10_000)
    facet = element_facets(config, elements)[0]
    image = np.random.default_rng(0).integers(0, 256, (1, 28, 28)).astype(np.uint8)
    _, first = np.unique(facet.value_of, return_index=True)
    moved = move(np.repeat(image, len(elements), axis=0), elements)
    assert len(facet.values) == len(set(facet.values)) == order
    assert len(np.unique(moved[first].reshape(order, -1), axis=0)) == order
    np.testing.assert_array_equal(moved, moved[first][facet.value_of])


def test_elements_are_named_by_what_they_do() -> None:
    elements = np.array([(0, 0, 0, 0), (1, 900, 0, 0), (3, -900, 0, 0), (27, 1800, 4, 24)], dtype=ELEMENT_DTYPE)
    facet = element_facets(CONFIGURATIONS["d4-roll"], elements)[0]
    names = [facet.values[value] for value in facet.value_of]
    assert names == ["identity", "90°", "270° + hflip", "180° + hflip + htrans 4 px + vtrans 24 px"]


@pytest.mark.parametrize("name", ["roll", "d4-roll"])
def test_both_shifts_are_a_facet_whatever_else_was_done(name: str) -> None:
    config = CONFIGURATIONS[name]
    elements = draw_elements(DATASETS["g-mnist"], config, "test", 0, 10_000)
    facet = named(element_facets(config, elements), "shift")
    assert len(facet.values) == 49
    for value in (0, 8, 48):
        shifts = elements[facet.value_of == value][["hshift", "vshift"]]
        assert len(np.unique(shifts)) == 1
    assert facet.values[0] == "identity"
    assert facet.values[8] == "htrans 4 px + vtrans 4 px"


def test_without_both_shifts_there_is_no_such_facet() -> None:
    elements = draw_elements(DATASETS["g-mnist"], CONFIGURATIONS["d4"], "test", 0, 100)
    assert [facet.name for facet in element_facets(CONFIGURATIONS["d4"], elements)] == ["element", "rotation", "hflip"]


@given(st.lists(st.integers(-1799, 1800), min_size=1))
def test_an_angle_lies_within_fifteen_degrees_of_its_sector(angles: list[int]) -> None:
    elements = np.zeros(len(angles), dtype=ELEMENT_DTYPE)
    elements["angle"] = angles
    (facet,) = element_facets(CONFIGURATIONS["any-angle"], elements)
    assert facet.values == tuple(f"{30 * sector}°" for sector in range(12))
    centers = np.array([int(facet.values[value][:-1]) for value in facet.value_of])
    off = (np.array(angles) / 10 - centers + 180) % 360 - 180
    assert np.all((off >= -15) & (off < 15))


def test_each_action_of_a_paper_configuration_is_on_where_its_bit_is() -> None:
    config = CONFIGURATIONS["aug4"]
    elements = draw_elements(DATASETS["g-mnist"], config, "test", 0, 500)
    facets = element_facets(config, elements)
    assert tuple(facet.name for facet in facets) == config.actions
    for facet in facets[1:]:
        assert facet.values == ("off", "on")
        np.testing.assert_array_equal(facet.value_of, elements["bits"] >> ACTIONS.index(facet.name) & 1)
    assert named(facets, "rotation").value_of.max() == 11


@pytest.mark.parametrize("name", ["d4-roll", "aug5"])
def test_facets_of_a_task_are_those_of_the_published_columns(name: str) -> None:
    published = load_arrays("g-digits", name, "test").elements
    expected = element_facets(CONFIGURATIONS[name], published)
    for ours, theirs in zip(task_facets("g-digits", name, np.arange(len(published))), expected, strict=True):
        assert (ours.name, ours.values) == (theirs.name, theirs.values)
        np.testing.assert_array_equal(ours.value_of, theirs.value_of)


def test_facets_are_those_of_the_images_asked_for() -> None:
    published, samples = load_arrays("g-digits", "d4", "test").elements, np.array([3, 17, 18, 200])
    whole = element_facets(CONFIGURATIONS["d4"], published)
    for ours, every in zip(task_facets("g-digits", "d4", samples), whole, strict=True):
        assert [ours.values[k] for k in ours.value_of] == [every.values[k] for k in every.value_of[samples]]


@pytest.mark.parametrize(("dataset", "name"), [("cifar10", "none"), ("g-mnist", "none")])
def test_unmoved_images_have_no_facets(dataset: str, name: str) -> None:
    assert task_facets(dataset, name, np.arange(10)) == ()
