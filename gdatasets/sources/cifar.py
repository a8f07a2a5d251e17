"""CIFAR-10's pickled batches, opened by torchvision only, and only after their MD5 was compared."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gdatasets.sources.download import PublishedFile
from gdatasets.sources.source import SourceArrays


@dataclass(frozen=True)
class CifarBatches:
    """`cifar-10-batches-py/data_batch_1` to `5`, `test_batch` and `batches.meta`.

    torchvision compares all batches whichever split is read, hence all are needed for either.
    """

    def files(self, _split: str, /) -> tuple[PublishedFile, ...]:
        from torchvision.datasets import CIFAR10

        batches = [*CIFAR10.train_list, *CIFAR10.test_list, (CIFAR10.meta["filename"], CIFAR10.meta["md5"])]
        return tuple(
            PublishedFile(f"{CIFAR10.base_folder}/{name}", md5, CIFAR10.url, CIFAR10.tgz_md5) for name, md5 in batches
        )

    def read(self, root: Path, split: str, _count: int, /) -> SourceArrays:
        from torchvision.datasets import CIFAR10

        batches = CIFAR10(root, train=split == "train")
        return SourceArrays(batches.data, np.asarray(batches.targets))
