"""Speed of augmenting batches of 32, beside torchvision v2 called for each image, in one run.

    PYTHONPATH=. python benchmarks/augment_speed.py

One thread, in CPU time of this process, repeats interleaved, medians. Both ways give the same pixels, and draw the same
parameters in the same way; what drawing alone takes is in the last line.
"""

import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as v2

from aenbench.training.augmentation import AUGMENTATIONS, Augmentation, Parameters, draw_parameters

BATCH, REPEATS, EPOCH, SEED = 32, 15, 0, 0


def one_by_one(names: Sequence[str], image: Tensor, drawn: Parameters, fill: list[float]) -> Tensor:
    """The same augmentations through torchvision, for one image (channels, height, width)."""
    for name in names:
        if name == "rotate":
            image = v2.rotate(image, drawn.angle, fill=fill)
        elif name == "hflip":
            image = v2.horizontal_flip(image) if drawn.hflip else image
        elif name == "vflip":
            image = v2.vertical_flip(image) if drawn.vflip else image
        else:
            shift = [drawn.right, drawn.down] if name == "translate" else [0, 0]
            scale = drawn.scale if name == "scale" else 1.0
            shear = drawn.shear if name == "shear" else 0.0
            image = v2.affine(image, 0.0, shift, scale, [shear, 0.0], fill=fill)
    return image


def median_seconds(ways: Sequence[Callable[[], object]]) -> list[float]:
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(REPEATS + 1):
        for way, each in zip(ways, times, strict=True):
            started = time.process_time()
            way()
            each.append(time.process_time() - started)
    return [statistics.median(each[1:]) for each in times]  # the first one warms up


def compare(names: Sequence[str], channels: int, size: int) -> None:
    images = torch.randn(20 * BATCH, channels, size, size, generator=torch.Generator().manual_seed(0))
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    fill = [-0.5] * channels
    augmentation = Augmentation(names)

    def batched() -> Tensor:
        return torch.cat([augmentation.augment(images[b], b, EPOCH, SEED, fill) for b in torch.split(order, BATCH)])

    def each() -> Tensor:
        chosen = order[: 2 * BATCH]
        drawn = draw_parameters(chosen, EPOCH, SEED, size, size)
        pairs = zip(images[chosen], drawn, strict=True)
        return torch.stack([one_by_one(names, image, parameters, fill) for image, parameters in pairs])

    assert torch.equal(batched()[: 2 * BATCH], each())
    ours, theirs = median_seconds((batched, each))
    ours, theirs = len(images) / ours, 2 * BATCH / theirs
    what = "all six" if len(names) > 1 else names[0]
    print(f"{channels}x{size}x{size} {what:9} {ours:9,.0f} images/s, one by one {theirs:8,.0f}: {ours / theirs:5.1f}")


def main() -> None:
    torch.set_num_threads(1)
    for channels, size in ((1, 28), (3, 32)):
        for names in (*((name,) for name in AUGMENTATIONS), AUGMENTATIONS):
            compare(names, channels, size)
    batches = torch.split(torch.arange(20 * BATCH), BATCH)
    (drawing,) = median_seconds([lambda: [draw_parameters(batch, EPOCH, SEED, 28, 28) for batch in batches]])
    print(f"drawing alone {20 * BATCH / drawing:,.0f} images/s")


if __name__ == "__main__":
    main()
