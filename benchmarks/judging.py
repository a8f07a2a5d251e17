"""What judging and analyzing cost, and how far the surrogate's intervals can be trusted.

python benchmarks/judging.py runs         processor time of one run of each algorithm on a made-up table
python benchmarks/judging.py learner      the plain learner of deep Q-learning against the lean one, on the same batches
python benchmarks/judging.py surrogate    intervals from 48 of 768 made-up networks against the truth
"""

import sys
import time
from functools import partial

import numpy as np
import torch
from sklearn.ensemble import RandomForestRegressor

from aenbench.analysis.anova import MIN_R_SQUARED, analyze
from aenbench.analysis.design import Design
from aenbench.comparison.runs import networks_budget
from aenbench.execution.threads import one_thread
from aenbench.models.aen import AENSpace
from aenbench.models.gcnn import GCNNSpace
from aenbench.models.registry import factors_of
from aenbench.models.space import SearchBudget
from aenbench.search import dqn, random
from aenbench.search.dqn_fast import LeanLearner
from aenbench.search.record import Search

NETWORKS = (25, 50, 100, 150, 200)
NOISE = 0.03


def made_up(space: AENSpace) -> dict[str, float]:
    """A value for each network."""
    space.canonical(space.start)  # laid out when first asked
    drawn = np.random.default_rng(0).random(len(space.networks)).tolist()
    return dict(zip(space.networks, drawn, strict=True))


def time_runs() -> None:
    space = AENSpace()
    values = made_up(space)
    budgets = {"dqn": SearchBudget(networks=200), "random": networks_budget(space, 200)}
    searches: dict[str, Search] = {"dqn": partial(dqn.search, learner=LeanLearner), "random": random.search}
    for name, search in searches.items():
        clock: list[float] = []
        started = time.process_time()

        def evaluate(state: str, clock: list[float] = clock) -> float:
            clock.append(time.process_time())
            return values[state]

        with one_thread():
            record = search(space, evaluate, budgets[name], 0)
        after = ", ".join(f"{n}: {clock[n - 1] - started:.1f} s" for n in NETWORKS if n <= len(clock))
        whole = f"{len(clock)} networks, {len(record.visited)} states, {time.process_time() - started:.1f} s"
        print(f"{name:8} {whole}; networks after {after}")


Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class Recorder(LeanLearner):
    """Remembers what it was to do: batches to learn from, None for each refresh of the target network."""

    def __init__(self, bits: int, settings: dqn.DQNSettings, seed: int) -> None:
        super().__init__(bits, settings, seed)
        self.calls: list[Batch | None] = []
        recorders.append(self)

    def learn(self, batch: Batch) -> None:
        self.calls.append(batch)
        super().learn(batch)

    def refresh_target(self) -> None:
        self.calls.append(None)
        super().refresh_target()


recorders: list[Recorder] = []


def time_learners(rounds: int = 3) -> None:
    """Median of a few rounds, of one search up to 100 networks and of a whole one."""
    space = AENSpace()
    values = made_up(space)
    for networks in (100, 200):
        with one_thread():
            dqn.search(space, values.__getitem__, SearchBudget(networks=networks), 0, learner=Recorder)
            calls = recorders[-1].calls
            steps = sum(call is not None for call in calls)
            taken = {
                kind.__name__: float(np.median([time_steps(kind, calls) / steps for _ in range(rounds)]))
                for kind in (dqn.Learner, LeanLearner)
            }
        told = ", ".join(f"{name} {1_000 * seconds:.2f} ms a step" for name, seconds in taken.items())
        print(
            f"up to {networks} networks, {steps:,} steps: {told}: {taken['Learner'] / taken['LeanLearner']:.2f} times"
        )


def time_steps(kind: type[dqn.Learner], calls: list[Batch | None]) -> float:
    learner = kind(12, dqn.DQNSettings(), 0)
    for call in calls:
        if call is None:
            learner.refresh_target()
        else:
            learner.learn(call)
    started = time.process_time()
    learner.values(np.zeros(12, dtype=np.int8))  # now all that was put off is done
    return time.process_time() - started


def check_surrogate(problems: int = 40) -> None:
    """Random groups' means, half of the bits with an effect, one interaction, noise; 48 networks drawn at random."""
    space = GCNNSpace()
    design = Design(space, factors_of(space))
    levels, generator = design.levels, np.random.default_rng(0)
    covered: dict[tuple[str, bool], list[bool]] = {}
    explained: dict[str, list[float]] = {"process": [], "forest": []}
    for _ in range(problems):
        groups, slopes = 0.05 * generator.normal(size=6), 0.04 * generator.normal(size=7) * generator.integers(0, 2, 7)
        exact = (
            0.5
            + groups[levels[:, 0]]
            + levels[:, 1:] @ slopes
            + 0.04 * generator.normal() * levels[:, 1] * levels[:, 2]
        )
        chosen = generator.choice(len(exact), 48, replace=False)
        values = exact[chosen] + NOISE * generator.normal(size=48)
        found = analyze(space, {design.networks[k]: [value] for k, value in zip(chosen, values, strict=True)})
        explained["process"].append(found.r_squared or 0.0)
        explained["forest"].append(forest_r_squared(design.features[chosen], values))
        truth = design.variances(exact[:, None, None])[:, 0] / (exact.var() + NOISE**2)
        for effect, share in zip(found.effects, truth, strict=False):
            if effect.kind in ("main", "family") and effect.low is not None and effect.high is not None:
                covered.setdefault((effect.kind, bool(share > 0.02)), []).append(effect.low <= share <= effect.high)
    for (kind, large), inside in sorted(covered.items()):
        size = "above" if large else "below"
        print(f"{kind:6} effects {size} 2 %: {100 * np.mean(inside):.0f} % of {len(inside)} intervals hold the truth")
    for name, shares in explained.items():
        print(f"{name}: cross-validated R^2 {np.mean(shares):.2f} in the mean")
    null = [
        analyze(space, {name: [generator.normal()] for name in generator.choice(space.networks, 48, replace=False)})
        for _ in range(problems)
    ]
    quantiles = np.quantile([found.r_squared or 0.0 for found in null], [0.5, 0.95]).round(2)
    shown = np.mean([found.r_squared is not None and found.r_squared >= MIN_R_SQUARED for found in null])
    print(f"without signal: R^2 {quantiles[0]} (median), {quantiles[1]} (95 %); effects shown in {100 * shown:.0f} %")


def forest_r_squared(features: np.ndarray, values: np.ndarray) -> float:
    """Cross-validated as in `aenbench.analysis.anova`."""
    from sklearn.model_selection import KFold

    missed = spread = 0.0
    for train, unseen in KFold(5, shuffle=True, random_state=0).split(features):
        forest = RandomForestRegressor(200, random_state=0).fit(features[train], values[train])
        missed += float(((values[unseen] - forest.predict(features[unseen])) ** 2).sum())
        spread += float(((values[unseen] - values[train].mean()) ** 2).sum())
    return 1 - missed / spread


if __name__ == "__main__":
    {"runs": time_runs, "learner": time_learners, "surrogate": check_surrogate}[sys.argv[1]]()
