"""Accuracy against the number of training images, of the entries of a task's open track that differ in it.

`aenbench run --train-images N` names its entry `<method>-open-n<N>`, or `<method>-open-<other changes>-n<N>`. Entries
that agree but for N are a method's curve. Entries of the fixed recipe are no points of it: they do not say how many
images they were trained on, which is fewer than all for some budgets, and they are on the other track.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aenbench.leaderboard.board import Row, Standing
from aenbench.leaderboard.entry import Entry
from aenbench.leaderboard.markdown import STATED, format_accuracy
from aenbench.reports.markdown import markdown_table
from aenbench.scoring.sample_efficiency import Efficiency, compare
from aenbench.statistics.intervals import Estimate, percent_cell

TITLE = "Accuracy against training images"


@dataclass(frozen=True, eq=False)
class SizeComparison:
    """Methods of a task's open track over the numbers of training images that all of them have.

    Attributes:
        efficiency: the methods and their areas.
        rows: the entry of each method and number of images.
        searched: methods that trained networks to choose from.
    """

    efficiency: Efficiency
    rows: Mapping[str, Mapping[int, Row]]
    searched: tuple[str, ...]

    @property
    def note(self) -> str:
        """What the picture and the table show."""
        sizes, absent = self.efficiency.sizes, self.efficiency.absent
        left_out = "; ".join(f"{method} ({count})" for method, count in absent.items())
        return (
            f"Compared are the {len(self.rows)} methods with entries of {_listed([f'{size:,}' for size in sizes])} "
            f"training images {STATED}. "
            + (f"Left out, with the number of sizes that they have: {left_out}. " if absent else "")
            + "Area: accuracy, %, averaged over the logarithm of that number. Brackets: 95 % intervals. "
            "Entries of the fixed recipe are not points of these curves."
            + (
                f" Only the final training is limited: before it, {_listed(self.searched)} trained networks to choose "
                "from, on as many images as for the fixed recipe."
                if self.searched
                else ""
            )
        )


def compare_sizes(standing: Standing) -> SizeComparison | None:
    """The curves of a task's open track; None where no two methods have the same two sizes."""
    rows: dict[str, dict[int, Row]] = {}
    for row in standing.rows if standing.is_open else ():
        if (found := curve_of(row.entry)) is not None:
            method, images = found
            rows.setdefault(method, {})[images] = row
    efficiency = compare(
        {
            method: {
                images: {
                    seed.seed: accuracy for seed, accuracy in zip(row.entry.seeds, row.score.per_seed, strict=True)
                }
                for images, row in found.items()
            }
            for method, found in rows.items()
        }
    )
    if efficiency is None:
        return None
    kept = {method: {size: rows[method][size] for size in efficiency.sizes} for method in efficiency.areas}
    searched = tuple(method for method, found in kept.items() if any(map(_has_searched, found.values())))
    return SizeComparison(efficiency, kept, searched)


def curve_of(entry: Entry) -> tuple[str, int] | None:
    """The method and the number of training images of an entry; None where its name and recipe do not say them."""
    images = entry.open_recipe.images if entry.open_recipe is not None else None
    ending = f"-n{images}"
    if images is None or not entry.name.endswith(ending):
        return None
    method = entry.name.removesuffix(ending)
    if method.endswith("-open"):
        return method.removesuffix("-open"), images
    return (method, images) if "-open-" in method else None


def _has_searched(row: Row) -> bool:
    return any(seed.networks_trained for seed in row.entry.seeds)


def sizes_markdown(found: SizeComparison | None) -> str:
    """The comparison for the README of a board; empty where there is none."""
    if found is None:
        return ""
    headings = ("method", "area, %", *(f"{size:,} images" for size in found.efficiency.sizes))
    rows = [
        (
            method,
            area_cell(found, method),
            *(format_accuracy(found.rows[method][size].score) for size in found.efficiency.sizes),
        )
        for method in found.efficiency.areas
    ]
    return "\n".join([f"#### {TITLE}", "", found.note, "", markdown_table(headings, rows), ""])


def area_cell(found: SizeComparison, method: str) -> str:
    """Such as `71.2 [70.4, 72.0]`; without brackets where there is no interval."""
    mean, low, high = found.efficiency.areas[method]
    return percent_cell(Estimate(100 * mean, low and 100 * low, high and 100 * high))


def _listed(names: Sequence[str]) -> str:
    """Such as `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
