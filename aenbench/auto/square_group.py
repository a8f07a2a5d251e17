"""Which group of the square a network is given, from what was found of its seven moves."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from aenbench.auto.inquiry import Asked
from aenbench.auto.network_pair import PLAIN
from aenbench.discovery.candidates import find_candidates
from aenbench.discovery.verdicts import Verdict
from aenbench.nn.square_groups import SQUARE_GROUPS, SquareGroup

IN_WORDS: Mapping[str, str] = {
    "trivial": "no move",
    "c2": "half turns",
    "hflip": "left-right flips",
    "vflip": "top-bottom flips",
    "diagonal": "diagonal flips",
    "antidiagonal": "antidiagonal flips",
    "c4": "quarter turns",
    "v4": "left-right and top-bottom flips",
    "v4-diagonal": "both diagonal flips",
    "d4": "quarter turns and flips",
}
"""The groups of `SQUARE_GROUPS` for a reader."""

_SMALL: tuple[Verdict, ...] = ("symmetry", "approximate")
_SIDE = 2  # pixels: the eight moves differ on them already


@dataclass(frozen=True)
class ChosenGroup:
    """A group, and why it is that one.

    Attributes:
        name: of `SQUARE_GROUPS`; `trivial` where there is nothing to try.
        reason: a sentence or two.
        is_found: whether the images say so; otherwise they do not rule it out.
    """

    name: str
    reason: str
    is_found: bool = True

    @property
    def is_trivial(self) -> bool:
        return self.name == PLAIN


@cache
def moves_of(group: str) -> frozenset[str]:
    """The moves in a group of `SQUARE_GROUPS`, as `aenbench.discover` names those of `d4`."""
    rows = {row.tobytes() for row in SquareGroup(group).pixels(_SIDE)}
    every = find_candidates("d4", (_SIDE, _SIDE)).permutations
    return frozenset(name for name, row in every.items() if row.astype("int64").tobytes() in rows)


def choose_group(found: Collection[Asked]) -> ChosenGroup:
    """The largest group all of whose moves have small effects: `symmetry` or `approximate`.

    An approximate symmetry counts, because the group is only proposed: the networks that are trained decide. Where
    there is no such group, the largest one is tried none of whose moves is broken: a few hundred images decide
    little, and a symmetry helps most where images are few. Of groups of one size the one whose largest effect is
    smallest is taken.

    Args:
        found: of each of the seven moves of `d4`.
    """
    told = {each.move: each for each in found}
    small = _largest(told, _SMALL)
    group = small if moves_of(small) else _largest(told, (*_SMALL, "cannot tell"))
    verdicts = {move: each.verdict for move, each in told.items()}
    return ChosenGroup(group, _reason(group, verdicts, group == small), group == small)


def _largest(found: Mapping[str, Asked], allowed: Collection[Verdict]) -> str:
    """The largest group all of whose moves have one of these verdicts."""
    effects = {move: each.effect for move, each in found.items() if each.verdict in allowed}

    def worth(group: str) -> tuple[int, float]:
        return len(moves_of(group)), -max((effects[move] for move in moves_of(group)), default=0.0)

    return max((group for group in SQUARE_GROUPS if moves_of(group) <= effects.keys()), key=worth)


def _reason(group: str, verdicts: Mapping[str, Verdict], is_found: bool) -> str:
    moves = moves_of(group)
    if not moves:
        return "No symmetry was found: every turn and every flip of the square changes the images of a class."
    untold = [name for name, verdict in verdicts.items() if verdict == "cannot tell"]
    left = [name for name, verdict in verdicts.items() if verdict in _SMALL and name not in moves]
    which = f"{group}, {IN_WORDS[group]}"
    if not is_found:
        return (
            f"No symmetry was found; undecided: {', '.join(untold)}. So training is asked about the "
            f"largest group that is not ruled out: {which}."
        )
    said = f"The group is {which}: the largest one all of whose moves have an effect below the margin."
    if approximate := [name for name in verdicts if name in moves and verdicts[name] == "approximate"]:
        said += f" A small difference was detected for {', '.join(approximate)}."
    if left:
        said += f" Left out, because they make no larger group: {', '.join(left)}."
    if untold:
        said += f" Undecided: {', '.join(untold)}."
    return said
