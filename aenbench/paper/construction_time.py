"""Part d: how long the weight sharing of one layer takes to find, by the full group, by generators, by merging.

<out>/d/
├── construction.md           what was found
├── construction.csv          every layer and way, with the median
└── construction.png, .svg    time against pairs of an input and an output, both axes logarithmic

The layer takes a grid of n x n to one of n/2 x n/2, where rolls move half as far: as the first layer of protocol
`standard`, with one channel. Every way has to give the same sharing; the run checks it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from aenbench.errors import AenbenchError
from aenbench.execution.store import Result
from aenbench.models.aen import Architecture
from aenbench.nn.representations import direct_sum, grid
from aenbench.nn.sharing import Labels, parameter_sharing
from aenbench.paper.context import Setting
from aenbench.paper.figures import Lines, log_log_panels
from aenbench.paper.sharing_oracles import by_full_group, join_sharings
from aenbench.reports.markdown import csv_text, markdown_table
from aenbench.statistics.intervals import NOTHING
from aenbench.tasks.task import TaskShape
from gdatasets.files import make_folder, write_whole
from gdatasets.groups.permutation_groups import PermutationGroup, Permutations

D4 = ("rotation", "hflip")
ROLLS = ("htrans", "vtrans")
SETS: Mapping[str, tuple[str, ...]] = {
    "rotation": ("rotation",),
    "D4": D4,
    "rolls": ROLLS,
    "D4, scramble4": (*D4, "scramble4"),
    "D4, rolls": (*D4, *ROLLS),
    "D4, rolls, scramble4": (*D4, *ROLLS, "scramble4"),
}
"""Sets of generators, by name, from small groups to large ones."""

Way = Literal["full group", "generators", "subgroups", "merging"]
WAYS: tuple[Way, ...] = get_args(Way)
_WHOLE: tuple[Way, ...] = ("full group", "generators", "merging")

_REPETITIONS = 5
_MAX_ELEMENTS = 100_000  # of a group that is enumerated; more would not fit into the memory of a laptop
_FITTED = 3  # sizes, at least, that an exponent is fitted to


@dataclass(frozen=True)
class Layer:
    """One layer whose sharing is to be found: a piece of work.

    Attributes:
        generators: a name in `SETS`.
        side: of the input's grid, in pixels, a multiple of 4.
        full_group_seconds: the full group is not enumerated where that is estimated to take longer.
    """

    generators: str
    side: int
    full_group_seconds: float

    @property
    def key(self) -> str:
        """Its name in a store."""
        return f"{self.generators}/{self.side}"

    @property
    def permutations(self) -> tuple[Permutations, Permutations]:
        """The generators on the inputs (generators, n_in) and on the outputs (generators, n_out)."""
        return _permutations(SETS[self.generators], self.side)


def _permutations(actions: Sequence[str], side: int) -> tuple[Permutations, Permutations]:
    image, hidden, _ = Architecture(actions, TaskShape(image_size=side)).grids
    return grid(actions, *image), grid(actions, *hidden)


def construct(layer: Layer) -> dict[str, object]:
    """Find the sharing of a layer in every way, several times.

    Returns:
        `order` of the group; `pairs` of an input and an output; their `orbits`; `estimate`, seconds that the full group
        takes by its order and the time of one element; `seconds`, of each way, those of processor time of each
        repetition. `subgroups` are the sharings of the single generators, and `merging` what joins them: None for a
        single generator. `full group` is None where it was not built.

    Raises:
        AenbenchError: two ways give different sharings.
    """
    into, out = layer.permutations
    order = PermutationGroup(direct_sum(into, out)).order
    estimate = order * _seconds_per_element(layer.side)
    sharing, by_generators = _timed(lambda: parameter_sharing(into, out, joint=True)[0])
    seconds: dict[Way, list[float] | None] = dict.fromkeys(WAYS) | {"generators": by_generators}
    if len(into) > 1:
        singles, seconds["subgroups"] = _timed(lambda: _of_each(into, out))
        merged, seconds["merging"] = _timed(lambda: join_sharings(singles)[0])
        _check_equal(layer, "merging", sharing, merged)
    if estimate <= layer.full_group_seconds and order <= _MAX_ELEMENTS:
        full, seconds["full group"] = _timed(lambda: by_full_group(into, out), layer.full_group_seconds)
        _check_equal(layer, "full group", sharing, full)
    return {
        "order": order,
        "pairs": sharing.size,
        "orbits": int(sharing.max()) + 1,
        "estimate": estimate,
        "seconds": seconds,
    }


def _of_each(into: Permutations, out: Permutations) -> list[Labels]:
    """The sharing of each generator alone."""
    return [parameter_sharing(into[k : k + 1], out[k : k + 1], joint=True)[0] for k in range(len(into))]


def _seconds_per_element(side: int) -> float:
    """What the full group costs for each of its elements, measured with the eight of D4."""
    into, out = _permutations(D4, side)
    return median(_timed(lambda: by_full_group(into, out))[1]) / 8


def _timed(function: Callable[[], Any], enough: float = 60.0) -> tuple[Any, list[float]]:
    """What a function gives, and the processor time of each repetition; none begins after `enough` seconds in all."""
    seconds: list[float] = []
    while not seconds or (len(seconds) < _REPETITIONS and sum(seconds) < enough):
        started = time.process_time()
        found = function()
        seconds.append(time.process_time() - started)
    return found, seconds


def _check_equal(layer: Layer, way: Way, sharing: Labels, other: Labels) -> None:
    if not np.array_equal(sharing, other):
        raise AenbenchError(
            f"The sharing of {layer.generators} on {layer.side} x {layer.side} pixels by {way} is not that by "
            "generators; this is a defect of aenbench, please report it."
        )


@dataclass(frozen=True, eq=False)
class Construction:
    """The layers of part d.

    Attributes:
        results: what `construct` gave, by generators and side.
    """

    results: Mapping[tuple[str, int], Result]

    def seconds(self, generators: str, side: int, way: Way) -> float:
        """Median of the repetitions; NaN where there are none."""
        repetitions: Sequence[float] | None = self.results[generators, side]["seconds"][way]
        return float("nan") if repetitions is None else median(repetitions)

    def curve(self, generators: str, way: Way) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Pairs, seconds and orders of the group, (sides,), where the way was gone."""
        rows = [
            (result["pairs"], self.seconds(name, side, way), result["order"])
            for (name, side), result in self.results.items()
            if name == generators and result["seconds"][way] is not None
        ]
        pairs, seconds, orders = np.array(rows, dtype=np.float64).reshape(-1, 3).T
        return pairs, seconds, orders

    @property
    def sets(self) -> tuple[str, ...]:
        """Names of the sets of generators."""
        return tuple(dict.fromkeys(name for name, _ in self.results))


