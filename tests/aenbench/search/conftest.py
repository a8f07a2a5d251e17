"""A table in memory, for what works on tables: made-up accuracies of the networks of a small space."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from aenbench.candidates import Candidate
from aenbench.search.space import SearchSpace


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
