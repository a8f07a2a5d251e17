"""Training steps of autoequivariant networks, beside the plain MLP and one by one beside side by side, in one run.

python benchmarks/layers.py steps       # one step, 784-392-392-10 and 784-400-400-10, batch 64, one thread
python benchmarks/layers.py stacked     # 8 networks: one by one, and side by side
python benchmarks/layers.py primitives  # ways to read tied weights, and to sum their gradients
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from aenbench.models.aen import Architecture, AutoequivariantNetwork, build_aen
from aenbench.models.stacked import StackedNetworks
from aenbench.nn.representations import grid
from aenbench.nn.sharing import parameter_sharing
from aenbench.nn.tying import spread
from aenbench.tasks.protocol import PAPER, STANDARD, Protocol
from aenbench.tasks.task import TaskShape
from gdatasets.groups.actions import ACTIONS

IMAGES, LABELS = torch.randn(64, 784), torch.randint(0, 10, (64,))
SETS: dict[str, tuple[str, ...]] = {
    "none": (),
    "rotation": ("rotation",),
    "rotation+hflip": ("rotation", "hflip"),
    "all twelve": ACTIONS,
}
EIGHT = [*SETS.values(), ("htrans",), ("scramble4",), ("vflip", "scramble1"), ("htrans", "vtrans")]


def interleaved_ms(functions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, tuple[float, float]]:
    """Median and least CPU time of each (one thread), in milliseconds, in turn, so that noise strikes all alike."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.process_time()
            function()
            times[name].append(1e3 * (time.process_time() - start))
    return {name: (sorted(each)[repeats // 2], min(each)) for name, each in times.items()}


def training_step(network: nn.Module) -> Callable[[], None]:
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)

    def step() -> None:
        optimiser.zero_grad()
        logits = network(IMAGES).reshape(-1, 10)  # (networks * batch, 10)
        (F.cross_entropy(logits, LABELS.repeat(len(logits) // 64), reduction="sum") / 64).backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return step


def steps() -> None:
    for protocol, hidden in ((STANDARD, 392), (PAPER, 400)):
        layers = [nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 10)]
        cases = {"mlp": training_step(nn.Sequential(*layers))}
        for name, actions in SETS.items():
            cases[name] = training_step(build_aen(Architecture(actions, TaskShape(protocol)), 0))
        found = interleaved_ms(cases, 120)
        for name, (middle, least) in found.items():
            ratios = f"{middle / found['mlp'][0]:.2f} of medians, {least / found['mlp'][1]:.2f} of least"
            print(f"784-{hidden}-{hidden}-10 {name}: {middle:.2f} ms, ratio to the plain MLP {ratios}")


def run_all(steps: Sequence[Callable[[], None]]) -> None:
    for step in steps:
        step()


def build(sets: Sequence[tuple[str, ...]], protocol: Protocol) -> list[AutoequivariantNetwork]:
    return [build_aen(Architecture(actions, TaskShape(protocol)), k) for k, actions in enumerate(sets)]


def stacked() -> None:
    for protocol in (STANDARD, PAPER):
        for kind, sets in (("rotation x 8", [SETS["rotation"]] * 8), ("mixed", EIGHT)):
            single = [training_step(network) for network in build(sets, protocol)]
            cases: dict[str, Callable[[], object]] = {
                "one by one": partial(run_all, single),
                "side by side": training_step(StackedNetworks(build(sets, protocol))),
            }
            found = interleaved_ms(cases, 40)
            (alone, least_alone), (together, least_together) = found.values()
            print(
                f"{protocol}, {kind}: one by one {alone:.1f} ms, side by side {together:.1f} ms, "
                f"ratio {together / alone:.2f} of medians, {least_together / least_alone:.2f} of least"
            )


def primitives() -> None:
    labels, count = parameter_sharing(grid(("rotation",), 28), grid(("rotation",), 20))
    index = torch.from_numpy(labels.astype("int64")).view(-1)
    values, gradient = torch.randn(count), torch.randn(index.numel())
    cases = {
        "read: values[index]": lambda: values[index],
        "read: gather": lambda: values.gather(0, index),
        "read: index_select": lambda: values.index_select(0, index),
        "read: spread (used)": lambda: spread(values, index),
        "sum: index_add": lambda: torch.zeros(count).index_add_(0, index, gradient),
        "sum: bincount": lambda: torch.bincount(index, gradient, count),
        "sum: scatter_add (used)": lambda: torch.zeros(count).scatter_add_(0, index, gradient),
    }
    for name, (middle, least) in interleaved_ms(cases, 60).items():
        print(f"313,600 places, {count} values, {name}: median {middle:.2f} ms, least {least:.2f} ms")


if __name__ == "__main__":
    torch.set_num_threads(1)
    commands = {"steps": steps, "stacked": stacked, "primitives": primitives}
    if sys.argv[1:] and sys.argv[1] in commands:
        commands[sys.argv[1]]()
    else:
        sys.exit(__doc__)
