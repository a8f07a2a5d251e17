"""The page: its three source files and the board's data, in one file that a browser may not add anything to."""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources

from aenbench.leaderboard.board import Board
from aenbench.leaderboard.site.payload import Section, payload


def page(board: Board, sections: Sequence[Section] = ()) -> str:
    """The leaderboard as one HTML file; equal boards give equal bytes.

    Its Content-Security-Policy lets a browser run the page's own script and style, known by their digests, show images
    that are inside the file, and fetch nothing.
    """
    style, script = _source("page.css"), _source("page.js")
    parts = {"%STYLE_DIGEST%": _digest(style), "%SCRIPT_DIGEST%": _digest(script), "%STYLE%": style, "%SCRIPT%": script}
    html = _source("page.html")
    for mark, part in parts.items():
        html = html.replace(mark, part, 1)
    before, after = html.split("%DATA%")
    return before + payload(board, sections) + after


def _source(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
