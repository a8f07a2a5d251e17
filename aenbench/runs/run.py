"""A run from end to end, where the parts are wired: task, choice of actions, training, test, score, entry."""

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from aenbench.errors import StoreError
from aenbench.execution.channel import channel
from aenbench.execution.executors import Executor, ordered
from aenbench.execution.store import TrialStore
from aenbench.leaderboard.entry import Entry, Interval
from aenbench.leaderboard.entry_arrays import encode_logits, encode_predictions
from aenbench.leaderboard.entry_folder import (
    ENTRY_FILE,
    HISTORY_FILE,
    LOGITS_FILE,
    MAX_BYTES,
    MAX_KEPT_WEIGHTS,
    MOVED_FILE,
    PREDICTIONS_FILE,
    PROGRESS_FILE,
    TRIALS_FILE,
    check_free,
    encode_entry,
    entry_folder,
    weights_file,
    write_entry,
)
from aenbench.leaderboard.ground_truth import ANSWERS_FILE, can_be_fetched, make_sheet
from aenbench.leaderboard.saved_models import write_weights
from aenbench.models.weights import MAX_WEIGHTS_BYTES
from aenbench.provenance import code_revision, hardware, software
from aenbench.runs.plan import Plan
from aenbench.runs.progress import Report
from aenbench.runs.seed import SeedOutcome, checkpoint_file, run_seed
from aenbench.scoring import Scored, score
from aenbench.search.progress_plot import search_progress
from aenbench.search.record import trials_csv
from aenbench.tasks.images import Images
from aenbench.training.history import history_csv
from gdatasets.files import locked, read_whole, write_whole
from gdatasets.journal import recover


def run(
    plan: Plan,
    out: Path,
    command: str,
    report: Report,
    executor: Executor,
    overwrite: bool = False,
    weights: Path | None = None,
) -> Path:
    """Run a plan and write its entry, and beside it the answers of images that nobody else can fetch.

    Every network that a search trains is in a store beside the entry the moment its value is known, and a final
    training has a checkpoint there; both are removed when the entry is written. After an interruption the same call
    continues from them, with the outcome of a run that was not interrupted.

    Args:
        plan: what to run.
        out: where entries go, as `<out>/<dataset>/<configuration>/<name>`.
        command: what the user typed, for the entry.
        report: called with each step of the progress, here, wherever the seeds run.
        executor: where the seeds run, each on one thread; the outcome does not depend on it.
        overwrite: replace an entry of the same name, and weights.
        weights: where the weights of the final networks go, as `<weights>/<dataset>/<configuration>/<name>`; where that
            is the entry's folder, they become part of the entry, which holds small ones only. By default none are kept.

    Returns:
        The entry's folder.

    Raises:
        UnknownNameError: no such dataset or configuration.
        SourceError: the dataset's source is not available.
        StoreError: the store of an interrupted run is damaged or of another plan.
        OutputError: the entry or weights of that name exist, or cannot be written.
        BusyError: another run is at work on this entry.
        InvalidArgumentError: the user's own network cannot be trained.
    """
    images = Images(plan.task, plan.root)
    plan.method.check(plan.method.space(images.shape), plan.spent.final.smallest_batch(images.images_to_learn))
    images.dataset.read("train")  # what must be fetched is fetched once, before any worker needs it
    labels = images.test_labels()
    folder = entry_folder(out, images.dataset.name, plan.task.configuration, plan.name)
    check_free(folder, overwrite)
    with _alone(folder):
        check_free(folder, overwrite)  # another run may just have written it
        _clear(folder)
        trials = folder.with_name(f".{folder.name}.trials")
        identity = plan.identity(images)
        earlier = TrialStore(trials, identity) if trials.exists() else None
        beside = None if weights is None else _beside(weights, folder, overwrite, earlier)
        store = earlier or TrialStore(trials, identity)
        limit = 0 if weights is None else MAX_KEPT_WEIGHTS if beside is None else MAX_WEIGHTS_BYTES
        with _removed_if_empty(store, plan.seeds):
            outcomes = _run_seeds(replace(plan, weights_limit=limit), store, report, executor)
        predictions = np.stack([outcome.predictions for outcome in outcomes])
        result = score(predictions, labels)
        files = {PREDICTIONS_FILE: encode_predictions(predictions), **_extras(plan, images, outcomes)}
        entry = _entry(plan, images, outcomes, result, command, files)
        kept = {weights_file(each.result.seed): each.weights for each in outcomes if each.weights is not None}
        if beside is not None:
            store.finish(_of_weights(encode_entry(entry)), {})
            write_weights(beside, entry, kept)  # before the entry: a run that ends in between makes both again
        else:
            files |= kept
        write_entry(folder, entry, files.pop(PREDICTIONS_FILE), files)
        if not can_be_fetched(images.dataset.name):
            write_whole(folder.with_name(ANSWERS_FILE), make_sheet(images.dataset))
        for seed in range(plan.seeds):
            checkpoint_file(store, seed).unlink(missing_ok=True)
        store.path.unlink()
    return folder


