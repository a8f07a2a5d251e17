"""What looks wrong with entries though their numbers add up; a person has to look, and nothing is accepted in silence.

Each detector has a code, `aenbench.leaderboard.flags.FlagCode`. Copies are found in `near_copies`; errors that
have nothing, or too much, to do with how difficult an image is in `difficulty`; fewer errors than labels and published
results let one expect in `error_floors`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from aenbench.leaderboard.difficulty import find_leaks
from aenbench.leaderboard.error_floors import find_too_few_errors
from aenbench.leaderboard.flags import Flag, FlagCode, entry_key, listed
from aenbench.leaderboard.ground_truth import AnswerBook, Answers
from aenbench.leaderboard.methods import method_problem
from aenbench.leaderboard.near_copies import find_copies, row_digests
from aenbench.leaderboard.rescoring import Checked
from aenbench.tasks.task import Task

_GRID_TOLERANCE = 1e-6  # images


def find_flags(
    entries: Sequence[Checked], book: AnswerBook, reviews: Mapping[str, Mapping[FlagCode, str]] | None = None
) -> list[Flag]:
    """What looks wrong, in the order of the entries; flags that were acknowledged carry the reason.

    Entries are compared within their task: dataset, configuration and protocol, each with each other.

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
        found += [*find_copies(of_task, answers), *find_leaks(of_task, answers)]
    place = {entry_key(checked.entry): number for number, checked in enumerate(entries)}
    known = reviews or {}
    flags = [replace(flag, reason=known.get(flag.key, {}).get(flag.code)) for flag in found]
    return sorted(flags, key=lambda flag: (place[flag.key], flag.code))


def _flags_of_one(checked: Checked, answers: Answers) -> Iterator[Flag]:
    """What an entry shows without the others."""
    entry, labels, key = checked.entry, answers.labels, entry_key(checked.entry)
    if problem := method_problem(entry.method, entry.origin):
        yield Flag(key, "unknown-method", f"{problem}; a family of one's own is named by its import path")
    if entry.test_content_sha256 != answers.digest:
        yield Flag(key, "wrong-digest", "test_content_sha256 is not the pinned one; its images may be others")
    counts = [(seed.seed, seed.accuracy * len(labels)) for seed in entry.seeds]
    off = [seed for seed, count in counts if abs(count - round(count)) > _GRID_TOLERANCE]
    if off:
        yield Flag(key, "off-grid", f"no count of {len(labels):,} images gives the accuracy of seed {listed(off)}")
    numbers = [seed.seed for seed in entry.seeds]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    same = [numbers[second] for _, second in _equal_rows(checked.predictions)]
    if twice or same:
        what = f"number {listed(twice)}" if twice else f"seed {listed(same)} has the predictions of an earlier one"
        yield Flag(key, "repeated-seed", f"a seed is there twice: {what}")
    right = (checked.predictions == labels).all(axis=1)
    perfect = [seed.seed for seed, is_right in zip(entry.seeds, right, strict=True) if is_right]
    if perfect:
        yield Flag(key, "label-leak", f"the predictions of seed {listed(perfect)} are the labels")
    yield from find_too_few_errors(checked, answers)


def _equal_rows(predictions: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """(first, later) numbers of rows that are equal."""
    first: dict[bytes, int] = {}
    digests = enumerate(row_digests(predictions))
    return [(first[each], row) for row, each in digests if each is not None and first.setdefault(each, row) != row]
