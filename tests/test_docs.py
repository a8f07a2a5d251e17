"""What README.md and the pages of docs/ say is true: every code block runs, links lead somewhere, pictures have a text.

A page's blocks run in order, in one temporary folder, without a network: its ```python blocks in one process, its
```bash blocks in a shell. A Python block whose first line is `# name.py` becomes that file. A ```text block right after
a block is what it prints, `...` standing for anything. A comment right before a block, `<!-- docs: MARKER, MARKER -->`,
says why it cannot run everywhere; only the markers below are known, and what was left out is a skipped test with its
reason. Pages run in the slow suite. Blocks that do not run are still read: every command has to be one that the command
line takes, every import has to exist. A notebook of docs/tutorials is read as the Markdown that `tools/notebooks.py`
makes of it.
"""

import ast
import doctest
import importlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import typer.core
from markdown_it import MarkdownIt
from markdown_it.token import Token

from aenbench.cli.main import app as aenbench_app
from gdatasets.cli.main import app as gdatasets_app

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "tutorials").glob("*.ipynb"))
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"), *NOTEBOOKS])

REAL = "needs MNIST"  # runs where the real images are at hand, with `data` leading to them
NOT_RUN = {
    "needs the network": "it fetches from a package registry or the Hub",
    "needs a Hub account": "it writes to the Hugging Face Hub",
    "needs a Ray cluster": "it joins a cluster of several machines",
    "needs your files": "it works on files that a reader brings along",
    "needs a table": "it reads the tables of the repository, from its root",
    "needs the entries": "it recomputes the entries of this repository, as .ci/run does",
    "takes long": "it trains for ten minutes to many hours",
    "by hand": "it installs software, or releases it",
}
RUN, SHOWN = ("python", "bash"), ("text", "yaml", "json", "bibtex", "toml")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, what it holds, what it should print, and its markers."""

    page: Path
    line: int
    language: str
    code: str
    printed: str | None
    markers: frozenset[str]

    @property
    def where(self) -> str:
        return f"{os.path.relpath(self.page, ROOT)}:{self.line}"

    @property
    def file(self) -> str | None:
        found = re.match(r"# (\w+\.py)\n", self.code) if self.language == "python" else None
        return found[1] if found else None

    @property
    def runs(self) -> bool:
        return not self.markers & NOT_RUN.keys()


def tool(name: str) -> Any:
    """A module of tools/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


notebooks = tool("notebooks")


def markdown(page: Path) -> str:
    text: str = notebooks.notebook_markdown(page) if page.suffix == ".ipynb" else page.read_text()
    return text


def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(markdown(page))


def markers_before(parsed: list[Token], number: int) -> frozenset[str]:
    before = parsed[number - 1].content if number and parsed[number - 1].type == "html_block" else ""
    found = re.fullmatch(r"<!-- docs: (.*?) -->", before.strip())
    return frozenset(found[1].split(", ")) if found else frozenset()


def blocks(page: Path) -> list[Block]:
    parsed, found = tokens(page), []
    for number, token in enumerate(parsed):
        if token.type == "fence" and token.info in RUN:
            after = parsed[number + 1] if number + 1 < len(parsed) else None
            printed = after.content if after and after.type == "fence" and after.info == "text" else None
            assert token.map
            line, markers = token.map[0] + 1, markers_before(parsed, number)
            found.append(Block(page, line, token.info, token.content, printed, markers))
    return found


BLOCKS = [block for page in PAGES for block in blocks(page)]
PAGES_TO_RUN = list(dict.fromkeys(block.page for block in BLOCKS if block.runs))


# Runs the blocks of a page, given as JSON, and prints what each of them printed.
DRIVER = """
import contextlib, io, json, pathlib, subprocess, sys

def main():
    names, outputs = {"__name__": "docs"}, []
    for where, language, code, file in json.loads(pathlib.Path(sys.argv[1]).read_text()):
        print(where, file=sys.stderr)
        caught = io.StringIO()
        if file:
            pathlib.Path(file).write_text(code)
        elif language == "python":
            with contextlib.redirect_stdout(caught):
                exec(compile(code, where, "exec"), names)
        else:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], stdout=subprocess.PIPE, text=True)
            caught.write(done.stdout)
            if done.returncode:
                sys.exit(f"{where}: exit code {done.returncode}\\n{done.stdout}")
        outputs.append(caught.getvalue())
    print(json.dumps(outputs))

if __name__ == "__main__":
    main()
"""


