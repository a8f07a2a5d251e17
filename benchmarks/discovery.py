"""How `discover` does where the truth is known: the groups that it recovers, and the level of its tests.

python benchmarks/discovery.py recovery --root data      # each group configuration, random subsets of 6,000 images
python benchmarks/discovery.py curve --root data         # recovery by the number of images
python benchmarks/discovery.py level --root data         # how often a true symmetry is rejected, a broken one passed
python benchmarks/discovery.py broken --root data        # moves with effects of .05 to .3 that are called symmetries
python benchmarks/discovery.py subgroups --root data     # groups of one to four actions, drawn at random
python benchmarks/discovery.py clusters --root data      # images that belong together, moved together and one by one
python benchmarks/discovery.py regret --root data        # the network of the group found, on the twelve tables
python benchmarks/discovery.py time --root data
python benchmarks/discovery.py margin --root data        # what each margin loses on G-Digits
python benchmarks/discovery.py methods --root data       # beside learned augmentation and post-hoc invariance
"""

import argparse
import json
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from aenbench import discover, load_table
from aenbench.discovery.candidates import find_candidates
from aenbench.discovery.choice import auroc
from aenbench.discovery.kernel import measure
from aenbench.discovery.training_methods import TRAINING_METHODS, choose_by_training
from aenbench.discovery.verdicts import MARGIN, decide
from aenbench.errors import known_name
from aenbench.models.aen import AEN_FAMILY, AENSpace
from aenbench.search.evaluate import TrainedEvaluation
from aenbench.search.evidence import ask_images
from aenbench.search.guided import chain
from aenbench.tasks.images import Images, LabeledImages
from aenbench.tasks.protocol import STANDARD
from aenbench.tasks.task import Task
from gdatasets import CONFIGURATIONS, Group, GroupConfiguration, load_arrays
from gdatasets import DATASETS as DATASET_SPECS
from gdatasets.generation.group_moves import move_by_group
from gdatasets.groups.actions import ACTIONS, bits_from_actions

DATASETS = ("g-mnist", "g-fashion-mnist")
GROUPS = ("c4", "d4", "v4", "roll", "d4-roll", "none")
TABLES = ("none", "aug1", "aug2", "aug3", "aug4", "aug5")


def subset(dataset: str, config: str, images: int, seed: int, root: Path) -> tuple[np.ndarray, np.ndarray]:
    arrays = load_arrays(dataset, config, "train", root=root)
    chosen = np.random.default_rng(seed).choice(len(arrays.labels), min(images, len(arrays.labels)), replace=False)
    return arrays.images[chosen], arrays.labels[chosen]


def recovered(dataset: str, config: str, images: int, seed: int, root: Path) -> bool:
    """Whether exactly the actions in the group that moved the images are called symmetries."""
    found = discover(*subset(dataset, config, images, seed, root), method="kernel", limit=None, level=0.01, seed=seed)
    truth = Group(CONFIGURATIONS[config].actions, 28).closure if config != "none" else ()
    return found.named("symmetry") == tuple(name for name in ACTIONS if name in truth)


def recovery(root: Path, images: int = 6_000, repeats: int = 20) -> None:
    for dataset in DATASETS:
        for config in GROUPS:
            right = sum(recovered(dataset, config, images, seed, root) for seed in range(repeats))
            print(f"{dataset:16} {config:8} {images:6} images: {right} of {repeats} exact", flush=True)


def curve(root: Path) -> None:
    for images in (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000):
        recovery(root, images, 10)


def level(root: Path) -> None:
    """Digits turned by C4: a quarter turn is a true symmetry, a mirror a broken one."""
    moves = {name: find_candidates("actions", (28, 28)).permutations[name] for name in ("rotation", "hflip")}
    for images in (1_000, 4_000):
        rejected = passed = 0
        for seed in range(200):
            pixels, labels = subset("g-mnist", "c4", images, 1_000 + seed, root)
            found = measure(pixels.reshape(images, -1).astype(np.float32), labels, moves, seed=seed)
            rejected += found["rotation"].p_value <= 0.05
            broken = {"hflip": found["hflip"]}
            passed += decide(broken, found["hflip"], 0.05, MARGIN)["hflip"] == "symmetry"
        print(
            f"{images} images: a true symmetry rejected {rejected} times of 200, a broken one passed {passed}",
            flush=True,
        )


