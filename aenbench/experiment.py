"""A run from end to end, where the parts are wired: task, choice of actions, training, test, score, entry."""

import csv
import hashlib
import io
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from multiprocessing.managers import SyncManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aenbench.budgets import Budget, budget
from aenbench.data import Images, LabelledImages, Task
from aenbench.errors import InvalidArgumentError
from aenbench.executors import Executor, RayExecutor, end_with_parent, ordered
from aenbench.leaderboard import (
    LOGITS_FILE,
    MOVED_FILE,
    PREDICTIONS_FILE,
    Entry,
    Interval,
    SeedResult,
    check_free,
    encode_logits,
    encode_predictions,
    entry_folder,
    write_entry,
)
from aenbench.methods import Method
from aenbench.plots import search_progress
from aenbench.probes import can_be_probed, predict_moved
from aenbench.revision import code_revision, hardware, software
from aenbench.scoring import Score, score
from aenbench.search.space import SearchSpace, Trial
from aenbench.store import TrialStore
from aenbench.training import Recipe, compute_logits, count_parameters, derive_seed, fit, one_thread


@dataclass(frozen=True)
class Plan:
    """Everything that decides the outcome of a run.

    Attributes:
        method: how the network is come by: a baseline, or a user's own.
        task: dataset, configuration and protocol.
        budget: `quick` or `standard`.
        seeds: independent repetitions of the whole procedure.
        root: a torchvision-style folder with the source's raw files; it does not change the outcome.
        keep_logits: whether the entry holds the logits of the test images, too, where they are finite.

    Raises:
        InvalidArgumentError: no such budget, or fewer than one seed.
    """

    method: Method
    task: Task
    budget: str = "standard"
    seeds: int = 3
    root: Path | None = None
    keep_logits: bool = False

    def __post_init__(self) -> None:
        _ = self.spent
        if not 1 <= self.seeds <= 1_000:
            raise InvalidArgumentError(f"Expected 1 to 1,000 seeds, got {self.seeds}; give --seeds 3, say.")

    @property
    def spent(self) -> Budget:
        """What one seed may spend."""
        return budget(self.method.kind, self.task.protocol, self.budget)

    def identity(self, images: Images) -> str:
        """What the trials of interrupted runs must have in common to be of use."""
        dataset = images.dataset
        parts = (dataset.name, dataset.version, dataset.configuration, dataset.digest("train")[:16], self.task.protocol)
        return f"run, torch {version('torch')}, {self.name}, {' '.join(parts)}, {self.spent.child}"

    @property
    def name(self) -> str:
        """The entry's name."""
        return self.method.entry_name(self.task.protocol, self.budget)


class Step(NamedTuple):
    """How far one seed has come; or all of them, where it is None."""

    seed: int | None
    stage: str
    done: int
    total: int
    note: str = ""


Report = Callable[[Step], None]


@dataclass(frozen=True, eq=False)
class SeedOutcome:
    """What one seed gave: its line in the entry (its accuracy not yet known), predictions (n,), networks trained.

    Logits (n, classes) are there where the plan keeps them, `moved` (moves, images) where images can be moved.
    """

    result: SeedResult
    predictions: NDArray[np.uint8]
    logits: NDArray[np.float32] | None
    moved: NDArray[np.uint8] | None
    trials: tuple[Trial, ...]


def run(plan: Plan, out: Path, command: str, report: Report, executor: Executor, overwrite: bool = False) -> Path:
    """Run a plan and write its entry.

    Every network that a search trains is in a store beside the entry the moment its value is known, and the store is
    removed when the entry is written: after an interruption the same call goes on where the earlier one stopped, with
    the outcome of a run that was not interrupted.

    Args:
        plan: what to run.
        out: where entries go, as `<out>/<dataset>/<configuration>/<name>`.
        command: what the user typed, for the entry.
        report: called with each step of the progress.
        executor: where the seeds run, each on one thread; the outcome does not depend on it.
        overwrite: replace an entry of the same name.

    Returns:
        The entry's folder.

    Raises:
        UnknownNameError: no such dataset or configuration.
        SourceError: the dataset's source is not at hand.
        StoreError: the store of an interrupted run is damaged or of another plan.
        OutputError: the entry exists, or cannot be written.
        InvalidArgumentError: the user's own network cannot be trained.
    """
    images = Images(plan.task, plan.root)
    plan.method.check(plan.method.space(plan.task.protocol, images))
    images.dataset.read("train")  # what must be fetched is fetched once, before any worker needs it
    labels = images.test_labels()
    folder = entry_folder(out, images.dataset.name, plan.task.configuration, plan.name)
    check_free(folder, overwrite)
    store = TrialStore(folder.with_name(f".{folder.name}.trials"), plan.identity(images))
    outcomes = _run_seeds(plan, store, report, executor)
    predictions = np.stack([outcome.predictions for outcome in outcomes])
    result = score(predictions, labels)
    files = {PREDICTIONS_FILE: encode_predictions(predictions), **_extras(plan, images, outcomes)}
    entry = _entry(plan, images, outcomes, result, command, files)
    write_entry(folder, entry, files.pop(PREDICTIONS_FILE), files)
    store.path.unlink()
    return folder


