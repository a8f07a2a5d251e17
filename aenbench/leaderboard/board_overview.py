"""What a board says of its entries together: over tasks, and over numbers of training images."""

from dataclasses import dataclass

from aenbench.leaderboard.board import Board
from aenbench.leaderboard.matrix import Matrix, matrix_markdown, matrix_of
from aenbench.leaderboard.task_outcomes import outcomes_of
from aenbench.leaderboard.training_sizes import SizeComparison, compare_sizes, sizes_markdown
from aenbench.leaderboard.verdict_section import verdict_markdown
from aenbench.scoring.verdict import Verdict, judge


@dataclass(frozen=True, eq=False)
class Overview:
    """See the module.

    Attributes:
        verdict: over tasks; None where the entries give none.
        matrix: of methods and tasks; None where no method is on two tasks.
        sizes: by the number of a standing, the comparison over numbers of training images; None where there is none.
    """

    verdict: Verdict | None
    matrix: Matrix | None
    sizes: tuple[SizeComparison | None, ...]

    @property
    def start_markdown(self) -> str:
        """What stands above the tables of the tasks."""
        return verdict_markdown(self.verdict) + matrix_markdown(self.matrix)

    @property
    def task_markdown(self) -> tuple[str, ...]:
        """What stands below the table of each standing; empty where nothing does."""
        return tuple(map(sizes_markdown, self.sizes))


def overview_of(board: Board) -> Overview:
    """The overview of a board's entries."""
    outcomes = outcomes_of(board)
    return Overview(judge(outcomes), matrix_of(outcomes), tuple(map(compare_sizes, board.standings)))
