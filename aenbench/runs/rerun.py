"""Entries made again: their recorded command, run in this process, beside what they hold.

A command is text from a stranger. It never reaches a shell; of its options only those that decide the outcome are
taken, and they have to name the task, the budget, the seeds and the name that the entry states.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from aenbench.errors import EntryError
from aenbench.execution.device import Device
from aenbench.execution.executors import Executor
from aenbench.leaderboard.entry import Entry, format_recipe
from aenbench.leaderboard.entry_folder import read_entry
from aenbench.leaderboard.ground_truth import AnswerBook
from aenbench.leaderboard.reproduction import Agreement, compare, write_reproduction
from aenbench.models.registry import is_import_path
from aenbench.runs.options import RunOptions
from aenbench.runs.plan import Plan
from aenbench.runs.progress import Report
from aenbench.runs.run import run
from aenbench.tasks.task import Root
from gdatasets.errors import GDatasetsError

Parse = Callable[[Sequence[str]], Mapping[str, Any]]
"""The options of `aenbench run` from its arguments, as the command itself reads them; raises EntryError."""


def recorded_plan(entry: Entry, parse: Parse, root: Root = None, device: Device | None = None) -> Plan:
    """What an entry's recorded command says is to be run.

    Where files are, go, and how many processes work is this machine's business: `--root`, `--out`, `--weights`,
    `--workers`, `--executor`, `--address`, `--logger`, `--overwrite` and `--quiet` of the record are not followed, nor
    is the number of a GPU. Of a dataset that the record names by its path, only the name is taken: it has to lie inside
    a root.

    Args:
        entry: of origin baseline or model.
        parse: reads options.
        root: a folder to look for the dataset's source in first.
        device: where to run it; by default on the kind of device that the entry states.

    Raises:
        EntryError: it is a submission, the command is no `aenbench run`, or would make another entry.
    """
    if entry.origin == "submission":
        raise EntryError(f"{entry.name} is a submission: its predictions were made elsewhere and cannot be reproduced.")
    options = _recorded_options(entry.command, parse)
    baseline = options.baseline or ""
    stranger = is_import_path(baseline)
    searched_by = options.search or ":".join(baseline.split(":")[2 if stranger else 1 :])
    for named in (options.generators, options.recipe, options.dataset, searched_by):
        if ":" in (named or ""):
            raise EntryError(f"The recorded command imports code, {named}; read it, and run the command itself.")
    if stranger and (entry.origin != "model" or entry.method not in (baseline, f"{baseline}:{options.search}")):
        raise EntryError(f'The recorded command would import "{options.baseline}", which the entry does not state.')
    if options.dataset not in (None, entry.dataset):  # before a path in a stranger's command is looked at
        if PurePath(options.dataset).name.removesuffix(".zip") != entry.dataset:
            raise EntryError(
                f"The recorded command would not make this entry: its dataset is {options.dataset}, not "
                f"{entry.dataset}."
            )
        options = replace(options, dataset=entry.dataset)
    try:
        plan = options.plan(Path(root) if root is not None else None)
        kind = entry.device if options.device == "auto" else plan.device.kind
        task = replace(plan.task, dataset=options.dataset or entry.dataset)
        plan = replace(plan, task=task, device=device or Device(entry.device))
        wanted = _stated(plan, kind, entry)
    except GDatasetsError as error:
        raise EntryError(f"The recorded command cannot be run: {error}") from error
    for what, (made, stated) in wanted.items():
        if made != stated:
            raise EntryError(f"The recorded command would not make this entry: its {what} is {made}, not {stated}.")
    return plan


def _stated(plan: Plan, kind: str, entry: Entry) -> dict[str, tuple[object, object]]:
    """What a plan would make, and what the entry states, by what it is."""
    precision = plan.spent.final.precision
    return {
        "origin": (plan.method.origin, entry.origin),
        "method": (plan.method.name, entry.method),
        "configuration": (plan.task.configuration, entry.configuration),
        "protocol": (plan.task.protocol.name, entry.protocol),
        "budget": (plan.budget, entry.budget),
        "recipe": (format_recipe(plan.open_recipe), format_recipe(entry.open_recipe)),
        "device": (kind, entry.device),
        "precision": (precision, entry.precision or precision),
        "name": (plan.name, entry.name),
        "seeds": (list(range(plan.seeds)), [seed.seed for seed in entry.seeds]),
    }


def _recorded_options(command: str, parse: Parse) -> RunOptions:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise EntryError(f"The recorded command cannot be read ({error}).") from error
    if words[:2] != ["aenbench", "run"]:
        raise EntryError(f'The recorded command is no `aenbench run`, but "{command[:60]}"; it cannot be reproduced.')
    return RunOptions.of(parse(words[2:]))


def reproduce(folder: Path, plan: Plan, out: Path, report: Report, executor: Executor) -> Agreement:
    """Run an entry's plan again, and put what it gives beside the entry if it agrees.

    Args:
        folder: the entry's.
        plan: what `recorded_plan` gives.
        out: where the second run is written, as `aenbench run --out` does; an interrupted run resumes there.
        report: of the progress.
        executor: where the seeds run.

    Returns:
        How far the two agree. It is recorded only where the accuracy lies within the stated interval; an earlier
        record stays as it is otherwise.

    Raises:
        EntryError: the entry is malformed.
        OutputError: the second run is there already, or it or the record cannot be written.
    """
    entry, predictions = read_entry(folder, plan.root)
    again, reproduced = read_entry(run(plan, out, entry.command, report, executor), plan.root)
    agreement = compare(entry, predictions, reproduced, AnswerBook(plan.root).of(entry.task).labels)
    if agreement.within:
        write_reproduction(folder, again, entry, reproduced)
    return agreement
