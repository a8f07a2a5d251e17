"""All that can be wrong with the entries of a board, in lines: what `aenbench verify` says."""

from collections import defaultdict
from pathlib import Path

from aenbench.errors import EntryError
from aenbench.leaderboard.anomalies import find_flags, read_reviews, stale_reviews
from aenbench.leaderboard.entry_folder import find_entries
from aenbench.leaderboard.ground_truth import AnswerBook
from aenbench.leaderboard.reproduction import trust_of
from aenbench.leaderboard.rescoring import Checked, check_entry
from aenbench.leaderboard.strays import find_strays
from aenbench.leaderboard.untrusted.files import absolute
from aenbench.tasks.task import Root
from gdatasets.errors import GDatasetsError


def verify(base: Path, root: Root = None) -> tuple[list[Path], list[str]]:
    """Recompute every entry at or below a folder, check the records of reproductions, and look for what is suspicious.

    Flags that the board's `reviews.json` acknowledges are passed over. Entries are compared with those that are looked
    at only, so a whole board can show more than its parts do.

    Returns:
        The entries looked at, and one line for each thing that is wrong with them.
    """
    folders, book = find_entries(base), AnswerBook(root)
    boards: dict[Path, list[Checked]] = defaultdict(list)
    problems: list[str] = []
    for folder in folders:
        try:
            checked = check_entry(folder, book)
            trust = trust_of(folder, checked.entry, checked.predictions, book.of(checked.entry.task).labels)
        except EntryError as error:
            problems.append(str(error))
        except GDatasetsError as error:
            problems.append(f"{folder}: {error}")
        else:
            problems += [f"{folder}: {problem}" for problem in (*checked.differences, *trust.problems)]
            boards[_board(folder)].append(checked)
    for board, entries in boards.items():
        problems += _suspicions(board, entries, book, is_whole=board == absolute(base))
    return folders, problems + find_strays(base, folders)


def _suspicions(board: Path, entries: list[Checked], book: AnswerBook, is_whole: bool) -> list[str]:
    """Flags that nobody has acknowledged, and acknowledgements of nothing: those only a whole board can tell."""
    try:
        reviews = read_reviews(board)
    except EntryError as error:
        return [str(error)]
    flags = find_flags(entries, book, reviews)
    return [str(flag) for flag in flags if flag.reason is None] + (stale_reviews(flags, reviews) if is_whole else [])


def _board(folder: Path) -> Path:
    """The folder above an entry's dataset."""
    return absolute(folder / "../../..")