def _extras(plan: Plan, images: Images, outcomes: Sequence[SeedOutcome]) -> dict[str, bytes]:
    """The files of an entry that not every one has: logits, and what a search did."""
    extras = {}
    logits = [outcome.logits for outcome in outcomes if outcome.logits is not None]
    if logits and all(np.isfinite(each).all() for each in logits):
        extras[LOGITS_FILE] = encode_logits(np.stack(logits))
    moved = [outcome.moved for outcome in outcomes if outcome.moved is not None]
    if moved:
        extras[MOVED_FILE] = encode_predictions(np.stack(moved))
    trials = [outcome.trials for outcome in outcomes]
    if any(trials):
        extras["trials.csv"] = trials_csv(trials)
    if plan.method.learns:
        extras["search.png"] = search_progress(trials, f"{images.dataset.name} / {plan.task.configuration}")
    return extras


def _run_seeds(plan: Plan, store: TrialStore, report: Report, executor: Executor) -> list[SeedOutcome]:
    """One outcome a seed, in order."""
    with _across_processes(report, executor) as reports:
        return ordered(executor.map(partial(run_seed, plan, store, reports), range(plan.seeds)))


@contextmanager
def _across_processes(report: Report, executor: Executor) -> Iterator[Report]:
    """The report, in a form that the executor's workers can call; Ray's, which may be elsewhere, report nothing."""
    if isinstance(executor, RayExecutor):
        yield _silent
        return
    if executor.workers == 1:
        yield report
        return
    manager = SyncManager(ctx=multiprocessing.get_context("spawn"))
    manager.start(end_with_parent)
    with manager:
        steps = manager.Queue()
        listener = threading.Thread(target=_forward, args=(steps, report), daemon=True)
        listener.start()
        try:
            yield steps.put
        finally:
            steps.put(None)
            listener.join()


def _forward(steps: Any, report: Report) -> None:
    while (step := steps.get()) is not None:
        report(step)


def _silent(step: Step) -> None:
    """Report to nobody."""


def run_seed(plan: Plan, store: TrialStore, report: Report, seed: int) -> SeedOutcome:
    """One repetition: choose a network, train it on more images, open the test set once."""
    images, spent = Images(plan.task, plan.root), plan.spent
    space = plan.method.space(plan.task.protocol, images)
    train, choose_by = images.training()
    with one_thread():
        ahead = plan.method.networks_ahead(space, spent.search)
        evaluator = Evaluator(space, train, choose_by, spent.child, seed)
        search = StoredSearch(evaluator, store, lambda done, note: report(Step(seed, "search", done, ahead, note)))
        started = time.perf_counter()
        choice = plan.method.choose(space, search, spent.search, seed)
        searched = time.perf_counter()
        if choice.record is not None:
            report(Step(seed, "search", search.networks, search.networks, search.note))
        model = choice.candidate.build(derive_seed(seed, "final"))
        fitted = fit(
            model,
            train,
            choose_by,
            spent.final,
            derive_seed(seed, "final"),
            keep_best=True,
            on_pass=lambda done, total: report(Step(seed, "training", done, total)),
            augmentation=choice.candidate.augmentation,
        )
        trained = time.perf_counter()
        test, batch = images.test(), spent.final.evaluation_batch
        logits = compute_logits(model, test.images, batch)  # (n, classes)
        moved = predict_moved(model, test, batch) if can_be_probed(images.size) else None
    result = SeedResult(
        seed=seed,
        **choice.candidate.facts,
        parameters=count_parameters(model),
        networks_trained=search.networks,
        states_visited=len(choice.record.visited) if choice.record else 0,
        search_seconds=round(searched - started + search.earlier_seconds, 2),
        training_seconds=round(trained - searched, 2),
        chosen_by=max(fitted.accuracies),
        accuracy=0.0,
    )
    return SeedOutcome(
        result,
        logits.argmax(dim=1).numpy().astype(np.uint8),
        logits.float().numpy() if plan.keep_logits else None,
        moved,
        tuple(choice.record.trials) if choice.record else (),
    )


