"""An analysis as files, and the trials of a run to analyse.

<folder>/
├── analysis.md     the shares of the variance, and which factor has the largest
├── effects.csv     every share with its interval
└── effects.png     the same as bars: only where the shares mean something
"""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aenbench.analysis.anova import MIN_R_SQUARED, Analysis, Effect, Lead, analyze, table_values
from aenbench.analysis.top_networks import MIN_NETWORKS, Level, Match, Top, matches, top_networks
from aenbench.errors import EntryError
from aenbench.reports.figures import effect_bars
from aenbench.reports.markdown import csv_text, markdown_table
from aenbench.tables.table import Table
from gdatasets.files import make_folder, read_whole, write_whole

TRIALS_FILE = "trials.csv"
ANALYSIS_FILES = ("analysis.md", "effects.csv", "effects.png")
MAX_TRIALS_BYTES = 16 << 20
ABOVE_CHANCE = 0.02
"""By how much the accuracy of a network has to exceed chance before it has learned anything."""
_SHOWN_PAIRS = 10


def read_trials(folder: Path) -> dict[str, list[float]]:
    """The accuracies, 0..1, of each canonical state in a run's `trials.csv`, one for each seed that trained it.

    Raises:
        EntryError: the file is missing, too large or malformed.
    """
    path = folder / TRIALS_FILE
    values: dict[str, list[float]] = {}
    try:
        for row in csv.DictReader(io.StringIO(read_whole(path, MAX_TRIALS_BYTES).decode())):
            values.setdefault(row["canonical"], []).append(_share(row["value"]))
    except OSError as error:
        raise EntryError(
            f"{path} cannot be read ({error.strerror}); name the folder of a run that searched."
        ) from error
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise EntryError(
            f"{path} is malformed ({error}); expected columns canonical and value, the values 0..1."
        ) from error
    if not values:
        raise EntryError(f"{path} holds no trials.")
    return values


def _share(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"value {text}")
    return value


def analyze_table(table: Table, folder: Path) -> tuple[Analysis, Top | None]:
    """Analyze the networks of a table, with the best where there are enough that learned, and write that into a folder.

    Raises:
        InvalidArgumentError: too few networks, or all alike.
        OutputError: the folder cannot be written to.
    """
    values = table_values(table)
    analysis = analyze(table.space, values)
    best, chance = float(max(np.mean(each) for each in values.values())), 1 / table.info.classes
    has_learned = best > chance + ABOVE_CHANCE
    top = top_networks(table.space, values) if has_learned and len(values) >= MIN_NETWORKS else None
    warning = (
        f"**No network has learned anything.** The best reaches {_percent(best)}; to name one of {table.info.classes} "
        f"classes at random reaches {_percent(chance)}. What follows explains differences between networks that guess."
    )
    shown = "" if has_learned else warning
    write_analysis(analysis, folder, table.info.title, top, matches(table.space, values), shown)
    return analysis, top


def write_analysis(
    analysis: Analysis,
    folder: Path,
    title: str,
    top: Top | None = None,
    matching: Sequence[Match] = (),
    warning: str = "",
) -> None:
    """Write an analysis into a folder, which is made where it is missing; with the best networks where they are known.

    A warning comes first, and then nothing is said to lead.

    Where a surrogate predicts nothing only the text is written, and an older table and picture are removed.

    Raises:
        OutputError: the folder cannot be written to.
    """
    make_folder(folder)
    write_whole(folder / "analysis.md", (markdown(analysis, title, warning) + _top_text(top, matching)).encode())
    if analysis.effects:
        write_whole(folder / "effects.csv", effects_csv(analysis).encode())
        write_whole(folder / "effects.png", picture(analysis, title))
    else:
        for name in ANALYSIS_FILES[1:]:
            (folder / name).unlink(missing_ok=True)


def markdown(analysis: Analysis, title: str, warning: str = "") -> str:
    """What was found, as text with tables."""
    parts = [f"# What explains accuracy on {title}", *([warning] if warning else []), _basis(analysis)]
    if analysis.effects:
        if not warning:
            parts += [_statement(lead, analysis) for lead in analysis.leads]
        parts.append("![Shares of the variance of accuracy](effects.png)")
        parts.append("## Factors\n\n" + _factor_table(analysis))
        parts.append("## Families of factors\n\n" + _share_table(analysis.of("family")))
        parts.append(
            f"## Interactions\n\n{_share_table(analysis.of('pair')[:_SHOWN_PAIRS])}\n\n"
            f"All pairs together: {_percent(sum(effect.share for effect in analysis.of('pair')))}; the largest "
            f"{min(_SHOWN_PAIRS, len(analysis.of('pair')))} are shown."
        )
        parts.append("## The rest\n\n" + _share_table([*analysis.of("higher"), *analysis.of("noise")]))
    return "\n\n".join(parts) + "\n"


