"""The pictures of the documentation are what the code draws."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gdatasets import Group

SCRIPT = Path(__file__).parents[1] / "tools" / "figures.py"


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("figures", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_pictures_have_the_pixels_that_the_code_draws(figures: ModuleType) -> None:
    drawn = figures.pictures()
    assert set(drawn) == {"actions.png", "orbit.png"}
    assert [name for name, picture in drawn.items() if figures.has_drifted(name, picture)] == []


def test_one_changed_pixel_is_drift(figures: ModuleType) -> None:
    picture = figures.pictures()["orbit.png"].copy()
    picture[0, 0, 0] ^= 1
    assert figures.has_drifted("orbit.png", picture)


def test_the_picture_of_the_orbit_shows_each_image_of_the_orbit_once(figures: ModuleType) -> None:
    pixels = figures.colored_digit().reshape(784, 3)
    orbit = {pixels[element].tobytes() for element in Group(["rotation", "hflip"], size=28).elements()}
    tiles = [np.ascontiguousarray(tile).tobytes() for tile in figures.orbit_tiles().values()]
    assert len(tiles) == len(orbit) == 8
    assert set(tiles) == orbit
