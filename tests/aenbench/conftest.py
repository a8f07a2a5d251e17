"""Fixtures of several rooms: the toy trials, which workers import by name too; pictures of reports; made-up tables;
a stand-in for the Hub."""

import importlib
import importlib.util
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aenbench.models.aen import AEN_FAMILY
from aenbench.models.registry import space_of
from aenbench.models.space import SearchSpace
from aenbench.tables.table import Table, TableInfo
from aenbench.training.candidate import Candidate
from aenbench.training.recipe import Recipe


@pytest.fixture(scope="module")
def toy() -> Iterator[Any]:
    """The module `toy_trials`, which workers can import too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])]))
        yield importlib.import_module("toy_trials")


@pytest.fixture
def pretended_gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Pretends a GPU for a block; see `pretended_device`."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return importlib.import_module("pretended_device").pretended_gpu


@pytest.fixture
def shows_its_pictures() -> Callable[[Path], None]:
    """Sees that a report shows every PNG file beside it, and no other, and says in words what is on it."""

    def check(report: Path) -> None:
        shown = re.findall(r"^!\[(.+)\]\((.+)\)$", report.read_text(), re.MULTILINE)
        assert sorted(file for _, file in shown) == sorted(path.name for path in report.parent.glob("*.png"))

    return check


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """The final training of a dense network under `quick` takes a tenth of its steps, in this process."""
    for key, budget in AEN_FAMILY.budgets.items():
        if budget.name == "quick":
            final = replace(budget.final, images=budget.final.images // 10)
            monkeypatch.setitem(AEN_FAMILY.budgets, key, replace(budget, final=final))  # type: ignore[index]


MakeTable = Callable[..., Table]


@pytest.fixture
def make_table() -> MakeTable:
    """Makes a table of eight networks, three seeds and four epochs; `told` bits, values and info can be given."""

    def make(
        protocol: str = "standard",
        space: str = "aen",
        told: int = 3,
        change: dict[str, Any] | None = None,
        **about: Any,
    ) -> Table:
        info = {
            "dataset": "g-mnist",
            "dataset_version": "1.0.0",
            "configuration": "aug2",
            "train_content_sha256": "a" * 64,
            "test_content_sha256": "b" * 64,
            "protocol": protocol,
            "space": space,
            "classes": 10,
            "image_size": 28,
            "channels": 1,
            "recipe": Recipe(4_000, 4),
            "epochs": 4,
            "seeds": (0, 1, 5),
            "validation_images": 10_000,
            "test_images": 10_000,
            **about,
        }
        described = TableInfo(**info)
        states = ["".join(bits) for bits in product("01", repeat=space_of(described.space)().bits)]
        prefixes = ["".join(bits) for bits in product("01", repeat=told)]
        members = tuple(tuple(state for state in states if state.startswith(prefix)) for prefix in prefixes)
        random = np.random.Generator(np.random.PCG64(0))
        shape = (len(members), len(described.seeds), described.epochs)
        columns = {
            "parameters": random.integers(1, 500_000, len(members)),
            "validation": random.integers(0, described.validation_images + 1, shape) / described.validation_images,
            "test": random.integers(0, described.test_images + 1, shape) / described.test_images,
            "seconds": random.integers(1, 5_000, shape[:2]) / 1_000,
        }
        networks = tuple(states[-1] for states in members)
        parts = {"info": described, "networks": networks, "states": members, **columns, **(change or {})}
        return Table(**parts)

    return make


@dataclass(frozen=True)
class TinySpace(SearchSpace):
    """Five bits; every state is a network of its own, but the two that end in 01 and 10 are one."""

    @property
    def bits(self) -> int:
        return 5

    def canonical(self, state: str) -> str:
        return state[:-2] + "10" if state.endswith("01") else state

    def candidate(self, state: str) -> Candidate:
        raise AssertionError(f"nothing is trained, least of all {state}")

    @property
    def networks(self) -> tuple[str, ...]:
        states = (format(number, "05b") for number in range(32))
        return tuple(state for state in states if self.canonical(state) == state)


@dataclass(frozen=True, eq=False)
class SyntheticTable:
    """Accuracies (networks, seeds); the training of a network takes 1 s, 2 s, ... by seed."""

    space: SearchSpace
    networks: tuple[str, ...]
    validation: NDArray[np.float64]
    test: NDArray[np.float64]

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(10, 10 + self.test.shape[1]))

    def final(self, by: str) -> NDArray[np.float64]:
        return {"validation": self.validation, "test": self.test}[by]

    def cost(self, state: str, seed: int) -> float:
        assert state in self.networks
        return float(seed - 9)


@pytest.fixture
def tiny_table() -> Callable[..., SyntheticTable]:
    """A table of `TinySpace`: uniform accuracies, noise of a deviation in what a search sees."""

    def make(seeds: int = 3, noise: float = 0.0) -> SyntheticTable:
        space = TinySpace()
        generator = np.random.default_rng(1)
        exact = generator.random((len(space.networks), 1)).repeat(seeds, axis=1)
        return SyntheticTable(space, space.networks, exact + noise * generator.normal(size=exact.shape), exact)

    return make


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A stand-in for the Hub, empty; see tests/gdatasets/hub_stand_in.py."""
    from huggingface_hub import constants

    spec = importlib.util.spec_from_file_location(
        "hub_stand_in", Path(__file__).parents[1] / "gdatasets" / "hub_stand_in.py"
    )
    assert spec is not None
    assert spec.loader is not None
    if spec.name not in sys.modules:
        sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[spec.name])
    with sys.modules[spec.name].running() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
        monkeypatch.setattr(time, "sleep", lambda _seconds: None)
        monkeypatch.chdir(tmp_path)
        for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        yield running
