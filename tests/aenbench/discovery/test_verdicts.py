import pytest

from aenbench.discovery.kernel import Measured
from aenbench.discovery.verdicts import decide, holm

SEES = Measured(0.5, 0.4, 0.6, 0.001)
BLIND = Measured(0.01, 0.005, 0.015, 0.001)


def test_holm_adjusts_step_by_step() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


@pytest.mark.parametrize(
    ("measured", "verdict", "of_the_blind"),
    [
        (Measured(0.001, -0.002, 0.004, 0.4), "symmetry", "cannot tell"),
        (Measured(0.010, 0.008, 0.012, 0.001), "approximate", "cannot tell"),
        (Measured(0.300, 0.250, 0.350, 0.001), "broken", "broken"),
        (Measured(0.001, -0.060, 0.060, 0.4), "cannot tell", "cannot tell"),
        (Measured(0.022, 0.015, 0.029, 0.001), "cannot tell", "cannot tell"),
    ],
)
def test_what_is_not_rejected_is_not_yet_a_symmetry(measured: Measured, verdict: str, of_the_blind: str) -> None:
    assert decide({"move": measured}, SEES, 0.05, 0.02) == {"move": verdict}
    assert decide({"move": measured}, BLIND, 0.05, 0.02) == {"move": of_the_blind}


def test_detection_is_of_all_candidates_together() -> None:
    close = {f"move {n}": Measured(0.001, -0.001, 0.003, 0.02) for n in range(5)}
    assert set(decide(close, SEES, 0.05, 0.02).values()) == {"symmetry"}
    assert set(decide({"one": close["move 0"]}, SEES, 0.05, 0.02).values()) == {"approximate"}