class StoredSearch:
    """Gives the value of a state's network from the store, where it is trained and put if it is not there yet.

    Attributes:
        networks: networks asked for so far.
        best: the best value so far.
        earlier_seconds: what the training of those that were in the store had taken.
    """

    def __init__(self, evaluator: "Evaluator", store: TrialStore, report: Callable[[int, str], None]) -> None:
        self._evaluator, self._store, self._report = evaluator, store, report
        self.networks = 0
        self.best = 0.0
        self.earlier_seconds = 0.0

    @property
    def note(self) -> str:
        return f"best {100 * self.best:.1f} %"

    def __call__(self, state: str) -> float:
        is_new = False

        def train() -> dict[str, object]:
            nonlocal is_new
            is_new, started = True, time.perf_counter()
            value = self._evaluator(state)
            return {"value": value, "seconds": round(time.perf_counter() - started, 3)}

        trial = self._store.value(f"{self._evaluator.seed}/{state}", train)
        value = float(trial["value"])
        self.earlier_seconds += 0.0 if is_new else float(trial["seconds"])
        self.networks += 1
        self.best = max(self.best, value)
        self._report(self.networks, self.note)
        return value


class Evaluator:
    """Trains the network of a state and gives its accuracy on the images to choose by.

    Under `standard` that is the accuracy after the last pass; under `paper` the best of all passes, as in the released
    code. All networks of a seed see the same images in the same order.

    Attributes:
        seed: the seed.
    """

    def __init__(
        self, space: SearchSpace, train: LabelledImages, choose_by: LabelledImages, recipe: Recipe, seed: int
    ) -> None:
        self._space, self._train, self._choose_by, self._recipe = space, train, choose_by, recipe
        self.seed = seed

    def __call__(self, state: str) -> float:
        candidate, seed = self._space.candidate(state), derive_seed(self.seed, "child")
        fitted = fit(
            candidate.build(seed),
            self._train,
            self._choose_by,
            self._recipe,
            seed,
            augmentation=candidate.augmentation,
        )
        return max(fitted.accuracies) if self._space.protocol == "paper" else fitted.accuracies[-1]


def _entry(
    plan: Plan, images: Images, outcomes: Sequence[SeedOutcome], result: Score, command: str, files: Mapping[str, bytes]
) -> Entry:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return Entry(
        name=plan.name,
        origin=plan.method.origin,
        method=plan.method.name,
        dataset=images.dataset.name,
        dataset_version=images.dataset.version,
        configuration=plan.task.configuration,
        test_content_sha256=images.dataset.digest("test"),
        image_size=images.size,
        protocol=plan.task.protocol,
        budget=plan.budget,
        seeds=tuple(
            outcome.result.model_copy(update={"accuracy": accuracy})
            for outcome, accuracy in zip(outcomes, result.per_seed, strict=True)
        ),
        accuracy=Interval(mean=result.mean, low=result.low, high=result.high),
        predictions_sha256=digests[PREDICTIONS_FILE],
        logits_sha256=digests.get(LOGITS_FILE),
        moved_sha256=digests.get(MOVED_FILE),
        command=command,
        code_revision=code_revision(plan.method.code),
        hardware=hardware(),
        software=software(own_revision=plan.method.code is not None),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def trials_csv(trials: Sequence[Sequence[Trial]]) -> bytes:
    """The networks that each seed's search trained, in order, as the content of `trials.csv`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["seed", "network", *Trial.__dataclass_fields__])
    for seed, record in enumerate(trials):
        for number, trial in enumerate(record, start=1):
            writer.writerow([seed, number, *(getattr(trial, field) for field in Trial.__dataclass_fields__)])
    return text.getvalue().encode()
