"""A small network that learns which move was applied to an image, and so what the pixel kernel does not see.

It gets an image, moved by one of the candidates or by none, and its label, and predicts which. For the best possible
network, log p(g) - log p(none) is the log ratio of the laws of moved images and of images, so g is a symmetry exactly
if it is 0 everywhere (learning moves from the images alone: Gidaris, Singh and Komodakis, ICLR 2018). Any other network
can only tell less apart: what it separates on images that it was not trained on is different, what it does not
separate may be.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aenbench.discovery.sample import Sample
from aenbench.execution.device import CPU, Device
from aenbench.execution.threads import one_thread

Report = Callable[[str, int, int, str], None]
"""Told what is done, how many of how many steps, and a note."""
LogProbabilities = NDArray[np.float32]

BATCH = 64
STEPS = 600
"""Training steps, however many images there are: time is bounded."""
EPOCHS = 60
"""How often an image is trained on at most."""
RATE = 3e-3
CHANNELS = (24, 32, 48, 64)
HIDDEN = 64
SIDE = 32
"""Larger images are reduced to about this size by the stride of the first layer."""
REPORT_EVERY = 40
"""Steps between two reports."""


class MoveNetwork(nn.Module):
    """Four convolutions, a grid of 4x4 that keeps places, and the label as a bias in two layers.

    The absolute differences of neighbors, along rows and along columns, are two more channels of an image: of textures
    they tell the direction at once, which convolutions of pixels of mean 0 learn slowly.

    Args:
        shape: (rows, columns) of the images.
        channels: of the images.
        classes: number of labels.
        moves: number of predicted moves, the identity included.
    """

    def __init__(self, shape: tuple[int, int], channels: int, classes: int, moves: int) -> None:
        super().__init__()
        stride = max(1, round(max(shape) / SIDE))
        one, two, three, four = CHANNELS
        self.stem = nn.Sequential(
            nn.BatchNorm2d(channels + 2, affine=False),
            nn.Conv2d(channels + 2, one, 2 * stride + 1, stride, stride, bias=False),
            nn.BatchNorm2d(one),
            nn.ReLU(),
        )
        self.early = nn.Sequential(nn.Conv2d(one, two, 3, 2, 1, bias=False), nn.BatchNorm2d(two))
        self.label_early = nn.Embedding(classes, two)
        self.late = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(two, three, 3, 2, 1, bias=False),
            nn.BatchNorm2d(three),
            nn.ReLU(),
            nn.Conv2d(three, four, 3, 1, 1, bias=False),
            nn.BatchNorm2d(four),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(16 * four, HIDDEN, bias=False),
            nn.BatchNorm1d(HIDDEN),
        )
        self.label_late = nn.Embedding(classes, HIDDEN)
        self.out = nn.Linear(HIDDEN, moves)
        for embedding in (self.label_early, self.label_late):
            nn.init.zeros_(embedding.weight)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Logits (n, moves) of images (n, channels, rows, columns) with labels int64 (n,)."""
        across = nn.functional.pad(images.diff(dim=3).abs().mean(1, keepdim=True), (0, 1))
        down = nn.functional.pad(images.diff(dim=2).abs().mean(1, keepdim=True), (0, 0, 0, 1))
        together = torch.cat([images, across, down], 1).contiguous(memory_format=torch.channels_last)
        early = self.early(self.stem(together)) + self.label_early(labels)[:, :, None, None]
        hidden = torch.relu(self.late(early) + self.label_late(labels))
        with torch.autocast(hidden.device.type, enabled=False):  # bfloat16 would make many scores equal
            logits: Tensor = self.out(hidden.float())
        return logits


class MoveClassifier:
    """A trained network with what it needs to look at images.

    Args:
        sample: images, of which some are trained on.
        moves: gather indices of the pixels, int64 (rows * columns,), of every move but the identity, which is move 0.
        trained: numbers of the images to train on.
        seed: of weights, batches and moves.
        report: of the training.
        steps: of the training; by default `STEPS`, less of few images.
        device: where it is trained; moves and batches are drawn on the CPU.
    """

    def __init__(
        self,
        sample: Sample,
        moves: Sequence[NDArray[np.int64]],
        trained: NDArray[np.int64],
        *,
        seed: int,
        report: Report | None = None,
        steps: int | None = None,
        device: Device = CPU,
    ) -> None:
        self._pixels = sample.images.reshape(len(sample), -1, sample.channels)
        self._labels = sample.labels
        self._shape = sample.shape
        values = self._pixels[trained].astype(np.float32)
        self._mean, self._scale = values.mean((0, 1)), np.maximum(values.std((0, 1)), 1e-6)
        self._rows = np.stack([np.arange(self._pixels.shape[1]), *moves])
        self._device = device
        with one_thread(), device.in_use(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            classes = int(sample.labels.max()) + 1
            self._network = MoveNetwork(sample.shape, sample.channels, classes, len(self._rows))
            self._network = self._network.to(device.torch).to(memory_format=torch.channels_last)
            enough = min(STEPS, -(-EPOCHS * len(trained) // BATCH)) if steps is None else steps
            self._train(trained, np.random.default_rng(seed), enough, report)

    def _train(
        self, trained: NDArray[np.int64], generator: np.random.Generator, steps: int, report: Report | None
    ) -> None:
        optimizer = torch.optim.AdamW(self._network.parameters(), lr=RATE, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.25)
        loss_of = nn.CrossEntropyLoss()
        moves, size, where = len(self._rows), min(BATCH, len(trained)), self._device.torch
        self._network.train()
        order, place = generator.permutation(trained), 0
        total = torch.zeros((), dtype=torch.float64, device=where)
        for step in range(steps):
            if place + size > len(order):
                order, place = generator.permutation(trained), 0
            chosen = order[place : place + size]
            place += size
            applied = generator.permutation(np.arange(size) % moves)  # every move as often
            applied = (applied + generator.integers(moves)) % moves
            images = self._load(self._pixels[chosen[:, None], self._rows[applied]])
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(where.type, torch.bfloat16):
                logits = self._network(images, torch.from_numpy(self._labels[chosen]).to(where))
            loss = loss_of(logits, torch.from_numpy(applied).to(where))
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach().double()
            if (step + 1) % REPORT_EVERY == 0:
                if report is not None:
                    mean = total.item() / REPORT_EVERY
                    report("classifier", step + 1, steps, f"loss {mean:.3f}, {np.log(moves):.3f} by chance")
                total.zero_()
        self._network.eval()

    def _load(self, pixels: NDArray[Any]) -> Tensor:
        """Normalized images (n, channels, rows, columns) of pixels (n, rows * columns, channels)."""
        values = (pixels.astype(np.float32) - self._mean) / self._scale
        return (
            torch.from_numpy(values.reshape(len(values), *self._shape, -1)).permute(0, 3, 1, 2).to(self._device.torch)
        )

    def predict(self, chosen: NDArray[np.int64], move: NDArray[np.int64]) -> LogProbabilities:
        """log p of each move, the identity first: float32 (n, moves), of the chosen images moved by `move`."""
        parts, where = [], self._device.torch
        with one_thread(), self._device.in_use(), torch.inference_mode():
            for part in np.array_split(chosen, -(-len(chosen) // 256)):
                images = self._load(self._pixels[part[:, None], move])
                with torch.autocast(where.type, torch.bfloat16):
                    logits = self._network(images, torch.from_numpy(self._labels[part]).to(where))
                parts.append(torch.log_softmax(logits, 1).cpu().numpy())
        return np.concatenate(parts)
