"""Exhaustive search: every distinct network once. What no other algorithm can beat, given the budget for it."""

from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.record import Evaluate, Record


def search(
    space: SearchSpace,
    evaluate: Evaluate,
    budget: SearchBudget,
    seed: int,  # noqa: ARG001 (nothing is random)
) -> Record:
    """Evaluate the zero state, then every network in the order of `space.networks`, until the budget is spent."""
    record = Record(space, evaluate)
    record.value(space.start)
    record.expect(space.networks, budget)
    for state in space.networks:
        if budget.is_spent(record):
            break
        record.value(state)
    return record
