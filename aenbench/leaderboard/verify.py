"""All that can be wrong with the entries of a board, in lines: what `aenbench verify` says."""

from pathlib import Path

from aenbench.errors import EntryError
from aenbench.leaderboard.anomalies import find_flags
from aenbench.leaderboard.entry_folder import find_entries, sort_into_boards
from aenbench.leaderboard.flags import read_reviews, stale_reviews
from aenbench.leaderboard.ground_truth import AnswerBook
from aenbench.leaderboard.rescoring import Checked, check_entries
from aenbench.leaderboard.strays import find_strays
from aenbench.leaderboard.untrusted.files import absolute
from aenbench.tasks.task import Root


def verify(base: Path, root: Root = None) -> tuple[list[Path], list[str]]:
    """Recompute every entry at or below a folder, check the records of reproductions, and look for what is suspicious.

    Flags that the board's `reviews.json` acknowledges are passed over. Entries are compared with those that are looked
    at only, so a whole board can show more than its parts do.

    Returns:
        The entries looked at, and one line for each thing that is wrong with them.
    """
    folders = find_entries(base)
    boards, problems = sort_into_boards(base, folders)
    for board, its_folders in boards.items():
        book = AnswerBook(root)
        entries, found = check_entries(its_folders, book)
        problems += found
        for checked in entries:
            assert checked.shown is not None, "an entry without differences is shown"
            problems += [f"{checked.folder}: {problem}" for problem in checked.shown.trust.problems]
        problems += _suspicions(board, entries, book, is_whole=board == absolute(base) and not found)
    return folders, problems + find_strays(base, folders)


def _suspicions(board: Path, entries: list[Checked], book: AnswerBook, is_whole: bool) -> list[str]:
    """Flags that nobody has acknowledged, and acknowledgements of nothing: those only a whole board can tell."""
    try:
        reviews = read_reviews(board)
    except EntryError as error:
        return [str(error)]
    flags = find_flags(entries, book, reviews)
    return [str(flag) for flag in flags if flag.reason is None] + (stale_reviews(flags, reviews) if is_whole else [])
