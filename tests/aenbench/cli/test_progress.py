"""Progress: bars on a terminal, plain lines in a log, nothing when quiet."""

import io
import sys

import pytest

from aenbench.cli.progress import progress_report
from aenbench.runs.progress import Step


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def show(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, quiet: bool = False) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_report(quiet) as report:
        for done in range(1, 101):
            report(Step(0, "search", done, 100, "best 61.0 %"))
        report(Step(1, "training", 1, 2))
    return stream.getvalue()


def test_a_log_gets_a_few_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = show(io.StringIO(), monkeypatch).splitlines()
    assert lines[0] == "seed 0: search 20/100, best 61.0 %"
    assert lines[4] == "seed 0: search 100/100, best 61.0 %"
    assert lines[5:] == ["seed 1: training 1/2"]


def test_a_terminal_gets_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = show(Terminal(), monkeypatch)
    assert "100/100" in shown
    assert "\x1b[" in shown


def test_quiet_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert show(io.StringIO(), monkeypatch, quiet=True) == show(Terminal(), monkeypatch, quiet=True) == ""
