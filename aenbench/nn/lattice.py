"""Which of the 4,096 sets of actions give the same network, and which networks refine which.

A network with grids of sizes s0 > s1 > ... has one sharing for each pair of neighbours. Two sets of actions are the
same network iff all these sharings are equal. The sharing of a union is the join of the sharings, so every class is
closed under union and its largest set, its *closure*, names it: the actions under which the sharings do not change.
"""

from collections.abc import Iterable
from functools import cached_property, lru_cache, reduce
from itertools import pairwise

import numpy as np

from aenbench.nn.sharing import Labels, join_sharings, parameter_sharing
from gdatasets.groups import ACTIONS, Group, actions_from_bits, bits_from_actions

Actions = tuple[str, ...]
Grids = tuple[tuple[int, int], ...]
"""The (size, roll step) of each layer's grid, from the input to the last hidden layer."""


class SharingLattice:
    """The distinct networks among all sets of the twelve actions, on given grids.

    Args:
        grids: (size, roll step) of each layer's grid, two at least, in order.
    """

    def __init__(self, grids: Grids) -> None:
        self.pairs = tuple(dict.fromkeys(pairwise(grids)))
        self.single = {action: self.sharing((action,)) for action in ACTIONS}
        self.free = self.sharing(())

    def sharing(self, actions: Iterable[str]) -> tuple[Labels, ...]:
        """The sharing (hidden, input) of each distinct pair of neighbouring grids, from the generators."""
        chosen = tuple(actions)
        return tuple(
            parameter_sharing(Group(chosen, *into).permutations, Group(chosen, *out).permutations)[0]
            for into, out in self.pairs
        )

    def join(self, one: tuple[Labels, ...], other: tuple[Labels, ...]) -> tuple[Labels, ...]:
        return tuple(join_sharings(labels)[0] for labels in zip(one, other, strict=True))

    def commutes(self, sharing: tuple[Labels, ...], action: str) -> bool:
        """Whether an action leaves every orbit of the sharing in place."""
        return all(
            np.array_equal(
                labels[Group((action,), *out).permutations[0]][:, Group((action,), *into).permutations[0]], labels
            )
            for labels, (into, out) in zip(sharing, self.pairs, strict=True)
        )

    def closure(self, actions: Iterable[str]) -> Actions:
        """The largest set of actions that gives the same network."""
        chosen = set(actions)
        sharing = reduce(self.join, (self.single[action] for action in sorted(chosen)), self.free)
        return self._closure_of(sharing)

    def _closure_of(self, sharing: tuple[Labels, ...]) -> Actions:
        return tuple(action for action in ACTIONS if self.commutes(sharing, action))

    @cached_property
    def steps(self) -> dict[Actions, dict[str, Actions]]:
        """For each distinct network, the one that each further action leads to; from few actions to many."""
        names: dict[tuple[bytes, ...], Actions] = {}

        def name(sharing: tuple[Labels, ...]) -> Actions:
            key = tuple(labels.tobytes() for labels in sharing)
            if key not in names:
                names[key] = self._closure_of(sharing)
            return names[key]

        sharings = {name(self.free): self.free}
        found: dict[Actions, dict[str, Actions]] = {}
        queue = list(sharings)
        for closed in queue:
            found[closed] = dict.fromkeys(closed, closed)
            for action in ACTIONS:
                if action not in closed:
                    joined = self.join(sharings[closed], self.single[action])
                    found[closed][action] = reached = name(joined)
                    if reached not in sharings:
                        sharings[reached] = joined
                        queue.append(reached)
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


@lru_cache(maxsize=8)
def sharing_lattice(grids: Grids) -> SharingLattice:
    """The lattice of these grids, made once for each process."""
    return SharingLattice(grids)
