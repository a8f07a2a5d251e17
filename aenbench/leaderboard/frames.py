"""A board, its predictions and its trainings as pandas data frames; pandas is imported when one is asked for."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aenbench.errors import EntryError
from aenbench.leaderboard.entry_folder import entry_folder, find_entries, read_contents
from aenbench.leaderboard.results import Results, columns
from aenbench.leaderboard.results_files import RESULTS_JSON, read_json
from aenbench.leaderboard.untrusted.text import printable
from aenbench.tasks.task import Root
from gdatasets.errors import HubError

if TYPE_CHECKING:
    import pandas as pd

LEADERBOARDS = "leaderboards"
"""Where a board is looked for by default, from the working directory."""

_MOST_NAMED = 10  # entries in a warning


def load_leaderboard(
    path_or_hub: Path | str = LEADERBOARDS, revision: str = "main", recompute: bool = False, root: Root = None
) -> "pd.DataFrame":
    """A board as a data frame: a row for each task, entry and seed, with every number that the board shows of it.

    Where `results.json` beside the page was made of exactly the entries that are there, by their digests, its rows are
    taken: that needs no image and no network. Otherwise every entry is recomputed, as `aenbench verify` does. A file
    alone (a `results.json`, a folder without entries, a repository) is taken at its word.

    Entries that do not verify have no rows. One UserWarning names them, and why.

    Args:
        path_or_hub: a folder of entries, a `results.json`, or a dataset repository on the Hub, `owner/name`, which is
            asked where no such path exists.
        revision: of the repository.
        recompute: do not take the rows of a file.
        root: a folder to look for the datasets' sources in first, where entries are recomputed.

    Returns:
        The columns of docs/leaderboard.md, by task, rank and seed. `stated` names those that nobody recomputed.

    Raises:
        EntryError: there is no such board, or its `results.json` is malformed.
        HubError: the Hub is there, but failed.
    """
    import pandas as pd

    results = load_results(path_or_hub, revision, recompute, root)
    if results.problems:
        warnings.warn(_left_out(results.problems), UserWarning, stacklevel=2)
    rows = results.rows
    kinds = {str: "str", int: "int64", float: "float64", bool: "boolean"}
    values: Mapping[str, Any] = {
        each.name: pd.Series([row[each.name] for row in rows], dtype="Int64" if each.is_optional else kinds[each.kind])
        for each in columns()
    }
    return pd.DataFrame(values)


def load_results(
    path_or_hub: Path | str = LEADERBOARDS, revision: str = "main", recompute: bool = False, root: Root = None
) -> Results:
    """As `load_leaderboard`, without pandas and without a warning: `Results.problems` says what was left out."""
    base = Path(path_or_hub)
    if base.is_file():
        return read_json(base)
    if not base.is_dir():
        return read_json(_from_hub(str(path_or_hub), revision))
    file = base / RESULTS_JSON
    try:
        folders = find_entries(base)
    except EntryError:
        if not file.is_file() or recompute:
            raise
        return read_json(file)
    if not recompute and file.is_file() and (found := _read_ours(file)) and found.fits(base, folders):
        return found
    from aenbench.leaderboard.board import read_board
    from aenbench.leaderboard.results import collect

    return collect(read_board(base, root), base)


def _left_out(problems: Sequence[str]) -> str:
    """One line about entries that do not verify: the first of them, each with its reason."""
    more = len(problems) - _MOST_NAMED
    reasons = [printable(problem, 300).removesuffix(".") for problem in problems[:_MOST_NAMED]]
    named = [*reasons, *([f"and {more} more"] if more > 0 else [])]
    return f"Left out, because they do not verify: {'; '.join(named)}. Run `aenbench verify`."


def _read_ours(file: Path) -> Results | None:
    """The results beside entries; None where they are of another version of this package, or damaged."""
    try:
        return read_json(file)
    except EntryError:
        return None


def _from_hub(repository: str, revision: str) -> Path:
    """The `results.json` of a repository on the Hub, in the cache of this machine."""
    from huggingface_hub.errors import RepositoryNotFoundError

    from gdatasets.hub.client import Hub

    if repository.count("/") != 1 or repository.startswith((".", "/")):
        raise EntryError(f"{repository} does not exist; name a folder of entries, a {RESULTS_JSON}, or owner/name.")
    hub = Hub(repository)
    if not hub.is_reachable():
        raise EntryError(f"{repository} does not exist, and the Hub cannot be reached ({hub.url}); name a folder.")
    try:
        return hub.download(RESULTS_JSON, revision)
    except RepositoryNotFoundError as error:
        raise EntryError(f"{repository} does not exist, neither here nor on the Hub ({hub.url}).") from error
    except HubError as error:
        raise HubError(f"{repository} does not exist here. {error}") from error


def load_predictions(
    dataset: str, configuration: str, entry: str, path: Path | str = LEADERBOARDS, root: Root = None
) -> "pd.DataFrame":
    """What the networks of an entry predicted: a row for each test image, in dataset order.

    Args:
        dataset: such as `g-mnist`.
        configuration: such as `aug2`.
        entry: its name, such as `aen`.
        path: the folder of entries.
        root: a folder to look for the dataset's source in first.

    Returns:
        Class numbers, uint8: `label`, the truth, then a column for each seed, called by its number.

    Raises:
        EntryError: there is no such entry, or it is malformed.
        SourceError: the dataset's source is not on this machine.
    """
    import pandas as pd

    from aenbench.leaderboard.entry_folder import read_description
    from aenbench.leaderboard.ground_truth import AnswerBook

    folder = entry_folder(Path(path), dataset, configuration, entry)
    answers = AnswerBook(root).of(read_description(folder).task, folder.parent)
    contents = read_contents(folder, root, answers.images)
    seeds: dict[str | int, Any] = {
        seed.seed: row for seed, row in zip(contents.entry.seeds, contents.predictions, strict=True)
    }
    return pd.DataFrame({"label": answers.labels.astype("uint8"), **seeds}).rename_axis(index="image")


def load_history(dataset: str, configuration: str, entry: str, path: Path | str = LEADERBOARDS) -> "pd.DataFrame":
    """How the final trainings of an entry went, as its authors state it: a row for each seed and pass.

    Args:
        dataset: such as `g-mnist`.
        configuration: such as `aug2`.
        entry: its name, such as `aen`.
        path: the folder of entries.

    Returns:
        `seed`, `pass` (counted from 1), `loss` (mean of the pass), `accuracy` (0..1, on the images that choices are
        made by, after the pass) and `rate` (learning rate); no row where the entry keeps no history.

    Raises:
        EntryError: there is no such entry, or its `history.csv` is malformed.
    """
    import pandas as pd

    from aenbench.leaderboard.entry_folder import check_files
    from aenbench.leaderboard.training_curves import read_history

    folder = entry_folder(Path(path), dataset, configuration, entry)
    check_files(folder)
    rows = [
        (seed, number, *each)
        for seed, passes in read_history(folder).items()
        for number, each in enumerate(passes, start=1)
    ]
    names = {"seed": "int64", "pass": "int64", "loss": "float64", "accuracy": "float64", "rate": "float64"}
    return pd.DataFrame(rows, columns=list(names)).astype(names)
