"""Fixtures that tests of both packages share."""

import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tqdm import tqdm

# A loaded machine is slow; a test that fails for it would tell nothing.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

# A thread of tqdm, which huggingface_hub uses, looks through a set of bars every ten seconds while others may leave it;
# rarely it ends with "Set changed size during iteration", which would fail whichever test is running.
tqdm.monitor_interval = 0

# Files of one or few long tests. Workers take whole files; one of these left to the end would keep a core waiting.
_LONGEST = ("test_survival.py", "test_crash.py", "test_resealed.py", "test_docs.py")

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow suite begins with its longest files (`make slow` keeps this order)."""
    items.sort(key=lambda item: item.path.name not in _LONGEST or item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """A torchvision-style root with the real MNIST and Fashion-MNIST."""
    for root in (os.environ.get("GDATASETS_ROOT"), _BESIDE):
        if root and all((Path(root) / folder / "raw").is_dir() for folder in ("MNIST", "FashionMNIST")):
            return Path(root)
    pytest.skip("no real MNIST and Fashion-MNIST: neither $GDATASETS_ROOT nor ../shared/data holds them")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache of sources."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def warm_python() -> Iterator[Any]:
    """Runs programs in forks of a process that has imported everything; see `warm`."""
    if sys.platform == "win32":
        pytest.skip("there is no fork")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        with importlib.import_module("warm").WarmPython() as warm:
            yield warm


@pytest.fixture
def run_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run `gdatasets` or `aenbench` in this process: exit code and standard error."""

    def call(program: str, *arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", [program, *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            importlib.import_module(f"{program}.cli.main").main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return call


@pytest.fixture
def alarm() -> Iterator[None]:
    """A test that waits fails, after a minute."""

    def ring(*_: object) -> None:
        pytest.fail("it waits")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
