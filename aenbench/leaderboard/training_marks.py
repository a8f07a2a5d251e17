"""How the entries of a comparison were trained: how many of them carry which mark."""

from collections.abc import Collection
from dataclasses import dataclass

from aenbench.leaderboard.board import Row

EXPLANATION = "../docs/recipes.md#one-cycle-schedules-and-not-converged"
"""Where the marks are explained, from the folder of the board."""


@dataclass(frozen=True)
class TrainingMarks:
    """What is said below a comparison of entries.

    Attributes:
        entries: that are compared.
        unconverged: of them, those whose accuracy still rose at the end of the training.
        unknown: of them, those without a `history.csv`, so that how they were trained is not known.
        otherwise: of them, those that had another number of passes than the recipe of that name has.
    """

    entries: int
    unconverged: int
    unknown: int
    otherwise: int = 0

    @property
    def sentence(self) -> str:
        """Such as `Of the 80 entries compared, 61 are not converged and 1 has no history`; empty where none is."""
        parts = [
            *([_counted(self.unconverged, "is", "are") + " not converged"] if self.unconverged else []),
            *([_counted(self.unknown, "has", "have") + " no history"] if self.unknown else []),
            *([_counted(self.otherwise, "has", "have") + " another recipe"] if self.otherwise else []),
        ]
        listed = " and ".join([", ".join(parts[:-1]), *parts[-1:]] if parts[1:] else parts)
        return f"Of the {self.entries} entries compared, {listed}" if parts else ""

    @property
    def markdown(self) -> str:
        """The sentence with a link, and a space before it; empty where it is."""
        return f" {self.sentence} ([what that means]({EXPLANATION}))." if self.sentence else ""


def training_marks(rows: Collection[Row]) -> TrainingMarks:
    """The marks of these entries."""
    return TrainingMarks(
        len(rows),
        sum(not row.shown.has_converged for row in rows),
        sum(row.lacks_history for row in rows),
        sum(bool(row.shown.other_recipe) for row in rows),
    )


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
