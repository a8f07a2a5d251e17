"""Everything that is known about the entries of a leaderboards folder, read and computed once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aenbench.errors import EntryError
from aenbench.leaderboard.anomalies import find_flags
from aenbench.leaderboard.entry import Entry
from aenbench.leaderboard.entry_folder import find_entries, read_logits, read_moved
from aenbench.leaderboard.flags import Flag, entry_key, read_reviews
from aenbench.leaderboard.ground_truth import AnswerBook, Answers
from aenbench.leaderboard.reproduction import Trust, trust_of
from aenbench.leaderboard.rescoring import Checked, check_entry
from aenbench.leaderboard.search_curves import Point, read_progress
from aenbench.scoring import Details, Scored, detail
from aenbench.scoring.ranking import Rank, rank
from aenbench.scoring.scores import Evidence, tabled
from aenbench.tasks.task import Root, Task


@dataclass(frozen=True, eq=False)
class Row:
    """An entry among the others of its task.

    Attributes:
        folder: where it lies.
        entry: what it says, which agrees with its predictions.
        score: by its predictions.
        scores: those that the tables show, by name; None where the entry does not keep what one needs.
        details: accuracy by class and by how images were moved, calibration where there are logits, and invariance
            where there are predictions for moved images.
        rank: 1 + the number of entries that are significantly better.
        shared: whether another entry has the same rank.
        tied: names of the entries that cannot be told apart from it.
        progress: of the search of each seed, where there was one.
        trust: how far it can be trusted.
        flags: what looks wrong with it.
    """

    folder: Path
    entry: Entry
    score: Scored
    scores: Mapping[str, Scored | None]
    details: Details
    rank: int
    shared: bool
    tied: tuple[str, ...]
    progress: Mapping[int, Sequence[Point]]
    trust: Trust
    flags: tuple[Flag, ...]

    @property
    def place(self) -> str:
        """The rank as it is shown: `2=` where it is shared."""
        return f"{self.rank}{'=' if self.shared else ''}"


@dataclass(frozen=True, eq=False)
class Standing:
    """The entries of one task, which are compared with each other and with no other.

    Attributes:
        task: the task.
        answers: its test images.
        rows: its entries, by rank, then accuracy, then name.
    """

    task: Task
    answers: Answers
    rows: tuple[Row, ...]


@dataclass(frozen=True, eq=False)
class Board:
    """All entries, by task: the tasks in the order of their dataset, configuration and protocol, `standard` first."""

    standings: tuple[Standing, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for standing in self.standings for row in standing.rows)


def read_board(base: Path, root: Root = None) -> Board:
    """Recompute every entry below a folder; linear in their number but for the comparison of the pairs of a task.

    Raises:
        EntryError: an entry is malformed, or says something else than its predictions.
        SourceError: a dataset's source is not at hand.
    """
    book = AnswerBook(root)
    entries = [_agreeing(folder, book) for folder in find_entries(base)]
    flags: dict[str, list[Flag]] = {}
    for flag in find_flags(entries, book, read_reviews(base)):
        flags.setdefault(flag.key, []).append(flag)
    tasks: dict[Task, list[Checked]] = {}
    for checked in entries:
        tasks.setdefault(checked.entry.task, []).append(checked)
    return Board(tuple(_standing(task, tasks[task], book.of(task), flags) for task in sorted(tasks, key=_order)))


def _agreeing(folder: Path, book: AnswerBook) -> Checked:
    """An entry that says what its predictions give; raises EntryError for others."""
    checked = check_entry(folder, book)
    if checked.differences:
        raise EntryError(f"{folder}: {'; '.join(checked.differences)}.")
    return checked


def _order(task: Task) -> tuple[str, str, bool, str]:
    return task.dataset, task.configuration, not task.protocol.is_default, task.protocol.name


def _standing(
    task: Task, entries: Sequence[Checked], answers: Answers, flags: Mapping[str, Sequence[Flag]]
) -> Standing:
    by_name = {checked.entry.name: checked for checked in entries}
    ranks = rank([(name, checked.predictions) for name, checked in by_name.items()], answers.labels)
    taken = Counter(place.rank for place in ranks)
    rows = (_row(by_name[place.name], place, taken[place.rank] > 1, answers, flags) for place in ranks)
    return Standing(task, answers, tuple(rows))


def _row(checked: Checked, place: Rank, shared: bool, answers: Answers, flags: Mapping[str, Sequence[Flag]]) -> Row:
    entry, predictions, classes = checked.entry, checked.predictions, answers.dataset.classes
    logits = read_logits(checked.folder, entry, predictions, len(classes))
    moved = read_moved(checked.folder, entry, predictions, len(classes))
    evidence = Evidence(predictions, answers.labels, logits, moved)
    return Row(
        folder=checked.folder,
        entry=entry,
        score=checked.score,
        scores={name: each.function(evidence) for name, each in tabled().items()},
        details=detail(predictions, answers.labels, classes, answers.facets, logits, moved),
        rank=place.rank,
        shared=shared,
        tied=place.tied,
        progress=read_progress(checked.folder),
        trust=trust_of(checked.folder, entry, predictions, answers.labels),
        flags=tuple(flags.get(entry_key(entry), ())),
    )
