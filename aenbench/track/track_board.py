"""The board of the track: every submission read, scored and summed up.

Submissions that are refused are named in one line each and left out; the others stand as they would without them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from aenbench.errors import EntryError
from aenbench.leaderboard.untrusted.files import absolute, shown
from aenbench.track.submission import Submission, read_submission
from aenbench.track.task_scores import TaskScores, lost_points, score_answer
from aenbench.track.tasks import tasks
from aenbench.track.track_folder import README_FILE, TRACK_FOLDER, find_submissions
from aenbench.track.truth import true_group
from gdatasets.journal import recover

ONE_GROUP = ("group", "word", "random")


@dataclass(frozen=True, eq=False)
class Scorecard:
    """A submission with all its scores. A task without an answer has the worst.

    Attributes:
        submission: what it says.
        scores: by task, of the tasks that it answers.
    """

    submission: Submission
    scores: Mapping[str, TaskScores]

    @cached_property
    def exact(self) -> int:
        """Tasks of one group, nulls left out, whose group or sharing was found exactly."""
        return sum(score.exact for _, score in self._of(ONE_GROUP))

    @cached_property
    def false_discoveries(self) -> int:
        """Nulls in which a symmetry was found."""
        return sum(not score.exact for _, score in self._of(("null",)))

    @property
    def nulls(self) -> int:
        """Nulls that were answered."""
        return len(list(self._of(("null",))))

    def mean_of(self, what: str) -> float | None:
        """Mean precision, recall or Jaccard index over all tasks of one group; None where no answer has one."""
        values = {name: getattr(score.elements, what) for name, score in self._of(ONE_GROUP) if score.elements}
        return sum(values.values()) / len(names_of(ONE_GROUP)) if values else None

    @property
    def distance(self) -> float | None:
        """Mean partition distance over the tasks of one group; None where no answer has one."""
        values = [1.0 if score.distance is None else score.distance for _, score in self._of(ONE_GROUP)]
        unanswered = len(names_of(ONE_GROUP)) - len(values)
        return (sum(values) + unanswered) / len(names_of(ONE_GROUP)) if values else None

    @property
    def auroc(self) -> float | None:
        """Mean AUROC over the tasks with candidates of both kinds, 1/2 where no confidences were given."""
        given = {name: score.auroc for name, score in self._of(ONE_GROUP) if score.auroc is not None}
        asked = [name for name in names_of(ONE_GROUP) if true_group(tasks()[name]).members]
        return float(np.mean([given.get(name, 0.5) for name in asked])) if given else None

    @property
    def lost(self) -> tuple[float, int] | None:
        """Mean points lost over the answered tasks with a table, and how many these are."""
        values = [score.lost for score in self.scores.values() if score.lost is not None]
        return (float(np.mean(values)), len(values)) if values else None

    @property
    def classes(self) -> float | None:
        values = [score.classes for _, score in self._of(("classes",)) if score.classes is not None]
        return sum(values) / len(names_of(("classes",))) if values else None

    @property
    def degrees(self) -> float | None:
        """Mean distance of the angles, 180 where a task has no answer."""
        values = [score.degrees for _, score in self._of(("angles",)) if score.degrees is not None]
        asked = len(names_of(("angles",)))
        return (sum(values) + 180 * (asked - len(values))) / asked if values else None

    @property
    def seconds(self) -> float | None:
        """Of all answers, as stated; None where one does not say."""
        values = [score.seconds for score in self.scores.values()]
        return None if None in values or not values else sum(value for value in values if value is not None)

    def _of(self, families: Iterable[str]) -> Iterator[tuple[str, TaskScores]]:
        names = names_of(tuple(families))
        return ((name, self.scores[name]) for name in names if name in self.scores)


@dataclass(frozen=True, eq=False)
class TrackBoard:
    """All submissions that can be scored, best first: by groups found exactly, mean Jaccard index, distance, name.

    Attributes:
        cards: of the submissions.
        problems: one line for each thing that was refused.
    """

    cards: tuple[Scorecard, ...]
    problems: tuple[str, ...] = ()


def names_of(families: tuple[str, ...]) -> tuple[str, ...]:
    """The tasks of these families."""
    return tuple(name for name, task in tasks().items() if task.family in families)


def score_submission(folder: Path) -> Scorecard:
    """Read and score one submission; the tables are looked for beside the track, in `../../tables`.

    Raises:
        EntryError: it is refused, with one line that names it.
    """
    if absolute(folder).parent.name != TRACK_FOLDER:
        raise EntryError(f"{shown(folder)} lies outside the track; expected {TRACK_FOLDER}/<name>.")
    submission, answers = read_submission(folder)
    tables = absolute(folder).parent.parent / "tables"
    asked = {name: task for name, task in tasks().items() if name in answers}
    scores = {name: score_answer(task, answers[name], lost_points(task, tables)) for name, task in asked.items()}
    return Scorecard(submission, scores)


def score_all(folders: Iterable[Path]) -> TrackBoard:
    """The board of these submissions, in whatever order they are given."""
    cards, problems = [], []
    for folder in folders:
        try:
            cards.append(score_submission(folder))
        except EntryError as error:
            problems.append(str(error))
    return TrackBoard(tuple(sorted(cards, key=_place)), tuple(problems))


def _place(card: Scorecard) -> tuple[float, float, float, str]:
    jaccard, distance = card.mean_of("jaccard"), card.distance
    return -card.exact, -(jaccard or 0), 1 if distance is None else distance, card.submission.name


def read_track(folder: Path) -> TrackBoard:
    """The board of a track's folder; what lies in it and is no submission is named among the problems."""
    recover(folder)
    found = find_submissions(folder)
    board = score_all(found)
    known = {path.name for path in found} | {README_FILE}
    strays = sorted(path for path in folder.iterdir() if path.name not in known and not path.name.startswith("."))
    lines = [f"{shown(path)} is no submission and no part of the track; move it away." for path in strays]
    return TrackBoard(board.cards, (*board.problems, *lines))
