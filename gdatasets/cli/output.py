"""All that the commands print, of both programs: whatever a file, a path or a server says, it stays text.

The commands print through `say` and `warn`; what libraries log or warn of is made visible here too, and the traceback
of a defect. Colors and bars are Rich's, which is given visible text.
"""

import logging
import sys
import traceback
import warnings
from types import TracebackType

import typer

from gdatasets.visible_text import visible


def say(line: str) -> None:
    """A line on standard output."""
    typer.echo(visible(line))


def say_lines(text: str) -> None:
    """Text of several lines on standard output, which may end in a newline; a line ends nowhere else."""
    for line in text.removesuffix("\n").split("\n"):
        say(line)


def warn(line: str) -> None:
    """A line on standard error."""
    sys.stderr.write(f"{visible(line)}\n")
    sys.stderr.flush()


def guard_output() -> None:
    """From here on, what this process logs, warns of or dies of is visible text too."""
    logging.setLogRecordFactory(_VisibleRecord)
    warnings.formatwarning = _format_warning
    sys.excepthook = _show_defect


class _VisibleRecord(logging.LogRecord):
    def getMessage(self) -> str:  # noqa: N802
        return "\n".join(map(visible, super().getMessage().split("\n")))


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    del line  # a line of source code, which the default form shows
    return f"{visible(filename)}:{lineno}: {category.__name__}: {visible(message)}\n"


def _show_defect(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    for line in "".join(traceback.format_exception(kind, error, trace)).removesuffix("\n").split("\n"):
        warn(line)
