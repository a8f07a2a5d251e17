"""The group that a network is given: of every set of verdicts the largest one inside."""

from itertools import product

import numpy as np
import pytest

from aenbench.auto.inquiry import Asked
from aenbench.auto.square_group import IN_WORDS, choose_group, moves_of
from aenbench.discovery.verdicts import Verdict
from aenbench.nn.square_groups import SQUARE_GROUPS

ORACLE = {
    "quarter turn": lambda image: np.rot90(image),
    "half turn": lambda image: np.rot90(image, 2),
    "three-quarter turn": lambda image: np.rot90(image, 3),
    "left-right flip": np.fliplr,
    "top-bottom flip": np.flipud,
    "diagonal flip": np.transpose,
    "antidiagonal flip": lambda image: np.rot90(image, 2).T,
}
"""NumPy's own moves."""
IMAGE = np.arange(25).reshape(5, 5)


def asked(verdicts: dict[str, Verdict], effects: dict[str, float] | None = None) -> list[Asked]:
    effects = effects or {}
    return [
        Asked(move, effects.get(move, 0.0), -0.1, 0.1, 1.0, verdict, "kernel", 0.02)
        for move, verdict in verdicts.items()
    ]


def closed(moves: frozenset[str]) -> bool:
    """Whether the moves, with the identity, are closed under composition: by applying NumPy's."""
    images = {ORACLE[move](IMAGE).tobytes() for move in moves} | {IMAGE.tobytes()}
    return all(ORACLE[one](ORACLE[other](IMAGE)).tobytes() in images for one, other in product(moves, repeat=2))


def test_every_group_is_its_moves_and_there_are_no_others() -> None:
    subsets = [
        frozenset(move for move, kept in zip(ORACLE, bits, strict=True) if kept) for bits in product((0, 1), repeat=7)
    ]
    groups = {moves for moves in subsets if closed(moves)}
    assert groups == {moves_of(name) for name in SQUARE_GROUPS}
    assert len(groups) == len(SQUARE_GROUPS) == len(IN_WORDS) == 10


@pytest.mark.parametrize("bits", list(product((0, 1), repeat=7)))
def test_the_group_is_a_largest_one_of_small_effects(bits: tuple[int, ...]) -> None:
    small = {move for move, kept in zip(ORACLE, bits, strict=True) if kept}
    chosen = choose_group(asked({move: "symmetry" if move in small else "broken" for move in ORACLE}))
    assert moves_of(chosen.name) <= small
    assert len(moves_of(chosen.name)) == max(len(moves_of(name)) for name in SQUARE_GROUPS if moves_of(name) <= small)
    assert chosen.is_found
    assert chosen.is_trivial == (not moves_of(chosen.name))


def test_approximate_moves_count_and_are_named() -> None:
    flips = ("half turn", "left-right flip", "top-bottom flip")
    verdicts: dict[str, Verdict] = {move: "symmetry" if move in flips else "broken" for move in ORACLE}
    chosen = choose_group(asked(verdicts | {"half turn": "approximate"}))
    assert (chosen.name, "detected for half turn" in chosen.reason) == ("v4", True)
    assert "detected" not in choose_group(asked(verdicts)).reason


def test_of_two_groups_of_one_size_the_one_with_the_smaller_effect_is_taken() -> None:
    verdicts: dict[str, Verdict] = dict.fromkeys(ORACLE, "broken") | {
        "left-right flip": "symmetry",
        "diagonal flip": "symmetry",
    }
    for effect, name in ((0.01, "hflip"), (-0.01, "diagonal")):
        chosen = choose_group(asked(verdicts, {"diagonal flip": effect}))
        assert chosen.name == name
        assert "Left out" in chosen.reason


def test_what_is_not_ruled_out_is_tried_only_where_nothing_was_found() -> None:
    untold: dict[str, Verdict] = dict.fromkeys(ORACLE, "cannot tell")
    assert (choose_group(asked(untold)).name, choose_group(asked(untold)).is_found) == ("d4", False)
    turned = choose_group(asked(untold | {"left-right flip": "broken"}))
    assert (turned.name in ("c4", "v4-diagonal"), turned.is_found) == (True, False)
    found = choose_group(asked(untold | {"left-right flip": "symmetry"}))
    assert (found.name, found.is_found, "Undecided: quarter turn" in found.reason) == ("hflip", True, True)
    nothing = choose_group(asked(dict.fromkeys(ORACLE, "broken")))
    assert (nothing.is_trivial, "No symmetry was found" in nothing.reason) == (True, True)
