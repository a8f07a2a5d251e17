"""The page: its source files and the board's data, in one file that a browser may not add anything to."""

from collections.abc import Sequence
from importlib import resources

from aenbench.leaderboard.board import Board
from aenbench.leaderboard.board_overview import Overview
from aenbench.leaderboard.site.payload import Section, payload
from aenbench.reports.page import policy_digest


def page(board: Board, sections: Sequence[Section] = (), overview: Overview | None = None) -> str:
    """The leaderboard as one HTML file; equal boards give equal bytes.

    Its Content-Security-Policy lets a browser run the page's own script and style, known by their digests, show images
    that are inside the file, and fetch nothing.
    """
    style, script = page_style(), _source("page.js") + _source("overview.js")
    digests = {"%STYLE_DIGEST%": policy_digest(style), "%SCRIPT_DIGEST%": policy_digest(script)}
    parts = digests | {"%STYLE%": style, "%SCRIPT%": script}
    html = _source("page.html")
    for mark, part in parts.items():
        html = html.replace(mark, part, 1)
    before, after = html.split("%DATA%")
    shown = (overview.matrix, overview.matrix_marks, overview.sizes) if overview else ()
    return before + payload(board, sections, *shown) + after


def page_style() -> str:
    """The CSS of the page, for other pages that are to look like it; light and dark, and fit for phones."""
    return _source("page.css")


def _source(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
