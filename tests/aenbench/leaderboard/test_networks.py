"""An entry's network is described by the family of its baseline, not by another one with the same facts."""

from pathlib import Path

import pytest

from aenbench.leaderboard.entry_folder import read_description
from aenbench.leaderboard.networks import family_name, format_networks

BOARD = Path(__file__).parents[3] / "leaderboards"


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("mnist-rot/any-angle/gcnn-v4", "v4"),
        ("mnist-rot/any-angle/p4cnn", "c4, seven layers"),
        ("mnist-rot/any-angle/z2cnn", "trivial, seven layers"),
        ("g-mnist/aug2/mlp", "no symmetry"),
        ("g-mnist/aug2/full", "rotation+hflip+htrans+scramble4"),
    ],
)
def test_networks_of_families_with_the_same_facts_are_told_apart(entry: str, says: str) -> None:
    assert format_networks(read_description(BOARD / entry)) == says


@pytest.mark.parametrize(
    ("entry", "family"),
    [
        ("mnist-rot/any-angle/gcnn-v4", "gcnn"),
        ("mnist-rot/any-angle/z2cnn", "p4cnn"),
        ("g-mnist/aug2/aen-guided", "aen"),
        ("g-mnist/aug2/gcnn-aen-discover", "gcnn"),
    ],
)
def test_an_entry_belongs_to_the_family_of_its_baseline(entry: str, family: str) -> None:
    assert family_name(read_description(BOARD / entry)) == family


def test_what_no_baseline_made_belongs_to_its_origin() -> None:
    entry = read_description(BOARD / "mnist-rot/any-angle/gcnn-v4")
    assert family_name(entry.model_copy(update={"origin": "submission", "method": "gcnn:v4"})) == "submission"
    assert family_name(entry.model_copy(update={"method": "elsewhere:d4"})) == "elsewhere"
    assert family_name(entry.model_copy(update={"method": "group:rotation"})) == "group"
