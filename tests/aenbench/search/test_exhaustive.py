"""Exhaustive search finds the best there is."""

import pytest

from aenbench.models.aen import AENSpace
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.space import SearchBudget
from aenbench.search import exhaustive
from aenbench.tasks.task import TaskShape


@pytest.mark.parametrize("space", [AENSpace(), AENSpace(TaskShape("paper")), GCNNSpace()])
def test_every_network_is_trained_once_in_the_order_of_the_space(space) -> None:
    values = {state: (17 * place % 101) / 101 for place, state in enumerate(space.networks)}
    record = exhaustive.search(space, values.__getitem__, SearchBudget(states=2**space.bits), 0)
    assert [trial.canonical for trial in record.trials] == list(space.networks)
    assert record.best.value == max(values.values())
