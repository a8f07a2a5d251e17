"""The files of a leaderboards folder that are made from its entries, written together or not at all.

leaderboards/
├── README.md             the tables
├── index.html            the page
├── entry.schema.json     what an `entry.json` may hold
└── <dataset>/<configuration>/answers.json    of datasets that cannot be fetched
"""

from collections.abc import Mapping
from pathlib import Path

from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.entry import json_schema
from aenbench.leaderboard.ground_truth import ANSWERS_FILE, can_be_fetched, make_sheet
from aenbench.leaderboard.markdown import render
from aenbench.leaderboard.site.render import page
from aenbench.tasks.task import Root
from gdatasets.files import read_whole
from gdatasets.journal import recover, replace_files


def generate(base: Path, root: Root = None) -> Mapping[str, bytes]:
    """The contents of every generated file, by name; equal entries give equal bytes.

    Raises:
        EntryError: an entry is malformed, or says something else than its predictions.
        SourceError: a dataset's source is not at hand.
    """
    board = read_board(base, root)
    texts = {"README.md": render(board), "index.html": page(board), "entry.schema.json": json_schema()}
    sheets = {
        f"{standing.task.dataset}/{standing.task.configuration}/{ANSWERS_FILE}": make_sheet(standing.answers.dataset)
        for standing in board.standings
        if not can_be_fetched(standing.task.dataset)
    }
    return {**{name: text.encode() for name, text in texts.items()}, **sheets}


def write_generated(base: Path, root: Root = None) -> list[Path]:
    """Write them, all or none, once all of them could be made; raises as `generate` does, and OutputError.

    Returns:
        The files.
    """
    contents = generate(base, root)
    replace_files(base, "leaderboard", contents)
    return [base / name for name in contents]


def drifted(base: Path, root: Root = None) -> list[Path]:
    """Those that are missing or not what the entries give; raises as `generate` does."""
    recover(base)
    return [base / name for name, content in generate(base, root).items() if not _holds(base / name, content)]


def _holds(path: Path, content: bytes) -> bool:
    try:
        return read_whole(path, len(content)) == content
    except OSError:
        return False
