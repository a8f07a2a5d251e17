"""What differs between two boards, for the comment on a pull request: entries that are new, gone or of another rank."""

from collections.abc import Mapping
from itertools import groupby

from aenbench.leaderboard.exports import task_key
from aenbench.leaderboard.results import Record, Results
from aenbench.leaderboard.untrusted.text import plain_markdown, printable
from aenbench.scoring import Scored
from aenbench.scoring.scores import ACCURACY


def describe_changes(before: Results, after: Results) -> str:
    """A Markdown table for each task that changed, entries by their new rank; one line where no task did.

    Before them, a list of what is wrong with entries that were left out of the board with the change.

    Args:
        before: of the board that is there.
        after: of the same board with the change.
    """
    old, new = (_tasks(results) for results in (before, after))
    changed = [task for task in dict.fromkeys([*new, *old]) if old.get(task) != new.get(task)]
    if not changed:
        return "\n".join([*_problems(after), "The board does not change.", ""])
    lines = _problems(after)
    for task in changed:
        lines += [
            f"## {task}",
            "",
            f"| rank | entry | {ACCURACY.title} | change |",
            "|---|---|---|---|",
        ]
        here, there = new.get(task, {}), old.get(task, {})
        lines += [_line(name, there.get(name), row) for name, row in here.items()]
        lines += [
            f"| - | {plain_markdown(name)} | {_accuracy(row)} | removed |"
            for name, row in there.items()
            if name not in here
        ]
        lines.append("")
    return "\n".join(lines)


def _problems(results: Results) -> list[str]:
    if not results.problems:
        return []
    items = [f"- {plain_markdown(printable(problem, 2_000))}" for problem in results.problems]
    return ["## Left out: entries that do not verify", "", *items, ""]


_Facts = Mapping[str, Record]

_SHOWN = ("rank", "accuracy_mean", "accuracy_low", "accuracy_high", "flags", "trust", "predictions_sha256")


def _tasks(results: Results) -> dict[str, _Facts]:
    """Of each task, in the order of the board, what is compared of each entry: the same for all of its seeds."""
    return {
        task: {str(row["entry"]): {name: row[name] for name in _SHOWN} for row in rows}
        for task, rows in groupby(results.rows, task_key)
    }


def _line(name: str, before: Record | None, row: Record) -> str:
    return f"| {row['rank']} | {plain_markdown(name)} | {_accuracy(row)} | {_change(before, row)} |"


def _change(before: Record | None, row: Record) -> str:
    """Such as `new`, `rank 2 before`, `other predictions, 91.50 before`; then the flags that nobody has reviewed."""
    parts = ["new"] if before is None else []
    if before is not None and before["predictions_sha256"] != row["predictions_sha256"]:
        parts.append(f"other predictions, {_accuracy(before)} before")
    if before is not None and before["rank"] != row["rank"]:
        parts.append(f"rank {before['rank']} before")
    if before is not None and before["trust"] != row["trust"]:
        parts.append(f"{row['trust']}, {before['trust']} before")
    if row["flags"] and (before is None or before["flags"] != row["flags"]):
        parts.append(f"**flags: {plain_markdown(str(row['flags']))}**")
    return "; ".join(parts)


def _accuracy(row: Record) -> str:
    mean, low, high = (float(row[f"accuracy_{part}"] or 0) for part in ("mean", "low", "high"))
    return ACCURACY.show(Scored((), mean, low, high))
