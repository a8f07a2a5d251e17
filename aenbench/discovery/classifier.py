"""A small network that learns which move was applied to an image, and so what the pixel kernel does not see.

It gets an image, moved by one of the candidates or by none, and its label, and predicts which. For the best possible
network, log p(g) - log p(none) is the log ratio of the laws of moved images and of images, so g is a symmetry exactly
if it is 0 everywhere (learning moves from the images alone: Gidaris, Singh and Komodakis, ICLR 2018). Any other network
can only tell less apart: what it separates on images that it was not trained on is different, what it does not
separate may be.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from aenbench.discovery.move_network import MoveNetwork
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
REPORT_EVERY = 40
"""Steps between two reports."""


class _Classifier(ABC):
    """A network that is trained on some images of a sample, with what it needs to look at others.

    Args:
        sample: images, of which some are trained on.
        trained: numbers of the images to train on.
        outputs: number of answers.
        seed: of weights, batches and moves.
        report: of the training.
        most: training steps at most, fewer of few images.
        steps: training steps, whatever the number of images.
        device: where it is trained; moves and batches are drawn on the CPU.
        balanced: whether each class is trained on as often, however many images it has.
        heads: of the network.
    """

    def __init__(
        self,
        sample: Sample,
        trained: NDArray[np.int64],
        outputs: int,
        *,
        seed: int,
        report: Report | None,
        most: int,
        steps: int | None,
        device: Device,
        balanced: bool,
        heads: bool,
    ) -> None:
        self._pixels = sample.images.reshape(len(sample), -1, sample.channels)
        self._labels = sample.labels
        self._shape = sample.shape
        values = self._pixels[trained].astype(np.float32)
        self._mean, self._scale = values.mean((0, 1)), np.maximum(values.std((0, 1)), 1e-6)
        self._outputs, self._device, self._balanced = outputs, device, balanced
        with one_thread(), device.in_use(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = MoveNetwork(sample.shape, sample.channels, int(sample.labels.max()) + 1, outputs, heads=heads)
            self._network = network.to(device.torch).to(memory_format=torch.channels_last)
            enough = min(most, -(-EPOCHS * len(trained) // BATCH)) if steps is None else steps
            self._train(trained, np.random.default_rng(seed), enough, report)

    @abstractmethod
    def _questions(
        self, chosen: NDArray[np.int64], generator: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
        """Pixels (n, rows * columns, channels) and labels (n,) that the network is given, and its right answers."""

    def _train(
        self, trained: NDArray[np.int64], generator: np.random.Generator, steps: int, report: Report | None
    ) -> None:
        optimizer = torch.optim.AdamW(self._network.parameters(), lr=RATE, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, pct_start=0.25)
        loss_of = nn.CrossEntropyLoss()
        size, where = min(BATCH, len(trained)), self._device.torch
        self._network.train()
        order, place = self._pass(trained, generator), 0
        total = torch.zeros((), dtype=torch.float64, device=where)
        for step in range(steps):
            if place + size > len(order):
                order, place = self._pass(trained, generator), 0
            chosen = order[place : place + size]
            place += size
            pixels, labels, answers = self._questions(chosen, generator)
            images = self._load(pixels)
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(where.type, torch.bfloat16):
                logits = self._network(images, torch.from_numpy(labels).to(where))
            loss = loss_of(logits, torch.from_numpy(answers).to(where))
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach().double()
            if (step + 1) % REPORT_EVERY == 0:
                if report is not None:
                    mean = total.item() / REPORT_EVERY
                    report("classifier", step + 1, steps, f"loss {mean:.3f}, {np.log(self._outputs):.3f} by chance")
                total.zero_()
        self._network.eval()

    def _pass(self, trained: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
        """The images to train on in random order; of small classes, to balance them, some several times."""
        if not self._balanced:
            return generator.permutation(trained)
        labels = self._labels[trained]
        most = int(np.bincount(labels).max())
        rows = [np.resize(generator.permutation(trained[labels == label]), most) for label in np.unique(labels)]
        return generator.permutation(np.concatenate(rows))

    def _load(self, pixels: NDArray[Any]) -> Tensor:
        """Normalized images (n, channels, rows, columns) of pixels (n, rows * columns, channels)."""
        values = (pixels.astype(np.float32) - self._mean) / self._scale
        return (
            torch.from_numpy(values.reshape(len(values), *self._shape, -1)).permute(0, 3, 1, 2).to(self._device.torch)
        )

    def _predict(
        self, chosen: NDArray[np.int64], move: NDArray[np.int64], labels: NDArray[np.int64]
    ) -> LogProbabilities:
        """log p of each answer, float32 (n, answers), to the chosen images moved by `move`, with these labels."""
        parts, where = [], self._device.torch
        pieces = -(-len(chosen) // 256)
        with one_thread(), self._device.in_use(), torch.inference_mode():
            for part, given in zip(np.array_split(chosen, pieces), np.array_split(labels, pieces), strict=True):
                images = self._load(self._pixels[part[:, None], move])
                with torch.autocast(where.type, torch.bfloat16):
                    logits = self._network(images, torch.from_numpy(given).to(where))
                parts.append(torch.log_softmax(logits, 1).cpu().numpy())
        return np.concatenate(parts)


class MoveClassifier(_Classifier):
    """It is given moved images with labels, and tells the move.

    Args:
        sample: images, of which some are trained on.
        moves: gather indices of the pixels, int64 (rows * columns,), of every move but the identity, which is move 0.
        trained: numbers of the images to train on.
        seed: of weights, batches and moves.
        report: of the training.
        steps: of the training; by default `STEPS`, less of few images.
        device: where it is trained; moves and batches are drawn on the CPU.
        targets: the class that each move carries each class to, int64 (classes,) by number: a moved image is shown with
            that label, and each class is trained on as often. By default moved images keep their labels.
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
        targets: Sequence[NDArray[np.int64]] | None = None,
    ) -> None:
        self._rows = np.stack([np.arange(sample.shape[0] * sample.shape[1]), *moves])
        same = np.arange(int(sample.labels.max()) + 1)
        self._targets = np.stack([same, *([same] * len(moves) if targets is None else targets)])
        super().__init__(
            sample,
            trained,
            len(self._rows),
            seed=seed,
            report=report,
            most=STEPS,
            steps=steps,
            device=device,
            balanced=targets is not None,
            heads=targets is not None,
        )

    def _questions(
        self, chosen: NDArray[np.int64], generator: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
        moves = len(self._rows)
        applied = generator.permutation(np.arange(len(chosen)) % moves)  # every move as often
        applied = (applied + generator.integers(moves)) % moves
        return self._pixels[chosen[:, None], self._rows[applied]], self._targets[applied, self._labels[chosen]], applied

    def predict(
        self, chosen: NDArray[np.int64], move: NDArray[np.int64], target: NDArray[np.int64] | None = None
    ) -> LogProbabilities:
        """log p of each move, the identity first: float32 (n, moves), of the chosen images moved by `move`.

        With a `target`, int64 (classes,), they are shown with the label that it gives their own.
        """
        labels = self._labels[chosen]
        return self._predict(chosen, move, labels if target is None else target[labels])


class LabelClassifier(_Classifier):
    """It is given images, each class as often, and tells the class: where it puts moved images, a move may carry them.

    Args:
        sample: images, of which some are trained on.
        trained: numbers of the images to train on.
        seed: of weights and batches.
        report: of the training.
        steps: of the training; by default a third of `STEPS`, less of few images.
        device: where it is trained.
    """

    def __init__(
        self,
        sample: Sample,
        trained: NDArray[np.int64],
        *,
        seed: int,
        report: Report | None = None,
        steps: int | None = None,
        device: Device = CPU,
    ) -> None:
        super().__init__(
            sample,
            trained,
            int(sample.labels.max()) + 1,
            seed=seed,
            report=report,
            most=-(-STEPS // 3),
            steps=steps,
            device=device,
            balanced=True,
            heads=False,
        )

    def _questions(
        self,
        chosen: NDArray[np.int64],
        generator: np.random.Generator,  # noqa: ARG002 (nothing is moved)
    ) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
        labels = self._labels[chosen]
        return self._pixels[chosen], np.zeros_like(labels), labels

    def predict(self, chosen: NDArray[np.int64], move: NDArray[np.int64]) -> LogProbabilities:
        """log p of each class, by number: float32 (n, classes), of the chosen images moved by `move`."""
        return self._predict(chosen, move, np.zeros(len(chosen), dtype=np.int64))
