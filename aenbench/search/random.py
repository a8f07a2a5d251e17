"""Random search: states drawn uniformly, without walking. What every other algorithm has to beat."""

import numpy as np

from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.record import Evaluate, Record
from aenbench.training.fit import derive_seed


def search(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:
    """Evaluate the zero state, then states in a uniformly random order, until the budget is spent."""
    record = Record(space, evaluate)
    record.value(space.start)
    generator = np.random.default_rng(derive_seed(seed, "random"))
    numbers = generator.permutation(2**space.bits).tolist()
    record.expect((format(number, f"0{space.bits}b") for number in numbers), budget)
    for number in numbers:
        if budget.is_spent(record):
            break
        record.value(format(number, f"0{space.bits}b"))
    return record
