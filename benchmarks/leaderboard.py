"""What it costs to verify a leaderboard, render it and open its page: entries of 5 seeds x 10,000 images, 25 passes.

    python benchmarks/leaderboard.py --root ../shared/data                           # 50 to 200 entries in 4 tasks
    python benchmarks/leaderboard.py --root ../shared/data --tasks 40 --entries 100,200,400

The entries are made in a temporary folder, in tasks of G-MNIST and G-Fashion-MNIST (whose raw files must be on this
machine); every method has an entry on each task, or on as many as the number of entries allows. Each row is measured in
a process of its own; `start` is what it takes to import everything. Seconds of the processor stand beside those of the
clock, because other work on the machine lengthens only the latter. `open` is what Chromium needs from the navigation to
the first frame of the drawn page, the median of five, where Chromium and Playwright are installed.
"""

import argparse
import hashlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

SEEDS, PASSES = 5, 25
HEADINGS = (
    "entries", "start", "verify", "render", "all, wall s", "all, processor s", "index.html, kB", "open, s",
    "load, processor s",
)  # fmt: skip
COUNTS = "50,100,150,200"
_LOAD = "import sys, aenbench; aenbench.load_leaderboard(sys.argv[1])"
"""What `load` is measured by: a process that imports pandas and reads the results, without recomputing them."""

DATASETS = ("g-mnist", "g-fashion-mnist")
CONFIGURATIONS = (
    "aug2", "aug4", "d4-roll", "d4", "c4", "v4", "roll", "aug1", "aug3", "aug5", "none", "rotation", "hflip", "vflip",
    "htrans", "vtrans", "scramble1", "scramble2", "scramble3", "scramble4",
)  # fmt: skip
TASKS = tuple((dataset, configuration) for configuration in CONFIGURATIONS for dataset in DATASETS)

_OPEN = """new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""
"""Milliseconds from the start of the navigation to the frame after the one that the page is drawn in."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, help="folder with MNIST/raw and FashionMNIST/raw")
    parser.add_argument("--entries", default=COUNTS, help=f"numbers of entries (default: {COUNTS})")
    parser.add_argument("--tasks", type=int, default=4, help=f"1 to {len(TASKS)} (default: 4)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        measure(chosen.measure, chosen.root)
        return
    print(f"| {' | '.join(HEADINGS)} |\n{'|---' * len(HEADINGS)}|", flush=True)
    for count in map(int, chosen.entries.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            make_entries(Path(folder), count, chosen.tasks, chosen.root)
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
    spent = time.process_time()
    subprocess.run([sys.executable, "-c", _LOAD, str(folder)], check=True)
    load = resource.getrusage(resource.RUSAGE_CHILDREN)
    loading = load.ru_utime + load.ru_stime
    parts = " | ".join(f"{seconds:.1f}" for seconds in np.diff(times))
    size = (folder / "index.html").stat().st_size / 1e3
    cells = (f"{times[-1] - times[0]:.1f}", f"{spent:.1f}", f"{size:,.0f}", opening(folder), f"{loading:.2f}")
    print(f"| {len(folders)} | {parts} | {' | '.join(cells)} |", flush=True)


def opening(folder: Path) -> str:
    """Seconds that Chromium needs to open the page and draw it, the median of five; a dash where there is none."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        return "-"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        found = []
        for _ in range(5):
            page = browser.new_page()
            page.goto((folder / "index.html").as_uri())
            found.append(page.evaluate(_OPEN) / 1e3)
            page.close()
        browser.close()
    return f"{median(found):.2f}"


def make_entries(base: Path, count: int, tasks: int, root: Path | None) -> None:
    """Entries whose errors fall on difficult images, as those of networks do: 50 to 90 % accuracy."""
    from aenbench.leaderboard.entry import Entry, Interval, SeedResult
    from aenbench.leaderboard.entry_arrays import encode_predictions
    from aenbench.leaderboard.entry_folder import write_entry
    from aenbench.leaderboard.ground_truth import AnswerBook
    from aenbench.scoring import score
    from aenbench.tasks.task import Task
    from aenbench.training.history import Pass, history_csv

    rates = np.linspace(0.5, 1, PASSES)
    book = AnswerBook(root)
    generator = np.random.default_rng(0)
    for number in range(count):
        task = Task(*TASKS[number % tasks])
        answers = book.of(task)
        labels = answers.labels
        difficulty = np.random.default_rng(number % tasks).logistic(size=len(labels))
        skill = 2.5 * number / count + generator.normal(0, 0.05, (SEEDS, 1))
        wrong = generator.random((SEEDS, len(labels))) < 1 / (1 + np.exp(1.5 * (skill - difficulty)))
        shift = generator.integers(1, 10, wrong.shape)
        predictions = np.where(wrong, (labels + shift) % 10, labels).astype(np.uint8)
        encoded, result = encode_predictions(predictions), score(predictions, labels)
        parameters, name = int(generator.integers(1_000, 1_000_000)), f"method-{number // tasks:03}"
        entry = Entry(
            name=name,
            origin="submission",
            method="simulated",
            dataset=task.dataset,
            dataset_version=answers.dataset.version,
            configuration=task.configuration,
            test_content_sha256=answers.digest,
            protocol=task.protocol.file_name,
            budget="none",
            seeds=tuple(
                SeedResult(seed=seed, parameters=parameters, accuracy=accuracy, chosen_by=round(accuracy, 6))
                for seed, accuracy in enumerate(result.per_seed)
            ),
            accuracy=Interval(mean=result.mean, low=result.low, high=result.high),
            predictions_sha256=hashlib.sha256(encoded).hexdigest(),
            created="2026-01-01T00:00:00+00:00",
        )
        passes = [[Pass(1.0, round(accuracy, 6) * rate, 1e-3) for rate in rates] for accuracy in result.per_seed]
        files = {"history.csv": history_csv(passes)}
        write_entry(base / task.dataset / task.configuration / name, entry, encoded, files)


if __name__ == "__main__":
    main()
