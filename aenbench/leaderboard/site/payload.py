"""The board as the JSON that the page is drawn from: shares 0..1, rounded once to what is shown; text as it is.

{"tasks": [...], "entries": [...], "sections": [...], "matrix": ...}; a task is there once for fixed recipes and once
for open ones. Entries are a table, as `packing` has it; an entry's `task` is a number in `tasks`, its `id` is
`<dataset>/<configuration>/<name>`. Long tables are lists of numbers in a stated order.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from aenbench.leaderboard.board import Board, Row, Standing
from aenbench.leaderboard.entry import Entry, format_recipe
from aenbench.leaderboard.matrix import Matrix
from aenbench.leaderboard.networks import family_name
from aenbench.leaderboard.site.citation import dataset_citation, entry_bibtex
from aenbench.leaderboard.site.overview_data import matrix_data, sizes_data
from aenbench.leaderboard.site.packing import pack_curves, pack_parts, part_heads, table
from aenbench.leaderboard.site.samples import sample_images
from aenbench.leaderboard.training_marks import EXPLANATION, TrainingMarks
from aenbench.leaderboard.training_sizes import SizeComparison
from aenbench.scoring import Details, Part
from aenbench.scoring.scores import tabled

MAX_CONFUSION_CLASSES = 26
"""Of datasets with more classes only the most frequent confusions are shown."""

MAX_CONFUSIONS = 20
MAX_FACET_VALUES = 60
"""Of facets with more values those with the lowest accuracy are shown."""

_HARMLESS = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class Section:
    """A table of the page that is made elsewhere, shown below those of entries.

    Attributes:
        title: of the section.
        note: what the columns mean, one paragraph.
        headings: of the columns; the first one names a row.
        rows: cells as text, as many as headings.
        picture: a `data:` address of one above the table; empty where there is none.
        alternative: what the picture shows, in words.
        is_first: whether the section stands above those of entries.
        details: how to read it, shown on request.
        marks: how its entries were trained, one sentence without its stop; empty where that is unmarked.
    """

    title: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    picture: str = ""
    alternative: str = ""
    is_first: bool = False
    details: str = ""
    marks: str = ""


def payload(
    board: Board,
    sections: Sequence[Section] = (),
    matrix: Matrix | None = None,
    matrix_marks: TrainingMarks | None = None,
    sizes: Sequence[SizeComparison | None] = (),
) -> str:
    """The JSON of a board, in which no letter can end a script element.

    Args:
        board: what is shown.
        sections: that are made elsewhere.
        matrix: of methods and tasks, where there is one.
        matrix_marks: how its entries were trained.
        sizes: of each standing, the comparison over training images where there is one; nothing for none.
    """
    compared = sizes or [None] * len(board.standings)
    content = {
        "tasks": [_task(*each) for each in zip(board.standings, compared, strict=True)],
        "entries": table(
            [_entry(number, standing, row) for number, standing in enumerate(board.standings) for row in standing.rows]
        ),
        "seedColumns": _SEED,
        "sections": [asdict(section) for section in sections],
        "matrix": matrix_data(matrix, matrix_marks),
        "marksExplained": EXPLANATION,
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_HARMLESS)


_SEED = ("seed", "accuracy", "chosenBy", "parameters", "networks", "searchSeconds", "trainingSeconds")
"""What the numbers of a seed are."""


def _common(standing: Standing) -> Mapping[str, Any]:
    """The heads of `classes` and of each facet, which the entries of a task have in common."""
    details = standing.rows[0].shown.details
    facets = {name: part_heads(parts) for name, parts in details.facets.items() if len(parts) <= MAX_FACET_VALUES}
    return {**dict.fromkeys(details.facets), **facets, "classes": part_heads(details.classes)}


def _task(standing: Standing, sizes: SizeComparison | None) -> dict[str, Any]:
    task, dataset = standing.task, standing.answers.dataset
    samples = sample_images(standing.answers)
    return {
        "dataset": task.dataset,
        "configuration": task.configuration,
        "protocol": task.protocol.name,
        "recipe": "open" if standing.is_open else "fixed",
        "version": dataset.version,
        "digest": standing.answers.digest,
        "images": len(standing.answers.labels),
        "size": list(dataset.image_shape[:2]),
        "classes": list(dataset.classes),
        "samples": {
            "source": samples.source,
            "width": samples.width,
            "height": samples.height,
            "classes": list(samples.classes),
            "rows": samples.rows,
        },
        "citation": dataset_citation(task.dataset, dataset.version),
        "heads": _common(standing),
        **({"training": sizes_data(sizes)} if sizes else {}),
    }


def _entry(task: int, standing: Standing, row: Row) -> dict[str, Any]:
    entry, shown, details, common = row.entry, row.shown, row.shown.details, _common(standing)
    return {
        "task": task,
        "id": f"{entry.dataset}/{entry.configuration}/{entry.name}",
        "name": entry.name,
        "rank": row.rank,
        "place": row.place,
        "tied": list(row.tied),
        "trust": {"level": shown.trust.level, "checked": shown.trust.checked, "problems": list(shown.trust.problems)},
        "flags": [{"code": flag.code, "message": flag.message, "reason": flag.reason or ""} for flag in row.flags],
        "accuracy": _shares((row.score.mean, row.score.low, row.score.high)),
        **_further_scores(row),
        "seeds": [
            [
                seed.seed,
                _share(accuracy),
                None if seed.chosen_by is None else _share(seed.chosen_by),
                seed.parameters,
                seed.networks_trained,
                seed.search_seconds,
                seed.training_seconds,
            ]
            for seed, accuracy in zip(entry.seeds, row.score.per_seed, strict=True)
        ],
        "network": shown.network,
        "family": family_name(entry),
        "counted": shown.counted,
        "origin": entry.origin,
        "method": entry.method,
        "description": entry.description,
        "authors": list(entry.authors),
        "links": dict(entry.links),
        "budget": entry.budget,
        "recipe": "" if entry.origin == "submission" else format_recipe(entry.open_recipe),
        "command": entry.command,
        "codeRevision": entry.code_revision,
        "outsideData": entry.outside_data,
        "hardware": entry.hardware,
        "software": dict(entry.software),
        "created": entry.created,
        "predictionsSha256": entry.predictions_sha256,
        "bibtex": entry_bibtex(entry),
        "classes": pack_parts(details.classes, common["classes"]),
        "facets": [_facet(name, parts, common[name]) for name, parts in details.facets.items()],
        "invariance": pack_parts(details.invariance, None),
        "progress": pack_curves(shown.progress),
        "training": pack_curves(shown.training),
        **({"dots": "validations"} if _is_validated_seldom(entry) else {}),
        "lacksHistory": row.lacks_history,
        **({"otherRecipe": shown.other_recipe} if shown.other_recipe else {}),
        "stillRising": 0 if shown.has_converged else _share(shown.still_rising),
        **_confusion(details, standing.answers.dataset.classes),
        **_calibration(details),
    }


def _is_validated_seldom(entry: Entry) -> bool:
    """Whether a row of its `history.csv` may be several passes: those of few images, as `RecipeChanges` has them."""
    opened = entry.open_recipe
    return opened is not None and opened.images is not None and opened.epochs is None and not opened.all_images


def _further_scores(row: Row) -> dict[str, Any]:
    """The scores of the tables beside accuracy, by name: mean and interval, null where an entry has none."""
    further = {name: row.shown.scores[name] for name in tabled() if name != "accuracy"}
    shown = {name: each and [each.mean, each.low, each.high] for name, each in further.items()}
    return {"scores": shown} if shown else {}


def _facet(name: str, parts: tuple[Part, ...], heads: Sequence[Sequence[Any]] | None) -> list[Any]:
    """[name, values, parts], of too many values those with the lowest accuracy."""
    shown = parts
    if len(parts) > MAX_FACET_VALUES:
        shown = tuple(sorted(parts, key=lambda part: part.share)[:MAX_FACET_VALUES])
    return [name, len(parts), pack_parts(shown, heads)]


def _confusion(details: Details, classes: tuple[str, ...]) -> dict[str, Any]:
    """All counts where there are few classes, otherwise the most frequent mistakes as [label, prediction, count]."""
    counts = details.confusion
    if len(classes) <= MAX_CONFUSION_CLASSES:
        return {"confusion": counts.tolist()}
    mistakes = counts - np.diag(np.diag(counts))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:MAX_CONFUSIONS]
    pairs = ((*divmod(int(place), len(classes)), int(mistakes.flat[place])) for place in order)
    return {"confusions": [[classes[label], classes[taken], count] for label, taken, count in pairs if count]}


def _calibration(details: Details) -> dict[str, Any]:
    found = details.calibration
    if found is None:
        return {}
    return {
        "calibration": {
            "expectedError": round(found.expected_calibration_error, 4),
            "negativeLogLikelihood": round(found.negative_log_likelihood, 4),
            "brierScore": round(found.brier_score, 4),
            "bins": [[each.predictions, *_shares((each.confidence, each.accuracy))] for each in found.bins],
        }
    }


def _shares(shares: Iterable[float], decimals: int = 2) -> list[float]:
    return [_share(share, decimals) for share in shares]


def _share(share: float, decimals: int = 2) -> float:
    """A share whose percentage has this many decimals, rounded as the Markdown tables round it."""
    return round(round(100 * share, decimals) / 100, decimals + 2)
