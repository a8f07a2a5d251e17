"""Every image source by name.

To build one in takes two files: one of its own, with the `Source` value (`mnist.py` where a reader exists, `svhn.py`
with a reader of its own), and this one, which lists it. `Source.moved` makes it a dataset of moved images as well.

From outside the package, `SOURCES.register(source.name, source)` adds one for this process; worker processes and
commands find one at its import path, `"package.module:name"`, wherever a name is taken.

Importing this reads no file and imports no torchvision, scikit-learn or SciPy: readers do when they read.
"""

from typing import Any

from gdatasets.errors import InvalidArgumentError
from gdatasets.registry import Registry
from gdatasets.sources.cifar import CIFAR10
from gdatasets.sources.digits import DIGITS
from gdatasets.sources.emnist import EMNIST_LETTERS
from gdatasets.sources.eurosat import EUROSAT
from gdatasets.sources.galaxies import GALAXY10
from gdatasets.sources.mnist import FASHION_MNIST, KMNIST, MNIST, MNIST_RESPLIT
from gdatasets.sources.pcam import PCAM
from gdatasets.sources.source import Source
from gdatasets.sources.svhn import SVHN
from gdatasets.sources.text_rows import ROTATED_MNIST, SIGN_LANGUAGE_MNIST
from gdatasets.sources.traffic_signs import TRAFFIC_SIGNS


def _check_source(name: str, value: Any) -> Source:
    if not isinstance(value, Source):
        raise InvalidArgumentError(f'"{name}" is no source: expected a gdatasets Source, got {type(value).__name__}.')
    if ":" not in name and name != value.name:
        raise InvalidArgumentError(f'This source is named "{value.name}"; register it by that name, not "{name}".')
    if value.name in SOURCES and value != SOURCES[value.name]:
        raise InvalidArgumentError(f'There is another source "{value.name}"; give yours another name.')
    if not value.editions and value.original is None:
        raise InvalidArgumentError(f'The source "{value.name}" has nothing to read: give it an edition.')
    for edition in value.editions:
        if edition.files and set(edition.files) != set(value.samples):
            raise InvalidArgumentError(
                f'An edition of the source "{value.name}" has files for {", ".join(edition.files)}; expected '
                f"{', '.join(value.samples)}."
            )
    height, width, channels = (*value.image_shape, 1)[:3] if len(value.image_shape) in (2, 3) else (0, 0, 0)
    if height != width or height < 2 or height % 2 or channels not in (1, 3):
        raise InvalidArgumentError(
            f'Images of the source "{value.name}" have the shape {value.image_shape}; expected (size, size) or '
            "(size, size, 3), of even size."
        )
    return value


SOURCES: Registry[Source] = Registry(
    "source",
    {
        source.name: source
        for source in (
            MNIST,
            MNIST_RESPLIT,
            FASHION_MNIST,
            DIGITS,
            CIFAR10,
            SVHN,
            KMNIST,
            EMNIST_LETTERS,
            ROTATED_MNIST,
            SIGN_LANGUAGE_MNIST,
            EUROSAT,
            PCAM,
            TRAFFIC_SIGNS,
            GALAXY10,
        )
    },
    _check_source,
)
"""Every source, by name; `register` adds one, `find` takes import paths too."""