def broken(root: Path, images: int = 4_000, repeats: int = 200) -> None:
    """Broken moves with effects of .05 to .3: how often `discover` calls one a symmetry."""
    moves = find_candidates("actions", (28, 28)).permutations
    for dataset, config, name in (
        ("g-mnist", "none", "hflip"),
        ("g-fashion-mnist", "none", "hflip"),
        ("g-mnist", "d4", "scramble4"),
        ("g-fashion-mnist", "v4", "rotation"),
    ):
        called, effects = 0, []
        for seed in range(repeats):
            pixels, labels = subset(dataset, config, images, 5_000 + seed, root)
            found = discover(pixels, labels, {name: moves[name]}, method="kernel", limit=None, seed=seed)
            called += found.verdicts[name] == "symmetry"
            effects.append(found.effects[name])
        print(
            f"{dataset:16} {config:5} {name:10} effect {np.mean(effects):.3f}: a symmetry {called} times of {repeats}",
            flush=True,
        )


def subgroups(root: Path, images: int = 6_000) -> None:
    """Digits moved by uniform elements of groups that were drawn at random."""
    arrays, generator, right, asked = (
        load_arrays("g-mnist", "none", "train", root=root),
        np.random.default_rng(2026),
        0,
        0,
    )
    while asked < 20:
        names = tuple(generator.choice(ACTIONS, generator.integers(1, 5), replace=False).tolist())
        group = Group(sorted(names, key=ACTIONS.index), 28)
        if group.order >= 1 << 62:
            continue
        chosen = generator.choice(len(arrays.labels), images, replace=False)
        numbers = GroupConfiguration(group).draw(DATASET_SPECS["g-mnist"], "train", chosen)
        moved = move_by_group(arrays.images[chosen], group, np.ascontiguousarray(numbers))
        found = discover(moved, arrays.labels[chosen], method="kernel", limit=None, level=0.01, seed=asked)
        is_right = found.named("symmetry") == tuple(name for name in ACTIONS if name in group.closure)
        right, asked = right + is_right, asked + 1
        outside = {name: each.p_value for name, each in found.measured.items() if name not in group.closure}
        missed = f"missed, shuffled pixels {found.control.effect:.4f}, raw p of moves outside "
        told = "exact" if is_right else missed + ", ".join(f"{name} {p:.4f}" for name, p in outside.items())
        print(f"{', '.join(group.names)}, order {group.order:,}: {told}", flush=True)
    print(f"{right} of {asked} exact")


def clusters(root: Path) -> None:
    """Two hundred digits turned by C4, five noisy copies of each: the copies are no independent images."""
    arrays, together, apart = load_arrays("g-mnist", "c4", "train", root=root), 0, 0
    moves = {"rotation": find_candidates("actions", (28, 28)).permutations["rotation"]}
    for seed in range(200):
        generator = np.random.default_rng(seed)
        chosen = generator.choice(len(arrays.labels), 200, replace=False)
        pixels = np.repeat(arrays.images[chosen].reshape(200, -1).astype(np.float32), 5, axis=0)
        pixels += generator.normal(0, 20, pixels.shape).astype(np.float32)
        labels, scenes = np.repeat(arrays.labels[chosen], 5), np.repeat(np.arange(200), 5)
        together += measure(pixels, labels, moves, clusters=scenes, seed=seed)["rotation"].p_value <= 0.05
        apart += measure(pixels, labels, moves, seed=seed)["rotation"].p_value <= 0.05
    print(f"a true symmetry rejected {together} times of 200, and {apart} times where copies pass for independent")


def regret(root: Path, images: int = 4_000) -> None:
    """Test accuracy lost by the network of the moves whose effect is below the margin, three training seeds."""
    lost = []
    for dataset in DATASETS:
        for config in TABLES:
            found = discover(*subset(dataset, config, images, 0, root), method="kernel", limit=None)
            near = tuple(name for name, effect in found.effects.items() if effect < MARGIN)
            state = bits_from_actions(name for name in Group(near, 28).closure if name in ACTIONS)
            table = load_table(dataset, config)
            number = next(k for k, states in enumerate(table.states) if state in states)
            accuracy = table.test[:, :, -1].mean(axis=1)
            lost.append(100 * float(accuracy.max() - accuracy[number]))
            print(f"{dataset:16} {config:6} {state} {lost[-1]:.2f} points, {found.seconds:.2f} s", flush=True)
    print(f"mean {np.mean(lost):.2f} points")


