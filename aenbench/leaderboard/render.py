"""The files of a leaderboards folder that are made from its entries, written together or not at all.

leaderboards/
├── README.md             the tables
├── index.html            the page
├── results.json          every number of both, a row for each task, entry and seed
├── results.parquet       the same
├── entry.schema.json     what an `entry.json` may hold
└── <dataset>/<configuration>/answers.json    of datasets that cannot be fetched
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.board_overview import overview_of
from aenbench.leaderboard.entry import json_schema
from aenbench.leaderboard.ground_truth import ANSWERS_FILE, can_be_fetched, make_sheet
from aenbench.leaderboard.markdown import render
from aenbench.leaderboard.results import collect
from aenbench.leaderboard.results_files import (
    RESULTS_JSON,
    RESULTS_PARQUET,
    encode_json,
    encode_parquet,
    parquet_holds,
)
from aenbench.leaderboard.site.payload import Section
from aenbench.leaderboard.site.render import page
from aenbench.leaderboard.verdict_section import verdict_section
from aenbench.tasks.task import Root
from gdatasets.files import holds
from gdatasets.journal import recover, replace_files


def generate(
    base: Path, root: Root = None, sections: Sequence[Section] = ()
) -> tuple[Mapping[str, bytes], tuple[str, ...]]:
    """The generated files of the entries that verify; equal entries give equal bytes.

    Args:
        base: the folder.
        root: a folder to look for the datasets' sources in first.
        sections: of the page, that are made elsewhere.

    Returns:
        Contents by name, none where no entry verifies; and one line for each thing that is wrong with an entry that
        was left out, as `verify` says it.

    Raises:
        EntryError: there is no entry, or `reviews.json` is malformed.
    """
    board = read_board(base, root)
    if not board.standings:
        return {}, board.problems
    results = collect(board, base)
    overview = overview_of(board)
    sections = [*verdict_section(overview.verdict, overview.verdict_marks), *sections]
    texts = {
        "README.md": render(board, overview.start_markdown, overview.task_markdown),
        "index.html": page(board, sections, overview),
        "entry.schema.json": json_schema(),
    }
    sheets = {
        f"{standing.task.dataset}/{standing.task.configuration}/{ANSWERS_FILE}": make_sheet(standing.answers.dataset)
        for standing in board.standings
        if not can_be_fetched(standing.task.dataset)
    }
    data = {RESULTS_JSON: encode_json(results), RESULTS_PARQUET: encode_parquet(results)}
    return {**{name: text.encode() for name, text in texts.items()}, **data, **sheets}, board.problems


def write_generated(
    base: Path, root: Root = None, sections: Sequence[Section] = ()
) -> tuple[list[Path], tuple[str, ...]]:
    """Write them, all or none, once all of them could be made; raises as `generate` does, and OutputError.

    Returns:
        The files, and the problems that `generate` found.
    """
    contents, problems = generate(base, root, sections)
    if contents:
        replace_files(base, "leaderboard", contents)
    return [base / name for name in contents], problems


def drifted(base: Path, root: Root = None, sections: Sequence[Section] = ()) -> tuple[list[Path], tuple[str, ...]]:
    """Those that are missing or not what the entries give, and the problems; raises as `generate` does."""
    recover(base)
    contents, problems = generate(base, root, sections)
    return [base / name for name, content in contents.items() if not _is_there(base / name, content)], problems


def _is_there(path: Path, content: bytes) -> bool:
    """Whether a file says this; Parquet in the bytes of any version of its library."""
    return holds(path, content) or (path.name == RESULTS_PARQUET and parquet_holds(path, content))
