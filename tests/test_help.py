"""The help of every command: it fits a terminal, is plain text, and ends with an example that can be typed."""

import shlex
from collections.abc import Iterator

import pytest
import typer

from aenbench.cli import main as aenbench_cli
from gdatasets.cli import main as gdatasets_cli

PROGRAMS = {"aenbench": aenbench_cli.app, "gdatasets": gdatasets_cli.app}


def commands() -> Iterator[tuple[str, ...]]:
    """Every command's words, such as ("aenbench", "reproduce", "paper")."""
    for program, app in PROGRAMS.items():
        for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
            for sub in getattr(command, "commands", {"": None}):
                yield (program, name, sub) if sub else (program, name)


def find(words: tuple[str, ...]) -> typer.core.TyperCommand:
    command = typer.main.get_command(PROGRAMS[words[0]])
    for word in words[1:]:
        command = command.commands[word]  # type: ignore[attr-defined]
    return command  # type: ignore[return-value]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_help_ends_with_an_example_that_its_command_reads(words: tuple[str, ...]) -> None:
    command = find(words)
    assert command.epilog is not None
    example = command.epilog.removeprefix("Example: ")
    assert example != command.epilog
    typed = shlex.split(example)
    # `reproduce FOLDER` is `reproduce entry FOLDER`.
    start = [word for word in words if word != "entry"]
    assert typed[: len(start)] == start
    command.make_context(words[-1], typed[len(start) :])


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_help_is_plain_text_of_80_columns(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A text such as "module:family:part" has become an emoji once: Rich reads names between colons."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    command = find(words)
    with command.make_context(words[-1], [], resilient_parsing=True) as context:
        command.get_help(context)
    printed = capsys.readouterr().out
    assert "Example: " in printed
    for line in printed.splitlines():
        assert len(line) <= 80
        # Nothing but ASCII and the box that is drawn around the options.
        assert all(ord(letter) < 128 or 0x2500 <= ord(letter) < 0x2580 for letter in line), line
