"""Imports point one way, from the command down to the groups, and importing does nothing."""

import ast
import importlib
import importlib.util
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from cffconvert import Citation

ROOT = Path(__file__).resolve().parents[1]
BOTH = "a room of aenbench and one of gdatasets, each with its own"
REPEATED = {
    "build": "tables.build makes a table, folder.build a dataset",
    "card": BOTH,
    "citation": BOTH,
    "discover": "discovery.discover asks the images, cli.discover reads its options",
    "errors": BOTH,
    "figures": "reports.figures draws, paper.figures are the paper's",
    "files": "untrusted.files reads a stranger's, gdatasets.files writes ours",
    "main": "the commands of each program",
    "markdown": "reports.markdown writes cells, leaderboard.markdown the board",
    "options": "cli.options are typed, runs.options decide an outcome",
    "plan": "of a run, of a comparison",
    "processes": "execution.processes identifies one, gdatasets.processes ends one with its parent",
    "progress": "runs.progress is reported, cli.progress shows it",
    "registry": "gdatasets.registry is the kind, search.registry the searches",
    "render": "leaderboard.render writes all generated files, site.render the page",
    "report": "of an analysis, of a comparison",
    "run": "runs.run runs, cli.run reads its options",
    "stacked": "nn.stacked holds layers, models.stacked networks of them",
    "start": "a console script each",
    "user_code": "aenbench.user_code is for networks",
    "verify": BOTH,
}
"""Module names that stand in more than one room, and why that is plain."""


