"""The image datasets that tasks are made of: generated, published, or a user's own."""

from aenbench.datasets.named import NAMED as NAMED
from aenbench.datasets.named import NamedDataset as NamedDataset
from aenbench.datasets.registry import Dataset as Dataset
from aenbench.datasets.registry import default_configuration as default_configuration
from aenbench.datasets.registry import open_dataset as open_dataset
