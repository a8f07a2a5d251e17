"""Methods that answer the tasks, and running one on all of them.

A method is any callable `method(images, labels, candidates, seed) -> Finding`: register nothing, name it by its import
path. It is given no truth; `oracle` is the one that looks it up, and the board says so by its name.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aenbench.discovery.answers import Method as Discoverer
from aenbench.discovery.discover import discover
from aenbench.discovery.training_methods import TRAINING_METHODS, TrainingMethod, choose_by_training
from aenbench.errors import InvalidArgumentError
from aenbench.provenance import code_revision, software
from aenbench.tasks.task import Root
from aenbench.track.finding import Finding, Moves, as_answer, as_answer_by_class
from aenbench.track.network_search import SEARCH_METHODS, describe_budget, search_networks
from aenbench.track.submission import Answer, Submission, read_submission, write_submission
from aenbench.track.task_images import load_images
from aenbench.track.tasks import Task, candidates, tasks
from aenbench.track.truth import true_angles, true_classes, true_group
from gdatasets.errors import GDatasetsError, UnknownNameError
from gdatasets.groups.permutation_groups import Permutations
from gdatasets.user_code import load_object

Report = Callable[[str], None]


class Method(Protocol):
    """What answers a task."""

    def __call__(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64] | None, candidates: Moves, seed: int
    ) -> Finding:
        """Ask images which candidates keep their law.

        Args:
            images: uint8 (n, 28, 28).
            labels: int64 (n,); None where all images are of one class.
            candidates: gather indices (784,) by name.
            seed: of all random draws.
        """


def discovered(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64] | None,
    candidates: Moves,
    seed: int,
    *,
    method: Discoverer = "kernel",
) -> Finding:
    """What `aenbench discover` says by one of its methods, at level .01; confidences are 1 - effect."""
    found = discover(images, labels, dict(candidates), method=method, limit=None, level=0.01, seed=seed)
    confidences = {name: float(np.clip(1 - effect, 0, 1)) for name, effect in found.effects.items()}
    return Finding(found.named("symmetry"), confidences)


def trained(
    images: NDArray[np.uint8], labels: NDArray[np.int64] | None, candidates: Moves, seed: int, *, method: TrainingMethod
) -> Finding:
    """What one of `TRAINING_METHODS` chooses; nothing where there is one class, which no network learns."""
    if labels is None:
        return Finding((), dict.fromkeys(candidates, 0.0))
    found = choose_by_training(method, images, labels, dict(candidates), limit=None, seed=seed)
    return Finding(found.chosen, found.confidences)


def searched(
    images: NDArray[np.uint8], labels: NDArray[np.int64] | None, candidates: Moves, seed: int, *, search: str
) -> Finding:
    """What one of `SEARCH_METHODS` chooses of the candidates that are actions; nothing where there is one class."""
    if labels is None:
        return Finding((), dict.fromkeys(candidates, 0.0))
    found = search_networks(search, images, labels, seed)
    confidences = {name: found.confidences.get(name, 0.0) for name in candidates}
    return Finding(tuple(name for name in found.moves if name in candidates), confidences)


def nothing(
    images: NDArray[np.uint8],  # noqa: ARG001
    labels: NDArray[np.int64] | None,  # noqa: ARG001
    candidates: Moves,
    seed: int,  # noqa: ARG001
) -> Finding:
    """No symmetry at all."""
    return Finding((), dict.fromkeys(candidates, 0.0))


def everything(
    images: NDArray[np.uint8],  # noqa: ARG001
    labels: NDArray[np.int64] | None,  # noqa: ARG001
    candidates: Moves,
    seed: int,  # noqa: ARG001
) -> Finding:
    """All candidates."""
    return Finding(tuple(candidates), dict.fromkeys(candidates, 1.0))


METHODS: dict[str, Method] = {
    **{name: partial(discovered, method=name) for name in ("kernel", "classifier")},
    **{name: partial(trained, method=name) for name in TRAINING_METHODS},
    **{name: partial(searched, search=name) for name in SEARCH_METHODS},
    "nothing": nothing,
    "everything": everything,
}
ORACLE = "oracle"
"""Not a method: it is given the truth."""


def find_method(name: str) -> Method | None:
    """A method by its name or import path `package.module:function`; None for the oracle.

    Raises:
        UnknownNameError: there is none of that name.
        InvalidArgumentError: the import path gives nothing that can be called.
    """
    if name == ORACLE:
        return None
    if name in METHODS:
        return METHODS[name]
    if ":" not in name:
        raise UnknownNameError("method", name, [*METHODS, ORACLE, "or an import path package.module:function"])
    found = load_object(name, "a method")
    if not callable(found):
        raise InvalidArgumentError(f"{name} is {type(found).__name__}; expected a function.")
    method: Method = found
    return method


@dataclass(frozen=True)
class TrackPlan:
    """What `answer_tasks` is to do.

    Attributes:
        method: name or import path.
        name: of the submission.
        tasks: that are answered.
        seed: given to the method.
        root: a folder to look for the sources' files in first.
        resume: keep the answers that an interrupted run of the same command and code has written.
    """

    method: str
    name: str
    tasks: Sequence[Task]
    seed: int = 0
    root: Root = None
    resume: bool = False


def answer_tasks(plan: TrackPlan, folder: Path, command: str, report: Report = lambda _: None) -> Submission:
    """Run a method on the tasks and write the submission, which after each task holds the answers so far.

    Raises:
        SourceError: images of a task are found nowhere.
        InvalidArgumentError: the method cannot say anything of the images, or gives what is no answer; or what is to be
            resumed was made by another command or by other code.
        EntryError: what is to be resumed is refused.
        OutputError: it could not be written.
    """
    method = find_method(plan.method)
    submission = Submission(
        name=plan.name,
        method=plan.method,
        description=describe_budget() if plan.method in SEARCH_METHODS else "",
        command=command,
        code_revision=code_revision(),
        software=software(),
        answers={},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    answers, arrays = _answered_before(submission, folder) if plan.resume else ({}, {})
    for task in plan.tasks:
        if task.name in answers:
            continue
        try:
            answered = _oracle(task) if method is None else _answer(task, method, plan)
        except GDatasetsError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:  # whatever a user's function gives
            what = str(error).splitlines()[0]
            raise InvalidArgumentError(f"{plan.method} gave no Finding for {task.name}: {what}.") from error
        if answered is None:
            report(f"{task.name}: left out, the method knows candidates only")
            continue
        answer, rows = answered
        answers[task.name] = answer
        if rows is not None:
            arrays[task.name] = rows
        submission = submission.model_copy(update={"answers": dict(answers)})
        write_submission(folder, submission, arrays)
        report(f"{task.name}: {answer.seconds or 0:.2f} s")
    if not answers:
        write_submission(folder, submission, {})
    return submission


def _answered_before(submission: Submission, folder: Path) -> tuple[dict[str, Answer], dict[str, Permutations]]:
    """Answers and arrays that lie in the folder of a submission, if it was begun there; raises InvalidArgumentError."""
    if not folder.exists():
        return {}, {}
    known, found = read_submission(folder)
    for what in ("method", "command", "code_revision", "software"):
        before, now = getattr(known, what), getattr(submission, what)
        if before != now:
            raise InvalidArgumentError(
                f"{folder} cannot be resumed: its {what} is {before!r}, got {now!r}; start again with --overwrite."
            )
    return dict(known.answers), {name: each.generators for name, each in found.items() if each.generators is not None}


def _answer(task: Task, method: Method, plan: TrackPlan) -> tuple[Answer, Permutations] | None:
    if task.family == "angles":
        return None
    loaded, moves = load_images(task, plan.root), candidates()
    start = time.process_time()
    if task.family != "classes":
        found = method(loaded.images, loaded.labels, moves, plan.seed)
        return as_answer(found, moves, time.process_time() - start)
    numbers = np.unique(loaded.labels).tolist()
    own = {n: method(loaded.images[loaded.labels == n], None, moves, plan.seed) for n in numbers}
    return as_answer_by_class(own, moves, time.process_time() - start)


def _oracle(task: Task) -> tuple[Answer, Permutations | None]:
    if task.family == "angles":
        angles, weights = true_angles()
        return Answer(kind="angles", angles=tuple(angles.tolist()), weights=tuple(weights.tolist()), seconds=0.0), None
    if task.family == "classes":
        groups = true_classes()
        by_class = [number for number, group in groups.items() for _ in group.generators]
        rows = np.concatenate([group.generators for group in groups.values()])
        return Answer(kind="generators", by_class=tuple(by_class), seconds=0.0), rows
    truth = true_group(task)
    confidences = {name: float(name in truth.members) for name in candidates()}
    return Answer(kind="generators", confidences=confidences, seconds=0.0), truth.generators


def matching(pattern: str) -> Iterator[Task]:
    """The tasks whose names match a pattern such as `g-digits.*`."""
    from fnmatch import fnmatchcase

    return (task for name, task in tasks().items() if fnmatchcase(name, pattern))
