"""The images of a task as a `torch.utils.data.DataLoader`: the very splits that a run learns from and chooses by."""

from collections.abc import Iterator
from typing import Literal, cast, get_args

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, TensorDataset

from aenbench.errors import known_name
from aenbench.tasks.datasets import as_typed, default_configuration
from aenbench.tasks.images import Images, LabeledImages
from aenbench.tasks.protocol import PROTOCOLS
from aenbench.tasks.task import Root, Task
from aenbench.training.fit import derive_seed
from aenbench.training.recipe import Recipe

Split = Literal["train", "validation", "test"]


def data_loader(
    dataset: str,
    config: str | None = None,
    split: Split = "train",
    *,
    batch: int = 64,
    seed: int = 0,
    protocol: str = "standard",
    root: Root = None,
) -> "DataLoader[tuple[Tensor, Tensor]]":
    """Batches of a task's images, normalized as networks take them.

    Args:
        dataset: as `aenbench run --dataset` takes it.
        config: one of its configurations; by default the one that a run takes.
        split: `train`: the images that a run learns from; each iteration over the loader is the next pass, in the
            order of a final training with this seed where its recipe uses all of them (`quick` may take the first ones
            only). `validation`: those that it chooses by; `test`: those that the score rests on; both in dataset order.
        batch: images a batch; a last batch of one training image is joined to the one before.
        seed: of the order of the training images.
        protocol: its rules, by name; under `paper` the images to choose by are 1,000 test images.
        root: a folder to look for the images in first.

    Returns:
        A loader of pairs: images float32 (batch, channels, size, size), class numbers int64 (batch,).

    Raises:
        UnknownNameError: no such dataset, configuration, split or protocol.
        InvalidArgumentError: a batch of less than one image.
        SourceError: the images are not on this machine.
    """
    name = as_typed(dataset)
    task = Task(name, config or default_configuration(name, root), PROTOCOLS[protocol])
    chosen = load_split(Images(task, root), split)
    batches = Recipe(len(chosen), 1, batch)  # a batch that is none is an error here
    order = torch.Generator().manual_seed(derive_seed(derive_seed(seed, "final"), "order"))
    sampler = _Passes(len(chosen), batches, order if split == "train" else None)
    own = torch.Generator()  # the loader draws a number each pass: not from PyTorch's global generator
    pairs = cast("Dataset[tuple[Tensor, Tensor]]", TensorDataset(chosen.images, chosen.labels))
    return DataLoader(pairs, batch_size=None, sampler=sampler, generator=own)


def load_split(images: Images, split: Split) -> LabeledImages:
    """One split of a task: what a run learns from, chooses by, or is scored on; raises UnknownNameError."""
    known_name("split", split, get_args(Split))
    if split == "test":
        return images.test()
    learn, choose_by = images.training()
    return learn if split == "train" else choose_by


class _Passes(Sampler[Tensor]):
    """The numbers of each batch, in a new order each pass; in dataset order without a generator."""

    def __init__(self, samples: int, batches: Recipe, generator: torch.Generator | None) -> None:
        self._samples, self._batches, self._generator = samples, batches, generator

    def __iter__(self) -> Iterator[Tensor]:
        if self._generator is None:
            yield from torch.split(torch.arange(self._samples), self._batches.batch)
        else:
            yield from self._batches.batches(torch.randperm(self._samples, generator=self._generator))

    def __len__(self) -> int:
        count = -(-self._samples // self._batches.batch)
        is_joined = self._generator is not None and count > 1 and self._samples % self._batches.batch == 1
        return count - is_joined
