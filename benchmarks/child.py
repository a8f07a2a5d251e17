"""One training of a search: 4,000 images, 4 epochs, 1,000 test images after each; beside the released code's time.

python benchmarks/child.py --root ../shared/data

The released code takes 18 s without sharing, 36 s with rotation and 36 s with all twelve actions on two cores of this
kind of machine; its loader draws the transforms again in each epoch, ours are in the dataset. Here: the same network,
protocol `paper`, on one thread; then such trainings by one and by two worker processes.
"""

import argparse
import time
from functools import partial
from pathlib import Path

import torch

from aenbench.execution.executors import LocalExecutor, ordered
from aenbench.models.aen import AEN_FAMILY, AENSpace
from aenbench.tables.build import Training, train
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import PAPER
from aenbench.tasks.task import Task
from gdatasets.groups.actions import bits_from_actions

RELEASED_S = {"no sharing": 18.0, "rotation": 36.0, "all twelve": 36.0}
STATES = {"no sharing": "0" * 12, "rotation": bits_from_actions(["rotation"]), "all twelve": "1" * 12}
REPEATS = 5


def training(task: Task, root: Path | None, state: str, seed: int = 0) -> Training:
    space = AENSpace(Images(task, root).shape)
    return Training(task, root, space, AEN_FAMILY.budget(PAPER, "standard").child, space.canonical(state), seed)


def seconds(item: Training) -> float:
    """Wall time of one training, with making the network."""
    started = time.perf_counter()
    train(item)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--dataset", default="g-mnist")
    arguments = parser.parse_args()
    task = Task(arguments.dataset, "aug2", PAPER)
    of = partial(training, task, arguments.root)
    torch.set_num_threads(1)
    for name, state in STATES.items():
        seconds(of(state))
        median = sorted(seconds(of(state)) for _ in range(REPEATS))[REPEATS // 2]
        ratio = RELEASED_S[name] / median
        print(f"{name:12} {median:5.2f} s on one core; the released code takes {ratio:.1f} times as long on two")
    items = [of(state, seed) for seed in range(10) for state in STATES.values()]
    walls = {}
    for workers in (1, 2):
        with LocalExecutor(workers) as executor:
            ordered(executor.map(train, items[: 2 * workers]))  # workers started, images loaded
            started = time.perf_counter()
            ordered(executor.map(train, items))
            walls[workers] = time.perf_counter() - started
    for workers, wall in walls.items():
        print(f"{workers} worker{'s' if workers > 1 else ' '} {60 * len(items) / wall:5.1f} networks a minute")
    print(f"two workers: {walls[1] / walls[2]:.2f} times one")


if __name__ == "__main__":
    main()
