"""Hooks of MkDocs: pages of the commands, made by Typer, pages of the notebooks, and what layout needs."""

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from notebooks import lead_to_pages, notebook_page

COMMANDS = ("gdatasets", "aenbench")
WHOLE = r'<span class="whole">\g<0></span>'
HYPHENATED = re.compile(r"(?<![^\s>])(?=[^\s<]*-)[^\s<]{1,24}(?![^\s<])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add `reference/<command>-command.md` for each command, and a page beside each notebook."""
    for name in COMMANDS:
        files.append(File.generated(config, f"reference/{name}-command.md", content=command_page(name)))
    for path in sorted(Path(config.docs_dir, "tutorials").glob("*.ipynb")):
        files.append(File.generated(config, f"tutorials/{path.stem}.md", content=notebook_page(path)))
    return files


def command_page(name: str) -> str:
    """What `typer utils docs` writes about a command, as Markdown, with whole sentences where it cuts them off."""
    call = [sys.executable, "-m", "typer", f"{name}.cli.main", "utils", "docs", "--name", name]
    page = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    about = dict(re.findall(r"^#+ `(.+)`\n\n(.+)", page, re.M))
    lines, parent = [], ""
    for line in page.splitlines():
        heading, item = re.fullmatch(r"#+ `(.+)`", line), re.match(r"\* `(\w+)`: ", line)
        parent = heading[1] if heading else parent
        command = f"{parent} {item[1]}" if item else ""
        link = command.replace(" ", "-")
        lines.append(f"* [`{command}`](#{link}): {about[command]}" if command in about else line)
    return "\n".join(lines)


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Give the wide tables in the folders of `results/` the room of the navigation; lead to the pages of notebooks."""
    if page.file.src_uri.startswith("results/") and page.file.src_uri.count("/") > 1:
        page.meta.setdefault("hide", ["navigation"])
    return lead_to_pages(markdown)


def on_page_content(html: str, **_: object) -> str:
    """Keep options and names in code, and numbers in tables, on one line; let a picture lead to itself."""
    html = re.sub(r"(?<!</span>)<code>[^<]+</code>", lambda code: HYPHENATED.sub(WHOLE, code[0]), html)
    html = re.sub(r"(<td>(?:<a [^>]*>)?)([^<]+)", lambda cell: cell[1] + unbroken(cell[2]), html)
    return re.sub(r'<img (?![^>]*class="pixels")[^>]*src="([^"]+)"[^>]*>', r'<a href="\1">\g<0></a>', html)


def unbroken(cell: str) -> str:
    """The text of a table's cell; a short number, an interval and the parts of a path are spans that are not broken."""
    text = unescape(cell).strip()
    if " " not in text:
        return re.sub(r"[^/]+/?", rf"{WHOLE}<wbr>", cell)
    if len(text) <= 12 and re.match(r"[-+]?\.?\d", text):
        return re.sub(r".+", WHOLE, cell)
    return re.sub(r"\[\S+, \S+\]|\(\S+ to \S+\)", WHOLE, cell)
