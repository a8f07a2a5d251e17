"""The verdict over tasks as the boards show it: a table, a picture of the mean ranks, and what they leave out."""

import base64
from collections.abc import Sequence
from html import escape
from itertools import accumulate
from textwrap import wrap

from aenbench.leaderboard.markdown import STATED
from aenbench.leaderboard.site.payload import Section
from aenbench.leaderboard.training_marks import TrainingMarks
from aenbench.scoring.verdict import Judged, Verdict

TITLE = "The verdict over tasks"

_HEADINGS = (
    "method",
    "mean rank",
    "share of the best, %",
    "wins, ties, losses",
    "parameters",
    f"search + training, s {STATED}",
    "front",
)
_WIDTH, _LEFT, _LINE, _TOP = 460, 146, 20, 52  # a phone shows it at three quarters of this size
_LETTERS, _NAME_LINES, _NAME_LINE, _MOST_RANKS = 20, 3, 14, 14
_COLORS = (
    ".paper{fill:#fff}.ink{fill:#1b1d21}.quiet{fill:#5b6069}.rank{fill:#295fb4}"
    ".interval{stroke:#8aa9d6}.difference{stroke:#b3261e}.group{stroke:#777}"
    "@media(prefers-color-scheme:dark){.paper{fill:#1b1e24}.ink{fill:#e9eaed}.quiet{fill:#a2a8b3}.rank{fill:#8ab4f8}"
    ".interval{stroke:#4d6a96}.difference{stroke:#f2867c}.group{stroke:#8b9099}}"
)


def verdict_markdown(verdict: Verdict | None, marks: TrainingMarks) -> str:
    """The verdict for the README of a board; empty where the entries give none."""
    if verdict is None:
        return ""
    rows = [f"| {' | '.join(_cells(each))} |" for each in verdict.judged]
    table = [f"| {' | '.join(_HEADINGS)} |", "|---" * len(_HEADINGS) + "|", *rows]
    return "\n".join([f"## {TITLE}", "", _note(verdict) + marks.markdown, "", *table, "", ""])


def verdict_section(verdict: Verdict | None, marks: TrainingMarks) -> list[Section]:
    """The verdict for the page's start; nothing where the entries give none."""
    if verdict is None:
        return []
    picture = base64.b64encode(draw_ranks(verdict).encode()).decode("ascii")
    rows = tuple(_cells(each) for each in verdict.judged)
    source = f"data:image/svg+xml;base64,{picture}"
    lead = (
        f"Over the {len(verdict.tasks)} tasks that all {len(verdict.judged)} methods below have an entry on. In the "
        "picture: mean ranks, 1 the best, with their 95 % intervals; in red the critical difference; gray bars join "
        "methods whose ranks are not that far apart."
    )
    alternative, details = _in_words(verdict), _note(verdict)
    return [Section(TITLE, lead, _HEADINGS, rows, source, alternative, True, details, marks.sentence)]


def _note(verdict: Verdict) -> str:
    tasks, absent = verdict.tasks, verdict.absent
    left_out = "; ".join(f"{method} ({count})" for method, count in absent.items())
    return (
        f"Over the {len(tasks)} tasks that all {len(verdict.judged)} methods have an entry on: {', '.join(tasks)}. "
        + (f"Left out, with the number of tasks that they are on: {left_out}. " if absent else "")
        + "Brackets are 95 % bootstrap intervals over tasks and seeds. Wins and ties are those of the paired tests. "
        "Parameters and seconds are geometric means; front names those at which no method has a better rank for less. "
        f"Mean ranks {verdict.critical_difference:.2f} apart differ by Nemenyi's test at 5 %. The brackets and the "
        "test take the tasks for independent. Configurations of one dataset are not, so the brackets are too narrow, "
        "and the test separates methods too soon."
    )


