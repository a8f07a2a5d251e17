"""Loggers of a user's own: called after each pass of a final training, in the process that the run was started in.

So a logger opens its file or its connection once, wherever the workers are, and needs no lock: it is called for one
pass at a time, for the passes of one seed in their order. Passes that an interrupted run had already reported are not
reported again by the one that continues it.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aenbench.errors import InvalidArgumentError
from aenbench.runs.progress import Report, Step
from gdatasets.user_code import load_object

Logger = Callable[[str, int, float, float, float], Any]
"""Called with what is trained (`final, seed 0`), the number of the pass from 1, its mean training loss in nats, the
share of right answers on the images to choose by, and the learning rate at its end."""

_ARGUMENTS = ("what", "epoch", "loss", "accuracy", "learning_rate")


def load_logger(path: str) -> Logger:
    """The logger that an import path names: a function, or a class, which is made without arguments.

    Raises:
        InvalidArgumentError: the path cannot be imported, or what it gives cannot be called with the five arguments.
    """
    found = load_object(path, "a logger", in_workers=False)
    if inspect.isclass(found):
        try:
            found = found()
        except (Exception, SystemExit) as error:
            raise InvalidArgumentError(f'Cannot make "{path}": {type(error).__name__}: {error}.') from error
    if not callable(found) or not _takes_five(found):
        raise InvalidArgumentError(
            f'Expected "{path}" as a logger, a function of ({", ".join(_ARGUMENTS)}) or a class of such, got '
            f"{type(found).__name__}{_signature(found)}."
        )
    logger: Logger = found
    return logger


@contextmanager
def logged(report: Report, logger: Logger | None, notice: Callable[[str], Any]) -> Iterator[Report]:
    """A report that calls a logger too; without a logger, the report itself.

    What a logger raises does not end the run: its first error is a notice, and it is called again after the next pass.
    At the end its method `close` is called, if it has one.

    Args:
        report: of the progress.
        logger: of a user's own.
        notice: told in one line when the logger fails for the first time.
    """
    if logger is None:
        yield report
        return
    failures = 0

    def call(function: Callable[..., Any], *arguments: Any) -> None:
        nonlocal failures
        try:
            function(*arguments)
        except (Exception, SystemExit) as error:
            failures += 1
            if failures == 1:
                when = f"after pass {arguments[1]} of {arguments[0]}" if arguments else "when it was closed"
                why = " ".join(f"{type(error).__name__}: {error}".split())
                notice(f"The logger failed {when} ({why:.300}); the run continues, and further failures are not shown.")

    def both(step: Step) -> None:
        report(step)
        if step.passed is not None:
            call(logger, f"final, seed {step.seed}", step.done, *step.passed)

    try:
        yield both
    finally:
        if callable(close := getattr(logger, "close", None)):
            call(close)


def _takes_five(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(*_ARGUMENTS)
    except TypeError:
        return False
    except ValueError:  # what is not written in Python may not tell
        return True
    return True


def _signature(found: Any) -> str:
    try:
        return f" of {inspect.signature(found)}"
    except (TypeError, ValueError):
        return ""
