"""Does a group help, or does sharing its weights only make the steps longer?

python benchmarks/plateau.py mnist-rot any-angle      # 11 CPU minutes

A free filter of a group convolution is read once for every element of the group, so its gradient is the sum over that
many copies. Under protocol `paper` (plain SGD at .001, no batch norm, 750 steps) networks are still about to learn
anything at all. So each group is trained at the paper's learning rate, a quarter of it, and 4 and 16 times it:
accuracies 0..1 on the images that `paper` chooses by, after the last pass, of three seeds that no table has.
"""

import argparse
from dataclasses import replace

import torch

from aenbench.models.gcnn import GCNN_FAMILY, GCNNArchitecture
from aenbench.tasks.images import Images
from aenbench.tasks.protocol import PAPER
from aenbench.tasks.task import Task
from aenbench.training.candidate import Candidate
from aenbench.training.trial import Training, train

GROUPS, FACTORS, SEEDS = ("trivial", "v4", "c4", "d4"), (0.25, 1, 4, 16), (100, 101, 102)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("config")
    parser.add_argument("--root", help="a folder with the source's files")
    parser.add_argument("--factors", type=float, nargs="+", default=FACTORS, help="of the learning rate")
    given = parser.parse_args()
    torch.set_num_threads(1)
    images = Images(Task(given.dataset, given.config, PAPER), given.root)
    learn, choose_by = images.training()
    recipe = GCNN_FAMILY.budget(PAPER).child
    for group in GROUPS:
        candidate = Candidate(GCNNArchitecture(group, shape=images.shape))
        for factor in given.factors:
            faster = replace(recipe, learning_rate=recipe.learning_rate * factor)
            reached = [train(Training(candidate, faster, seed, "child"), learn, choose_by) for seed in SEEDS]
            print(f"{group:8} x {factor:g} {[each.accuracies[-1] for each in reached]}", flush=True)


if __name__ == "__main__":
    main()
