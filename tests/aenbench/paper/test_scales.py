"""How large the experiments are."""

from pathlib import Path

import pytest

from aenbench.paper.context import Setting
from aenbench.paper.scales import SCALES, scale_of


@pytest.mark.parametrize("name", SCALES)
def test_more_seeds_of_one_scale_leave_its_trials_in_place(name: str, tmp_path: Path) -> None:
    plans = {Setting(scale_of(name, seeds), tmp_path / str(seeds)).store("e", ()).plan for seeds in (None, 1, 5)}
    assert len(plans) == 1


def test_seeds_can_be_given() -> None:
    assert scale_of("paper") is SCALES["paper"]
    given = scale_of("paper", 7)
    assert (given.seeds, given.gcnn_seeds, given.budgets) == (7, 7, SCALES["paper"].budgets)
