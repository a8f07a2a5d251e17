"""Search guided by the images: networks in the order of the effects, each measured accuracy weighed against them.

The first network is that of the moves whose effects are below the margin: what `discover` chooses. Then come its
neighbors in the chain of lowest effects (one move more, one less), then toggles of the best network so far.

One short training is noisy, so that the highest of many accuracies is mostly a lucky one. Accuracies are therefore
taken for noisy values of a Gaussian process over the networks (Rasmussen and Williams, 2006, chapter 2): its mean says
what effects make one expect (a symmetry helps a little, a broken move costs), and networks that differ in few bits
are alike. The best network is the one of the highest posterior mean among those trained. Every constant was fixed on
G-Digits: `docs/guided-search.md` says how.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search.evidence import Evidence, evidence_of
from aenbench.search.record import Evaluate, Record

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GuidedSettings:
    """What is believed before a network is trained, as shares of accuracy.

    Attributes:
        gain: what a move adds whose effect is 0.
        loss: the most that a broken move costs; in between it is linear in the effect, 0 at the margin.
        residual: standard deviation of what effects do not explain.
        length: bits in which networks differ until that is forgotten, by a factor of e.
        training: standard deviation of one training; that of counting right answers comes on top.
    """

    gain: float = 0.014
    loss: float = 0.02
    residual: float = 0.08
    length: float = 15.0
    training: float = 0.013


NETWORKS = 25
"""How many are trained where a budget names no number: the most at which it was compared
(`docs/results/image-searches.md`)."""
_LEVEL = 1.0  # standard deviation of the accuracy of all networks together, of which nothing is believed
_LEAST_SHARE = 0.01  # of which the noise of counting is taken: a network that is always right or wrong has some, too


class Belief:
    """What is believed of every network of a space.

    Args:
        space: names the networks.
        evidence: what the images say of its moves.
        settings: how much that is.
    """

    def __init__(self, space: SearchSpace, evidence: Evidence, settings: GuidedSettings) -> None:
        self.networks = space.networks
        self._evidence, self._settings = evidence, settings
        self._rows = {state: row for row, state in enumerate(self.networks)}
        self._bits = np.array([[int(bit) for bit in state] for state in self.networks], dtype=np.float64)
        worth = self._worth_of_moves()
        self._expected = np.array(
            [sum(worth.get(move, 0.0) for move in sorted(space.moves_of(state))) for state in self.networks]
        )

    def prior(self, rows: Sequence[int] | None = None) -> tuple[Floats, Floats]:
        """What is believed before any training: means (networks,), and covariances with these rows of `networks`.

        Args:
            rows: all of them by default.

        Returns:
            (networks,) and (rows, networks). The level that all networks share is left open, at a deviation of 1.
        """
        bits = self._bits if rows is None else self._bits[list(rows)]
        distances = bits.sum(axis=1)[:, None] + self._bits.sum(axis=1) - 2 * bits @ self._bits.T
        alike = self._settings.residual**2 * np.exp(-distances / self._settings.length)
        return self._expected, _LEVEL**2 + alike

    def given(self, values: Mapping[str, float]) -> Floats:
        """The mean of every network's accuracy, (networks,).

        Args:
            values: measured accuracies, 0..1, by canonical state; at least one.
        """
        rows, seen = [self._rows[state] for state in values], np.array(list(values.values()))
        share = np.clip(seen, _LEAST_SHARE, 1 - _LEAST_SHARE)
        noise = self._settings.training**2 + share * (1 - share) / self._evidence.chosen_by
        expected, shared = self.prior(rows)
        weights = np.linalg.solve(shared[:, rows] + np.diag(noise), shared)
        mean: Floats = expected + (seen - expected[rows]) @ weights
        return mean

    def best(self, states: Collection[str], values: Mapping[str, float]) -> str:
        """Of some networks the one with the highest mean when these accuracies were measured, the first of equals."""
        mean = self.given(values)
        return max(states, key=lambda state: float(mean[self._rows[state]]))

    def _worth_of_moves(self) -> dict[str, float]:
        """What each move adds to the accuracy of a network that is equivariant to it; nothing where images are mute."""
        gain, loss = self._settings.gain, self._settings.loss
        margin = self._evidence.margin
        if not margin:
            return {}
        return {
            name: max(gain * (1 - max(effect, 0.0) / margin), -loss) for name, effect in self._evidence.effects.items()
        }


def chain(space: SearchSpace, evidence: Evidence) -> list[str]:
    """The distinct networks of the first 0, 1, 2, ... moves in the order of their effects, as canonical states."""
    order = sorted(evidence.effects, key=lambda name: evidence.effects[name])
    return list(dict.fromkeys(space.canonical(space.state_of(order[:count])) for count in range(len(order) + 1)))


def opening(space: SearchSpace, evidence: Evidence) -> list[str]:
    """The networks to begin with: of the moves below the margin, then one move more and one less in the chain."""
    networks = chain(space, evidence)
    first = space.state_of(evidence.symmetries())
    place = networks.index(first)
    return [first, *networks[place + 1 : place + 2], *networks[max(place - 1, 0) : place]]


def search(
    space: SearchSpace,
    evaluate: Evaluate,
    budget: SearchBudget,
    seed: int,  # noqa: ARG001 (nothing is random but the evidence, which has a seed of its own)
    *,
    settings: GuidedSettings | None = None,
) -> Record:
    """Search in the order of the effects, until the budget is spent or every network was trained.

    A budget that names no number of networks, as those of `aenbench run`, ends after `NETWORKS` of them.

    Raises:
        InvalidArgumentError: there are no images behind `evaluate`, or they cannot be asked.
    """
    evidence, budget = evidence_of(evaluate), replace(budget, networks=budget.networks or NETWORKS)
    record, belief = Record(space, evaluate), Belief(space, evidence, settings or GuidedSettings())
    waiting, toggles = opening(space, evidence), toggles_of(space)
    record.settle(waiting[0])
    while not budget.is_spent(record) and len(record.visited) < len(space.networks):
        fresh = waiting or [state for state in toggles[record.choice] if state not in record.visited]
        fresh = fresh or [state for state in space.networks if state not in record.visited]
        state = waiting.pop(0) if waiting else belief.best(fresh, record.visited)
        record.value(state)
        record.settle(belief.best(record.visited, record.visited))
    return record


def toggles_of(space: SearchSpace) -> dict[str, list[str]]:
    """The networks that differ from each in one bit of some state that names it, as sorted canonical states."""
    names = {state: space.canonical(state) for state in map("".join, product("01", repeat=space.bits))}
    found: dict[str, set[str]] = {state: set() for state in space.networks}
    for state, network in names.items():
        found[network].update(names[space.toggle(state, bit)] for bit in range(space.bits))
    return {network: sorted(others - {network}) for network, others in found.items()}
