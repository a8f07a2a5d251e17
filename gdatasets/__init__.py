"""Deterministic symmetry datasets: G-MNIST, G-Fashion-MNIST, G-Digits, MNIST-rot, and any folder of images.

    from gdatasets import load_arrays, load_dataset, GMNIST

    arrays = load_arrays("g-digits", "d4-roll", "test")      # NumPy, checked against the published digest
    data = load_dataset("aen/g-mnist", "aug2", revision="v1.0.0")

Importing this reads nothing and asks nobody: each name is imported when it is first used.
"""

from typing import TYPE_CHECKING

from gdatasets.deferred import deferred_names

if TYPE_CHECKING:
    from gdatasets.errors import GDatasetsError as GDatasetsError
    from gdatasets.folder.build import BuildOptions as BuildOptions
    from gdatasets.folder.build import build_dataset as build_dataset
    from gdatasets.folder.own_group import read_group as read_group
    from gdatasets.folder.verify import verify_folder as verify_folder
    from gdatasets.generation.arrays import Arrays as Arrays
    from gdatasets.generation.digests import ContentHasher as ContentHasher
    from gdatasets.generation.group_moves import GroupConfiguration as GroupConfiguration
    from gdatasets.generation.group_moves import undo_group as undo_group
    from gdatasets.generation.load import load_arrays as load_arrays
    from gdatasets.generation.moves import undo as undo
    from gdatasets.generation.specs import CONFIGURATIONS as CONFIGURATIONS
    from gdatasets.generation.specs import DATASETS as DATASETS
    from gdatasets.generation.transform import Transform as Transform
    from gdatasets.groups.actions import ACTIONS as ACTIONS
    from gdatasets.groups.group import Group as Group
    from gdatasets.hub.load_dataset import load_dataset as load_dataset
    from gdatasets.sources.image_folder import FolderSource as FolderSource
    from gdatasets.vision import GMNIST as GMNIST
    from gdatasets.vision import GDigits as GDigits
    from gdatasets.vision import GFashionMNIST as GFashionMNIST
    from gdatasets.vision import MNISTRot as MNISTRot

__version__ = "0.1.0"

_HOMES = {
    "ACTIONS": "groups.actions",
    "CONFIGURATIONS": "generation.specs",
    "DATASETS": "generation.specs",
    "GMNIST": "vision",
    "Arrays": "generation.arrays",
    "BuildOptions": "folder.build",
    "ContentHasher": "generation.digests",
    "FolderSource": "sources.image_folder",
    "GDatasetsError": "errors",
    "GDigits": "vision",
    "GFashionMNIST": "vision",
    "Group": "groups.group",
    "GroupConfiguration": "generation.group_moves",
    "MNISTRot": "vision",
    "Transform": "generation.transform",
    "build_dataset": "folder.build",
    "load_arrays": "generation.load",
    "load_dataset": "hub.load_dataset",
    "read_group": "folder.own_group",
    "undo": "generation.moves",
    "undo_group": "generation.group_moves",
    "verify_folder": "folder.verify",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = deferred_names(__name__, _HOMES)
