"""What the detectors of copies and leaks measure on the entries of the board, and on copies and leaks made of them.

    PYTHONPATH=. python benchmarks/flags.py --root ../shared/data

A line for each task. `CHOSE` chose the thresholds of `aenbench.leaderboard.near_copies` and `difficulty`, when the
board had five tasks; the others judge them.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from aenbench.leaderboard.difficulty import concentration, distance, others_errors
from aenbench.leaderboard.entry_folder import find_entries
from aenbench.leaderboard.ground_truth import AnswerBook
from aenbench.leaderboard.near_copies import Mistakes, shared_mistakes
from aenbench.leaderboard.rescoring import Checked, check_entry
from aenbench.tasks.task import Task

CHANGED = (0.001, 0.01, 0.05)
CHOSE = ("cifar10-imagefolder/none", "g-fashion-mnist/aug2", "g-mnist/aug2")


def shares(entries: Sequence[Checked], labels: np.ndarray) -> dict[str, list[float]]:
    """Of shared mistakes: of seeds of one method, of two methods, and of copies with some predictions changed."""
    methods = [checked.entry.method for checked in entries for _ in checked.predictions]
    rows = np.concatenate([checked.predictions for checked in entries])
    share, _ = shared_mistakes(Mistakes.of(rows, labels))
    found: dict[str, list[float]] = defaultdict(list)
    for one, other in combinations(range(len(rows)), 2):
        if not np.array_equal(rows[one], rows[other]):  # two baselines that settled on one network
            found["one method" if methods[one] == methods[other] else "two methods"].append(share[one, other])
    generator, classes = np.random.default_rng(0), int(labels.max()) + 1
    for part in CHANGED:
        for row in rows:
            copy, chosen = row.copy(), generator.choice(len(row), round(part * len(row)), replace=False)
            copy[chosen] = (copy[chosen] + generator.integers(1, classes, len(chosen))) % classes
            share, _ = shared_mistakes(Mistakes.of(np.stack([row, copy]), labels))
            found[f"copy, {part:.1%} changed"].append(share[0, 1])
    return found


def leaks(entries: Sequence[Checked], labels: np.ndarray) -> tuple[float, float, float]:
    """The least z, the least z / sqrt(errors), and the largest concentration, over boards of three to five entries."""
    wrong = [checked.predictions != labels for checked in entries]
    distances, effects, spread = [], [], []
    for size in (3, 4, 5):
        for board in combinations(range(len(entries)), size):
            found = others_errors([entries[number].predictions for number in board], labels)
            for mine, difficulty in zip(board, found, strict=True):
                z = np.array([distance(difficulty, row, labels) for row in wrong[mine]])
                distances += list(z)
                effects += list(z / np.sqrt(wrong[mine].sum(axis=1)))
                spread += [concentration(difficulty, row, labels) for row in wrong[mine]]
    # NaN where all others of a board predict as the seed does: then nothing is asked
    return float(np.nanmin(distances)), float(np.nanmin(effects)), float(np.nanmax(spread))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root")
    book = AnswerBook(parser.parse_args().root)
    tasks: dict[Task, list[Checked]] = defaultdict(list)
    for folder in find_entries(Path("leaderboards")):
        checked = check_entry(folder, book)
        tasks[checked.entry.task].append(checked)
    compared = [entry for entries in tasks.values() if len(entries) > 2 for entry in entries]
    seeds = sum(len(entry.predictions) for entry in compared)
    print(f"{len(compared)} entries, {seeds} seeds, in tasks of three or more")
    for task, entries in tasks.items():
        answers = book.of(task)
        name = f"{task.dataset}/{task.configuration}"
        print(f"{name} ({'chose' if name in CHOSE else 'judged'})")
        for kind, found in shares(entries, answers.labels).items():
            print(f"  shared mistakes, {kind}: {min(found):.3f} to {max(found):.3f} ({len(found)} pairs)")
        if len(entries) < 3:
            continue  # the errors of others are asked on boards of three or more
        z, effect, spread = leaks(entries, answers.labels)
        print(f"  z at least {z:.1f}, z / sqrt(errors) at least {effect:.2f}; concentration at most {spread:.3f}")


if __name__ == "__main__":
    main()