def _cells(each: Judged) -> tuple[str, ...]:
    return (
        each.method,
        f"{each.rank:.2f} [{each.rank_low:.2f}, {each.rank_high:.2f}]",
        f"{100 * each.share:.1f} [{100 * each.share_low:.1f}, {100 * each.share_high:.1f}]",
        f"{each.wins}, {each.ties}, {each.losses}",
        f"{each.parameters:,.0f}",
        "?" if each.seconds is None else f"{each.seconds:,.0f}",
        ", ".join(each.front) or "-",
    )


def _in_words(verdict: Verdict) -> str:
    ranks = ", ".join(f"{each.method} {each.rank:.2f}" for each in verdict.judged)
    groups = "; ".join(", ".join(group) for group in verdict.groups) or "none"
    return f"Mean ranks: {ranks}. Methods that Nemenyi's test cannot tell apart: {groups}."


def draw_ranks(verdict: Verdict) -> str:
    """A critical-difference picture (Demsar 2006, figure 1) as SVG: equal verdicts give equal text.

    A line for each method: its mean rank, the interval of it, and at the top a bar as long as the critical difference.
    Gray bars join the methods of a group. Long names take several lines. Its colors are those of the page's theme.
    """
    judged, count = verdict.judged, len(verdict.judged)

    def across(rank: float) -> str:
        return f"{_LEFT + (rank - 1) * (_WIDTH - _LEFT - 40) / max(count - 1, 1):.1f}"

    names = [_lines(each.method) for each in judged]
    ends = list(accumulate((max(_LINE, _NAME_LINE * len(name) + 6) for name in names), initial=_TOP))
    height = ends[-1] + _LINE * len(verdict.groups) + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f"<style>{_COLORS}</style>",
        f'<rect width="{_WIDTH}" height="{height}" class="paper"/>',
        *(
            f'<text x="{across(rank)}" y="42" text-anchor="middle" class="quiet">{rank}</text>'
            for rank in range(1, count + 1, 1 + count // _MOST_RANKS)
        ),
        f'<text x="10" y="22" class="ink">critical diff. {verdict.critical_difference:.2f}</text>',
        _bar(across(1), across(min(1 + verdict.critical_difference, count)), 18, "difference", 3),
    ]
    for each, name, top, end in zip(judged, names, ends[:-1], ends[1:], strict=True):
        y = (top + end) // 2 - 2
        first = y + 4 - _NAME_LINE * (len(name) - 1) // 2
        lines += [
            *(
                f'<text x="10" y="{first + _NAME_LINE * number}" class="ink">{escape(part)}</text>'
                for number, part in enumerate(name)
            ),
            _bar(across(each.rank_low), across(each.rank_high), y, "interval", 2),
            f'<circle cx="{across(each.rank)}" cy="{y}" r="4" class="rank"/>',
        ]
    lines += _group_bars(verdict, [across(each.rank) for each in judged], ends[-1] + 8)
    return "\n".join([*lines, "</svg>", ""])


def _lines(name: str) -> list[str]:
    """A name in lines that fit beside the bars, broken at hyphens if it has some; the end of a long one is cut."""
    lines = wrap(name, _LETTERS)
    shown = lines[:_NAME_LINES]
    return shown if shown == lines else [*shown[:-1], f"{shown[-1][: _LETTERS - 1]}…"]


def _group_bars(verdict: Verdict, places: Sequence[str], top: int) -> list[str]:
    number = {each.method: place for place, each in enumerate(verdict.judged)}
    label = [f'<text x="10" y="{top + 4}" class="ink">not separated</text>'] if verdict.groups else []
    return label + [
        _bar(places[number[group[0]]], places[number[group[-1]]], top + _LINE * row, "group", 5)
        for row, group in enumerate(verdict.groups)
    ]


def _bar(start: str, end: str, y: int, kind: str, width: int) -> str:
    return f'<line x1="{start}" y1="{y}" x2="{end}" y2="{y}" class="{kind}" stroke-width="{width}"/>'
