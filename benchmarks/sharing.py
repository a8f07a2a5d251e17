"""Time and memory of weight sharing: the figures in docs/theorem.md, and docs/img/sharing_scale.png.

python benchmarks/sharing.py times                    # 784 x 400, and the lattices
python benchmarks/sharing.py scale [EMLP_PYTHON]      # against size; beside emlp where its environment is given
"""

import json
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np

from aenbench.nn.lattice import SharingLattice
from aenbench.nn.representations import grid
from aenbench.nn.sharing import parameter_sharing
from aenbench.paper.sharing_oracles import join_sharings
from gdatasets.groups.actions import ACTIONS

matplotlib.use("Agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).parents[1]
EMLP_SIZES = ((4, 4), (6, 4), (6, 6), (8, 6), (8, 8))
EMLP_TIMEOUT_S = 120
D4_ROLL = ("rotation", "hflip", "vflip", "htrans", "vtrans")


def median_ms(function: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median and least CPU time of one thread, in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(1e3 * (time.process_time() - start))
    return sorted(times)[repeats // 2], min(times)


def peak_memory(function: Callable[[], object]) -> int:
    """Most bytes in use by NumPy and Python at once."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def times() -> None:
    cases = {"rotation": ("rotation",), "rotation + hflip": ("rotation", "hflip"), "all twelve": ACTIONS}
    for name, actions in cases.items():
        sides = grid(actions, 28), grid(actions, 20)
        labels, count = parameter_sharing(*sides, joint=True)
        middle, least = median_ms(partial(parameter_sharing, *sides, joint=True), 31)
        memory = peak_memory(partial(parameter_sharing, *sides, joint=True)) / labels.nbytes
        print(
            f"784x400 {name}: {count} orbits, median {middle:.1f} ms, least {least:.1f} ms, "
            f"peak {memory:.1f}x the labels ({labels.dtype})"
        )

    lattice = SharingLattice(((28, 4), (20, 4)))
    singles = {action: lattice.sharing((action,))[0] for action in ACTIONS}

    def merge(chosen: Sequence[str]) -> object:
        return join_sharings([singles[action] for action in chosen])

    rng = random.Random(0)
    generated, merged = {}, {}
    for size in range(2, 13):
        for _ in range(1 if size == 12 else 8):
            chosen = tuple(rng.sample(ACTIONS, size))
            generated[chosen] = median_ms(partial(lattice.sharing, chosen), 5)
            merged[chosen] = median_ms(partial(merge, chosen), 3)
    for name, found in (("generators of the singles", generated), ("label arrays of the singles", merged)):
        middles = sorted(middle for middle, _ in found.values())
        print(
            f"784x400 join of {len(found)} random sets from the {name}: median {middles[len(middles) // 2]:.1f} ms, "
            f"slowest median {middles[-1]:.1f} ms, slowest least {max(least for _, least in found.values()):.1f} ms"
        )

    for grids in (((28, 4), (20, 4), (20, 4)), ((28, 4), (14, 2), (14, 2)), ((20, 4), (20, 4))):
        start = time.process_time()
        distinct = len(set(SharingLattice(grids).classes.values()))
        print(
            f"lattice {[size for size, _ in grids]}: {distinct} distinct of 4096, {time.process_time() - start:.1f} s"
        )


def emlp(python: str, size_in: int, size_out: int) -> float | None:
    """Seconds that emlp takes for one pair of sizes; None, and the reason is printed, where it does not get there."""
    command = [python, "benchmarks/sharing_emlp.py", f"{size_in},{size_out}"]
    try:
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=EMLP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        print(f"emlp D4 {size_in}>{size_out}: nothing within {EMLP_TIMEOUT_S} s", flush=True)
        return None
    rows = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    if not rows:
        print(f"emlp D4 {size_in}>{size_out}: ended with {ended.stderr.strip().splitlines()[-1]}", flush=True)
        return None
    print(f"emlp D4 {size_in}>{size_out}: {rows[0]['orbits']} orbits, {rows[0]['seconds']:.1f} s", flush=True)
    return float(rows[0]["seconds"])


def scale(emlp_python: str | None) -> None:
    series = {
        "all twelve, n x n to n x n": (ACTIONS, [(8, 8), (16, 16), (24, 24), (32, 32), (48, 48), (64, 64)]),
        "rotation, flips and rolls, 2n x 2n to n x n": (D4_ROLL, [(16, 8), (32, 16), (64, 32), (96, 48), (128, 64)]),
        "D4, as emlp": (("rotation", "hflip"), [(4, 4), (6, 4), (6, 6), (8, 6), (8, 8), (16, 16), (32, 32), (64, 64)]),
    }
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
    for name, (actions, sizes) in series.items():
        pairs, seconds, memory = [], [], []
        for size_in, size_out in sizes:
            sides = grid(actions, size_in), grid(actions, size_out)
            labels, count = parameter_sharing(*sides, joint=True)
            pairs.append(labels.size)
            repeats = 5 if labels.size < 2e6 else 1
            found = partial(parameter_sharing, *sides, joint=True)
            seconds.append(median_ms(found, repeats)[1] / 1e3)  # CPU time
            memory.append(peak_memory(found))
            print(
                f"{name} {size_in}>{size_out}: {labels.size} pairs, {count} orbits, {seconds[-1]:.4f} s, "
                f"peak {memory[-1] / labels.nbytes:.1f}x the labels",
                flush=True,
            )
        large = [k for k, count in enumerate(pairs) if count > 2e5]
        slopes = [
            np.polyfit(np.log([pairs[k] for k in large]), np.log([y[k] for k in large]), 1)[0]
            for y in (seconds, memory)
        ]
        print(f"{name}: above 200,000 pairs, time grows with the power {slopes[0]:.2f}, memory with {slopes[1]:.2f}")
        left.loglog(pairs, seconds, "o-", label=name)
        right.loglog(pairs, memory, "o-", label=name)
    if emlp_python:
        reached = [(pair, run) for pair in EMLP_SIZES if (run := emlp(emlp_python, *pair))]
        left.loglog([(a * b) ** 2 for (a, b), _ in reached], [run for _, run in reached], "s-", label="emlp 1.0.3, D4")
    for axes, quantity in ((left, "seconds"), (right, "peak bytes")):
        axes.set(xlabel="weights (output x input pairs)", ylabel=quantity)
        axes.grid(visible=True, which="both", alpha=0.2)
    left.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(ROOT / "docs/img/sharing_scale.png", dpi=110)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["times"]:
            times()
        case ["scale", *rest]:
            scale(rest[0] if rest else None)
        case _:
            sys.exit(__doc__)
