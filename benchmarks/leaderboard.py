"""What it costs to verify a leaderboard and to render it: 50 to 200 entries of 5 seeds x 10,000 images.

    python benchmarks/leaderboard.py --root ../shared/data

The entries are made in a temporary folder, in four tasks of G-MNIST and G-Fashion-MNIST (whose raw files must be on
this machine). Each row is measured in a process of its own; `start` is what it takes to import everything. Seconds of
the processor stand beside those of the clock, because other work on the machine lengthens only the latter.
"""

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SEEDS = 5
COUNTS = (50, 100, 150, 200)
_LOAD = "import sys, aenbench; aenbench.load_leaderboard(sys.argv[1])"
"""What `load` is measured by: a process that imports pandas and reads the results, without recomputing them."""

TASKS = (("g-mnist", "aug2"), ("g-mnist", "aug4"), ("g-mnist", "d4-roll"), ("g-fashion-mnist", "aug2"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, help="folder with MNIST/raw and FashionMNIST/raw")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        measure(chosen.measure, chosen.root)
        return
    print("| entries | start | verify | render | all, wall s | all, processor s | index.html, kB | load, processor s |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            make_entries(Path(folder), count, chosen.root)
            command = [sys.executable, __file__, "--measure", folder]
            subprocess.run(command + (["--root", str(chosen.root)] if chosen.root else []), check=True)


def measure(folder: Path, root: Path | None) -> None:
    """Verify and render in this process; prints a row of the table."""
    times = [time.perf_counter()]
    from aenbench.leaderboard.render import write_generated
    from aenbench.leaderboard.verify import verify

    times.append(time.perf_counter())
    folders, problems = verify(folder, root)
    assert problems == [], problems[:5]
    times.append(time.perf_counter())
    write_generated(folder, root)
    times.append(time.perf_counter())
    start = time.process_time()
    subprocess.run([sys.executable, "-c", _LOAD, str(folder)], check=True)
    load = resource.getrusage(resource.RUSAGE_CHILDREN)
    parts = " | ".join(f"{seconds:.1f}" for seconds in np.diff(times))
    size = (folder / "index.html").stat().st_size / 1e3
    loading = load.ru_utime + load.ru_stime
    row = f"| {len(folders)} | {parts} | {times[-1] - times[0]:.1f} | {start:.1f} | {size:,.0f} | {loading:.2f} |"
    print(row, flush=True)


def make_entries(base: Path, count: int, root: Path | None) -> None:
    """Entries whose errors fall on difficult images, as those of networks do: 50 to 90 % accuracy."""
    from aenbench.leaderboard.entry import Entry, Interval, SeedResult
    from aenbench.leaderboard.entry_arrays import encode_predictions
    from aenbench.leaderboard.entry_folder import write_entry
    from aenbench.leaderboard.ground_truth import AnswerBook
    from aenbench.scoring import score
    from aenbench.tasks.task import Task

    book = AnswerBook(root)
    generator = np.random.default_rng(0)
    for number in range(count):
        task = Task(*TASKS[number % len(TASKS)])
        answers = book.of(task)
        labels = answers.labels
        difficulty = np.random.default_rng(number % len(TASKS)).logistic(size=len(labels))
        skill = 2.5 * number / count + generator.normal(0, 0.05, (SEEDS, 1))
        wrong = generator.random((SEEDS, len(labels))) < 1 / (1 + np.exp(1.5 * (skill - difficulty)))
        shift = generator.integers(1, 10, wrong.shape)
        predictions = np.where(wrong, (labels + shift) % 10, labels).astype(np.uint8)
        encoded, result = encode_predictions(predictions), score(predictions, labels)
        parameters, name = int(generator.integers(1_000, 1_000_000)), f"entry-{number:03}"
        entry = Entry(
            name=name,
            origin="submission",
            method="simulated",
            dataset=task.dataset,
            dataset_version=answers.dataset.version,
            configuration=task.configuration,
            test_content_sha256=answers.digest,
            protocol=task.protocol.name,
            budget="none",
            seeds=tuple(
                SeedResult(seed=seed, parameters=parameters, accuracy=accuracy)
                for seed, accuracy in enumerate(result.per_seed)
            ),
            accuracy=Interval(mean=result.mean, low=result.low, high=result.high),
            predictions_sha256=hashlib.sha256(encoded).hexdigest(),
            created="2026-01-01T00:00:00+00:00",
        )
        write_entry(base / task.dataset / task.configuration / name, entry, encoded, {})


if __name__ == "__main__":
    main()
