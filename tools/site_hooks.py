"""A hook of MkDocs: the pages of both commands, made by Typer from the commands themselves."""

import subprocess
import sys

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

COMMANDS = ("gdatasets", "aenbench")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add `reference/<command>-command.md` for each command."""
    for name in COMMANDS:
        files.append(File.generated(config, f"reference/{name}-command.md", content=command_page(name)))
    return files


def command_page(name: str) -> str:
    """What `typer utils docs` writes about a command, as Markdown."""
    line = [sys.executable, "-m", "typer", f"{name}.cli", "utils", "docs", "--name", name]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout
