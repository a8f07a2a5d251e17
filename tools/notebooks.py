"""The notebooks of docs/tutorials as Markdown: what the site shows, and what the tests run."""

import json
import re
from pathlib import Path

FENCED = {"markdown": "{}\n", "code": "```python\n{}\n```\n"}


def notebook_markdown(path: Path) -> str:
    """The cells of a notebook, in order: text as it is, code as fenced blocks."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join(FENCED[cell["cell_type"]].format("".join(cell["source"])) for cell in cells)


def notebook_page(path: Path) -> str:
    """The same as a page of the site: below the title, where to get the notebook."""
    title, rest = notebook_markdown(path).split("\n", 1)
    return f"{title}\n\n[Download this notebook](<{path.name}>){{ .md-button download }}\n{rest}"


def lead_to_pages(markdown: str) -> str:
    """Links to notebooks lead to their pages, except where a notebook is to be downloaded."""
    return re.sub(r"\]\(([\w./-]+)\.ipynb\)", r"](\1.md)", markdown)
