"""A report of headings, sentences, tables, pictures and code, as Markdown and as one HTML file that loads nothing."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from aenbench.reports.markdown import markdown_table


@dataclass(frozen=True)
class Heading:
    """The beginning of a section."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Sentences; of plain text, which stays text. The first of a report is its answer."""

    text: str


@dataclass(frozen=True)
class Table:
    """Cells of plain text; columns after the first whose cells all begin with a digit or a sign are set as numbers."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A PNG file: its name beside the Markdown, what is on it in words, and its bytes."""

    file: str
    text: str
    content: bytes


@dataclass(frozen=True)
class Code:
    """Lines to copy."""

    text: str
    language: str


Part = Heading | Paragraph | Table | Picture | Code


def to_markdown(title: str, parts: Sequence[Part]) -> str:
    """The report as Markdown; pictures are files beside it."""
    return "\n\n".join([f"# {_plain(title)}", *map(_markdown, parts)]) + "\n"


def to_html(title: str, parts: Sequence[Part], style: str, note: str) -> str:
    """The report as one HTML file, pictures inside.

    Its Content-Security-Policy lets a browser apply the one style, known by its digest, show the pictures, and do
    nothing else.

    Args:
        title: of the page.
        parts: the first one, a paragraph, stands below the title.
        style: CSS that knows the classes `top`, `intro`, `prose`, `rows`, `scroll`, `number`, `picture` and `bottom`.
        note: the last line.
    """
    policy = (
        f"default-src 'none'; style-src '{policy_digest(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    first, *rest = parts
    assert isinstance(first, Paragraph)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<div class="intro">
<h1>{escape(title)}</h1>
<p>{escape(first.text)}</p>
</div>
{chr(10).join(map(_html, rest))}
</main>
<footer class="bottom">
<p>{escape(note)}</p>
</footer>
</body>
</html>
"""


def policy_digest(text: str) -> str:
    """How a Content-Security-Policy names a style or script of a page."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _markdown(part: Part) -> str:
    if isinstance(part, Heading):
        return f"## {_plain(part.text)}"
    if isinstance(part, Paragraph):
        return _plain(part.text)
    if isinstance(part, Table):
        return markdown_table(
            [_plain(each) for each in part.headings], [[_plain(each) for each in row] for row in part.rows]
        )
    if isinstance(part, Picture):
        return f"![{_plain(part.text)}]({part.file})"
    fence = "`" * (1 + max(2, *map(len, re.findall("`+", part.text)), 2))
    return f"{fence}{part.language}\n{part.text}\n{fence}"


_MARKS = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def _plain(text: str) -> str:
    """Markdown that shows this text, in a table's cell too; only marks within a line are taken care of."""
    return re.sub(r"[\\`*_\[\]<>&|~]", lambda mark: _MARKS.get(mark[0], f"\\{mark[0]}"), " ".join(text.split()))


def _html(part: Part) -> str:
    if isinstance(part, Heading):
        return f'<h2 class="task">{escape(part.text)}</h2>'
    if isinstance(part, Paragraph):
        return f'<p class="prose">{escape(part.text)}</p>'
    if isinstance(part, Table):
        return _html_table(part)
    if isinstance(part, Picture):
        source = f"data:image/png;base64,{base64.b64encode(part.content).decode('ascii')}"
        return f'<p class="prose"><img class="picture" alt="{escape(part.text)}" src="{source}"></p>'
    return f"<pre>{escape(part.text)}</pre>"


def _html_table(table: Table) -> str:
    numbers = [bool(column) and all(re.match(r"[-+–0-9]", cell) for cell in column[1:]) for column in _columns(table)]
    kinds = [' class="number"' if number and place else "" for place, number in enumerate(numbers)]
    head = "".join(
        f'<th scope="col"{kind}>{escape(cell)}</th>' for kind, cell in zip(kinds, table.headings, strict=True)
    )
    lines = []
    for row in table.rows:
        first, *cells = row
        rest = "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds[1:], cells, strict=True))
        lines.append(f'<tr><th scope="row">{escape(first)}</th>{rest}</tr>')
    body = "\n".join(lines)
    label = escape(f"Table of {table.headings[0]}")
    return (
        f'<div class="rows"><div class="scroll" tabindex="0" role="region" aria-label="{label}"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div></div>"
    )


def _columns(table: Table) -> list[tuple[str, ...]]:
    """Each with its heading."""
    return list(zip(table.headings, *table.rows, strict=True))