def _beside(weights: Path, folder: Path, overwrite: bool, earlier: TrialStore | None) -> Path | None:
    """The folder of weights; None where they go into the entry's own folder.

    Weights that are there are replaced where that was asked for, or where the store of this very run, interrupted
    before, says that it has begun to write them.
    """
    own = weights.joinpath(*folder.parts[-3:])
    if own.resolve() == folder.resolve():
        return None
    recover(own.parent)
    check_free(own, overwrite or (earlier is not None and _has_written(earlier, own)), "--weights")
    return weights


def _has_written(store: TrialStore, own: Path) -> bool:
    try:
        described = read_whole(own / ENTRY_FILE, MAX_BYTES[ENTRY_FILE])
    except OSError:
        return False
    return store.get(_of_weights(described)) is not None


def _of_weights(described: bytes) -> str:
    """The key that says that weights with this `entry.json` are being written."""
    return f"weights, {_sha256(described)}"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one run makes an entry at a time; raises BusyError in the others."""
    beside = folder.with_name(f".{folder.name}.running")
    with locked(beside, folder):
        try:
            yield
        finally:
            shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def _removed_if_empty(store: TrialStore, seeds: int) -> Iterator[None]:
    """A run that fails before anything is known leaves no store behind; an interrupted one keeps it."""
    try:
        yield
    except Exception:
        with suppress(StoreError):
            if not store.results() and not any(checkpoint_file(store, seed).exists() for seed in range(seeds)):
                store.path.unlink(missing_ok=True)
        raise


def _clear(folder: Path) -> None:
    """Remove what a run left behind that was killed while it made its store."""
    for pattern in (f"..{folder.name}.trials.*", f"...{folder.name}.trials.*.part"):
        for leftover in folder.parent.glob(pattern):
            leftover.unlink()


def _extras(plan: Plan, images: Images, outcomes: Sequence[SeedOutcome]) -> dict[str, bytes]:
    """The files of an entry that not every one has: logits, how it was trained, and what a search did."""
    extras = {}
    logits = [outcome.logits for outcome in outcomes if outcome.logits is not None]
    if logits and all(np.isfinite(each).all() for each in logits):
        extras[LOGITS_FILE] = encode_logits(np.stack(logits))
    moved = [outcome.moved for outcome in outcomes if outcome.moved is not None]
    if moved:
        extras[MOVED_FILE] = encode_predictions(np.stack(moved))
    extras[HISTORY_FILE] = history_csv([outcome.history for outcome in outcomes])
    trials = [outcome.trials for outcome in outcomes]
    if any(trials):
        extras[TRIALS_FILE] = trials_csv(trials)
    if plan.method.learns and any(trials):
        extras[PROGRESS_FILE] = search_progress(trials, f"{images.dataset.name} / {plan.task.configuration}")
    return extras


def _run_seeds(plan: Plan, store: TrialStore, report: Report, executor: Executor) -> list[SeedOutcome]:
    """One outcome a seed, in order."""
    with channel(report, executor) as reports:
        return ordered(executor.map(partial(run_seed, plan, store, reports), range(plan.seeds)))


def _entry(
    plan: Plan,
    images: Images,
    outcomes: Sequence[SeedOutcome],
    result: Scored,
    command: str,
    files: Mapping[str, bytes],
) -> Entry:
    digests = {name: _sha256(content) for name, content in files.items()}
    return Entry(
        name=plan.name,
        origin=plan.method.origin,
        method=plan.method.name,
        dataset=images.dataset.name,
        dataset_version=images.dataset.version,
        configuration=plan.task.configuration,
        test_content_sha256=images.dataset.digest("test"),
        image_size=images.size,
        protocol=plan.task.protocol.file_name,
        budget=plan.budget,
        open_recipe=plan.open_recipe,
        seeds=tuple(
            outcome.result.model_copy(
                update={"accuracy": accuracy, "weights_sha256": outcome.weights and _sha256(outcome.weights)}
            )
            for outcome, accuracy in zip(outcomes, result.per_seed, strict=True)
        ),
        accuracy=Interval(mean=result.mean, low=result.low, high=result.high),
        predictions_sha256=digests[PREDICTIONS_FILE],
        logits_sha256=digests.get(LOGITS_FILE),
        moved_sha256=digests.get(MOVED_FILE),
        command=command,
        code_revision=code_revision(plan.method.code),
        device=plan.device.kind,
        precision=plan.spent.final.precision,
        hardware=", ".join(filter(None, (hardware(), plan.device.card))),
        software=software(own_revision=plan.method.code is not None),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
