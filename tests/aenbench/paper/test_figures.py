import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aenbench.paper.figures import Bars, HeatMap, Progress, grouped_bars, heat_map, rolling_mean, search_panels

SQUARE = HeatMap(np.eye(3), np.eye(3), ("a", "b", "c"), ("d", "e", "f"), ((0, 0),), "three")
BARS = [Bars(name, ["x", "y"], {"one": [np.ones(3), np.zeros(3)]}) for name in ("left", "right", "below")]
PANELS = [Progress("task", [np.arange(5.0), np.ones(3)], [np.ones(5), np.ones(3)])]


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60), st.integers(1, 70))
def test_a_rolling_mean_is_that_of_the_last_values(values: list[float], window: int) -> None:
    expected = [np.mean(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)]
    assert rolling_mean(np.array(values), window) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "draw",
    [lambda: heat_map(SQUARE), lambda: grouped_bars(BARS), lambda: search_panels(PANELS, 2)],
    ids=["heat map", "bars", "progress"],
)
def test_pictures_are_the_same_bytes_each_time(draw) -> None:
    once, again = draw(), draw()
    assert once == again
    assert once["png"].startswith(b"\x89PNG")
    assert b"<svg" in once["svg"]
