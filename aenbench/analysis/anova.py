"""How much of the variance of accuracy each factor of a search space explains, alone and in pairs.

`docs/explaining-accuracy.md` says what is averaged over, how noise is separated, and where intervals come from.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from aenbench.analysis.design import Design, Floats, Kind
from aenbench.errors import InvalidArgumentError
from aenbench.models.registry import factors_of
from aenbench.models.space import SearchSpace
from aenbench.tables.table import TrainedNetworks

MIN_NETWORKS = 20  # that a surrogate is fitted to
MIN_R_SQUARED = 0.1  # of a surrogate whose effects are shown
_DRAWS = 1_000
_FOLDS = 5


@dataclass(frozen=True)
class Effect:
    """A part of the variance.

    Attributes:
        kind: `main`: of a factor alone; `pair`: of two together beyond both; `higher`: of three or more; `noise`: of
            training, or with a surrogate of what it does not resolve; these sum to 1. `total`: of a factor with all its
            interactions; `family`: of a family's factors with the interactions among them; these overlap.
        name: of the factor, the pair or the family.
        share: of the variance of one network's accuracy.
        low, high: 95 % interval; None where nothing tells it.
    """

    kind: Kind
    name: str
    share: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Lead:
    """By how much the largest share is larger than the next."""

    kind: Kind
    first: str
    second: str
    share: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Analysis:
    """What explains accuracy.

    Attributes:
        effects: empty where a surrogate predicts nothing.
        deviation: standard deviation of accuracy over the cells, share 0..1.
        networks: how many there were values of.
        cells: how many the shares are over.
        seeds: training seeds of each network; 1 with a surrogate.
        r_squared: of a surrogate, cross-validated; None on a full factorial.
        leads: for factors (main effects) and for families: the first, the second, and how much larger the share of
            the first is, with its interval.
    """

    effects: tuple[Effect, ...]
    deviation: float
    networks: int
    cells: int
    seeds: int
    r_squared: float | None = None
    leads: tuple[Lead, ...] = ()

    def of(self, kind: Kind) -> list[Effect]:
        """Effects of a kind, the largest first."""
        return sorted((effect for effect in self.effects if effect.kind == kind), key=lambda effect: -effect.share)


def analyze(space: SearchSpace, values: Mapping[str, Sequence[float]]) -> Analysis:
    """Decompose the variance of accuracy.

    With values of all networks, as many of each, the full factorial is decomposed itself. Otherwise a Gaussian process
    is fitted to each network's mean value, and what it predicts for all networks is decomposed.

    Args:
        space: says the factors, and which networks there are.
        values: accuracies 0..1 of each canonical state, one for each training seed, in the same order.

    Raises:
        InvalidArgumentError: a state is not canonical, there are too few networks for a surrogate, or all have the
            same value.
    """
    design = Design(space, factors_of(space))
    unknown = sorted(set(values) - set(design.networks))
    if unknown:
        raise InvalidArgumentError(f'"{unknown[0]}" is no canonical state of the space; see `SearchSpace.canonical`.')
    if np.ptp([value for row in values.values() for value in row] or [0.0]) < 1e-9:
        raise InvalidArgumentError("All networks have the same value: there is no variance to explain.")
    counts = {len(values.get(name, ())) for name in design.networks}
    if len(counts) == 1:
        return _of_factorial(design, np.array([values[name] for name in design.networks]))
    return _of_sample(design, values)


def table_values(table: TrainedNetworks) -> Mapping[str, Sequence[float]]:
    """What `analyze` needs of a table: the value that a search sees, for each network and training seed."""
    return dict(zip(table.networks, table.final("validation").tolist(), strict=True))


class _Plausible(NamedTuple):
    """Shares that the truth may be, (terms, draws): low ends of intervals are of the first, high ends of the second."""

    lower: Floats
    upper: Floats


def _of_factorial(design: Design, values: Floats) -> Analysis:
    """Values are (networks, seeds)."""
    parts = design.variances(values[:, None, :])[:, 0]
    single = _single(design, parts)
    shares = parts / single
    plausible = None
    if values.shape[1] > 1:
        draws = shares[:, None] - _errors(design, values)
        plausible = _Plausible(draws, draws)
    return Analysis(
        effects=_effects(design, shares, plausible),
        deviation=math.sqrt(single),
        networks=len(values),
        cells=len(design.levels),
        seeds=values.shape[1],
        leads=_leads(design, shares, plausible),
    )


def _single(design: Design, parts: Floats) -> Any:
    """Variance under one seed, from its parts (terms, ...)."""
    disjoint = [kind in ("main", "pair", "higher", "noise") for kind, _ in design.terms]
    return parts[disjoint].sum(axis=0)


def _errors(design: Design, values: Floats) -> Floats:
    """How far shares (terms, draws) would be from the truth, had each network been trained with other seeds.

    Wild bootstrap (Wu, Annals of Statistics 14, 1986): each residual of a network, from its mean over seeds, gets a
    random sign; networks keep noise of their own size. What all networks have in common under a seed is no residual.
    """
    seeds = values.shape[1]
    means = values.mean(axis=1, keepdims=True)
    residuals = values - means - (values.mean(axis=0) - values.mean())
    residuals *= math.sqrt(seeds / (seeds - 1))
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(len(values), _DRAWS, seeds))
    drawn = design.variances(means[:, :, None] + signs * residuals[:, None, :])
    singles = _single(design, drawn)
    truth = design.variances(means[:, :, None])[:, 0]
    truth[_noise_row(design)] = singles.mean() - _single(design, truth)
    errors: Floats = drawn / singles - (truth / singles.mean())[:, None]
    return errors


def _of_sample(design: Design, values: Mapping[str, Sequence[float]]) -> Analysis:
    """By a Gaussian process: shares are means over draws from its posterior.

    On one thread: a different summation order can change the draws completely.
    """
    import sklearn.gaussian_process  # noqa: F401  # limited are the libraries that are there by then
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return _of_process(design, values)


def _of_process(design: Design, values: Mapping[str, Sequence[float]]) -> Analysis:
    known = [row for row, name in enumerate(design.networks) if values.get(name)]
    if len(known) < MIN_NETWORKS:
        raise InvalidArgumentError(
            f"Expected at least {MIN_NETWORKS} distinct networks to fit a surrogate to, got {len(known)}; search with "
            "a larger budget."
        )
    features = design.features
    accuracy = np.array([np.mean(values[design.networks[row]]) for row in known])
    r_squared = _cross_validated(features[known], accuracy)
    facts: dict[str, Any] = {"networks": len(known), "cells": len(design.levels), "seeds": 1, "r_squared": r_squared}
    if r_squared < MIN_R_SQUARED:
        return Analysis((), float(accuracy.std()), **facts)
    latent, noise_variance = _latent(features[known], accuracy)
    functions = latent.sample_y(features, _DRAWS, random_state=0)  # (networks, draws)
    drawn, singles = _drawn_shares(design, functions[:, :, None], noise_variance)
    # A draw has a little of every effect. What two draws share can be nothing, so that it gives the low ends.
    shared, _ = _drawn_shares(design, functions.reshape(len(features), -1, 2), noise_variance)
    shares, plausible = drawn.mean(axis=1), _Plausible(shared, drawn)
    return Analysis(
        _effects(design, shares, plausible),
        float(np.sqrt(singles.mean())),
        **facts,
        leads=_leads(design, shares, plausible),
    )


def _drawn_shares(design: Design, functions: Floats, noise_variance: float) -> tuple[Floats, Floats]:
    """Shares (terms, draws) of functions (networks, draws, drawn together), and the whole variances (draws,)."""
    parts = design.variances(functions)
    noise = _noise_row(design)
    parts[noise] += noise_variance
    singles = _single(design, parts)
    parts[noise] = noise_variance  # where draws of one function differ, that is doubt about it and no noise
    return parts / singles, singles


def _noise_row(design: Design) -> int:
    return [kind for kind, _ in design.terms].index("noise")


def _fit(features: Floats, accuracy: Floats) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    kernel = ConstantKernel(1.0, (1e-4, 1e3)) * RBF(2.0, (0.1, 100.0)) + WhiteKernel(0.1, (1e-4, 10.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a bound is reached where there is no noise, or no signal
        return GaussianProcessRegressor(kernel, normalize_y=True, random_state=0).fit(features, accuracy)


def _latent(features: Floats, accuracy: Floats) -> tuple[Any, float]:
    """The process of the accuracy without noise, and the variance of the noise."""
    from sklearn.gaussian_process import GaussianProcessRegressor

    kernel = _fit(features, accuracy).kernel_
    signal, white = kernel.k1, kernel.k2
    latent = GaussianProcessRegressor(signal, alpha=white.noise_level, optimizer=None, normalize_y=True)
    return latent.fit(features, accuracy), float(white.noise_level * accuracy.var())


def _cross_validated(features: Floats, accuracy: Floats) -> float:
    """Share of the variance of unseen networks that is predicted (five folds); negative if worse than their mean."""
    from sklearn.model_selection import KFold

    missed, spread = 0.0, 0.0
    for train, unseen in KFold(_FOLDS, shuffle=True, random_state=0).split(features):
        predicted = _fit(features[train], accuracy[train]).predict(features[unseen])
        missed += float(((accuracy[unseen] - predicted) ** 2).sum())
        spread += float(((accuracy[unseen] - accuracy[train].mean()) ** 2).sum())
    return 1.0 - missed / spread


def _effects(design: Design, shares: Floats, plausible: _Plausible | None) -> tuple[Effect, ...]:
    effects = []
    for row, (term, share) in enumerate(zip(design.terms, shares, strict=True)):
        interval = (None, None) if plausible is None else _interval(plausible.lower[row], plausible.upper[row])
        effects.append(Effect(term[0], design.name_of(term), float(share), *interval))
    return tuple(effects)


def _leads(design: Design, shares: Floats, plausible: _Plausible | None) -> tuple[Lead, ...]:
    leads = []
    kinds: tuple[Kind, ...] = ("main", "family")
    for kind in kinds:
        rows = [row for row, term in enumerate(design.terms) if term[0] == kind]
        if len(rows) < 2:
            continue
        a, b = sorted(rows, key=lambda row: -shares[row])[:2]
        interval: tuple[float | None, float | None] = (None, None)
        if plausible is not None:
            interval = _interval(*(draws[a] - draws[b] for draws in plausible))
        first, second = design.name_of(design.terms[a]), design.name_of(design.terms[b])
        leads.append(Lead(kind, first, second, float(shares[a] - shares[b]), *interval))
    return tuple(leads)


def _interval(lower: Floats, upper: Floats) -> tuple[float, float]:
    return float(np.quantile(lower, 0.025)), float(np.quantile(upper, 0.975))
