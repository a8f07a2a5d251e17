"""Which of the 4,096 sets of actions give the same network, and which networks refine which.

A network with grids of sizes s0 > s1 > ... has one sharing for each pair of neighbors. Two sets of actions are the
same network iff all these sharings are equal. The sharing of a union is the join of the sharings, so every class is
closed under union and its largest set, its *closure*, names it: the actions under which the sharings do not change.
"""

from collections.abc import Iterable
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np

from aenbench.nn.sharing import Labels, extend_sharing, parameter_sharing
from gdatasets.groups.actions import ACTIONS, actions_from_bits, bits_from_actions
from gdatasets.groups.group import Group
from gdatasets.groups.permutation_groups import Permutations

Actions = tuple[str, ...]
Sharings = tuple[Labels, ...]
Grids = tuple[tuple[int, int], ...]
"""The (size, roll step) of each layer's grid, from the input to the last hidden layer."""


class SharingLattice:
    """The distinct networks among all sets of the twelve actions, on given grids.

    Args:
        grids: (size, roll step) of each layer's grid, two at least, in order.
    """

    def __init__(self, grids: Grids) -> None:
        self.pairs = tuple(dict.fromkeys(pairwise(grids)))

    @cached_property
    def moves(self) -> dict[str, tuple[tuple[Permutations, Permutations], ...]]:
        """Of each action, the input and output permutations (1, units) on each pair of grids."""
        return {
            action: tuple(
                (Group((action,), *into).permutations, Group((action,), *out).permutations) for into, out in self.pairs
            )
            for action in ACTIONS
        }

    @cached_property
    def free(self) -> Sharings:
        """The sharings without any action: every weight is free."""
        none = tuple((Group((), *into).permutations, Group((), *out).permutations) for into, out in self.pairs)
        return tuple(parameter_sharing(*sides)[0] for sides in none)

    def sharing(self, actions: Iterable[str]) -> Sharings:
        """The sharing (hidden, input) of each distinct pair of neighboring grids, from the generators."""
        chosen = [self.moves[action] for action in dict.fromkeys(actions)]
        if not chosen:
            return self.free
        sides = (zip(*moves, strict=True) for moves in zip(*chosen, strict=True))
        return tuple(parameter_sharing(np.concatenate(into), np.concatenate(out), joint=True)[0] for into, out in sides)

    def extend(self, sharings: Sharings, action: str) -> Sharings:
        """The sharings of the group generated with one more action."""
        return tuple(
            extend_sharing(labels, *sides)[0] for labels, sides in zip(sharings, self.moves[action], strict=True)
        )

    def commutes(self, sharings: Sharings, action: str) -> bool:
        """Whether an action leaves every orbit of the sharings in place."""
        return all(
            np.array_equal(labels[out[0]].take(into[0], axis=1), labels)
            for labels, (into, out) in zip(sharings, self.moves[action], strict=True)
        )

    def closure(self, actions: Iterable[str]) -> Actions:
        """The largest set of actions that gives the same network."""
        return self._closure_of(self.sharing(actions))

    def _closure_of(self, sharings: Sharings) -> Actions:
        return tuple(action for action in ACTIONS if self.commutes(sharings, action))

    @cached_property
    def steps(self) -> dict[Actions, dict[str, Actions]]:
        """For each distinct network, the one that each further action leads to; from few actions to many.

        Most steps follow from those already computed: whatever set includes X includes the closure of X, and a set
        that has grown so into a known closure has arrived. Only the others are computed, each by extending one sharing.
        """
        start = self._closure_of(self.free)
        sharings = {frozenset(start): self.free}
        implied: list[tuple[frozenset[str], frozenset[str]]] = []
        found: dict[Actions, dict[str, Actions]] = {}
        queue = [start]
        for closed in queue:
            found[closed] = dict.fromkeys(closed, closed)
            for action in ACTIONS:
                reached = _saturate(frozenset(closed) | {action}, implied)
                if reached not in sharings:
                    extended = self.extend(sharings[frozenset(closed)], action)
                    closure = self._closure_of(extended)
                    implied.append((reached, frozenset(closure)))
                    reached = frozenset(closure)
                    if reached not in sharings:
                        sharings[reached] = extended
                        queue.append(closure)
                found[closed][action] = tuple(name for name in ACTIONS if name in reached)
        return found

    @property
    def distinct(self) -> tuple[Actions, ...]:
        """The closures of all sets, by number of actions, then by state string."""
        return tuple(sorted(self.steps, key=lambda actions: (len(actions), bits_from_actions(actions))))

    @cached_property
    def classes(self) -> dict[str, str]:
        """The closure of each of the 4,096 state strings, as a state string."""
        found = {}
        for number in range(2 ** len(ACTIONS)):
            bits = format(number, f"0{len(ACTIONS)}b")
            closed = next(iter(self.steps))
            for action in actions_from_bits(bits):
                closed = self.steps[closed][action]
            found[bits] = bits_from_actions(closed)
        return found


def _saturate(actions: frozenset[str], implied: list[tuple[frozenset[str], frozenset[str]]]) -> frozenset[str]:
    """The actions, with all those that the known implications add."""
    while True:
        added = frozenset().union(*(closure for premise, closure in implied if premise <= actions))
        if added <= actions:
            return actions
        actions |= added


@lru_cache(maxsize=8)
def sharing_lattice(grids: Grids) -> SharingLattice:
    """The lattice of these grids, made once for each process."""
    return SharingLattice(grids)
