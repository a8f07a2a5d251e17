"""What looks wrong with entries though their numbers add up; a person has to look, and nothing is accepted in silence.

Each detector has a code (`FlagCode`). A maintainer who has looked acknowledges a flag in `reviews.json`, beside the
datasets' folders of a board:

    {"<dataset>/<configuration>/<entry>": {"<code>": "why it is all right"}}
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, RootModel

from aenbench.leaderboard.entry import Entry, Line, SeedResult
from aenbench.leaderboard.ground_truth import AnswerBook, Answers
from aenbench.leaderboard.networks import network_facts, of_one_family, states_network
from aenbench.leaderboard.rescoring import Checked
from aenbench.leaderboard.untrusted.files import open_bounded, read_bounded
from aenbench.leaderboard.untrusted.json_yaml import parse_json
from aenbench.tasks.task import Task

FlagCode = Literal["same-predictions", "repeated-seed", "off-grid", "wrong-digest", "label-leak", "implausible-jump"]

REVIEWS_FILE = "reviews.json"
MAX_REVIEWS_BYTES = 1 << 20

_LEAST_OTHERS = 2  # entries of the task, besides the one that is compared with them
_LEAST_Z = 3.0  # of errors that fall on difficult images; one seed in 700 that errs anywhere passes
_LARGEST_JUMP = 3.0  # times fewer errors than the best other entry
_GRID_TOLERANCE = 1e-6  # images
_LEAST_ERRORS = 10  # fewer than the best other entry, for a jump: images


@dataclass(frozen=True)
class Flag:
    """One suspicion about one entry.

    Attributes:
        key: of the entry: dataset/configuration/name.
        code: of the detector.
        message: what was found, in one line.
        others: keys of other entries that it is about.
        reason: why a maintainer holds it to be all right; None while nobody does.
    """

    key: str
    code: FlagCode
    message: str
    others: tuple[str, ...] = ()
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.key}: {self.code}: {self.message}"


Key = Annotated[str, Field(max_length=310, pattern=r"^[a-z0-9._-]+/[a-z0-9._-]+/[a-z0-9._-]+$")]
Reason = Annotated[Line, Field(min_length=1)]


class Reviews(RootModel[dict[Key, dict[FlagCode, Reason]]]):
    """The flags that a maintainer holds to be all right, and why."""

    model_config = ConfigDict(frozen=True)


def read_reviews(base: Path) -> Mapping[str, Mapping[FlagCode, str]]:
    """The reviews of a board, by the key of the entry; empty where there are none.

    Raises:
        EntryError: the file is too large or malformed, or names a code that does not exist.
    """
    path = base / REVIEWS_FILE
    if not path.exists():
        return {}
    with open_bounded(path, MAX_REVIEWS_BYTES) as stream:
        content = read_bounded(stream, MAX_REVIEWS_BYTES, str(path))
    return parse_json(content, Reviews, str(path)).root


def entry_key(entry: Entry) -> str:
    """What reviews and flags call an entry: dataset/configuration/name."""
    return f"{entry.dataset}/{entry.configuration}/{entry.name}"


def find_flags(
    entries: Sequence[Checked], book: AnswerBook, reviews: Mapping[str, Mapping[FlagCode, str]] | None = None
) -> list[Flag]:
    """What looks wrong, in the order of the entries; flags that were acknowledged carry the reason.

    Entries are compared within their task: dataset, configuration and protocol. Linear in their number.

    Args:
        entries: all of a board.
        book: what they were scored by.
        reviews: what `read_reviews` gives.
    """
    tasks: dict[Task, list[Checked]] = defaultdict(list)
    for checked in entries:
        tasks[checked.entry.task].append(checked)
    found: list[Flag] = []
    for task, of_task in tasks.items():
        answers = book.of(task)
        found += [flag for checked in of_task for flag in _flags_of_one(checked, answers)]
        found += _same_predictions(of_task)
        if len(of_task) > _LEAST_OTHERS:
            found += [*_unrelated_errors(of_task, answers), *_implausible_jumps(of_task, answers)]
    place = {entry_key(checked.entry): number for number, checked in enumerate(entries)}
    known = reviews or {}
    flags = [replace(flag, reason=known.get(flag.key, {}).get(flag.code)) for flag in found]
    return sorted(flags, key=lambda flag: (place[flag.key], flag.code))


def stale_reviews(flags: Sequence[Flag], reviews: Mapping[str, Mapping[FlagCode, str]]) -> list[str]:
    """One line for each review of a flag that is not raised: it would acknowledge the next one unseen."""
    raised = {(flag.key, flag.code) for flag in flags}
    return [
        f"{REVIEWS_FILE}: {key} has no flag {code}; remove the review."
        for key, codes in reviews.items()
        for code in codes
        if (key, code) not in raised
    ]


def _flags_of_one(checked: Checked, answers: Answers) -> Iterator[Flag]:
    """What an entry shows without the others."""
    entry, labels, key = checked.entry, answers.labels, entry_key(checked.entry)
    if entry.test_content_sha256 != answers.digest:
        yield Flag(key, "wrong-digest", "test_content_sha256 is not the pinned one; its images may be others")
    counts = [(seed.seed, seed.accuracy * len(labels)) for seed in entry.seeds]
    off = [seed for seed, count in counts if abs(count - round(count)) > _GRID_TOLERANCE]
    if off:
        yield Flag(key, "off-grid", f"no count of {len(labels):,} images gives the accuracy of seed {_listed(off)}")
    numbers = [seed.seed for seed in entry.seeds]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    same = [numbers[second] for _, second in _equal_rows(checked.predictions)]
    if twice or same:
        what = f"number {_listed(twice)}" if twice else f"seed {_listed(same)} has the predictions of an earlier one"
        yield Flag(key, "repeated-seed", f"a seed is there twice: {what}")
    right = (checked.predictions == labels).all(axis=1)
    perfect = [seed.seed for seed, is_right in zip(entry.seeds, right, strict=True) if is_right]
    if perfect:
        yield Flag(key, "label-leak", f"the predictions of seed {_listed(perfect)} are the labels")


def _equal_rows(predictions: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """(first, later) numbers of rows that are equal."""
    first: dict[bytes, int] = {}
    digests = _digests(predictions)
    return [(first[digest], row) for row, digest in enumerate(digests) if first.setdefault(digest, row) != row]


def _digests(predictions: NDArray[np.uint8]) -> list[bytes]:
    return [hashlib.sha256(row.tobytes()).digest() for row in predictions]


def _same_predictions(entries: Sequence[Checked]) -> Iterator[Flag]:
    """Any seed of an entry that has the predictions of any seed of another, unless that has to be so."""
    owners: dict[bytes, list[tuple[Entry, SeedResult]]] = defaultdict(list)
    digests = [_digests(checked.predictions) for checked in entries]
    for checked, rows in zip(entries, digests, strict=True):
        for seed, digest in zip(checked.entry.seeds, rows, strict=True):
            owners[digest].append((checked.entry, seed))
    for checked, rows in zip(entries, digests, strict=True):
        entry = checked.entry
        found = {
            (entry_key(other), seed.seed)
            for seed, digest in zip(entry.seeds, rows, strict=True)
            for other, its in owners[digest]
            if other is not entry and not _has_to_be_same(entry, seed, other, its)
        }
        if found:
            others = tuple(sorted({key for key, _ in found}))
            seeds = sorted({seed for _, seed in found})
            message = f"it has the predictions of {_listed(others)} (seed {_listed(seeds)})"
            yield Flag(entry_key(entry), "same-predictions", message, others)


def _has_to_be_same(one: Entry, seed: SeedResult, other: Entry, its: SeedResult) -> bool:
    """Whether two baselines settled on one network: it is then trained with the same seed on the same images."""
    both_baselines = one.origin == other.origin == "baseline"
    stated = both_baselines and states_network(one) and states_network(other)
    searched_otherwise = one.method != other.method and (stated or of_one_family(one, other))
    return searched_otherwise and one.budget == other.budget and _network(seed) == _network(its)


def _network(seed: SeedResult) -> tuple[object, ...]:
    return seed.seed, *network_facts(seed), seed.augmentations, seed.parameters


def _unrelated_errors(entries: Sequence[Checked], answers: Answers) -> Iterator[Flag]:
    """Errors that have nothing to do with how difficult an image is: labels with some noise look so.

    The difficulty of an image is the mean over the other entries of the share of their seeds that get it wrong. Were an
    entry's k errors a random sample of the n images, their mean difficulty would be normal around the mean of all, with
    the variance of sampling without replacement; z is its distance in standard deviations. Whatever classifies images
    errs where others err: its z grows with sqrt(k). Asked only of entries that are better than the median other one: to
    guess at random is no leak.
    """
    wrong = [checked.predictions != answers.labels for checked in entries]  # (seeds, n) each
    shares = np.stack([each.mean(axis=0) for each in wrong])  # (entries, n)
    total, means = shares.sum(axis=0), shares.mean(axis=1)
    for number, checked in enumerate(entries):
        difficulty = (total - shares[number]) / (len(entries) - 1)
        if means[number] >= np.median(np.delete(means, number)):
            continue
        distances = [_distance(difficulty, row) for row in wrong[number]]
        low = [(seed.seed, z) for seed, z in zip(checked.entry.seeds, distances, strict=True) if z < _LEAST_Z]
        if low:
            seeds, least = _listed([seed for seed, _ in low]), min(z for _, z in low)
            message = (
                f"the errors of seed {seeds} do not fall on difficult images (z {least:.1f}, expected > {_LEAST_Z:.0f})"
            )
            yield Flag(entry_key(checked.entry), "label-leak", message)


def _distance(difficulty: NDArray[np.float64], wrong: NDArray[np.bool_]) -> float:
    """z of the mean difficulty of wrong images; infinite where nothing can be told."""
    images, errors = len(wrong), int(wrong.sum())
    spread = float(difficulty.std()) if 0 < errors < images else 0.0
    if spread == 0:
        return float("inf")
    error = spread * np.sqrt((images - errors) / (errors * (images - 1)))
    return float((difficulty[wrong].mean() - difficulty.mean()) / error)


def _implausible_jumps(entries: Sequence[Checked], answers: Answers) -> Iterator[Flag]:
    """A mean error rate below a third of the best other entry's, by ten images or more."""
    ordered = sorted(entries, key=lambda checked: -checked.score.mean)
    best, second = ordered[:2]
    images = len(answers.labels)
    errors, before = ((1 - each.score.mean) * images for each in (best, second))
    if _LARGEST_JUMP * errors < before and before - errors >= _LEAST_ERRORS:
        other = entry_key(second.entry)
        message = f"{errors / images:.2%} errors, where the best other entry, {other}, has {before / images:.2%}"
        yield Flag(entry_key(best.entry), "implausible-jump", message, (other,))


def _listed(items: Sequence[object]) -> str:
    shown = ", ".join(map(str, items[:5]))
    return shown if len(items) <= 5 else f"{shown} and {len(items) - 5} more"
