"""How both commands end: a user's mistake in one line and exit code 2, never a traceback."""

import sys
from typing import Annotated

import typer

from gdatasets import __version__
from gdatasets.cli.interrupts import INTERRUPTED, KEPT, begin_work
from gdatasets.cli.output import guard_output, say, warn
from gdatasets.errors import GDatasetsError

VersionOption = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=lambda asked: say_version(asked), help="Show the version.")
]

UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def run_command(app: typer.Typer, program: str) -> None:
    """Run a command line to its exit code.

    Args:
        app: the commands.
        program: its name, which error lines start with.
    """
    guard_output()
    try:
        begin_work()
        code = typer.main.get_command(app)(standalone_mode=False)  # app() would take the hook for tracebacks
    except UsageError as error:
        said = str(getattr(error, "format_message")())  # noqa: B009
        code = fail(program, f"{said}{'' if said.endswith(('.', '?')) else '.'} See --help.")
    except GDatasetsError as error:
        code = fail(program, str(error))
    except OSError as error:
        code = fail(program, f"{error.filename or 'The system'}: {error.strerror or error}.")
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:  # Typer takes an interrupt for itself, and says nothing
        fail(program, KEPT, INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def say_version(asked: bool) -> None:
    """The callback of `--version`, of both commands: one version for both packages."""
    if asked:
        say(__version__)
        raise typer.Exit


def fail(program: str, message: str, code: int = 2) -> int:
    """Say what is wrong in one line; returns the exit code."""
    warn(f"{program}: {message.strip()}")
    return code
