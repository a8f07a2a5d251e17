"""All that can be wrong with the entries of a board, in lines: what `aenbench verify` says."""

from pathlib import Path

from aenbench.errors import EntryError, WeightsError
from aenbench.leaderboard.anomalies import find_flags
from aenbench.leaderboard.entry_folder import find_entries, read_description, read_entry, sort_into_boards
from aenbench.leaderboard.flags import read_reviews, stale_reviews
from aenbench.leaderboard.ground_truth import AnswerBook
from aenbench.leaderboard.rescoring import Checked, check_entries
from aenbench.leaderboard.saved_models import WeightsFolder, differences, has_weights
from aenbench.leaderboard.strays import find_strays
from aenbench.leaderboard.untrusted.files import absolute
from aenbench.tasks.images import Images
from aenbench.tasks.task import Root
from gdatasets.errors import GDatasetsError


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


def verify_weights(base: Path, weights: Path, root: Root = None) -> tuple[int, list[str]]:
    """Whether the weights in a folder load and predict what the entries at or below another one hold.

    Args:
        base: of the entries, which `verify` has looked at.
        weights: a folder as `aenbench run --weights` writes it; entries that have none there are passed over.
        root: a folder to look for the datasets' sources in first.

    Returns:
        How many networks were compared, and one line for each thing that is wrong with one.

    Raises:
        WeightsError: there is no such folder.
    """
    if not weights.is_dir():
        raise WeightsError(f"{weights} is not a folder; name one that `aenbench run --weights` wrote.")
    place, compared, problems = WeightsFolder(weights), 0, []
    for folder in find_entries(base):
        try:
            entry = read_description(folder)
            if has_weights(weights, entry):
                images = Images(entry.task, root)
                count, wrong = differences(entry, read_entry(folder, root, images)[1], place, images)
                compared += count
                problems += [f"{folder}: {line}" for line in wrong]
        except GDatasetsError as error:
            problems.append(f"{folder}: {error}")
    return compared, problems


def _suspicions(board: Path, entries: list[Checked], book: AnswerBook, is_whole: bool) -> list[str]:
    """Flags that nobody has acknowledged, and acknowledgements of nothing: those only a whole board can tell."""
    try:
        reviews = read_reviews(board)
    except EntryError as error:
        return [str(error)]
    flags = find_flags(entries, book, reviews)
    return [str(flag) for flag in flags if flag.reason is None] + (stale_reviews(flags, reviews) if is_whole else [])
