"""Tiny experiments: real digits, few images, a space of three networks."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aenbench.execution.executors import LocalExecutor
from aenbench.models.aen import AEN_FAMILY, AENSpace
from aenbench.models.family import Budget
from aenbench.models.space import SearchBudget
from aenbench.paper.context import Setting
from aenbench.paper.scales import SCALES
from aenbench.tasks.protocol import PAPER, STANDARD
from aenbench.training.recipe import Recipe

STATES = ("000000000000", "010000000000", "111111111111")
TINY = Budget("standard", SearchBudget(states=40, episodes=3, episode_steps=20), Recipe(100, 2), Recipe(120, 2))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Budget:
    """The budget of everything dense; the first two bits tell three networks apart."""
    for protocol in ("standard", "paper"):
        monkeypatch.setitem(AEN_FAMILY.budgets, (protocol, "standard"), TINY)
    names = {"00": 0, "01": 1, "10": 2, "11": 2}
    monkeypatch.setattr(AENSpace, "networks", STATES)
    monkeypatch.setattr(AENSpace, "canonical", lambda _, state: STATES[names[state[:2]]])
    return TINY


@pytest.fixture
def make_setting(tiny: Budget, tmp_path: Path) -> Callable[..., Setting]:
    """A setting of that budget on real digits, in this process."""

    def make(**other: Any) -> Setting:
        scale = replace(
            SCALES["quick"],
            name="tiny",
            seeds=2,
            actions=tiny.final,
            budgets={("aen", p): tiny for p in (STANDARD, PAPER)},
        )
        options = {"scale": scale, "out": tmp_path / "out", "datasets": ("g-digits",), "executor": LocalExecutor(1)}
        return Setting(**{**options, **other})

    return make


@pytest.fixture
def table() -> Callable[[Path], list[dict[str, str]]]:
    """Reads a CSV file."""

    def read(path: Path) -> list[dict[str, str]]:
        with path.open(newline="") as lines:
            return list(csv.DictReader(lines))

    return read