def run(setting: Setting) -> Path:
    """Find what is missing and write the part's folder."""
    scale = setting.scale
    layers = {(name, side): Layer(name, side, scale.full_group_seconds) for name in SETS for side in scale.sides}
    store = setting.store("d", ())
    results = setting.evaluate(store, "d: sharings", construct, {each.key: each for each in layers.values()})
    found = Construction({key: results[layer.key] for key, layer in layers.items()})
    return write(found, setting.out / "d", f"scale {scale.name}")


def write(found: Construction, folder: Path, title: str) -> Path:
    """Write what was found into a folder.

    Raises:
        OutputError: the folder cannot be written to.
    """
    make_folder(folder)
    for suffix, content in log_log_panels(_pictures(found)).items():
        write_whole(folder / f"construction.{suffix}", content)
    write_whole(folder / "construction.csv", _csv(found).encode())
    write_whole(folder / "construction.md", markdown(found, title).encode())
    return folder


def _pictures(found: Construction) -> list[Lines]:
    """One panel for each way that finds a sharing."""
    return [Lines(_title(way), {name: _line(found, name, way) for name in found.sets}) for way in _WHOLE]


def _line(found: Construction, generators: str, way: Way) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pairs and seconds at every size, NaN where the way was not gone, so that no line is drawn across."""
    sides = [side for name, side in found.results if name == generators]
    pairs = [float(found.results[generators, side]["pairs"]) for side in sides]
    return np.array(pairs), np.array([found.seconds(generators, side, way) for side in sides])


def _title(way: Way) -> str:
    return {"full group": "by the full group", "generators": "by generators"}.get(way, "by merging known sharings")


def exponent(pairs: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """The power of the number of pairs that values grow with: the slope of their logarithms by least squares.

    NaN for fewer than three sizes.
    """
    if len(pairs) < _FITTED:
        return float("nan")
    return float(np.polyfit(np.log(pairs), np.log(values), 1)[0])


def markdown(found: Construction, title: str) -> str:
    """What was found, as text with tables."""
    parts = [
        f"# Finding a layer's weight sharing, {title}",
        "From a grid of n x n to one of n/2 x n/2, rolled by 4 and by 2. *Full group*: every element is made and "
        "applied to every pair of an output and an input. *Generators*: `parameter_sharing`. *Merging*: the sharings "
        "of the single generators are joined (`join_sharings`); what these take to be found stands beside it. All ways "
        "gave equal sharings, which the run checks wherever two were gone. Medians of up to "
        f"{_REPETITIONS} repetitions, processor time of one core.",
        "![Time against pairs of an output and an input, one panel for each way](construction.png)",
        _table(found),
        "*Not built*: by its order, and the time of one element measured with D4 on the same grids, the full group "
        f"would take longer than this scale allows, or it has more than {_MAX_ELEMENTS:,} elements, which are not kept "
        "in memory.",
        "## Growth\n\n" + _growth_note() + "\n\n" + _growth_table(found),
    ]
    return "\n\n".join(parts) + "\n"


def _table(found: Construction) -> str:
    rows = []
    for (name, side), result in found.results.items():
        times = {way: found.seconds(name, side, way) for way in WAYS}
        missing = f"not built (order {result['order']:,}, about {duration(result['estimate'])})"
        full = missing if np.isnan(times["full group"]) else _milliseconds(times["full group"])
        faster = times["full group"] / times["generators"]
        cells = [_milliseconds(times[way]) for way in ("generators", "subgroups", "merging")]
        size = [f"{side}² > {side // 2}²", f"{result['pairs']:,}", f"{result['order']:,}", f"{result['orbits']:,}"]
        rows.append([name, *size, full, *cells, NOTHING if np.isnan(faster) else f"{faster:.1f}"])
    headings = ["generators", "grids", "pairs", "order", "orbits", "full group, ms", "generators, ms"]
    last = ["single sharings, ms", "merging, ms", "full group / generators"]
    return markdown_table([*headings, *last], rows)


def _milliseconds(seconds: float) -> str:
    return NOTHING if np.isnan(seconds) else f"{1e3 * seconds:,.2f}"


def duration(seconds: float) -> str:
    """A rough time, such as `44 h`, with two digits."""
    unit, length = next(((u, n) for u, n in (("h", 3600.0), ("min", 60.0)) if seconds >= n), ("s", 1.0))
    amount = float(f"{seconds / length:.2g}")
    return f"{amount:,.0f} {unit}" if amount >= 10 else f"{amount:g} {unit}"


def _growth_note() -> str:
    return (
        f"The power of n_in * n_out that the time grows with, fitted where a way was gone at {_FITTED} sizes or more. "
        "The order of a group with rolls grows with the size too; *per element* divides by it. A small layer takes "
        "what the calls take, whatever its size, so with small layers the power is too low."
    )


def _growth_table(found: Construction) -> str:
    rows = []
    for name in found.sets:
        pairs, seconds, orders = found.curve(name, "full group")
        powers = [exponent(pairs, seconds), exponent(pairs, seconds / orders)]
        powers += [exponent(*found.curve(name, way)[:2]) for way in ("generators", "merging")]
        rows.append([name, *(NOTHING if np.isnan(power) else f"{power:.2f}" for power in powers)])
    return markdown_table(["generators", "full group", "full group, per element", "generators", "merging"], rows)


def _csv(found: Construction) -> str:
    lines: list[list[object]] = [
        [
            "generators",
            "actions",
            "side",
            "pairs",
            "order",
            "orbits",
            "way",
            "median_seconds",
            "repetitions",
            "estimate",
        ]
    ]
    for (name, side), result in found.results.items():
        layer = [name, " ".join(SETS[name]), side, result["pairs"], result["order"], result["orbits"]]
        for way in WAYS:
            times = result["seconds"][way]
            measured = ["", 0] if times is None else [f"{median(times):.9f}", len(times)]
            estimate = f"{result['estimate']:.6g}" if way == "full group" else ""
            lines.append([*layer, way, *measured, estimate])
    return csv_text(lines)
