"""Results as text: Markdown tables to read, CSV to compute with."""

import csv
import io
from collections.abc import Iterable, Sequence


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, without a line end behind it."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def csv_text(lines: Iterable[Sequence[object]]) -> str:
    """Comma-separated values, the first line the names of the columns; lines end as on Unix."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
