"""Every method on every task: the table at a board's start, with the best of each task and what is tied with it.

Nothing is averaged: a method without an entry on a task has an empty cell there. The same numbers are in the results,
so `load_leaderboard` gives the matrix too (docs/leaderboard.md).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aenbench.leaderboard.training_marks import TrainingMarks
from aenbench.reports.markdown import markdown_table
from aenbench.scoring.verdict import Outcome, Outcomes

TITLE = "Methods and tasks"

MAX_METHODS = 60
"""Rows; of more, those on the most tasks, and whichever are the best of some task."""

Mark = Literal["best", "tied", ""]


@dataclass(frozen=True)
class Cell:
    """An entry in the matrix.

    Attributes:
        accuracy: mean over seeds, 0..1.
        mark: `best` for the highest mean of the task; `tied` where a paired test cannot tell it from that one, unless
            its mean is below that of an entry which the test separates from the best.
    """

    accuracy: float
    mark: Mark


@dataclass(frozen=True)
class Line:
    """A method of the matrix.

    Attributes:
        method: the name of its entries.
        cells: one for each task; None where it has no entry.
    """

    method: str
    cells: tuple[Cell | None, ...]

    @property
    def entries(self) -> int:
        """Tasks that it has an entry on."""
        return sum(cell is not None for cell in self.cells)

    @property
    def leading(self) -> int:
        """Tasks on which it is the best, or tied with the best."""
        return sum(cell is not None and cell.mark != "" for cell in self.cells)


@dataclass(frozen=True)
class Matrix:
    """All methods on all tasks of a board.

    Attributes:
        tasks: `<dataset> / <configuration>`: datasets by the number of their entries, then by name; so are their tasks.
        lines: methods, by the number of their entries, then of those that lead, then by name.
        hidden: methods that have no line because there are too many.
    """

    tasks: tuple[str, ...]
    lines: tuple[Line, ...]
    hidden: int = 0

    @property
    def filled(self) -> tuple[tuple[str, str], ...]:
        """Task and method of each cell with an entry."""
        return tuple(
            (task, line.method)
            for line in self.lines
            for task, cell in zip(self.tasks, line.cells, strict=True)
            if cell is not None
        )

    @property
    def note(self) -> str:
        """What its cells mean."""
        return (
            "Accuracy, %, mean over seeds, of the entries with the fixed recipe. Bold: the best of its task; =: a "
            "paired test cannot tell it from the best, and no entry that the test separates from the best has a higher "
            "mean. An empty cell: no entry. Nothing is averaged over tasks."
            + (f" Methods with few entries, which have no line: {self.hidden}." if self.hidden else "")
        )


def matrix_of(outcomes: Outcomes) -> Matrix | None:
    """The matrix of a board's tasks; None where no method has entries on two of them. Its order has no influence."""
    tasks = _ordered(outcomes)
    marks = {task: _marks(outcomes[task]) for task in tasks}
    methods = {method for found in outcomes.values() for method in found}
    lines = [
        Line(
            method,
            tuple(
                Cell(outcomes[task][method].mean, marks[task][method]) if method in outcomes[task] else None
                for task in tasks
            ),
        )
        for method in methods
    ]
    lines.sort(key=lambda line: (-line.entries, -line.leading, line.method))
    if not lines or lines[0].entries < 2:
        return None
    shown = [line for place, line in enumerate(lines) if place < MAX_METHODS or _is_best(line)]
    return Matrix(tasks, tuple(shown), len(lines) - len(shown))


def _ordered(outcomes: Outcomes) -> tuple[str, ...]:
    """The tasks, those with most entries first; the tasks of a dataset stay together."""
    entries: Counter[str] = Counter()
    for task, found in outcomes.items():
        entries[_dataset(task)] += len(found)
    return tuple(
        sorted(outcomes, key=lambda task: (-entries[_dataset(task)], _dataset(task), -len(outcomes[task]), task))
    )


def _dataset(task: str) -> str:
    return task.partition(" / ")[0]


def _marks(found: Mapping[str, Outcome]) -> dict[str, Mark]:
    """What each method's cell of a task is marked with."""
    most = max(each.mean for each in found.values())
    best = {method for method, each in found.items() if each.mean == most}
    close = best | {method for method, each in found.items() if best & each.tied}
    beaten = max((each.mean for method, each in found.items() if method not in close), default=0.0)
    tied = {method for method in close if found[method].mean >= beaten}
    return {method: "best" if method in best else "tied" if method in tied else "" for method in found}


def _is_best(line: Line) -> bool:
    return any(cell is not None and cell.mark == "best" for cell in line.cells)


def matrix_markdown(matrix: Matrix | None, marks: TrainingMarks) -> str:
    """The matrix for the README of a board; empty where there is none."""
    if matrix is None:
        return ""
    rows = [(line.method, f"{line.leading} of {line.entries}", *map(_cell, line.cells)) for line in matrix.lines]
    table = markdown_table(("method", "best or tied", *matrix.tasks), rows)
    return "\n".join([f"## {TITLE}", "", matrix.note + marks.markdown, "", table, ""])


def _cell(cell: Cell | None) -> str:
    """Such as `**92.43**`, `92.01 =`, `80.00`; empty where there is no entry."""
    if cell is None:
        return ""
    shown = f"{100 * cell.accuracy:.2f}"
    return f"**{shown}**" if cell.mark == "best" else f"{shown} =" if cell.mark == "tied" else shown
