"""Everything that is known about the entries of a leaderboards folder, read and computed once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aenbench.leaderboard.anomalies import find_flags
from aenbench.leaderboard.entry import Entry
from aenbench.leaderboard.entry_folder import find_entries, sort_into_boards
from aenbench.leaderboard.flags import Flag, entry_key, read_reviews
from aenbench.leaderboard.ground_truth import AnswerBook, Answers
from aenbench.leaderboard.rescoring import Checked, Shown, check_entries
from aenbench.scoring import Scored
from aenbench.scoring.ranking import Rank, rank
from aenbench.tasks.task import Root, Task


@dataclass(frozen=True, eq=False)
class Row:
    """An entry among the others of its task.

    Attributes:
        entry: what it says, which agrees with what was found.
        score: by its predictions.
        shown: what else was computed of it alone.
        rank: 1 + the number of entries that are significantly better.
        is_shared: whether another entry has the same rank.
        tied: names of the entries that cannot be told apart from it.
        flags: what looks wrong with it.
    """

    entry: Entry
    score: Scored
    shown: Shown
    rank: int
    is_shared: bool
    tied: tuple[str, ...]
    flags: tuple[Flag, ...]

    @property
    def place(self) -> str:
        """The rank as it is shown: `2=` where it is shared."""
        return f"{self.rank}{'=' if self.is_shared else ''}"

    @property
    def lacks_history(self) -> bool:
        """Whether `aenbench run` made it without a `history.csv`, as versions did that trained for shorter."""
        return not self.shown.training and self.entry.origin != "submission"


@dataclass(frozen=True, eq=False)
class Standing:
    """The entries of one task and track, which are compared with each other and with no other.

    Attributes:
        task: the task.
        answers: its test images.
        rows: its entries, by rank, then accuracy, then name.
        is_open: whether they are those of the open track, whose recipes their authors chose.
    """

    task: Task
    answers: Answers
    rows: tuple[Row, ...]
    is_open: bool = False


@dataclass(frozen=True, eq=False)
class Board:
    """All entries that verify, by task: by dataset, configuration and protocol, `standard` first; then the open track.

    Attributes:
        standings: of the tasks.
        problems: one line for each thing that is wrong with an entry that was left out.
    """

    standings: tuple[Standing, ...]
    problems: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for standing in self.standings for row in standing.rows)


def read_board(base: Path, root: Root = None) -> Board:
    """Recompute every entry below a folder; linear in their number but for the comparison of the pairs of a task.

    Entries that are malformed, state something else than was found, or are about images that are not available are left
    out, and the others stand as they would without them.

    Raises:
        EntryError: there is no entry, or `reviews.json` is malformed.
    """
    book = AnswerBook(root)
    boards, strays = sort_into_boards(base, find_entries(base))
    entries, problems = check_entries([folder for folders in boards.values() for folder in folders], book)
    flags: dict[str, list[Flag]] = {}
    for flag in find_flags(entries, book, read_reviews(base)):
        flags.setdefault(flag.key, []).append(flag)
    tracks: dict[tuple[Task, bool], list[Checked]] = {}
    for checked in entries:
        tracks.setdefault((checked.entry.task, checked.entry.open_recipe is not None), []).append(checked)
    standings = [
        _standing(task, is_open, tracks[task, is_open], book.of(task), flags)
        for task, is_open in sorted(tracks, key=_order)
    ]
    return Board(tuple(standings), (*strays, *problems))


def _order(track: tuple[Task, bool]) -> tuple[str, str, bool, str, bool]:
    task, is_open = track
    return task.dataset, task.configuration, not task.protocol.is_default, task.protocol.name, is_open


def _standing(
    task: Task, is_open: bool, entries: Sequence[Checked], answers: Answers, flags: Mapping[str, Sequence[Flag]]
) -> Standing:
    by_name = {checked.entry.name: checked for checked in entries}
    ranks = rank([(name, checked.predictions) for name, checked in by_name.items()], answers.labels)
    taken = Counter(place.rank for place in ranks)
    rows = tuple(_row(by_name[each.name], each, taken[each.rank] > 1, flags) for each in ranks)
    return Standing(task, answers, rows, is_open)


def _row(checked: Checked, place: Rank, is_shared: bool, flags: Mapping[str, Sequence[Flag]]) -> Row:
    assert checked.shown is not None, "an entry without differences is shown"
    found = tuple(flags.get(entry_key(checked.entry), ()))
    return Row(checked.entry, checked.score, checked.shown, place.rank, is_shared, place.tied, found)
