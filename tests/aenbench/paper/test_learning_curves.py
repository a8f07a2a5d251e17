import numpy as np
import pytest

from aenbench.paper.found_networks import PROTOCOLS, TaskName
from aenbench.paper.learning_curves import Walk, markdown


def walk(values: list[float], everywhere: float | None = None) -> Walk:
    return Walk((), np.array(values), np.ones(len(values)), everywhere)


def test_gained_compares_the_last_quarter_with_the_first() -> None:
    assert walk([0.1, 0.9, 0.5, 0.5, 0.2, 0.3, 0.7, 0.9]).gained == pytest.approx(100 * (0.8 - 0.5))
    assert walk([0.4]).gained == 0.0


def test_random_is_told_where_a_table_says_what_it_would_be() -> None:
    task = TaskName("g-mnist", "aug2")
    known = {(task, protocol, seed): walk([0.2] * 4 + [0.6] * 4, 0.5) for protocol in PROTOCOLS for seed in (0, 1)}
    assert "| +40.00 [+40.00, +40.00] | +30.00 [+30.00, +30.00] |" in markdown(known, "made")
    unknown = {(task, protocol, 0): walk([0.2] * 4 + [0.6] * 4) for protocol in PROTOCOLS}
    assert "| +40.00 | – |" in markdown(unknown, "made")
