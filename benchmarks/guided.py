"""What the search `guided` believes before it trains: its constants, fitted to G-Digits alone.

python benchmarks/guided.py noise                      # standard deviation of one training; 4 CPU minutes
for config in none aug1 aug2 aug3 aug4 aug5; do
    aenbench tabulate --dataset g-digits --config $config --seeds 1 --out g-digits-tables      # 3 CPU minutes each
done
aenbench tables --dir g-digits-tables --effects
python benchmarks/guided.py fit --tables g-digits-tables      # the other constants: those of highest likelihood
python benchmarks/guided.py sensitivity --tables leaderboards/tables      # regret had the constants been others

Nothing was chosen by the last. On G-Digits the accuracy of a network is that on all 660 images that were not learned
from: nothing is judged there.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize

from aenbench.comparison.compare import compare
from aenbench.comparison.runs import Contestant, networks_budget
from aenbench.models.aen import AEN_FAMILY, AENSpace
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.search import guided
from aenbench.search.evidence import Evidence
from aenbench.search.guided import Belief, GuidedSettings
from aenbench.search.record import Evaluate, Record, Search
from aenbench.tables.card import find_tables
from aenbench.tables.effects import read_evidence
from aenbench.tables.table import Table
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import STANDARD
from aenbench.tasks.task import Task
from aenbench.training.fit import predict
from aenbench.training.trial import Training, train

CONFIGURATIONS = ("none", "aug1", "aug2", "aug3", "aug4", "aug5")
FITTED = ("gain", "loss", "residual", "length")
Told = dict[str, tuple[Table, Evidence]]


def accuracies(table: Table) -> tuple[np.ndarray, int]:
    """Share of right answers on validation and test images together, (networks,), and how many images these are."""
    validation, test = table.info.validation_images, table.info.test_images
    images = validation + test
    return (validation * table.final("validation") + test * table.final("test"))[:, 0] / images, images


def noise(per_table: int = 12) -> None:
    """Train networks drawn at random twice: how far apart are their accuracies, beyond what counting explains?

    Of two networks that differ on b + c of n images, counting alone gives the difference of their shares a variance of
    (b + c) / n^2 less a little; what remains is twice the variance of one training.
    """
    generator, excess = np.random.default_rng(0), []
    for config in CONFIGURATIONS:
        images = Images(Task("g-digits", config, STANDARD))
        space, (learn, choose_by), test = AENSpace(images.shape), images.training(), images.test()
        pixels, labels = torch.cat([choose_by.images, test.images]), torch.cat([choose_by.labels, test.labels])
        recipe = AEN_FAMILY.budget(STANDARD).child
        for place in generator.choice(len(space.networks), per_table, replace=False):
            candidate = space.candidate(space.networks[place])
            right = []
            for seed in (0, 1):
                model = train(Training(candidate, recipe, seed, "child"), learn, choose_by.first(1)).model
                right.append((predict(model, pixels) == labels).numpy())
            gap, differing, n = right[0].mean() - right[1].mean(), (right[0] != right[1]).sum(), len(labels)
            excess.append(gap**2 - (differing / n**2 - gap**2 / n))
        print(f"{config}: {np.sqrt(max(np.mean(excess), 0) / 2):.4f} until now, {len(excess)} pairs", flush=True)
    drawn = np.random.default_rng(0).choice(excess, (10_000, len(excess))).mean(axis=1)
    low, high = np.sqrt(np.maximum(np.quantile(drawn, [0.025, 0.975]), 0) / 2)
    print(f"one training: {np.sqrt(max(np.mean(excess), 0) / 2):.4f} [{low:.4f}, {high:.4f}]")


def unlikelihood(logarithms: np.ndarray, told: Told) -> float:
    """Minus the log likelihood of all accuracies, of one training each, without the constants of `noise`."""
    settings, total = replace(GuidedSettings(), **dict(zip(FITTED, np.exp(logarithms), strict=True))), 0.0
    for table, says in told.values():
        seen, images = accuracies(table)
        expected, covariance = Belief(table.space, says, settings).prior()
        lower = np.linalg.cholesky(covariance + np.diag(settings.training**2 + seen * (1 - seen) / images))
        residual = np.linalg.solve(lower, seen - expected)
        total += residual @ residual / 2 + np.log(lower.diagonal()).sum()
    return total


def aen_tables(folder: Path) -> dict[str, Table]:
    return {file: table for file, table in find_tables(folder).items() if table.info.space == "aen"}


def fit(folder: Path) -> None:
    """Print the settings under which the accuracies are most likely: of all tables, then without each of them."""
    told = {
        table.info.configuration: (table, read_evidence(table, folder / file)[0])
        for file, table in aen_tables(folder).items()
    }
    start = np.log([getattr(GuidedSettings(), name) for name in FITTED])
    for left_out in ("none of them", *told):
        chosen = {name: each for name, each in told.items() if name != left_out}
        found = minimize(unlikelihood, start, (chosen,), "Nelder-Mead", options={"xatol": 0.02, "fatol": 0.2})
        shown = ", ".join(f"{name} {value:.4f}" for name, value in zip(FITTED, np.exp(found.x), strict=True))
        print(f"without {left_out}: {shown}; {found.fun:.1f}", flush=True)


def by_accuracy(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:
    """The networks of `guided`, chosen by the highest accuracy."""
    record = guided.search(space, evaluate, budget, seed)
    record.settled = {0: record.settled[0]}
    for number in range(1, len(record.trials) + 1):
        record.settled[number] = max(record.trials[:number], key=lambda trial: trial.value).canonical
    return record


def sensitivity(folder: Path, at: tuple[int, ...] = (0, 5, 10, 25)) -> None:
    """Mean regret over tables, in points, had the constants of `guided` been others."""
    own = GuidedSettings()
    variants = {
        "as it is": own,
        **{f"{name} half": replace(own, **{name: getattr(own, name) / 2}) for name in (*FITTED, "training")},
        **{f"{name} twice": replace(own, **{name: getattr(own, name) * 2}) for name in (*FITTED, "training")},
        "effects say nothing": replace(own, gain=0.0, loss=0.0),
    }
    searches: dict[str, Search] = {name: partial(guided.search, settings=each) for name, each in variants.items()}
    searches["highest accuracy"] = by_accuracy
    lost: dict[str, list[np.ndarray]] = {name: [] for name in searches}
    for file, table in aen_tables(folder).items():
        budget, says = networks_budget(table.space, max(at)), read_evidence(table, folder / file)
        contestants = {name: Contestant(each, budget, len(table.seeds)) for name, each in searches.items()}
        for name, curves in compare(table, contestants, evidence=says).curves.items():
            lost[name].append(100 * curves.regret_after(at).mean(axis=0))
    for name, each in lost.items():
        print(f"{name:20}", "  ".join(f"{value:5.3f}" for value in np.mean(each, axis=0)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["noise", "fit", "sensitivity"])
    parser.add_argument("--tables", type=Path, help="a folder of them: of G-Digits, for fit")
    given = parser.parse_args()
    if given.part == "noise":
        noise()
    elif given.tables is None:
        parser.error(f"{given.part} needs --tables")
    else:
        (fit if given.part == "fit" else sensitivity)(given.tables)


if __name__ == "__main__":
    main()
