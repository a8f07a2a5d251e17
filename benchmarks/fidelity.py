"""Dense networks with given actions, trained as in a search, longer, and to convergence.

python benchmarks/fidelity.py g-mnist d4-roll "" hflip,vflip rotation,hflip htrans,vtrans rotation,hflip,htrans,vtrans \
    rotation,hflip,vflip,scramble2,scramble3      # 25 CPU minutes, most of it for the last column

Validation accuracies 0..1: of two seeds (100, 101) for the short trainings, of seed 100 for the converged one. No entry
has these seeds.
"""

import argparse
from dataclasses import replace

import torch

from aenbench.models.aen import AEN_FAMILY, Architecture
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import STANDARD
from aenbench.tasks.task import Task
from aenbench.training.candidate import Candidate
from aenbench.training.trial import Training, train

SEEDS = (100, 101)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("config")
    parser.add_argument("actions", nargs="+", help="names joined by commas; an empty text for none")
    parser.add_argument("--root", help="a folder with the source's files")
    parser.add_argument("--short", action="store_true", help="leave out the converged training")
    given = parser.parse_args()
    torch.set_num_threads(1)
    learn, choose_by = Images(Task(given.dataset, given.config), given.root).training()
    budget = AEN_FAMILY.budget(STANDARD)
    longer = replace(budget.child, images=16_000, schedule="one-cycle", learning_rate=3e-3, optimiser="adamw")
    recipes = {"search": (budget.child, SEEDS), "16,000 x 4": (longer, SEEDS), "converged": (budget.final, SEEDS[:1])}
    if given.short:
        recipes.pop("converged")
    for names in given.actions:
        architecture = Architecture(tuple(filter(None, names.split(","))))
        reached = {
            name: [
                train(Training(Candidate(architecture), recipe, seed, "child"), learn, choose_by).accuracies[-1]
                for seed in seeds
            ]
            for name, (recipe, seeds) in recipes.items()
        }
        print(f"{names or 'nothing':40} {architecture.parameter_count:>8,} {reached}", flush=True)


if __name__ == "__main__":
    main()
