"""The command `track`: what a method answers to the tasks of symmetry discovery."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aenbench.cli.options import RootOption
from aenbench.errors import InvalidArgumentError
from gdatasets.cli.output import say

if TYPE_CHECKING:
    from aenbench.track.track_board import Scorecard


def track(
    method: Annotated[
        str,
        typer.Argument(
            help="kernel, classifier, learned-augmentation, post-hoc, greedy, guided, dqn, nothing, everything, "
            "oracle, or a function package.module:name of yours."
        ),
    ],
    tasks: Annotated[str, typer.Option(help="A pattern of names, such as 'g-digits.*'.")] = "*",
    name: Annotated[str, typer.Option(help="Name of the submission; by default the method's.")] = "",
    seed: Annotated[int, typer.Option(help="Seed, given to the method.")] = 0,
    out: Annotated[Path, typer.Option(help="The submission goes to OUT/discovery/<name>.")] = Path("leaderboards"),
    root: RootOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a submission of the same name.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Resume an interrupted run of this command.")] = False,
) -> None:
    """Ask a method for the symmetries of every task whose truth is known, and score what it says."""
    from aenbench.leaderboard.entry import safe_name
    from aenbench.track.finders import TrackPlan, answer_tasks, find_method, matching
    from aenbench.track.submission import check_free
    from aenbench.track.track_board import score_submission
    from aenbench.track.track_folder import TRACK_FOLDER

    find_method(method)
    asked = tuple(matching(tasks))
    if not asked:
        raise InvalidArgumentError(f'No task is named "{tasks}"; see docs/discovery-track.md.')
    try:
        chosen = safe_name(name or method.rpartition(":")[2].replace("_", "-"))
    except ValueError as error:
        raise InvalidArgumentError(f'"{name or method}" {error}.') from error
    folder = out / TRACK_FOLDER / chosen
    check_free(folder, overwrite or resume)
    command = shlex.join(["aenbench", *(word for word in sys.argv[1:] if word != "--resume")])
    answer_tasks(TrackPlan(method, chosen, asked, seed, root, resume), folder, command, say)
    show(score_submission(folder))
    say(f"Submission: {folder}")


def show(card: "Scorecard") -> None:
    """A line with its main scores."""
    jaccard = card.mean_of("jaccard")
    say(
        f"{card.exact} groups exact, Jaccard index {0 if jaccard is None else jaccard:.3f}; "
        f"{card.false_discoveries} of {card.nulls} nulls with a false discovery."
    )