def margin(root: Path, seeds: int = 3) -> None:
    """Accuracy lost on G-Digits by the network of the moves below each margin: three trainings of each chain.

    Accuracies are those on all images that were not learned from, 660, in the mean of the seeds. Margins between two
    effects of a table choose one network; they are shown as one interval.
    """
    chosen: dict[str, list[tuple[float, float]]] = {}
    for config in TABLES:
        images = Images(Task("g-digits", config, STANDARD), root)
        space, (learn, choose_by), test = AENSpace(images.shape), images.training(), images.test()
        recipe, evidence = AEN_FAMILY.budget(STANDARD).child, ask_images(space, learn, len(choose_by), 0)
        held_out = LabeledImages(torch.cat([choose_by.images, test.images]), torch.cat([choose_by.labels, test.labels]))
        accuracy: dict[str, float] = {
            state: float(
                np.mean([TrainedEvaluation(space, learn, held_out, recipe, seed)(state) for seed in range(seeds)])
            )
            for state in chain(space, evidence)
        }
        best = max(accuracy.values())
        steps = sorted([0.0, *(max(effect, 0.0) for effect in evidence.effects.values())])
        lost = [
            100 * (best - accuracy[space.state_of([name for name, e in evidence.effects.items() if e <= step])])
            for step in steps
        ]
        chosen[config] = list(zip(steps, lost, strict=True))
        shown = ", ".join(f"above {step:.4f}: {loss:.1f}" for step, loss in chosen[config] if step < 0.2)
        print(f"{config:6} {evidence.seconds:.2f} s; points lost by margin: {shown}", flush=True)
    edges = sorted({step for steps in chosen.values() for step, _ in steps if step < 0.2})
    for low, high in pairwise([*edges, 0.2]):
        mean = np.mean([[loss for step, loss in steps if step <= low][-1] for steps in chosen.values()])
        print(f"margins from {low:.4f} to {high:.4f}: {mean:.2f} points lost", flush=True)


def spent(root: Path) -> None:
    for images in (1_000, 4_000, 16_000, 60_000):
        pixels, labels = subset("g-mnist", "d4", images, 0, root)
        start = time.process_time()
        discover(pixels, labels, method="kernel", limit=None)
        print(
            f"{images:6} images of 28x28, twelve candidates: {time.process_time() - start:.2f} s of a core", flush=True
        )


def methods(root: Path, images: int = 4_000, seeds: int = 3) -> None:
    """Group configurations by three methods; rows that `methods.jsonl` has already are not measured again."""
    rows = Path("methods.jsonl")
    done = [json.loads(line) for line in rows.read_text().splitlines()] if rows.exists() else []
    known = {(row["dataset"], row["config"], row["seed"], row["method"]) for row in done}
    for seed in range(seeds):
        for dataset in (*DATASETS, "g-digits"):
            for config in GROUPS:
                for method in ("kernel", *TRAINING_METHODS):
                    if (dataset, config, seed, method) not in known:
                        row = ask_by(method, dataset, config, images, seed, root)
                        done.append({"dataset": dataset, "config": config, "seed": seed, "method": method, **row})
                        with rows.open("a") as file:
                            file.write(json.dumps(done[-1]) + "\n")
    frame = pd.DataFrame(done)
    found = frame.groupby(["dataset", "config", "method"], sort=False)
    print(found.agg({"exact": "sum", "seed": "size", "auroc": "mean", "accuracy": "mean", "seconds": "mean"}).round(2))


def ask_by(method: str, dataset: str, config: str, images: int, seed: int, root: Path) -> dict[str, object]:
    pixels, labels = subset(dataset, config, images, seed, root)
    truth = frozenset(Group(CONFIGURATIONS[config].actions, 28).closure if config != "none" else ())
    if method == "kernel":
        found = discover(pixels, labels, limit=None, seed=seed)
        chosen, accuracy, seconds = found.named("symmetry"), None, found.seconds
        confidences: Mapping[str, float] = {name: -effect for name, effect in found.effects.items()}
    else:
        by = known_name("method", method, TRAINING_METHODS)
        choice = choose_by_training(by, pixels, labels, limit=None, seed=seed)
        chosen, accuracy, seconds, confidences = choice.chosen, choice.accuracy, choice.seconds, choice.confidences
    return {
        "exact": set(chosen) == truth,
        "missed": sorted(truth.difference(chosen)),
        "wrong": sorted(set(chosen) - truth),
        "auroc": auroc(confidences, truth),
        "accuracy": accuracy,
        "seconds": seconds,
        "confidences": dict(confidences),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {
        "recovery": recovery,
        "curve": curve,
        "level": level,
        "broken": broken,
        "subgroups": subgroups,
        "clusters": clusters,
        "regret": regret,
        "time": spent,
        "margin": margin,
        "methods": methods,
    }
    parser.add_argument("part", choices=parts)
    parser.add_argument("--root", type=Path, required=True)
    given = parser.parse_args()
    parts[given.part](given.root)


if __name__ == "__main__":
    main()
