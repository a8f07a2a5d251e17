"""Part d: three ways to one sharing, and what they take."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aenbench.errors import AenbenchError
from aenbench.execution.executors import LocalExecutor
from aenbench.nn.sharing import parameter_sharing
from aenbench.paper import construction_time as construction
from aenbench.paper.construction_time import SETS, Construction, Layer, construct, duration, exponent, markdown, run
from aenbench.paper.context import Setting
from aenbench.paper.scales import SCALES
from aenbench.paper.sharing_oracles import by_full_group
from gdatasets.groups.permutation_groups import enumerate_elements

SIDES = (8, 12, 16)


def setting(out: Path, seconds: float = 0.5) -> Setting:
    tiny = replace(SCALES["quick"], name="tiny", sides=SIDES, full_group_seconds=seconds)
    return Setting(tiny, out, executor=LocalExecutor(1))


@pytest.mark.parametrize("generators", SETS)
def test_the_full_group_gives_the_sharing_of_the_generators(generators: str) -> None:
    layer = Layer(generators, 8, 60.0)
    into, out = layer.permutations
    found = construct(layer)
    assert np.array_equal(by_full_group(into, out), parameter_sharing(into, out)[0])
    assert found["order"] == len(enumerate_elements(np.concatenate([into, out + 64], axis=1)))
    assert (found["pairs"], found["orbits"]) == (64 * 16, parameter_sharing(into, out)[1])
    seconds = found["seconds"]
    assert isinstance(seconds, dict)
    assert len(seconds["full group"]) == len(seconds["generators"]) == 5
    assert (seconds["merging"] is None) == (len(SETS[generators]) == 1)


@pytest.mark.parametrize("side", [8, 12, 28])
def test_rolls_have_the_same_order_on_both_grids(side: int) -> None:
    into, out = Layer("rolls", side, 0.0).permutations
    together = np.concatenate([into, out + side**2], axis=1)
    assert into.shape[1] == 4 * out.shape[1] == side**2
    orders = [len(enumerate_elements(rows)) for rows in (into, out, together)]
    assert orders == [(side // 4) ** 2] * 3


def test_a_group_of_great_order_is_not_built() -> None:
    found = construct(Layer("D4, rolls, scramble4", 12, 1e9))
    assert found["order"] == 442_368
    seconds = found["seconds"]
    assert isinstance(seconds, dict)
    assert seconds["full group"] is None
    assert seconds["generators"]


@pytest.mark.parametrize("broken", ["by_full_group", "join_sharings"])
def test_an_unequal_sharing_is_an_error(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = np.zeros((16, 64), dtype=np.int64)
    fake = (lambda *_: wrong) if broken == "by_full_group" else (lambda *_: (wrong, 1))
    monkeypatch.setattr(construction, broken, fake)
    with pytest.raises(AenbenchError, match="is not that by generators"):
        construct(Layer("D4", 8, 60.0))


@pytest.mark.parametrize("power", [0.5, 1.0, 1.7])
def test_the_exponent_of_a_power_law_is_its_power(power: float) -> None:
    pairs = np.array([1_024.0, 5_184.0, 16_384.0, 40_000.0])
    assert exponent(pairs, 3e-7 * pairs**power) == pytest.approx(power)
    assert np.isnan(exponent(pairs[:2], pairs[:2]))


def test_durations_are_rough() -> None:
    found = [duration(seconds) for seconds in (0.0123, 1.44, 59.6, 90, 3_599, 7_000, 2.2e8)]
    assert found == ["0.012 s", "1.4 s", "60 s", "1.5 min", "60 min", "1.9 h", "61,000 h"]


@pytest.mark.slow
def test_the_part_is_written_and_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shows_its_pictures: Callable[[Path], None]
) -> None:
    folder = run(setting(tmp_path))
    assert {path.name for path in folder.iterdir()} == {f"construction.{end}" for end in ("md", "csv", "png", "svg")}
    rows = list(csv.DictReader(io.StringIO((folder / "construction.csv").read_text())))
    assert len(rows) == len(SETS) * len(SIDES) * 4
    assert {int(row["side"]) for row in rows} == set(SIDES)
    shows_its_pictures(folder / "construction.md")
    text = (folder / "construction.md").read_text()
    assert "not built (order 442,368, about " in text
    (unbuilt,) = [r for r in rows if (r["generators"], r["side"], r["way"]) == (list(SETS)[-1], "12", "full group")]
    assert (unbuilt["median_seconds"], unbuilt["repetitions"]) == ("", "0")
    assert float(unbuilt["estimate"]) > 0.5
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(construction, "_timed", lambda *_: pytest.fail("measured again"))
    run(setting(tmp_path))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_report_takes_medians_and_fits_what_was_built() -> None:
    results = {
        ("rolls", side): {
            "order": (side // 4) ** 2,
            "pairs": side**4 // 4,
            "orbits": 1,
            "estimate": 7_200.0,
            "seconds": {
                "full group": None if side == 28 else [9.0, 1e-9 * side**6, 0.0],
                "generators": [1e-7 * side**4],
                "subgroups": [0.001],
                "merging": [1e-8 * side**2],
            },
        }
        for side in (8, 16, 24, 28)
    }
    text = markdown(Construction(results), "scale test")
    assert (
        "| rolls | 28² > 14² | 153,664 | 49 | 1 | not built (order 49, about 2 h) | 61.47 | 1.00 | 0.01 | – |" in text
    )
    assert "| rolls | 1.50 | 1.00 | 1.00 | 0.50 |" in text


def test_no_line_is_drawn_across_a_size_that_was_not_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drawn = []
    monkeypatch.setattr(construction, "log_log_panels", lambda panels: drawn.extend(panels) or {})
    seconds = {"generators": [1.0], "subgroups": [1.0], "merging": [1.0]}
    sides = {8: [1.0], 12: None, 16: [3.0]}
    results = {
        ("rolls", side): {
            "order": 4,
            "pairs": side,
            "orbits": 1,
            "estimate": 1.0,
            "seconds": {**seconds, "full group": s},
        }
        for side, s in sides.items()
    }
    construction.write(Construction(results), tmp_path, "scale test")
    pairs, times = drawn[0].lines["rolls"]
    assert pairs.tolist() == [8, 12, 16]
    assert np.array_equal(times, [1.0, np.nan, 3.0], equal_nan=True)
