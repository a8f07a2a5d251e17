"""What the search `guided` believes before it trains: its constants, fitted to G-Digits alone.

for config in none aug1 aug2 aug3 aug4 aug5; do
    aenbench tabulate --dataset g-digits --config $config --out g-digits-tables      # 10 CPU minutes each
done
aenbench tables --dir g-digits-tables --effects
python benchmarks/guided.py fit g-digits-tables        # the settings of highest likelihood
python benchmarks/guided.py regret g-digits-tables     # regret with other settings, on the same tables

The accuracy of a network is taken from all 660 images that were not learned from: nothing is judged on G-Digits.
"""

import argparse
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from aenbench.comparison.compare import compare
from aenbench.comparison.runs import Contestant, networks_budget
from aenbench.search import evidence, greedy, guided, random
from aenbench.search.evidence import Evidence
from aenbench.search.guided import Belief, GuidedSettings
from aenbench.tables.card import find_tables
from aenbench.tables.effects import read_evidence
from aenbench.tables.table import Table

AT = (0, 5, 10, 25)
Told = list[tuple[str, Table, tuple[Evidence, ...]]]


def accuracies(table: Table) -> tuple[np.ndarray, int]:
    """Share of right answers on validation and test images together, (networks, seeds), and how many these are."""
    validation, test = table.info.validation_images, table.info.test_images
    images = validation + test
    return (validation * table.final("validation") + test * table.final("test")) / images, images


def unlikelihood(logarithms: np.ndarray, told: Told) -> float:
    """Minus the log likelihood of all accuracies: a mean over seeds, and how single trainings vary around it."""
    settings, total = GuidedSettings(*np.exp(logarithms), bonus=0.0), 0.0
    for _, table, (says, *_) in told:
        seen, images = accuracies(table)
        seeds, mean = seen.shape[1], seen.mean(axis=1)
        noise = settings.training**2 + mean * (1 - mean) / images
        expected, covariance = Belief(table.space, says, settings).prior()
        lower = np.linalg.cholesky(covariance + np.diag(noise / seeds))
        residual = np.linalg.solve(lower, mean - expected)
        total += residual @ residual / 2 + np.log(lower.diagonal()).sum()
        around = ((seen - mean[:, None]) ** 2).sum(axis=1) / noise
        total += (around.sum() + (seeds - 1) * np.log(noise).sum()) / 2
    return total


def fit(told: Told) -> None:
    """Print the settings under which the accuracies are most likely, for all tables and without each."""
    start = np.log(astuple(GuidedSettings())[:5])
    for left_out in (None, *(name for name, *_ in told)):
        chosen = [each for each in told if each[0] != left_out]
        found = minimize(unlikelihood, start, (chosen,), "Nelder-Mead", options={"xatol": 0.02, "fatol": 0.2})
        names = list(GuidedSettings.__dataclass_fields__)[:5]
        shown = ", ".join(f"{name} {value:.4f}" for name, value in zip(names, np.exp(found.x), strict=True))
        print(f"without {left_out or 'none of them'}: {shown}; {found.fun:.1f}", flush=True)


def regret(told: Told) -> None:
    """Mean regret on the same tables, in points, as the searches see it: validation accuracies of one training."""
    own = GuidedSettings()
    variants = {
        "as it is": own,
        "bonus 0": replace(own, bonus=0.0),
        "bonus 1": replace(own, bonus=1.0),
        "effects say nothing": replace(own, gain=0.0, loss=0.0),
        "no noise": replace(own, training=1e-6),
        "noise twice": replace(own, training=2 * own.training),
        "residual half": replace(own, residual=own.residual / 2),
        "length half": replace(own, length=own.length / 2),
    }
    searches = {name: (partial(guided.search, settings=each), 3) for name, each in variants.items()}
    searches |= {"discover": (evidence.discover, 3), "greedy": (greedy.search, 3), "random": (random.search, 60)}
    lost: dict[str, list[np.ndarray]] = {name: [] for name in searches}
    for _, table, says in told:
        budget, seeds = networks_budget(table.space, max(AT)), len(table.seeds)
        contestants = {name: Contestant(each, budget, max(runs, seeds)) for name, (each, runs) in searches.items()}
        for name, curves in compare(table, contestants, evidence=says).curves.items():
            lost[name].append(100 * curves.regret_after(AT).mean(axis=0))
    for name, each in lost.items():
        print(f"{name:20}", "  ".join(f"{value:5.2f}" for value in np.mean(each, axis=0)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["fit", "regret"])
    parser.add_argument("tables", type=Path)
    given = parser.parse_args()
    told = [
        (file, table, read_evidence(table, given.tables / file)) for file, table in find_tables(given.tables).items()
    ]
    (fit if given.part == "fit" else regret)(told)


if __name__ == "__main__":
    main()
