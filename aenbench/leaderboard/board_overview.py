"""What a board says of its entries together: over tasks, and over numbers of training images."""

from dataclasses import dataclass

from aenbench.leaderboard.board import Board
from aenbench.leaderboard.matrix import Matrix, matrix_markdown, matrix_of
from aenbench.leaderboard.task_outcomes import compared_rows, outcomes_of
from aenbench.leaderboard.training_marks import TrainingMarks, training_marks
from aenbench.leaderboard.training_sizes import SizeComparison, compare_sizes, sizes_markdown
from aenbench.leaderboard.verdict_section import verdict_markdown
from aenbench.scoring.verdict import Verdict, judge


@dataclass(frozen=True, eq=False)
class Overview:
    """See the module.

    Attributes:
        verdict: over tasks; None where the entries give none.
        matrix: of methods and tasks; None where no method is on two tasks.
        verdict_marks, matrix_marks: how the entries of both were trained.
        sizes: by the number of a standing, the comparison over numbers of training images; None where there is none.
    """

    verdict: Verdict | None
    matrix: Matrix | None
    verdict_marks: TrainingMarks
    matrix_marks: TrainingMarks
    sizes: tuple[SizeComparison | None, ...]

    @property
    def start_markdown(self) -> str:
        """What stands above the tables of the tasks."""
        return verdict_markdown(self.verdict, self.verdict_marks) + matrix_markdown(self.matrix, self.matrix_marks)

    @property
    def task_markdown(self) -> tuple[str, ...]:
        """What stands below the table of each standing; empty where nothing does."""
        return tuple(map(sizes_markdown, self.sizes))


def overview_of(board: Board) -> Overview:
    """The overview of a board's entries."""
    outcomes, rows = outcomes_of(board), compared_rows(board)
    verdict, matrix = judge(outcomes), matrix_of(outcomes)
    judged = [rows[task][each.method] for each in verdict.judged for task in verdict.tasks] if verdict else []
    shown = [rows[task][method] for task, method in matrix.filled] if matrix else []
    sizes = tuple(map(compare_sizes, board.standings))
    return Overview(verdict, matrix, training_marks(judged), training_marks(shown), sizes)
