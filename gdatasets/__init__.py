"""Deterministic symmetry datasets: G-MNIST, G-Fashion-MNIST, G-Digits, MNIST-rot, and any folder of images.

    from gdatasets import load_arrays, load_dataset, GMNIST

    arrays = load_arrays("g-digits", "d4-roll", "test")      # NumPy, checked against the published digest
    data = load_dataset("aen/g-mnist", "aug2", revision="v1.0.0")

Importing this reads nothing and asks nobody: each name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gdatasets.arrays import Arrays as Arrays
    from gdatasets.build import BuildOptions as BuildOptions
    from gdatasets.build import build_dataset as build_dataset
    from gdatasets.digests import ContentHasher as ContentHasher
    from gdatasets.errors import GDatasetsError as GDatasetsError
    from gdatasets.folders import FolderSource as FolderSource
    from gdatasets.generate import undo as undo
    from gdatasets.groups import ACTIONS as ACTIONS
    from gdatasets.groups import Group as Group
    from gdatasets.load import load_arrays as load_arrays
    from gdatasets.repository import load_dataset as load_dataset
    from gdatasets.specs import CONFIGURATIONS as CONFIGURATIONS
    from gdatasets.specs import DATASETS as DATASETS
    from gdatasets.transform import Transform as Transform
    from gdatasets.verify import verify_folder as verify_folder
    from gdatasets.vision import GMNIST as GMNIST
    from gdatasets.vision import GDigits as GDigits
    from gdatasets.vision import GFashionMNIST as GFashionMNIST
    from gdatasets.vision import MNISTRot as MNISTRot

__version__ = "0.1.0"

_HOMES = {
    "ACTIONS": "groups",
    "CONFIGURATIONS": "specs",
    "DATASETS": "specs",
    "GMNIST": "vision",
    "Arrays": "arrays",
    "BuildOptions": "build",
    "ContentHasher": "digests",
    "FolderSource": "folders",
    "GDatasetsError": "errors",
    "GDigits": "vision",
    "GFashionMNIST": "vision",
    "Group": "groups",
    "MNISTRot": "vision",
    "Transform": "transform",
    "build_dataset": "build",
    "load_arrays": "load",
    "load_dataset": "repository",
    "undo": "generate",
    "verify_folder": "verify",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
