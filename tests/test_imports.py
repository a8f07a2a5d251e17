"""Imports point one way, from the command down to the groups, and importing does nothing."""

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cffconvert import Citation

ROOT = Path(__file__).resolve().parents[1]

# Each module may import only modules of lower levels.
GDATASETS_LEVELS = (
    {"errors"},
    {"command", "partitions", "network", "files", "processes"},
    {"permutation_groups"},
    {"groups", "sources"},
    {"rotation"},
    {"specs"},
    {"generate", "folders"},
    {"digests"},
    {"arrays"},
    {"load", "preview", "shards", "transform", "cite", "manifest"},
    {"vision", "croissant", "hub"},
    {"card"},
    {"build"},
    {"verify", "progress"},
    {"publish", "repository"},
    {"cli"},
)

# Parts of aenbench, from the top; a part may import the parts after its own group, and its own part.
AENBENCH_ORDER = (
    {"cli"},
    {"reproduction", "paper"},
    {"run_options"},
    {"comparing", "experiment", "tabulate", "findings"},
    {"baselines", "own_model"},
    {"methods"},
    {"budgets", "analysis"},
    {"factorial"},
    {"search", "leaderboard", "ranks", "scoring", "plots", "training", "probes", "data", "store", "executors"},
    {"candidates"},
    {"models", "gcnn", "augmentation"},
    {"datasets", "processes", "revision"},
    {"nn"},
)


def modules(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py") if path.name != "__init__.py")


def imported(path: Path) -> Iterator[str]:
    """Absolute names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def part(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def level(name: str) -> int:
    return next(number for number, names in enumerate(GDATASETS_LEVELS) if name in names)


def test_every_module_of_gdatasets_has_a_level() -> None:
    assert {path.stem for path in modules("gdatasets")} == set().union(*GDATASETS_LEVELS)


@pytest.mark.parametrize("path", modules("gdatasets"), ids=lambda path: path.stem)
def test_gdatasets_imports_only_lower_levels(path: Path) -> None:
    for name in imported(path):
        assert name.split(".")[0] not in ("torch", "aenbench"), f"{path} imports {name}"
        if name.startswith("gdatasets.") and any(part(name) in names for names in GDATASETS_LEVELS):
            assert level(part(name)) < level(path.stem), f"{path.stem} imports {name}"


@pytest.mark.parametrize("path", modules("aenbench"), ids=lambda path: str(path.relative_to(ROOT)))
def test_aenbench_imports_only_downwards(path: Path) -> None:
    own = path.relative_to(ROOT / "aenbench").with_suffix("").parts[0]
    rank = {name: number for number, names in enumerate(AENBENCH_ORDER) for name in names}
    for name in imported(path):
        target = part(name)
        if name.startswith("aenbench.") and own in rank and target in rank and target != own:
            assert rank[target] >= rank[own], f"{own} imports {name}"


def test_gdatasets_knows_nothing_of_torch_when_it_is_imported() -> None:
    code = (
        "import sys, gdatasets\n"
        "heavy = {'torch', 'datasets', 'pyarrow', 'scipy', 'numpy', 'PIL', 'huggingface_hub'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from gdatasets import load_arrays, GMNIST, Group, undo\n"
        "heavy = {'torch', 'datasets', 'pyarrow', 'huggingface_hub', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def test_the_public_names_of_gdatasets() -> None:
    import gdatasets

    assert set(gdatasets.__all__) == {
        "ACTIONS",
        "CONFIGURATIONS",
        "DATASETS",
        "GMNIST",
        "Arrays",
        "BuildOptions",
        "ContentHasher",
        "FolderSource",
        "GDatasetsError",
        "GDigits",
        "GFashionMNIST",
        "Group",
        "MNISTRot",
        "Transform",
        "build_dataset",
        "load_arrays",
        "load_dataset",
        "undo",
        "verify_folder",
    }
    assert all(getattr(gdatasets, name) is not None for name in gdatasets.__all__)


PUBLIC = {
    "aenbench": {"Table", "load_table"},
    "aenbench.nn": {
        "EquivariantLinear",
        "GroupBatchNorm2d",
        "GroupConv2d",
        "GroupPooling",
        "InvariantPooling",
        "LiftingConv2d",
        "SpatialPooling",
        "SquareGroup",
        "assert_equivariant",
        "check_equivariance",
        "parameter_sharing",
    },
}


@pytest.mark.parametrize("package", PUBLIC)
def test_the_public_names_of_aenbench(package: str) -> None:
    module = importlib.import_module(package)
    assert set(module.__all__) == PUBLIC[package]
    assert all(getattr(module, name) is not None for name in module.__all__)


def test_the_citation_names_the_version_of_the_package() -> None:
    import gdatasets

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == gdatasets.__version__


def test_the_citation_is_valid() -> None:
    Citation((ROOT / "CITATION.cff").read_text()).validate()
