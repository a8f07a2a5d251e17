"""Orders and membership of permutation groups that a stranger gives, within a budget of work.

Schreier-Sims (Seress, Permutation Group Algorithms, 2003, chapter 4), as sympy has it for groups that are trusted;
sympy knows no limit, and two random permutations of 784 points would keep it busy for days. Work is counted, not timed,
so that the answer is the same on every machine. Permutations are maps `i -> p[i]`, and `p[q]` is "first q, then p".
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdatasets.groups.permutation_groups import Permutations, check_permutations

BUDGET = 1_000_000
"""Permutations that are sifted through one level: about two seconds of a core for 784 points."""
_MAX_ROWS = 20_000  # of transversals, all levels together: 63 MB for 784 points
_CHUNK = 2_048

Rows = NDArray[np.int32]


@dataclass(eq=False)
class _Level:
    """A base point, where the stabilizer of those before takes it, and how it gets back from there."""

    point: int
    place: NDArray[np.int64]
    """Row of `back` for each point, -1 for those that it does not reach."""
    there: Rows
    back: Rows


class _OverBudgetError(Exception):
    pass


class Chain:
    """A chain of stabilizers of the group that permutations generate.

    Args:
        generators: integers (k, degree).
        budget: sifts of one permutation through one level that may be spent.

    Attributes:
        is_complete: whether the budget was enough; then `order` is the order and `contain` is exact. Else the order is
            at least `order`, and what `contain` affirms is an element, but it may deny others.
    """

    def __init__(self, generators: Permutations, budget: int = BUDGET) -> None:
        rows = check_permutations(generators).astype(np.int32)
        self.degree = rows.shape[1]
        self._points = np.arange(self.degree, dtype=np.int32)
        self._strong = rows[(rows != self._points).any(axis=1)]
        self._levels: list[_Level] = []
        self._left = budget
        try:
            self._build()
            self.is_complete = True
        except _OverBudgetError:
            self.is_complete = False

    @property
    def order(self) -> int:
        return math.prod(len(level.back) for level in self._levels)

    def contain(self, permutations: Permutations) -> NDArray[np.bool_]:
        """Which of these permutations (n, degree) are elements, bool (n,); not counted as work."""
        found = np.zeros(len(permutations), dtype=bool)
        for start in range(0, len(permutations), _CHUNK):
            rest, stuck = self._sift(np.asarray(permutations[start : start + _CHUNK], dtype=np.int32), 0)
            found[start : start + _CHUNK] = (stuck == len(self._levels)) & (rest == self._points).all(axis=1)
        return found

    def _build(self) -> None:
        for row in self._strong:
            self._extend_base(row)
        number = len(self._levels) - 1
        while number >= 0:
            self._span(number)
            deeper = self._first_missing(number)
            number = number - 1 if deeper is None else deeper

    def _extend_base(self, row: Rows) -> None:
        """One more level, where a permutation moves no base point."""
        if all(row[level.point] == level.point for level in self._levels):
            point = int(np.flatnonzero(row != self._points)[0])
            place = np.full(self.degree, -1, dtype=np.int64)
            place[point] = 0
            self._levels.append(_Level(point, place, self._points[None], self._points[None]))

    def _generators(self, number: int) -> Rows:
        """The strong generators that fix the base points before this level."""
        before = [level.point for level in self._levels[:number]]
        fixing: Rows = self._strong[(self._strong[:, before] == before).all(axis=1)]
        return fixing

    def _span(self, number: int) -> None:
        level, generators = self._levels[number], self._generators(number)
        place = np.full(self.degree, -1, dtype=np.int64)
        place[level.point] = 0
        there, queue = [self._points], [level.point]
        for reached in queue:
            for generator in generators:
                image = int(generator[reached])
                if place[image] < 0:
                    place[image] = len(there)
                    there.append(generator[there[place[reached]]])
                    queue.append(image)
        level.place, level.there = place, np.array(there)
        level.back = np.argsort(level.there, axis=1).astype(np.int32)
        self._spend(len(there))
        if sum(len(each.back) for each in self._levels) > _MAX_ROWS:
            raise _OverBudgetError

    def _first_missing(self, number: int) -> int | None:
        """Sift Schreier's generators of a level; the first that is no product of the levels below makes one there.

        Returns:
            The level that it was added to, to continue from; None where nothing is missing.
        """
        level = self._levels[number]
        for generator in self._generators(number):
            for start in range(0, len(level.there), _CHUNK):
                moved = generator[level.there[start : start + _CHUNK]]
                back = level.back[level.place[moved[:, level.point]]]
                rest, stuck = self._sift(np.take_along_axis(back, moved, axis=1), number + 1)
                self._spend(len(rest) * (len(self._levels) - number))
                missing = np.flatnonzero((rest != self._points).any(axis=1))
                if len(missing):
                    row = rest[missing[0]]
                    self._strong = np.concatenate([self._strong, row[None]])
                    self._extend_base(row)
                    return int(stuck[missing[0]])
        return None

    def _spend(self, work: int) -> None:
        self._left -= work
        if self._left < 0:
            raise _OverBudgetError

    def _sift(self, rows: Rows, first: int) -> tuple[Rows, NDArray[np.int64]]:
        """What is left of permutations at the level that they do not pass, and its number (the last: all passed)."""
        rest, stuck = rows.copy(), np.full(len(rows), len(self._levels))
        going = np.arange(len(rows))
        for number in range(first, len(self._levels)):
            level = self._levels[number]
            place = level.place[rest[going, level.point]]
            stuck[going[place < 0]] = number
            going, place = going[place >= 0], place[place >= 0]
            moved = going[place > 0]
            rest[moved] = np.take_along_axis(level.back[place[place > 0]], rest[moved], axis=1)
        return rest, stuck