def _top_text(top: Top | None, matching: Sequence[Match]) -> str:
    """The best networks against all, and augmentations where the group has their move; empty where nothing is known."""
    if top is None:
        return ""
    telling = ", ".join(f"{factor.name} (p = {_p_value(factor.p_value)})" for factor in top.telling)
    found = f"They differ from all networks in {telling}." if telling else "No factor tells them from all networks."
    rows = [
        [f"{factor.name}: {level.name}", f"{level.best} of {level.networks}", f"{level.expected:.1f}", _gain(level)]
        for factor in top.factors
        for level in factor.levels
    ]
    parts = [
        "## The best networks\n\n"
        f"The best tenth: {top.best} of {top.networks} networks, by the mean over seeds. {found}{_blocks_note(top)}",
        markdown_table(["level", "among the best", "expected by chance", "gain over the first level, points"], rows),
    ]
    if "group" in {factor.name for factor in top.factors}:
        none = next(factor for factor in top.factors if factor.name == "group").levels[0]
        parts.append(
            f"Without a group: {none.best} of the best {top.best}, where {none.expected:.1f} are expected; so few by "
            f"chance: p = {_p_value(none.at_most)}."
        )
    if matching:
        rows = [
            [
                f"{match.augmentation}, {match.move}",
                _signed(match.with_move),
                _signed(match.without),
                f"{_signed(match.difference)} [{_signed(match.low)}, {_signed(match.high)}]",
            ]
            for match in matching
        ]
        headings = ["augmentation, move", "gain where the group has the move", "where it has not", "difference, points"]
        parts.append("## Augmentation where the group has the move\n\n" + markdown_table(headings, rows))
    return "\n" + "\n\n".join(parts) + "\n"


def _blocks_note(top: Top) -> str:
    """On what the tests and intervals rest."""
    if "augmentation" not in {factor.family for factor in top.factors}:
        return ""
    return (
        " Networks that differ in augmentations only begin with the same weights, so groups and sizes are permuted as "
        "blocks of these, and the intervals of their gains are over blocks."
    )


def _p_value(value: float) -> str:
    return f"{value:.2g}"


def _gain(level: Level) -> str:
    if level.gain is None or level.low is None or level.high is None:
        return ""
    return f"{_signed(level.gain)} [{_signed(level.low)}, {_signed(level.high)}]"


def _signed(share: float) -> str:
    return f"{round(100 * share, 2) + 0.0:+.2f}"


def _basis(analysis: Analysis) -> str:
    spread = f"standard deviation of accuracy {100 * analysis.deviation:.2f} percentage points"
    if analysis.r_squared is None and analysis.seeds > 1:
        return (
            f"All {analysis.networks} networks, {analysis.seeds} training seeds each, as a full factorial of "
            f"{analysis.cells:,} cells; {spread}. Effects are what seeds have in common; noise is the rest. Intervals "
            "(95 %) are for training with other seeds."
        )
    if analysis.r_squared is None:
        return (
            f"All {analysis.networks} networks, one training seed, as a full factorial of {analysis.cells:,} cells; "
            f"{spread}. With one seed, training noise looks like effects, and there are no intervals."
        )
    surrogate = (
        f"{analysis.networks} networks; a Gaussian process fitted to them predicts "
        f"{_percent(analysis.r_squared)} of the variance of unseen ones (five-fold cross-validated R^2)"
    )
    if not analysis.effects:
        return (
            f"{surrogate}: less than {_percent(MIN_R_SQUARED)}, so that its effects would mean nothing. **No effect "
            "can be told from these trials**; train more networks, or with less noise."
        )
    return (
        f"{surrogate}. Shares are those of its predictions for a full factorial of {analysis.cells:,} cells, mean and "
        f"95 % interval of the posterior, given the kernel; {spread}. Noise is of training, and what the process does "
        "not resolve."
    )


def _statement(lead: Lead, analysis: Analysis) -> str:
    share = next(e.share for e in analysis.effects if (e.kind, e.name) == (lead.kind, lead.first))
    what = "Of single factors" if lead.kind == "main" else "Of families"
    if lead.low is None or lead.high is None:
        verdict = "how certain that is, one seed does not tell"
        interval = ""
    else:
        verdict = "so it leads" if lead.low > 0 else "so **neither leads for certain**"
        interval = f" [{_points(lead.low)}, {_points(lead.high)}]"
    half = "more" if share > 0.5 else "less"
    return (
        f"{what}, **{lead.first}** explains most: {_percent(share)}, {half} than half of the variance. That is "
        f"{_points(lead.share)}{interval} points more than {lead.second}, {verdict}."
    )


def _factor_table(analysis: Analysis) -> str:
    totals = {effect.name: effect for effect in analysis.of("total")}
    rows = [[effect.name, _cell(effect), _cell(totals[effect.name])] for effect in analysis.of("main")]
    return markdown_table(["factor", "alone, % of the variance", "with its interactions, %"], rows)


def _share_table(effects: Sequence[Effect]) -> str:
    return markdown_table(["part", "% of the variance"], [[effect.name, _cell(effect)] for effect in effects])


def _cell(effect: Effect) -> str:
    if effect.low is None or effect.high is None:
        return _points(effect.share)
    return f"{_points(effect.share)} [{_points(effect.low)}, {_points(effect.high)}]"


def _points(share: float) -> str:
    """A share in percent, without a minus sign before zero."""
    return f"{round(100 * share, 1) + 0.0:.1f}"


def _percent(share: float) -> str:
    return f"{_points(share)} %"


def effects_csv(analysis: Analysis) -> str:
    """Every share; empty where there is no interval."""
    lines = [["kind", "name", "share", "low", "high"]]
    for effect in analysis.effects:
        numbers = (effect.share, effect.low, effect.high)
        lines.append([effect.kind, effect.name, *("" if number is None else f"{number:.6f}" for number in numbers)])
    return csv_text(lines)


def picture(analysis: Analysis, title: str) -> bytes:
    """Main effects, the largest pairs and the rest, as the bytes of a PNG file."""
    shown = [*analysis.of("main"), *analysis.of("pair")[:_SHOWN_PAIRS], *analysis.of("higher"), *analysis.of("noise")]
    nan = math.nan
    return effect_bars(
        [effect.name for effect in shown],
        [100 * effect.share for effect in shown],
        [100 * (nan if effect.low is None else effect.low) for effect in shown],
        [100 * (nan if effect.high is None else effect.high) for effect in shown],
        [effect.kind for effect in shown],
        title,
    )