def run_blocks(chosen: list[Block], folder: Path, commands: Path, root: Path | None) -> list[str]:
    """What each block printed; a block that fails is a failed assertion."""
    inputs, driver = commands / "blocks.json", commands / "driver.py"
    inputs.write_text(json.dumps([(block.where, block.language, block.code, block.file) for block in chosen]))
    driver.write_text(DRIVER)
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "XDG_CACHE_HOME": str(commands / "cache")}
    environment = os.environ | offline | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "COLUMNS": "100"}
    environment |= {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "MPLBACKEND": "agg"}
    environment |= {"GDATASETS_ROOT": str(root)} if root else {}
    done = subprocess.run(
        [sys.executable, str(driver), str(inputs)], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    outputs: list[str] = json.loads(done.stdout.splitlines()[-1])
    return outputs


@pytest.fixture
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two commands of this checkout, and `python` as the one that runs the tests."""
    folder = tmp_path_factory.mktemp("commands")
    for name in ("aenbench", "gdatasets"):
        start = f"import sys; sys.argv[0] = '{name}'; from {name}.cli.main import main; main()"
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "{start}" "$@"\n')
    (folder / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    for file in folder.iterdir():
        file.chmod(0o755)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES_TO_RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_blocks_of_a_page_run_and_print_what_it_says(
    page: Path, tmp_path: Path, commands: Path, request: pytest.FixtureRequest
) -> None:
    chosen, root = [block for block in blocks(page) if block.runs], None
    if any(REAL in block.markers for block in chosen):
        try:
            root = request.getfixturevalue("data_root")
            (tmp_path / "data").symlink_to(root)
        except pytest.skip.Exception:
            chosen = [block for block in chosen if REAL not in block.markers]
    checker, options = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for block, got in zip(chosen, run_blocks(chosen, tmp_path, commands, root), strict=True):
        if block.printed is not None:
            assert checker.check_output(block.printed, got, options), f"{block.where} prints:\n{got}"


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block.runs], ids=lambda block: block.where)
def test_blocks_that_are_left_out(block: Block) -> None:
    pytest.skip("; ".join(NOT_RUN[marker] for marker in sorted(block.markers & NOT_RUN.keys())))


@pytest.mark.parametrize("block", [block for block in BLOCKS if REAL in block.markers], ids=lambda block: block.where)
@pytest.mark.usefixtures("data_root")
def test_blocks_on_real_images_run_where_these_are_at_hand(block: Block) -> None:
    assert block.runs


def test_every_marker_is_known_and_every_block_has_a_language() -> None:
    known = {REAL, *NOT_RUN}
    assert [(block.where, block.markers - known) for block in BLOCKS if block.markers - known] == []
    fences = [(page, token) for page in PAGES for token in tokens(page) if token.type in ("fence", "code_block")]
    assert len(fences) > len(BLOCKS) > 20
    strange = [
        f"{page.relative_to(ROOT)}:{token.map[0] + 1}"
        for page, token in fences
        if token.map and (token.type == "code_block" or token.info not in (*RUN, *SHOWN))
    ]
    assert strange == [], "blocks of code are fenced, with a language that this test knows"


def test_every_marker_stands_right_before_a_block() -> None:
    for page in PAGES:
        written = re.findall(r"^ *<!-- docs: ", markdown(page), flags=re.MULTILINE)
        assert len(written) == sum(bool(block.markers) for block in blocks(page)), page


def command_lines(block: Block) -> Iterator[list[str]]:
    for line in block.code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words and words[0] in ("aenbench", "gdatasets"):
            yield words


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "bash"], ids=lambda block: block.where
)
def test_every_command_is_one_that_the_command_line_takes(block: Block) -> None:
    apps = {"aenbench": aenbench_app, "gdatasets": gdatasets_app}
    for program, *arguments in command_lines(block):
        parse(typer.main.get_command(apps[program]), program, arguments)


def parse(command: Any, name: str, arguments: list[str]) -> None:
    """Read a command line as the command does, down to the command that would run, which does not."""
    context = command.make_context(name, arguments)
    if isinstance(command, typer.core.TyperGroup):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        parse(command, name, rest)


def test_a_command_with_an_unknown_option_would_be_noticed() -> None:
    block = Block(ROOT / "README.md", 1, "bash", "aenbench run --baselin mlp\n", None, frozenset())
    with pytest.raises(Exception, match="No such option"):
        test_every_command_is_one_that_the_command_line_takes(block)


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.language == "python" and not block.runs],
    ids=lambda block: block.where,
)
def test_what_python_blocks_import_exists_also_where_they_do_not_run(block: Block) -> None:
    for node in ast.walk(ast.parse(block.code)):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in ("aenbench", "gdatasets"):
            module = importlib.import_module(str(node.module))
            assert [name.name for name in node.names if not hasattr(module, name.name)] == []


def faults(notebook: dict[str, Any]) -> list[str]:
    """What a notebook of the repository must not have: outputs, magics, cells of other kinds or without an id."""
    found = [] if notebook["nbformat"] == 4 else ["another format"]
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found += ["outputs"] if cell["outputs"] or cell["execution_count"] is not None else []
            found += ["magic"] if re.search(r"^\s*[%!]", source, flags=re.MULTILINE) else []
        elif cell["cell_type"] != "markdown" or "attachments" in cell:
            found += ["another kind"]
    names = [cell["id"] for cell in notebook["cells"]]
    return found if len(set(names)) == len(names) else [*found, "an id twice"]


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.name)
def test_a_notebook_is_short_plain_and_kept_without_outputs(page: Path) -> None:
    notebook = json.loads(page.read_text())
    assert 10 <= len(notebook["cells"]) <= 15
    assert notebook["cells"][0]["source"][0].startswith("# ")
    assert faults(notebook) == []
    assert page.read_text() == json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def test_each_notebook_is_on_the_tutorial() -> None:
    links = {token.attrGet("href") for token in inline(ROOT / "docs" / "tutorial.md", "link_open")}
    assert len(NOTEBOOKS) == 5
    assert {f"tutorials/{page.name}" for page in NOTEBOOKS} <= links


def test_on_the_site_links_lead_to_pages_of_notebooks_and_one_link_downloads(tmp_path: Path) -> None:
    assert notebooks.lead_to_pages("[a](tutorials/a.ipynb), [b](b.ipynb)") == "[a](tutorials/a.md), [b](b.md)"
    assert notebooks.lead_to_pages("[a](<a.ipynb>), `a.ipynb` (b.ipynb)") == "[a](<a.ipynb>), `a.ipynb` (b.ipynb)"
    file = tmp_path / "a.ipynb"
    file.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# A\n", "\n", "text"]}]}))
    page = notebooks.lead_to_pages(notebooks.notebook_page(file))
    assert page == "# A\n\n[Download this notebook](<a.ipynb>){ .md-button download }\n\ntext\n"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"outputs": [{"output_type": "stream", "name": "stdout", "text": ["1\n"]}]}, "outputs"),
        ({"execution_count": 1}, "outputs"),
        ({"source": ["import os\n", "%matplotlib inline"]}, "magic"),
        ({"cell_type": "raw"}, "another kind"),
        ({"id": "a"}, "an id twice"),
    ],
)
def test_a_notebook_with_outputs_or_magics_would_be_noticed(change: dict[str, Any], fault: str) -> None:
    cell = {"cell_type": "code", "execution_count": None, "id": "b", "metadata": {}, "outputs": [], "source": ["1"]}
    text = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# A page"]}
    assert faults({"nbformat": 4, "cells": [text, cell]}) == []
    assert faults({"nbformat": 4, "cells": [text, cell | change]}) == [fault]


def test_a_cell_that_fails_or_prints_something_else_would_be_noticed(tmp_path: Path, commands: Path) -> None:
    cells = [
        {"cell_type": "code", "source": ["names = [1]\n", "print(names)"]},
        {"cell_type": "markdown", "source": ["```text\n", "[2]\n", "```\n", "\n", f"<!-- docs: {REAL} -->"]},
        {"cell_type": "code", "source": ["names[1]"]},
    ]
    page = tmp_path / "page.ipynb"
    page.write_text(json.dumps({"cells": cells}))
    first, second = blocks(page)
    assert (first.printed, second.markers) == ("[2]\n", {REAL})
    assert run_blocks([first], tmp_path, commands, None) == ["[1]\n"]
    with pytest.raises(AssertionError, match="list index out of range"):
        run_blocks([first, second], tmp_path, commands, None)


@pytest.mark.slow
def test_the_python_lines_of_the_readme_show_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [block] = [block for block in blocks(ROOT / "README.md") if block.language == "python"]
    shutil.copytree(ROOT / "tests/aenbench/leaderboard/small_board", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(block.code, "README.md", "exec"), names)
    assert names["group"].order == 8
    assert "p4cnn-quick" in capsys.readouterr().out
    right = [(names["network"](x).argmax(dim=1) == y) for x, y in names["data_loader"]("g-digits", "d4", "test")]
    assert np.concatenate(right).mean() > 0.6  # ten classes


def inline(page: Path, kind: str) -> Iterator[Token]:
    for token in tokens(page):
        yield from (child for child in token.children or () if child.type == kind)


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_every_local_link_of_the_pages_outside_the_site_leads_somewhere(page: Path) -> None:
    """Those of the site are checked when it is built, anchors included: `make docs`."""
    targets = [str(token.attrGet("href")) for token in inline(page, "link_open")]
    local = [target.split("#")[0] for target in targets if not re.match(r"https?://|mailto:|#", target)]
    assert [target for target in local if not (ROOT / target).exists()] == []


def prose(page: Path) -> int:
    """Words outside code, tables and addresses, marks counted among them."""
    text = re.sub(r"```.*?```", "", markdown(page), flags=re.DOTALL)
    lines = [line for line in text.splitlines() if not line.startswith("|")]
    return len(re.sub(r"\]\([^)]*\)", "]", "\n".join(lines)).split())


def test_pages_are_short() -> None:
    """But for the reference, and results that commands have written."""
    written = [
        page for page in PAGES if page.parent in (ROOT / "docs", ROOT / "docs" / "results", ROOT / "docs" / "datasets")
    ]
    assert len(written) > 50
    assert {page.name: prose(page) for page in written if prose(page) > 1_200} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_picture_has_a_text_that_says_what_it_shows(page: Path) -> None:
    assert [token.attrGet("src") for token in inline(page, "image") if len(token.content.split()) < 4] == []
    assert "<img" not in markdown(page)


def test_the_demo_compares_a_plain_network_a_search_and_discovery_by_commands_that_exist() -> None:
    if shutil.which("make") is None:
        pytest.skip("there is no make on this machine")
    told = subprocess.run(["make", "--dry-run", "demo"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = "".join(f"aenbench {line}\n" for line in re.findall(r"^\S*/aenbench ([^|\n]*)", told, flags=re.MULTILINE))
    block = Block(ROOT / "Makefile", 1, "bash", lines, None, frozenset())
    test_every_command_is_one_that_the_command_line_takes(block)
    networks = re.findall(r"--baseline (.*)", lines)
    assert networks == ["mlp", "aen", "aen --search discover"]


def terms(text: str) -> tuple[list[str], list[str]]:
    """The terms of a glossary, and those among them without a link to a page that explains them."""
    items = re.findall(r"^- (\*\*.*?)(?=\n- |\n\n|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return items, [item for item in items if not re.search(r"\]\([\w/-]+\.md(#\S+)?\)", item)]


def test_the_glossary_is_short_and_each_term_leads_to_the_page_that_explains_it() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text()
    items, without = terms(text)
    assert len(items) > 30
    assert without == []
    assert len(text.split()) <= 900


def test_a_term_of_the_glossary_without_a_page_would_be_noticed() -> None:
    alone = "- **Orbit**: everything that a group makes of one image."
    assert terms(f"{alone}\n- **Group**: all that\n  moves do. [Groups](actions.md#groups).")[1] == [alone[2:]]


def documented() -> set[str]:
    pages = (ROOT / "docs" / "reference").glob("*.md")
    return {name for page in pages for name in re.findall(r"^::: (\S+)", page.read_text(), flags=re.MULTILINE)}


@pytest.mark.parametrize("package", ["gdatasets", "aenbench", "aenbench.nn"])
def test_every_public_name_is_in_the_reference(package: str) -> None:
    names = {f"{package}.{name}" for name in importlib.import_module(package).__all__}
    assert package in documented() or names - documented() == set()
