"""One repetition of a run: choose a network, train it, open the test set once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from aenbench.errors import InvalidArgumentError
from aenbench.execution.store import TrialStore
from aenbench.execution.threads import one_thread
from aenbench.leaderboard.entry import SeedResult
from aenbench.models.weights import Description, encode_weights
from aenbench.runs.method import Method
from aenbench.runs.plan import Plan
from aenbench.runs.progress import Report, Step
from aenbench.scoring.invariance import can_be_probed, moved_images
from aenbench.search.evaluate import StoredEvaluation, TrainedEvaluation
from aenbench.search.record import Trial
from aenbench.tasks.images import Images, LabeledImages
from aenbench.training.candidate import Candidate
from aenbench.training.checkpoint import Checkpoint
from aenbench.training.fit import compute_logits, predict
from aenbench.training.history import Pass
from aenbench.training.trial import Training, train
from gdatasets.errors import GDatasetsError


def predict_moved(model: nn.Module, test: LabeledImages, batch: int = 1_000) -> NDArray[np.uint8]:
    """The most likely class of the first test images after each move, uint8 (moves, images)."""
    moved = moved_images(test.images.permute(0, 2, 3, 1).numpy()).transpose(0, 1, 4, 2, 3)
    classes = [predict(model, torch.from_numpy(np.ascontiguousarray(images)), batch).numpy() for images in moved]
    return np.stack(classes).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class SeedOutcome:
    """What one seed gave: its line in the entry (its accuracy not yet known), predictions (n,), networks trained.

    Logits (n, classes) are there where the plan keeps them, `moved` (moves, images) where images can be moved, and the
    weights of the network that predicted, as a file, where the plan keeps those.
    """

    result: SeedResult
    predictions: NDArray[np.uint8]
    logits: NDArray[np.float32] | None
    moved: NDArray[np.uint8] | None
    trials: tuple[Trial, ...]
    history: tuple[Pass, ...]
    weights: bytes | None = None


def describe_network(method: Method, candidate: Candidate, images: Images) -> Description:
    """What a file of weights says of a network: nothing but its shape where no registered family builds it."""
    facts, family = candidate.architecture.facts, method.family
    known = method.origin == "baseline" and set(facts) == set(family.facts)
    return Description(family.name if known else "", facts if known else {}, images.shape, images.normalization)


def checkpoint_file(store: TrialStore, seed: int) -> Path:
    """Where the final training of a seed keeps its state: beside the store of the run."""
    return store.path.with_name(f"{store.path.name}.{seed}.checkpoint")


@contextmanager
def own_code_explained(method: Method) -> Iterator[None]:
    """What a user's own network raises in training, in one line; an error of our own networks is passed on as it is.

    Raises:
        InvalidArgumentError: the network is found by its import path, and its code failed.
    """
    try:
        yield
    except (GDatasetsError, OSError):
        raise
    except (Exception, SystemExit) as error:
        if method.origin != "model":
            raise
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise InvalidArgumentError(f'"{method.name}" cannot be trained ({why:.300}); correct its code.') from error


def run_seed(plan: Plan, store: TrialStore, report: Report, seed: int) -> SeedOutcome:
    """One repetition: choose a network, train it on more images, open the test set once."""
    images, spent = Images(plan.task, plan.root), plan.spent
    space = plan.method.space(images.shape)
    learn, choose_by = images.training()
    with one_thread(), plan.device.in_use(), own_code_explained(plan.method):
        ahead = plan.method.networks_ahead(space, spent.search)
        search = StoredEvaluation(
            TrainedEvaluation(space, learn, choose_by, spent.child, seed, plan.device),
            store,
            str(seed),
            timed=True,
            report=lambda done, note: report(Step(seed, "search", done, ahead, note)),
        )
        started = time.perf_counter()
        choice = plan.method.choose(space, search, spent.search, seed)
        searched = time.perf_counter()
        if choice.record is not None and search.networks:
            report(Step(seed, "search", search.networks, search.networks, search.note))
        description = describe_network(plan.method, choice.candidate, images)
        if plan.weights_limit:  # a network that cannot be kept ends here, not after its training
            encode_weights(choice.candidate.build(0), description, plan.weights_limit)
        final = train(
            Training(choice.candidate, spent.final, seed, "final", plan.device),
            learn,
            choose_by,
            on_pass=lambda done, total, passed: report(Step(seed, "training", done, total, passed=passed)),
            checkpoint=Checkpoint(checkpoint_file(store, seed), plan.final_identity(images, choice.candidate, seed)),
        )
        test, batch = images.test(), spent.final.evaluation_batch
        logits = compute_logits(final.model, test.images, batch)  # (n, classes)
        moved = predict_moved(final.model, test, batch) if can_be_probed(images.size) else None
        weights = None
        if plan.weights_limit:
            weights = encode_weights(final.model, description, plan.weights_limit)
    result = SeedResult(
        seed=seed,
        **choice.candidate.facts,
        parameters=final.parameters,
        networks_trained=search.networks,
        states_visited=len(choice.record.visited) if choice.record else 0,
        search_seconds=round(searched - started + search.earlier_seconds, 2),
        training_seconds=round(final.wall_seconds, 2),
        chosen_by=max(final.accuracies),
        accuracy=0.0,
    )
    return SeedOutcome(
        result,
        logits.argmax(dim=1).numpy().astype(np.uint8),
        logits.float().numpy() if plan.keep_logits else None,
        moved,
        tuple(choice.record.trials) if choice.record else (),
        final.history,
        weights,
    )
