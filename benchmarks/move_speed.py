"""Speed of moving images, as ratios within one run, repeats interleaved, one thread, in CPU time of this process.

    PYTHONPATH=. python benchmarks/move_speed.py --root ../shared/data

Prints: `aug5` against the released code's way (one image at a time through torchvision and Python
loops; written here from its description), `d4-roll` against a plain copy of the array, and the time for 10^3 to
10^6 images.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import functional

from gdatasets.generation.moves import draw_elements, move
from gdatasets.generation.specs import CONFIGURATIONS, DATASETS
from gdatasets.sources.published import load_source

REPEATS = 3
RELEASED_IMAGES_PER_S = 51


def released_way(image: Image.Image) -> torch.Tensor:
    """All twelve actions as the released code draws and applies them: at each access, in bit order."""
    image = functional.rotate(image, random.uniform(-180, 180))
    x = functional.to_tensor(image)
    n = x.shape[1]
    h = n // 2
    if random.random() < 0.5:
        x = functional.hflip(x)
    if random.random() < 0.5:
        x = functional.vflip(x)
    sources: list[Callable[[int, int], tuple[int, int]]] = [
        lambda i, j: (i, (j + 1) % n),
        lambda i, j: ((i + 1) % n, j),
        lambda i, j: ((i + h) % n, j) if (i < h) == (j < h) else (i, (j + h) % n),
        lambda i, j: (i, (j + h) % n),
        lambda i, j: ((i + h) % n, j),
        lambda i, j: ((i + h) % n, j) if j < h else (i, j),
        lambda i, j: ((i + h) % n, j) if j >= h else (i, j),
        lambda i, j: (i, (j + h) % n) if i < h else (i, j),
        lambda i, j: (i, (j + h) % n) if i >= h else (i, j),
    ]
    for source in sources:
        if random.random() < 0.5:
            moved = torch.empty_like(x)
            for i in range(n):
                for j in range(n):
                    a, b = source(i, j)
                    moved[0, i, j] = x[0, a, b]
            x = moved
    normalized: torch.Tensor = functional.normalize(x, [0.1307], [0.3081])
    return normalized


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path)
    root = parser.parse_args().root
    torch.set_num_threads(1)
    random.seed(0)
    images = load_source("mnist", "train", root).images
    spec, count = DATASETS["g-mnist"], len(images)

    def ours(config: str, which: np.ndarray) -> None:
        move(which, draw_elements(spec, CONFIGURATIONS[config], "train", 0, len(which)))

    ours("aug5", images[:10])  # makes the rotation table
    pillow = [Image.fromarray(image) for image in images[:60]]
    times: dict[str, list[float]] = {"released": [], "aug5": [], "copy": [], "d4-roll": []}
    for _ in range(REPEATS):
        times["released"].append(seconds(lambda: [released_way(image) for image in pillow]) / len(pillow))
        times["aug5"].append(seconds(lambda: ours("aug5", images)) / count)
        times["copy"].append(seconds(images.copy) / count)
        times["d4-roll"].append(seconds(lambda: ours("d4-roll", images)) / count)
    best = {name: statistics.median(values) for name, values in times.items()}
    for name, value in best.items():
        print(f"{name:9} {1 / value:12,.0f} images/s")
    print(f"aug5 is {best['released'] / best['aug5']:,.0f} times the released way in this run")
    print(f"aug5 is {1 / best['aug5'] / RELEASED_IMAGES_PER_S:,.0f} times {RELEASED_IMAGES_PER_S} images/s (>= 1,500)")
    print(f"d4-roll takes {best['d4-roll'] / best['copy']:.1f} times a plain copy (<= 25)")
    for config in ("aug5", "d4-roll"):
        for size in (1_000, 10_000, 100_000, 1_000_000):
            many = np.resize(images, (size, 28, 28))
            each = min(seconds(partial(ours, config, many)) for _ in range(1 if size > 10_000 else 3)) / size
            print(f"{config:9} n = {size:9,}: {each * 1e6:6.2f} us an image")


if __name__ == "__main__":
    main()
