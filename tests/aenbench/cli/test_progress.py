"""Progress: bars on a terminal, plain lines in a log, nothing when quiet."""

import io
import itertools
import re
import sys

import pytest
from rich.progress import Progress

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
    search = [line for line in lines if "search" in line]
    assert all(", best 61.0 %" in line for line in search)
    assert [re.search(r", about (.+) left$", line) is None for line in search] == [False] * (len(search) - 1) + [True]


def test_the_time_left_is_that_of_the_same_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage of 30 parts, of 100 s each, that was taken up after the tenth."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_report(False) as report:
        for done in range(11, 31):
            now[0] += 100
            report(Step(0, "training", done, 30))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "seed 0 training: 11 of 30"  # nothing is known of the pace
    assert lines[1] == "seed 0 training: 12 of 30, about 30 min left"
    assert lines[-3] == "seed 0 training: 28 of 30, about 3 min left"
    assert lines[-2] == "seed 0 training: 29 of 30, about 100 s left"
    assert lines[-1] == "seed 0 training: 30 of 30"


def test_a_terminal_shows_the_time_left_of_slow_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 100 s: of the last 30 s, which rich looks at by default, nothing can be said."""
    now = [0.0]
    get_time = Progress.__init__
    monkeypatch.setattr(
        Progress, "__init__", lambda self, *given, **named: get_time(self, *given, get_time=lambda: now[0], **named)
    )
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_report(False) as report:
        for done in range(1, 6):
            now[0] += 100
            report(Step(0, "training", done, 10))
    assert "0:08:20" in stream.getvalue()


def test_a_terminal_gets_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = show(Terminal(), monkeypatch)
    assert "100/100" in shown
    assert "\x1b[" in shown


def test_quiet_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert show(io.StringIO(), monkeypatch, quiet=True) == show(Terminal(), monkeypatch, quiet=True) == ""
