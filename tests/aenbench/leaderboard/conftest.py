"""Entries made for tests: truthful, small, on G-Digits, which needs no download."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aenbench.leaderboard.entry import Entry, Interval, SeedResult
from aenbench.leaderboard.entry_arrays import encode_logits, encode_predictions
from aenbench.leaderboard.entry_folder import write_entry
from aenbench.scoring import score
from aenbench.search.record import Trial, trials_csv
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from gdatasets.groups.actions import ACTIONS, bits_from_actions

TASK = Task("g-digits", "aug1")

HFLIP = {"standard": 234_818, "paper": 240_812}
"""Free parameters of the network that is equivariant to `hflip`, on images of 28 x 28 and with ten classes."""

MakeEntry = Callable[..., Path]


def _make(
    base: Path,
    name: str,
    wrong: int,
    task: Task = TASK,
    seeds: int = 3,
    extras: Mapping[str, bytes] | None = None,
    with_logits: bool = False,
    searches: Sequence[Sequence[float]] = (),
    stated: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Path:
    """An entry with about `wrong` mistakes a seed, which differ between names and seeds; `changes` replace fields.

    `searches` are the accuracies of the networks that each seed's search trained; the best one is that of `hflip`.
    `stated` replaces fields of every seed.
    """
    images = Images(task)
    labels = images.test_labels()
    generator = np.random.default_rng(list(name.encode()))
    predictions = np.tile(labels, (seeds, 1)).astype(np.uint8)
    hard = np.argsort(labels * 7 % 11 + np.arange(len(labels)) / 1e3)[: 2 * wrong + 2]  # everybody errs on these
    for seed in range(seeds):
        chosen = generator.choice(hard, wrong + seed, replace=False)
        predictions[seed, chosen] = (predictions[seed, chosen] + 1 + seed) % 10
    result, encoded = score(predictions, labels), encode_predictions(predictions)
    files = dict(extras or {})
    if with_logits:
        files["logits.npy"] = encode_logits(3 * np.eye(10, dtype=np.float32)[predictions])
        changes["logits_sha256"] = hashlib.sha256(files["logits.npy"]).hexdigest()
    facts = {"actions": ("hflip",), "parameters": HFLIP[task.protocol.name], "networks_trained": wrong % 7}
    trained = [len(values) for values in searches] + [0] * (seeds - len(searches))
    if searches:
        files["trials.csv"] = _trials(searches)
    times = {"search_seconds": 1.5, "training_seconds": 2.5, "chosen_by": 0.5}
    entry = Entry(
        name=name,
        origin="baseline",
        method="single",
        dataset=task.dataset,
        dataset_version=images.dataset.version,
        configuration=task.configuration,
        test_content_sha256=images.dataset.digest("test"),
        protocol=task.protocol.name,
        budget="quick",
        seeds=tuple(
            SeedResult(
                seed=seed,
                accuracy=accuracy,
                **{
                    **facts,
                    **times,
                    **({"networks_trained": trained[seed], "states_visited": trained[seed]} if searches else {}),
                    **(stated or {}),
                },
            )
            for seed, accuracy in enumerate(result.per_seed)
        ),
        accuracy=Interval(mean=result.mean, low=result.low, high=result.high),
        predictions_sha256=hashlib.sha256(encoded).hexdigest(),
        created="2026-01-01T00:00:00+00:00",
    )
    folder = base / task.dataset / task.configuration / name
    write_entry(folder, entry.model_validate(entry.model_dump() | changes), encoded, files)
    return folder


def _trials(searches: Sequence[Sequence[float]]) -> bytes:
    """The content of `trials.csv`; a seed's networks have one action each."""
    records = []
    for values in searches:
        best = max(range(len(values)), key=lambda number: values[number])
        others = iter([action for action in ACTIONS if action != "hflip"])
        states = [bits_from_actions(["hflip" if number == best else next(others)]) for number in range(len(values))]
        records.append(
            [Trial(state, state, value, k + 1) for k, (state, value) in enumerate(zip(states, values, strict=True))]
        )
    return trials_csv(records)


@pytest.fixture(scope="session")
def make_entry() -> MakeEntry:
    """Writes a truthful entry: `make_entry(base, name, wrong, ...)`; see `_make`."""
    return _make
