"""Greedy search is forward selection as long as that helps, and goes on from there."""

from dataclasses import dataclass

import numpy as np
import pytest

from aenbench.models.aen import AENSpace
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.space import SearchBudget
from aenbench.search import greedy
from aenbench.tasks.task import TaskShape


@dataclass(frozen=True)
class FreeSpace(AENSpace):
    """Every state is a network of its own."""

    def canonical(self, state: str) -> str:
        return state


def forward_selection(values: dict[str, float], bits: int) -> list[str]:
    """Every state asked for, by the textbook: add the best bit while that helps."""
    current, asked = "0" * bits, ["0" * bits]
    while True:
        larger = [current[:k] + "1" + current[k + 1 :] for k in range(bits) if current[k] == "0"]
        asked += larger
        best = max(larger, key=values.__getitem__, default=current)
        if values[best] <= values[current]:
            return asked
        current = best


@pytest.mark.parametrize("seed", range(5))
def test_it_begins_with_forward_selection(seed) -> None:
    space, generator = FreeSpace(), np.random.default_rng(seed)
    slopes = generator.normal(size=space.bits)
    values = {}
    for number in range(2**space.bits):
        bits = np.array([int(bit) for bit in format(number, "012b")])
        values[format(number, "012b")] = float(bits @ slopes + 0.5 * generator.normal())
    expected = forward_selection(values, space.bits)
    record = greedy.search(space, values.__getitem__, SearchBudget(states=len(expected)), 0)
    assert len(expected) > space.bits + 1
    assert list(record.visited) == expected


def test_it_goes_on_from_the_second_best_where_nothing_helps() -> None:
    """Two actions that help only together: forward selection stops before it sees them."""
    space = FreeSpace()

    def both(state: str) -> float:
        return 0.9 if state[:2] == "11" else 0.5 - 0.01 * state.count("1")

    assert "11" + "0" * 10 not in forward_selection({s: both(s) for s in _states(space)}, space.bits)
    assert greedy.search(space, both, SearchBudget(states=30), 0).best.state == "11" + "0" * 10


@pytest.mark.parametrize("space", [AENSpace(), AENSpace(TaskShape("paper")), GCNNSpace()])
def test_it_reaches_every_network(space) -> None:
    record = greedy.search(space, lambda state: -state.count("1") / 100, SearchBudget(states=2**space.bits), 0)
    assert {trial.canonical for trial in record.trials} == set(space.networks)


def _states(space: AENSpace) -> list[str]:
    return [format(number, f"0{space.bits}b") for number in range(2**space.bits)]
