"""What one training of a table costs, in CPU time of this process on one thread, and where it goes.

    PYTHONPATH=. python benchmarks/table_speed.py --root ../shared/data

Prints, for networks spread over the space, the seconds of the optimizer's steps, of validation and of the test images,
and of the matrix products that these cannot do without, measured beside them; then trainings a minute on one core.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import torch
from torch.nn import functional as F

from aenbench.tables.build import TablePlan
from aenbench.tasks.task import Task
from aenbench.training.fit import accuracy, fit
from aenbench.training.trial import load_images

NETWORKS = 6


def cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def products(batch: int, images: int, backwards: bool) -> None:
    """The products of 784 > 392 > 392 > 10 for so many images; the first layer needs no gradient of its input."""
    widths = (784, 392, 392, 10)
    x = [torch.ones(batch, width) for width in widths]
    weights = [torch.ones(out, into) for into, out in pairwise(widths)]
    for _ in range(-(-images // batch)):
        for k, W in enumerate(weights):
            F.linear(x[k], W)
            if backwards:
                _ = x[k + 1].T @ x[k]
                _ = x[k + 1] @ W if k else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--dataset", default="g-mnist")
    parser.add_argument("--config", default="aug2")
    options = parser.parse_args()
    torch.set_num_threads(1)
    plan = TablePlan(Task(options.dataset, options.config), root=options.root)
    recipe, space = plan.recipe, plan.search_space
    images = load_images(plan.task, plan.root, recipe)
    test_images = images.test
    assert test_images is not None
    epochs, few = recipe.passes(len(images.learn)), images.choose_by.part(0, 1)
    fit(space.candidate(space.start).build(0), images.learn, few, replace(recipe, epochs=1), 0)
    rows = []
    for network in space.networks[:: len(space.networks) // NETWORKS]:
        model = space.candidate(network).build(0)
        rows.append(
            (
                cpu_seconds(partial(fit, model, images.learn, few, recipe, 0)),
                epochs * cpu_seconds(partial(accuracy, model, images.choose_by)),
                epochs * cpu_seconds(partial(accuracy, model, test_images)),
                cpu_seconds(lambda: products(recipe.batch, epochs * len(images.learn), True)),
                epochs * cpu_seconds(lambda: products(1_000, len(images.choose_by) + len(test_images), False)),
            )
        )
        print(network, *(f"{seconds:.2f}" for seconds in rows[-1]))
    steps, validation, test, step_products, test_products = map(statistics.median, zip(*rows, strict=True))
    total = steps + validation + test
    print(f"steps {steps:.2f} s (products alone {step_products:.2f}), validation {validation:.2f}, test {test:.2f} "
          f"(products of both {test_products:.2f})")  # fmt: skip
    print(f"{total:.2f} s a training: {60 / total:.0f} a minute on one core, "
          f"{(step_products + test_products) / total:.0%} of it matrix products")  # fmt: skip


if __name__ == "__main__":
    main()
