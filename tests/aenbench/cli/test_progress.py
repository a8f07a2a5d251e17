"""Progress: bars on a terminal, plain lines in a log, nothing when quiet."""

import io
import itertools
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


def test_a_log_gets_a_line_when_a_stage_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    assert show(io.StringIO(), monkeypatch).splitlines() == ["seed 0 search: 100 of 100, best 61.0 %"]


def test_a_log_of_slow_work_gets_lines_between(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=1.0)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    lines = show(io.StringIO(), monkeypatch).splitlines()
    assert len(lines) > 3
    assert lines[0].startswith("seed 0 search: ")
    assert all(line.endswith(", best 61.0 %") for line in lines if "search" in line)


def test_a_terminal_gets_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = show(Terminal(), monkeypatch)
    assert "100/100" in shown
    assert "\x1b[" in shown


def test_quiet_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert show(io.StringIO(), monkeypatch, quiet=True) == show(Terminal(), monkeypatch, quiet=True) == ""