def load_architecture() -> ModuleType:
    found = importlib.util.spec_from_file_location("architecture", ROOT / "tools/architecture.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


ARCHITECTURE = load_architecture()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Both packages with all their rooms, each with one module that imports nothing."""
    for package, order in ARCHITECTURE.ORDER.items():
        for room in set().union(*order):
            (tmp_path / package / room).mkdir(parents=True)
            (tmp_path / package / room / "__init__.py").touch()
            (tmp_path / package / room / "one.py").touch()
    assert ARCHITECTURE.problems(tmp_path) == []
    return tmp_path


def test_no_import_climbs_and_every_room_is_named() -> None:
    assert ARCHITECTURE.problems() == []


def test_the_picture_of_the_rooms_is_that_of_the_imports() -> None:
    assert ARCHITECTURE.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("module", "text", "problem"),
    [
        (
            "aenbench/nn/one.py",
            "from aenbench.models import one",
            "nn.one imports aenbench.models.one, upwards",
        ),
        ("aenbench/nn/one.py", "import aenbench.tasks.one", "aenbench.nn.one imports aenbench.tasks.one, upwards"),
        (
            "aenbench/nn/one.py",
            "def f():\n    import aenbench.cli.one",
            "nn.one imports aenbench.cli.one, upw",
        ),
        (
            "gdatasets/files/one.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from gdatasets.hub.one import x",
            "gdatasets.files.one imports gdatasets.hub.one, upwards",
        ),
        (
            "gdatasets/cli/one.py",
            "import aenbench.errors.one",
            "cli.one imports aenbench.errors.one, upwards",
        ),
        ("aenbench/kitchen/one.py", "", "aenbench.kitchen has no place"),
        ("gdatasets/attic.py", "", "gdatasets.attic has no place"),
        ("aenbench/nn/two.py", "import aenbench.nn.three", "import cycle"),
    ],
)
def test_what_the_layer_test_must_find(tree: Path, module: str, text: str, problem: str) -> None:
    (tree / "aenbench/nn/three.py").write_text("def f():\n    import aenbench.nn.two\n" if "two" in module else "")
    (tree / module).parent.mkdir(exist_ok=True)
    (tree / module).write_text(text)
    found = ARCHITECTURE.problems(tree)
    assert len(found) == 1
    assert problem in found[0]


def test_imports_that_point_down_are_no_problem(tree: Path) -> None:
    (tree / "aenbench/cli/one.py").write_text("from aenbench.nn import one\nfrom gdatasets.cli import one as other")
    assert ARCHITECTURE.problems(tree) == []


def test_relative_and_dangling_imports_are_refused(tree: Path) -> None:
    for text in ("from . import one", "import gdatasets.nowhere"):
        (tree / "aenbench/cli/one.py").write_text(text)
        with pytest.raises(ValueError, match=r"one\.py"):
            ARCHITECTURE.problems(tree)


def test_aenbench_has_at_most_five_modules_beside_its_packages() -> None:
    assert len([path for path in (ROOT / "aenbench").glob("*.py") if path.name != "__init__.py"]) <= 5


def test_a_module_name_repeats_only_where_its_room_makes_it_plain() -> None:
    homes = defaultdict(list)
    for name, path in ARCHITECTURE.module_files(ROOT).items():
        if path.name != "__init__.py":
            homes[path.stem].append(name)
    assert {stem for stem, names in homes.items() if len(names) > 1} <= set(REPEATED)
    for stem, names in homes.items():
        assert len({ARCHITECTURE.room(name) for name in names}) == len(names) or stem in REPEATED, names


def test_no_package_gives_a_name_that_is_also_a_module_of_it() -> None:
    """Which of the two `package.name` is would depend on what was imported last."""
    for path in ARCHITECTURE.module_files(ROOT).values():
        if path.name == "__init__.py":
            assert not given_twice(path), path


def test_a_name_that_is_also_a_module_is_seen(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("from package.score import other\nfrom package.score import score\n")
    (tmp_path / "score.py").touch()
    assert given_twice(tmp_path / "__init__.py") == {"score"}


def given_twice(init: Path) -> set[str]:
    """The names that a package's `__init__.py` imports and that are modules beside it."""
    imports = [
        node for node in ast.walk(ast.parse(init.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)
    ]
    names = {alias.asname or alias.name for node in imports for alias in node.names}
    return names & {path.stem for path in init.parent.iterdir()}


def test_modules_are_neither_tiny_nor_endless() -> None:
    files = [path for path in ARCHITECTURE.module_files(ROOT).values() if path.name != "__init__.py"]
    lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in files]
    assert max(lines) <= 450
    assert sum(40 <= count <= 250 for count in lines) >= 0.6 * len(lines)


@pytest.mark.parametrize("name", ["aenbench", "gdatasets"])
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(name: str, option: str) -> None:
    done = in_a_new_process(name, option)
    assert done.returncode == 0, done.stderr
    assert option != "--version" or done.stdout.strip() == importlib.import_module(name).__version__


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("template",), 0),
        (("datasets",), 0),
        (("check", "missing.py:net"), 2),
        (("verify", "missing-folder"), 2),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_commands_that_need_no_torch_do_not_import_it(arguments: tuple[str, ...], code: int) -> None:
    done = in_a_new_process("aenbench", *arguments)
    assert done.returncode == code, done.stderr


def in_a_new_process(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command's outcome; it fails where the command has imported something heavy."""
    code = (
        "import importlib, sys\n"
        f"main = importlib.import_module('{name}.cli.main').main\n"
        f"sys.argv = {[name, *arguments]}\n"
        "try:\n    main()\n"
        "finally:\n"
        "    heavy = {'torch', 'pandas', 'pyarrow', 'matplotlib'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


def test_gdatasets_imports_neither_torch_nor_aenbench() -> None:
    for path in (ROOT / "gdatasets").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "import torch\n" not in text, path
        assert "from torch " not in text, path


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
        "GroupConfiguration",
        "MNISTRot",
        "Transform",
        "build_dataset",
        "load_arrays",
        "load_dataset",
        "read_group",
        "undo",
        "undo_group",
        "verify_folder",
    }
    assert all(getattr(gdatasets, name) is not None for name in gdatasets.__all__)


PUBLIC = {
    "aenbench": {
        "Discovery",
        "Table",
        "data_loader",
        "discover",
        "load_history",
        "load_leaderboard",
        "load_model",
        "load_predictions",
        "load_table",
    },
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
