"""The cropped street-view house numbers: MATLAB files, read by torchvision and SciPy."""

from dataclasses import dataclass
from pathlib import Path

from gdatasets.sources.download import PublishedFile
from gdatasets.sources.source import SourceArrays


@dataclass(frozen=True)
class SvhnMatrices:
    """`train_32x32.mat` and `test_32x32.mat`; the digit 0, label 10 in the files, becomes 0 (torchvision does so)."""

    def files(self, split: str, /) -> tuple[PublishedFile, ...]:
        from torchvision.datasets import SVHN

        url, name, md5 = SVHN.split_list[split]
        return (PublishedFile(name, md5, url),)

    def read(self, root: Path, split: str, _count: int, /) -> SourceArrays:
        from torchvision.datasets import SVHN

        numbers = SVHN(root, split)
        return SourceArrays(numbers.data.transpose(0, 2, 3, 1), numbers.labels)
