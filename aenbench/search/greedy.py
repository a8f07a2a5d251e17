"""Greedy forward selection: add the action that helps most, then continue from the best network not yet extended."""

import heapq

from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.record import Evaluate, Record


def search(
    space: SearchSpace,
    evaluate: Evaluate,
    budget: SearchBudget,
    seed: int,  # noqa: ARG001 (nothing is random)
) -> Record:
    """Search by adding bits, best first.

    A network is extended by trying every bit that its canonical state lacks. The zero state is extended first, then
    always the best network that was not, the earliest of equals. As long as additions help that is forward selection;
    where none does any more it goes back to the next best, until the budget is spent or every network that it can
    reach was extended.
    """
    record = Record(space, evaluate)
    start = space.canonical(space.start)
    waiting = [(-record.value(space.start), 0, start)]  # best first, then earliest
    reached = {start}
    while waiting:
        _, _, state = heapq.heappop(waiting)
        record.expect(_additions(space, state), budget)
        for larger in _additions(space, state):
            if budget.is_spent(record):
                return record
            value, network = record.value(larger), space.canonical(larger)
            if network not in reached:
                heapq.heappush(waiting, (-value, len(reached), network))
                reached.add(network)
    return record


def _additions(space: SearchSpace, state: str) -> list[str]:
    return [space.toggle(state, place) for place, bit in enumerate(state) if bit == "0"]
