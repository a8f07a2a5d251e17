"""The table in docs/theorem.md: one sharing, found in four ways. Regenerate it with: python benchmarks/theorem.py

Without an argument it rewrites the table in the page; with `--check` it only compares the orbit counts there.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from aenbench.nn.representations import grid
from aenbench.nn.sharing import parameter_sharing
from aenbench.paper.sharing_oracles import by_full_group, join_sharings
from gdatasets.groups.permutation_groups import count_orbits_by_burnside, enumerate_elements

PAGE = Path(__file__).parents[1] / "docs/theorem.md"
BEGIN, END = "<!-- table: python benchmarks/theorem.py -->", "<!-- end of table -->"
CASES = [
    (("rotation",), 8, 6, 2),
    (("rotation", "hflip"), 8, 6, 2),
    (("rotation", "hflip"), 28, 20, 4),
    (("htrans", "vtrans"), 8, 8, 2),
    (("rotation", "hflip", "htrans", "vtrans"), 8, 4, 2),
    (("rotation", "hflip", "htrans", "vtrans"), 16, 12, 4),
    (("scramble1", "scramble4"), 8, 8, 2),
    (("rotation", "htrans", "scramble4"), 8, 8, 2),
]

T = TypeVar("T")


def timed(function: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    found = function()
    return found, 1e3 * (time.process_time() - start)


def render() -> str:
    rows = [
        "| actions | grids | elements | orbits | Burnside "
        "| full group, ms | its generators, ms | subgroups merged, ms | equal |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for actions, size_in, size_out, step in CASES:
        into, out = grid(actions, size_in, step), grid(actions, size_out, step)
        order = len(enumerate_elements(np.concatenate([into, out + size_in**2], axis=1)))
        singles = [parameter_sharing(into[k : k + 1], out[k : k + 1], joint=True)[0] for k in range(len(into))]
        full, full_ms = timed(partial(by_full_group, into, out))
        (generated, _), generated_ms = timed(partial(parameter_sharing, into, out, joint=True))
        (merged, _), merged_ms = timed(partial(join_sharings, singles))
        orbits = int(generated.max()) + 1
        burnside = count_orbits_by_burnside(into, out)
        equal = np.array_equal(full, generated) and np.array_equal(full, merged) and burnside == orbits
        rows.append(
            f"| {', '.join(actions)} | {size_in}² > {size_out}², step {step} | {order:,} | {orbits:,} | {burnside:,} | "
            f"{full_ms:.1f} | {generated_ms:.1f} | {merged_ms:.1f} | {'yes' if equal else 'NO'} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    table, after = rest.split(END)

    def without_times(text: str) -> list[list[str]]:
        cells = [line.split("|") for line in text.strip().splitlines()]
        return [[*row[1:6], *row[-2:]] for row in cells]

    made = render()
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if without_times(table) == without_times(made) else "docs/theorem.md is out of date.")
    PAGE.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
