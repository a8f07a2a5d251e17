"""A suite: methods on tasks, what of it is there, and what the rest will cost."""

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aenbench.errors import EntryError, InvalidArgumentError, known_name
from aenbench.leaderboard.entry_folder import ENTRY_FILE, entry_folder, read_description
from aenbench.runs.options import RunOptions
from aenbench.runs.plan import Plan
from aenbench.runs.suite_costs import expected, measure
from aenbench.runs.suite_file import CORE, Suite
from aenbench.tasks.datasets import as_typed, check_names
from aenbench.tasks.images import Images
from gdatasets.errors import SourceError, UnknownNameError
from gdatasets.sources.source import data_roots


@dataclass(frozen=True)
class Cell:
    """A method on a task.

    Attributes:
        task: `<dataset>/<configuration>`.
        method: as the suite calls it.
        options: of the run.
        plan: of the run.
        folder: of its entry.
        seconds: that all its seeds will take on one core, from entries of the same method; None where there is none.
        exact: whether those are on the same dataset, with as many training images.
    """

    task: str
    method: str
    options: RunOptions
    plan: Plan
    folder: Path
    seconds: float | None
    exact: bool

    @property
    def label(self) -> str:
        """Of the method, and the number of training images where it was asked for: `mlp`, `mlp n100`."""
        images = self.options.train_images
        return self.method if images is None else f"{self.method} n{images}"

    @property
    def is_missing(self) -> bool:
        """Whether nothing lies where its entry belongs."""
        return not os.path.lexists(self.folder)

    @property
    def problem(self) -> str:
        """Why what lies there is not its entry: too few seeds, or unreadable; empty where it is, or nothing is there.

        Its scores are not recomputed: that is for `aenbench verify`.
        """
        if self.is_missing:
            return ""
        try:
            seeds = len(read_description(self.folder).seeds)
        except EntryError as error:
            return f"unreadable: {error}".removesuffix(".")
        return "" if seeds >= self.plan.seeds else f"{seeds} of {self.plan.seeds} seeds in {self.folder}"

    @property
    def remedy(self) -> str:
        """What to do about the problem."""
        again = f"{self.command} --out {shlex.quote(str(self.folder.parents[2]))} --overwrite"
        return f"remove {self.folder}, or replace it: {again}"

    @property
    def is_done(self) -> bool:
        """Whether its entry is there, with as many seeds as the suite asks for."""
        return not self.is_missing and not self.problem

    @property
    def is_started(self) -> bool:
        """Whether an interrupted run of it can be resumed."""
        return self.folder.with_name(f".{self.folder.name}.trials").exists()

    @property
    def command(self) -> str:
        """The `aenbench run` that makes its entry."""
        return self.options.command


def plan_suite(
    suite: Suite,
    base: Path,
    tasks: str = CORE,
    methods: Sequence[str] = (),
    root: Path | None = None,
    train_images: Sequence[int] = (),
    only_shown: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> list[Cell]:
    """Every run of some tasks and methods, whether it is there or not, by task.

    Args:
        suite: what there is to run.
        base: the folder of the entries.
        tasks: `core`, `all` or a pattern.
        methods: of the suite; all of them where none is named.
        root: a folder to look for the datasets' sources in first.
        train_images: numbers of training images: a run of the open track with each of them, in place of the one with
            the method's own recipe. Those that a task does not have, or that change nothing, are skipped.
        only_shown: nothing is to be run, so images of one's own may be on another machine.
        told: called with one line for what is skipped, and for a task whose images are not on this machine.

    Raises:
        UnknownNameError: no such task or method, or a name in the suite that does not exist.
        InvalidArgumentError: options of a method that do not go together, two methods that make one entry, or numbers
            of training images of which all are skipped.
        SourceError: a dataset is not on this machine, and something of it is to be run or numbers of training images
            are given.
    """
    chosen = [known_name("method", name, suite.methods) for name in methods] or list(suite.methods)
    sizes: list[int | None] = [*sorted(set(train_images))] or [None]
    measured = measure(base)
    cells: list[Cell] = []
    skipped: dict[str, list[str]] = {}
    for task in suite.tasks(tasks):
        dataset, _, config = task.partition("/")
        planned = len(cells)
        for method in chosen:
            given: Mapping[str, Any] = suite.methods[method]
            usual = RunOptions(**{**given, "dataset": dataset, "config": config, "seeds": suite.seeds})
            own, plain = usual.plan(root).name, replace(usual, augment="").plan(root).name
            for images in sizes:
                options = usual if images is None else replace(usual, train_images=images)
                plan = options.plan(root)
                name, why = (own, "") if images is None else _open_name(plan, images, f"{task} {method}")
                if why:
                    skipped.setdefault(f"{task} n{images}: skipped, {why}", []).append(method)
                    continue
                cost = expected(measured, dataset, name, own, plain)
                whole = None if cost.seconds is None else cost.seconds * suite.seeds
                folder = entry_folder(base, dataset, config, name)
                cells.append(Cell(task, method, options, plan, folder, whole, cost.exact))
        if why := _not_here(task, cells[planned:], root, only_shown):
            told(f"{task}: {why}")
    lines = [f"{what}: {', '.join(of)}." for what, of in skipped.items()]
    if not cells:
        raise InvalidArgumentError(f"Nothing is left to run; give other --train-images. {lines[0]}")
    for line in lines:
        told(line)
    _check_folders(cells)
    return cells


def _open_name(plan: Plan, images: int, what: str) -> tuple[str, str]:
    """The name of the entry of a plan with so many training images; and why it is not run, empty where it is."""
    available = Images(plan.task, plan.root).images_to_learn
    if images > available:
        return "", f"there are only {available:,} images to learn from"
    try:
        name, recipe = plan.name, plan.open_recipe
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{what}: {error}") from error
    return name, "their own recipe trains on as many" if recipe is None or recipe.images is None else ""


def _not_here(task: str, cells: Sequence[Cell], root: Path | None, only_shown: bool) -> str:
    """That a task's images are not on this machine, where that is no mistake; empty where they are.

    Published datasets are known by name. Other names may be those of somebody's own images in a root that this machine
    lacks: where there is no root to look in, or the board has entries of the task, a plan of it can still be shown.

    Raises:
        UnknownNameError: there is no such dataset or configuration.
        SourceError: its images are to be looked for in a root that is no folder, and something of it is to be run.
    """
    dataset, _, config = task.partition("/")
    try:
        check_names(as_typed(dataset), config, root)
    except (UnknownNameError, SourceError) as error:
        if isinstance(error, UnknownNameError) and error.args[0] != "dataset":
            raise
        is_elsewhere = isinstance(error, SourceError) or len(data_roots(root)) == 1
        is_known = is_elsewhere or any(cells[0].folder.parent.glob(f"*/{ENTRY_FILE}"))
        if any(cell.is_missing for cell in cells) and not (only_shown and is_known):
            raise
        return "its images are not on this machine; give --root, or set $GDATASETS_ROOT."
    return ""


def _check_folders(cells: Sequence[Cell]) -> None:
    """See that no two methods make one entry; raises InvalidArgumentError."""
    names = {cell.folder: cell.method for cell in cells}
    for cell in cells:
        if (other := names[cell.folder]) != cell.method:
            raise InvalidArgumentError(
                f"Methods {cell.method} and {other} make one entry, {cell.folder.name}; remove one."
            )
