"""The factors of a search space, and the variance of accuracy split between them.

Functional ANOVA (Hoeffding, 1948; Sobol, 1993; for hyperparameters Hutter et al., ICML 2014): over a full factorial of
independent factors the variance is the sum of main effects, pair interactions and higher ones.
"""

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import combinations, product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aenbench.models.space import Factor, SearchSpace

Floats = NDArray[np.float64]
Kind = Literal["main", "pair", "higher", "noise", "total", "family"]


class Design:
    """Every combination of the factors' levels, called a cell, and the network that each is.

    Cells have equal weight. In the space `aen` they are the 4,096 sets of actions, so that a network counts once for
    each set that is it; in `gcnn` each of the 768 networks is one cell.

    Args:
        space: names the network of a state.
        factors: in the order of a state.

    Attributes:
        levels: the level of each factor, (cells, factors).
        networks: canonical states.
        network_of: the network of each cell, as a place in `networks`, (cells,).
    """

    def __init__(self, space: SearchSpace, factors: Sequence[Factor]) -> None:
        self.factors = tuple(factors)
        states = ["".join(codes) for codes in product(*(factor.codes for factor in factors))]
        self.levels = np.array(list(product(*(range(len(factor.codes)) for factor in factors))))  # (cells, factors)
        names = [space.canonical(state) for state in states]
        self.networks = tuple(dict.fromkeys(names))
        rows = {name: row for row, name in enumerate(self.networks)}
        self.network_of = np.array([rows[name] for name in names])  # (cells,)
        cells = {state: cell for cell, state in enumerate(states)}
        self._own_cells = [cells[name] for name in self.networks]

    @cached_property
    def features(self) -> Floats:
        """The levels of each network, (networks, features): one column for two levels, else one a level."""
        own = self.levels[self._own_cells]
        columns: list[Floats] = []
        for place, factor in enumerate(self.factors):
            shown = range(len(factor.codes)) if len(factor.codes) > 2 else range(1, 2)
            columns += [(own[:, place] == level).astype(np.float64) for level in shown]
        return np.stack(columns, axis=1)

    def averages(self, chosen: Sequence[int]) -> Floats:
        """Weights (combinations, networks) of each network where the chosen factors have each combination of levels."""
        sizes = [len(self.factors[place].codes) for place in chosen]
        combination = np.ravel_multi_index(tuple(self.levels[:, place] for place in chosen), sizes)
        weights = np.zeros((math.prod(sizes), len(self.networks)))
        np.add.at(weights, (combination, self.network_of), 1.0)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    @cached_property
    def terms(self) -> tuple[tuple[Kind, tuple[int, ...]], ...]:
        """Kind of each number that `variances` gives, and its factors; a total is named by its factor."""
        places = range(len(self.factors))
        families = dict.fromkeys(factor.family for factor in self.factors)
        kinds: list[tuple[Kind, tuple[int, ...]]] = [("main", (place,)) for place in places]
        kinds += [("pair", pair) for pair in combinations(places, 2)]
        kinds += [("higher", ()), ("noise", ())]
        kinds += [("total", (place,)) for place in places]
        for family in families:
            kinds.append(("family", tuple(place for place in places if self.factors[place].family == family)))
        return tuple(kinds)

    def name_of(self, term: tuple[Kind, tuple[int, ...]]) -> str:
        kind, places = term
        if kind == "family":
            return self.factors[places[0]].family
        return " x ".join(self.factors[place].name for place in places) or kind

    def variances(self, values: Floats) -> Floats:
        """The parts of the variance between cells, in the order of `terms`.

        Args:
            values: of each network, (networks, draws, seeds). With two seeds or more a part is the mean product of its
                effects under two different seeds: unbiased, and free of noise that differs between seeds. It can be
                slightly negative. With one seed it is the variance of its effects, noise included.

        Returns:
            (terms, draws). Main effects, pairs, higher and noise sum to the mean variance under one seed.
        """
        places = tuple(range(len(self.factors)))
        closed = {chosen: _variance(self.averages(chosen), values)[0] for chosen in combinations(places, 1)}
        closed |= {chosen: _variance(self.averages(chosen), values)[0] for chosen in combinations(places, 2)}
        signal, single = _variance(self.averages(places), values)
        parts: dict[tuple[Kind, tuple[int, ...]], Floats] = {("main", (place,)): closed[place,] for place in places}
        parts |= {("pair", (a, b)): closed[a, b] - closed[a,] - closed[b,] for a, b in combinations(places, 2)}
        parts["higher", ()] = signal - np.sum(list(parts.values()), axis=0)
        parts["noise", ()] = single - signal
        for kind, chosen in self.terms:
            if kind == "total":
                others = tuple(place for place in places if place not in chosen)
                parts[kind, chosen] = signal - _variance(self.averages(others), values)[0]
            elif kind == "family":
                parts[kind, chosen] = _variance(self.averages(chosen), values)[0]
        return np.stack([parts[term] for term in self.terms])


def _variance(averages: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Variance between combinations of levels, (draws,): what seeds have in common, and under one seed."""
    networks, draws, seeds = values.shape
    means = (averages @ values.reshape(networks, -1)).reshape(-1, draws, seeds)
    means -= means.mean(axis=0)
    single: Floats = (means**2).mean(axis=0).mean(axis=1)
    if seeds == 1:
        return single, single
    together = (means.mean(axis=2) ** 2).mean(axis=0)
    return (seeds * together - single) / (seeds - 1), single
