"""The rows of a board for other programs and for papers: CSV, JSON, LaTeX and Markdown.

CSV and JSON hold the rows, one for each seed. LaTeX and Markdown hold a table for each task, one line an entry: the
best mean accuracy is bold, and `=` marks what a paired test cannot tell from it.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import groupby

from aenbench.leaderboard.markdown import STATED, costs
from aenbench.leaderboard.results import Record, Results, Value, columns
from aenbench.leaderboard.results_files import encode_json
from aenbench.leaderboard.untrusted.text import plain_markdown
from aenbench.scoring import Scored
from aenbench.scoring.scores import ACCURACY
from gdatasets.errors import UnknownNameError
from gdatasets.folder.citation import escape_latex

_HEADINGS = (
    "rank",
    "entry",
    ACCURACY.title,
    "seeds",
    "parameters",
    f"networks {STATED}",
    f"time, s {STATED}",
)
_NUMBERS = "lcrrrr"  # how the columns after the first are aligned
_LEGEND = (
    "Rank: 1 + the entries that a paired test finds better. Brackets: 95 % interval. Bold: the best mean accuracy; "
    "=: a paired test cannot tell it from the best; after a rank: shared. Networks: trained by the search. Time: of "
    f"search + training. {STATED}: stated by the authors, not recomputed."
)
_FORMULA = tuple("=+-@\t\r")


@dataclass(frozen=True)
class Line:
    """An entry in the table of its task.

    Attributes:
        cells: as text, one for each heading.
        is_best: whether its mean accuracy is the highest.
        is_tied: whether a paired test cannot tell it from the best.
    """

    cells: tuple[str, ...]
    is_best: bool
    is_tied: bool


def task_key(row: Record) -> str:
    """What a row's task is called: dataset/configuration, then protocol and track where they are not the usual ones."""
    parts = (row["protocol"], "standard"), (row["track"], "fixed")
    return "/".join(map(str, (row["dataset"], row["configuration"], *(each for each, usual in parts if each != usual))))


def choose(results: Results, patterns: Sequence[str]) -> Results:
    """The rows of some tasks, all of them where no pattern is given.

    Args:
        results: of a board.
        patterns: names of tasks, as `task_key` gives them, or patterns such as `g-mnist/*`.

    Raises:
        UnknownNameError: a pattern fits no task.
    """
    tasks = list(dict.fromkeys(map(task_key, results.rows)))
    for pattern in patterns:
        if not any(fnmatchcase(task, pattern) for task in tasks):
            raise UnknownNameError("task", pattern, tasks)
    chosen = {task for task in tasks if not patterns or any(fnmatchcase(task, pattern) for pattern in patterns)}
    return replace(results, rows=tuple(row for row in results.rows if task_key(row) in chosen))


def export_csv(results: Results) -> str:
    """The rows as CSV; text that a spreadsheet would take for a formula gets an apostrophe before it."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(each.name for each in columns())
    for row in results.rows:
        writer.writerow(map(_harmless, row.values()))
    return stream.getvalue()


def _harmless(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def export_json(results: Results) -> str:
    """The rows as `results.json` holds them."""
    return encode_json(results).decode()


def export_markdown(results: Results) -> str:
    """A table for each task."""
    lines = []
    for task, table in _tables(results).items():
        lines += [f"## {task}", "", f"| {' | '.join(_HEADINGS)} |", "|---" * len(_HEADINGS) + "|"]
        for line in table:
            rank, name, accuracy, *others = line.cells
            shown = f"**{accuracy}**" if line.is_best else f"{accuracy} =" if line.is_tied else accuracy
            lines.append(f"| {' | '.join((rank, plain_markdown(name), shown, *others))} |")
        lines += ["", _LEGEND, ""]
    return "\n".join(lines)


def export_latex(results: Results) -> str:
    """A `table` of `booktabs` for each task, to be read by `\\input`, as wide as a line of `article`."""
    lines = [r"% \usepackage{booktabs}"]
    for task, table in _tables(results).items():
        lines += [r"\begin{table}", r"  \centering", f"  \\caption{{{_latex(f'{task}. {_LEGEND}')}}}"]
        lines += [f"  \\label{{tab:{task}}}", r"  \smallskip", r"  \footnotesize", r"  \setlength{\tabcolsep}{2pt}"]
        aligned = rf"@{{\extracolsep{{\fill}}}}r{_NUMBERS}"
        lines += [f"  \\begin{{tabular*}}{{\\linewidth}}{{{aligned}}}", r"    \toprule"]
        lines += [f"    {' & '.join(map(_latex, _HEADINGS))} \\\\", r"    \midrule"]
        for line in table:
            rank, name, accuracy, *others = map(_latex, line.cells)
            mean, _, interval = accuracy.partition(" ")
            mean = f"\\textbf{{{mean}}}" if line.is_best else f"{mean}$^{{=}}$" if line.is_tied else mean
            ranges = [each.replace(" to ", "--") for each in others]
            lines.append(f"    {' & '.join((rank, name, f'{mean} {interval}', *ranges))} \\\\")
        lines += [r"    \bottomrule", r"  \end{tabular*}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def _latex(text: str) -> str:
    return escape_latex(text).replace(STATED, r"$^{\dagger}$")


FORMATS: Mapping[str, Callable[[Results], str]] = {
    "csv": export_csv,
    "json": export_json,
    "latex": export_latex,
    "markdown": export_markdown,
}


def _tables(results: Results) -> dict[str, list[Line]]:
    """The lines of each task, in the order of the board."""
    return {task: _lines(list(rows)) for task, rows in groupby(results.rows, task_key)}


def _lines(rows: Sequence[Record]) -> list[Line]:
    entries = {str(name): list(seeds) for name, seeds in groupby(rows, lambda row: row["entry"])}
    taken = Counter(seeds[0]["rank"] for seeds in entries.values())
    best = max(entries, key=lambda name: float(entries[name][0]["accuracy_mean"] or 0))
    tied = str(entries[best][0]["tied"]).split()
    return [
        Line(_cells(name, seeds, taken[seeds[0]["rank"]] > 1), name == best, name in tied)
        for name, seeds in entries.items()
    ]


def _cells(name: str, seeds: Sequence[Record], is_shared: bool) -> tuple[str, ...]:
    first = seeds[0]
    mean, low, high = (float(first[f"accuracy_{part}"] or 0) for part in ("mean", "low", "high"))
    parameters, networks, seconds = costs(seeds)
    stated = f" {STATED}" if "parameters" in str(first["stated"]).split() else ""
    return (
        f"{first['rank']}{'=' if is_shared else ''}",
        name,
        ACCURACY.show(Scored((), mean, low, high)),
        str(len(seeds)),
        parameters + stated,
        networks,
        seconds,
    )
