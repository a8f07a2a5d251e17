"""What is published: the wheel's contents, and both commands from it, installed away from this checkout."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import gdatasets

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow

SMOKE = """
import aenbench, gdatasets
from aenbench.nn import EquivariantLinear, check_equivariance
from gdatasets import Group, load_arrays, undo

assert {installed!r} in gdatasets.__file__ and {installed!r} in aenbench.__file__, gdatasets.__file__
digits = load_arrays("g-digits", "d4-roll", "test")
assert undo(digits.images, digits.elements).shape == (360, 28, 28)
d4 = Group(["rotation", "hflip"], size=28)
assert check_equivariance(EquivariantLinear(d4.permutations, d4.permutations), d4.permutations, d4.permutations).passed
"""


def run(*words: str | Path, cwd: Path) -> str:
    """What a command prints; it sees nothing of the environment that the tests run in."""
    clean = {"PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(cwd / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, env=clean)
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as `python -m build` makes it: the backend comes from PyPI."""
    out = tmp_path_factory.mktemp("dist")
    line = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2_000:]
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, and the running environment's libraries behind it."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    run(folder / "bin" / "python", "-m", "pip", "install", "--no-deps", "--no-index", wheel, cwd=folder.parent)
    own = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    paths = [path for path in sys.path if Path(path).is_dir() and Path(path).name == "site-packages"]
    Path(own, "zz_libraries.pth").write_text("\n".join(paths) + "\n")  # own packages come first
    return folder


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_module_and_all_data_of_both_packages(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "gdatasets", "aenbench"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    expected = set(listed.stdout.splitlines())
    assert {"gdatasets/py.typed", "aenbench/py.typed", "gdatasets/pinned_digests.json"} <= expected
    assert expected - names(wheel) == set()


def is_test(path: Path) -> bool:
    """Whether pytest would collect it, or it lies among the tests; a module about hypothesis tests is none."""
    return path.stem.startswith("test") or path.stem.endswith("_test") or bool({"test", "tests"} & set(path.parts))


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    assert {name.split("/")[0] for name in names(wheel)} == {
        "gdatasets",
        "aenbench",
        f"aenbench-{gdatasets.__version__}.dist-info",
    }
    assert [name for name in names(wheel) if is_test(Path(name)) or "__pycache__" in name] == []
    assert any(name.endswith("/licenses/LICENSE") for name in names(wheel))


def test_both_commands_run_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    assert "g-digits" in run(installed / "bin" / "gdatasets", "list", cwd=tmp_path)
    assert "d4-roll" in run(installed / "bin" / "gdatasets", "info", "g-digits", cwd=tmp_path)
    assert "cifar10" in run(installed / "bin" / "aenbench", "datasets", cwd=tmp_path)
    assert "--baseline" in run(installed / "bin" / "aenbench", "run", "--help", cwd=tmp_path)


def test_the_smoke_test_passes_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    run(installed / "bin" / "python", "-c", SMOKE.format(installed=str(installed)), cwd=tmp_path)
    run(installed / "bin" / "gdatasets", "build", "g-digits", "c4", "--out", "built", "--quiet", cwd=tmp_path)
    assert "verified" in run(installed / "bin" / "gdatasets", "verify", "built", cwd=tmp_path).lower()
