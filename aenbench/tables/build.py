"""Make a table: every network of a search space, trained for each seed as a search would train it."""

import json
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from importlib.metadata import version
from itertools import product
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from aenbench.errors import InvalidArgumentError, TableError
from aenbench.execution.device import CPU, Device, Precision
from aenbench.execution.executors import Executor
from aenbench.execution.store import Result, TrialStore, evaluate_all, evaluate_together
from aenbench.models.fraction import FRACTIONS, networks_of
from aenbench.models.registry import FAMILIES, space_of
from aenbench.models.space import SearchSpace
from aenbench.models.stacked import stack_networks
from aenbench.provenance import hardware
from aenbench.tables.effects import measure_effects, write_effects
from aenbench.tables.parquet import read_table, table_path, write_table
from aenbench.tables.table import Table, TableInfo
from aenbench.tasks.images import Images, LabeledImages
from aenbench.tasks.task import Task
from aenbench.training import trial
from aenbench.training.recipe import Recipe
from aenbench.training.side_by_side import CHUNK, train_side_by_side
from aenbench.training.trial import Role, Trained, TrialImages, load_images
from gdatasets import __version__
from gdatasets.files import make_folder

MAX_SEEDS = 100

Report = Callable[[int, int], None]
"""Called with (trainings done, trainings in all)."""


@dataclass(frozen=True)
class TablePlan:
    """Everything that decides what is in a table.

    Attributes:
        task: dataset, configuration and protocol.
        space: the name of a model family that is registered.
        seeds: trainings of each network, with the seeds 0, 1, ...
        root: a torchvision-style folder with the source's raw files; it does not change the outcome.
        device: where networks are trained; its kind is part of the table's identity.
        fraction: train a balanced part of so many networks only (`aenbench.models.fraction`); None for all.
        precision: of the trainings; None for that of the recipe.
        test_images: follow the accuracy on so many test images only, at equal distances over the split; None for all.
        role: `child`, as a search trains the networks that it compares, or `final`, as a run trains its chosen one.
        given: how each network is trained; None for the recipe of that role in the budget `standard`.

    Raises:
        UnknownNameError: no such space, dataset, configuration or precision.
        InvalidArgumentError: fewer than one seed, or more than 100; fewer than one test image, or a number of them
            under a protocol that chooses on test images; or the space has no such part.
    """

    task: Task
    space: str = "aen"
    seeds: int = 3
    root: Path | None = None
    device: Device = CPU
    fraction: int | None = None
    precision: Precision | None = None
    test_images: int | None = None
    role: Role = "child"
    given: Recipe | None = None

    def __post_init__(self) -> None:
        space_of(self.space)
        _ = self.recipe
        if self.test_images is not None and self.test_images < 1:
            raise InvalidArgumentError(f"Expected at least 1 test image to follow, got {self.test_images}.")
        if self.test_images is not None and self.task.protocol.chooses_on_test:
            raise InvalidArgumentError(
                f"Protocol {self.task.protocol} follows the test images that networks are chosen by, always the same; "
                "leave out the number of test images."
            )
        if not 1 <= self.seeds <= MAX_SEEDS:
            raise InvalidArgumentError(
                f"Expected 1 to {MAX_SEEDS} seeds, got {self.seeds}; give --seeds 3, for example."
            )
        _ = self.networks

    @cached_property
    def networks(self) -> tuple[str, ...]:
        """Canonical states of the networks that are trained."""
        return networks_of(self.search_space, self.fraction)

    @cached_property
    def images(self) -> Images:
        return Images(self.task, self.root)

    @cached_property
    def search_space(self) -> SearchSpace:
        """The space whose networks are trained; they fit the images."""
        return space_of(self.space)(self.images.shape)

    @property
    def recipe(self) -> Recipe:
        """How each network is trained."""
        budget = FAMILIES[self.space].budget(self.task.protocol)
        recipe = self.given or (budget.final if self.role == "final" else budget.child)
        return recipe if self.precision is None else replace(recipe, precision=self.precision)


@dataclass(frozen=True)
class Training:
    """One network and one seed: a piece of work that needs nothing else, and can be sent to any process.

    Attributes:
        task: what is learned.
        root: where its images are looked for first.
        space: names the network.
        recipe: how it is trained.
        network: its canonical state.
        seed: as of a run.
        device: where it is trained.
        test_images: as of the plan.
        role: as of the plan.
    """

    task: Task
    root: Path | None
    space: SearchSpace
    recipe: Recipe
    network: str
    seed: int
    device: Device = CPU
    test_images: int | None = None
    role: Role = "child"


def tabulate(plan: TablePlan, out: Path, store_path: Path, executor: Executor, report: Report) -> Path:
    """Train every network of a plan and write the table, once all are done, and beside it what the images say.

    Where that table is already, with fewer seeds, its trainings are put into the store instead of being made again;
    where it has all of the seeds it stays as it is. Those of another part of the space, or of all of it, are used too.

    Args:
        plan: what to train.
        out: where tables go, as `table_path` says.
        store_path: the store of trials. Each training is in it the moment it ends, so the same call resumes an
            earlier one, one with more seeds adds what is missing, and several processes with one store share
            the work.
        executor: where the trainings run; the values do not depend on it. On a GPU networks of one seed are trained
            side by side (final trainings are not), so there the last bits depend on which ones were.
        report: of the progress.

    Returns:
        The table's file.

    Raises:
        SourceError: the dataset's source is not available.
        TableError: the file that is there is damaged, the table of something else, of another version of PyTorch, or
            has more seeds; or its trainings are not those in the store. It stays as it is.
        StoreError: the store cannot be used, or is another plan's.
        OutputError: the table cannot be written.
    """
    info = _describe(plan)
    space, dataset = plan.search_space, plan.images.dataset
    named = out, dataset.name, plan.task.configuration, plan.space, plan.task.protocol
    path = table_path(*named, plan.fraction, plan.role)
    known = _table_so_far(path, info)
    if known is not None and known.seeds == info.seeds:
        return path
    make_folder(path.parent)
    store = TrialStore(store_path, f"tabulate, torch {version('torch')}, {info.training_identity}")
    parts = [table_path(*named, part, plan.role) for part in (None, *FRACTIONS)]
    found = {path: known, **_other_parts(parts, path, info)}
    for file, table in found.items():
        if table is not None:
            _take_over(table, file, store)
            info = info.model_copy(update={"hardware": _together(table.info.hardware, info.hardware)})
    items = {
        training_key(network, seed): Training(
            plan.task, plan.root, space, plan.recipe, network, seed, plan.device, plan.test_images, plan.role
        )
        for seed, network in product(info.seeds, plan.networks)
    }
    results: dict[str, Result] = {}
    for key, result in _evaluated(store, executor, items, plan.device):
        results[key] = result
        report(len(results), len(items))
    table = assemble(info, space, results)
    write_table(table, path)
    if space.candidates:
        with suppress(InvalidArgumentError):  # images of which nothing can be asked, such as one of a class
            write_effects(measure_effects(table, plan.root, plan.images), path)
    return path


def _evaluated(
    store: TrialStore, executor: Executor, items: Mapping[str, Training], device: Device
) -> Iterator[tuple[str, Result]]:
    """Every training's result, each once; on a GPU the missing ones of a search are trained side by side first."""
    done = set()
    if device.is_gpu and all(training.role == "child" for training in items.values()):
        for key, result in evaluate_together(store, executor, train_together, _chunks(items)):
            done.add(key)
            yield key, result
    yield from evaluate_all(store, executor, train, {key: items[key] for key in items if key not in done})


def _table_so_far(path: Path, info: TableInfo) -> Table | None:
    """The table that is there already; an error if seeds cannot be added to it."""
    if not path.exists():
        return None
    try:
        known = read_table(path)
    except TableError as error:
        raise TableError(f"{error} It is left as it is; to make it again, move it away first.") from error
    theirs, ours = json.loads(known.info.training_identity), json.loads(info.training_identity)
    differing = sorted(name for name in theirs | ours if theirs.get(name) != ours.get(name))
    if differing:
        raise TableError(
            f"{path} is a table of something else (it differs in {', '.join(differing)}) and left as it is; move it "
            "away, or choose another --out."
        )
    last = max(known.seeds)
    if last not in info.seeds:
        raise TableError(
            f"{path} has seed {last}, which is not among the {len(info.seeds)} asked for; give --seeds {last + 1}, or "
            "choose another --out."
        )
    return known


def _other_parts(paths: Sequence[Path], own: Path, info: TableInfo) -> dict[Path, Table]:
    """The tables of other parts of the space whose trainings are those of this one."""
    others = {path: read_table(path) for path in paths if path != own and path.exists()}
    return {path: table for path, table in others.items() if table.info.training_identity == info.training_identity}


def _take_over(known: Table, path: Path, store: TrialStore) -> None:
    """Put a table's trainings into the store, as if they had been made here; they may be there, but not others."""
    theirs, ours = known.info.software.get("torch", "of unknown version"), version("torch")
    if theirs != ours:
        raise TableError(
            f"{path} was made with torch {theirs}, and {ours} may give other values; install that one, or choose "
            "another --out."
        )
    there = store.results()
    for key, result in results_of(known).items():
        stored = there.get(key) or store.finish(key, result)
        if {**stored, "seconds": None} != {**result, "seconds": None}:
            raise TableError(
                f"{path} and {store.path} hold different results of the training {key}; move one of them away."
            )


def _together(earlier: str, now: str) -> str:
    """The machines that have a part in a table, each once, in a line that a table can hold."""
    machines = dict.fromkeys(machine for machine in [*earlier.split("; "), now] if machine)
    return shorten("; ".join(machines), 200, placeholder="; ...")


def train(training: Training) -> dict[str, object]:
    """Train one network: `parameters`, `seconds`, and the accuracies `validation` and `test` after each epoch.

    The test images are looked at after each epoch for the record only: nothing in the training depends on them, and
    the time that it takes is not counted.
    """
    images = load_images(training.task, training.root, training.recipe)
    _warm_up(training.space, training.recipe, images, training.device)
    candidate = training.space.candidate(training.network)
    child = trial.Training(candidate, training.recipe, training.seed, training.role, training.device)
    return _result(trial.train(child, images.learn, images.choose_by, follow=_followed(images, training.test_images)))


def train_together(trainings: Sequence[Training]) -> list[dict[str, object]]:
    """What `train` gives for each of several networks of one seed, trained side by side."""
    first = trainings[0]
    images = load_images(first.task, first.root, first.recipe)
    _warm_up(first.space, first.recipe, images, first.device)
    children = [
        trial.Training(each.space.candidate(each.network), each.recipe, each.seed, "child", each.device)
        for each in trainings
    ]
    return [
        _result(each)
        for each in train_side_by_side(
            children, stack_networks, images.learn, images.choose_by, _followed(images, first.test_images)
        )
    ]


def _followed(images: TrialImages, count: int | None) -> LabeledImages | None:
    """The test images that the accuracy is followed on; None where those are the images to choose by."""
    return None if images.test is None else images.test.spread(count)


def _result(trained: Trained) -> dict[str, object]:
    return {
        "parameters": trained.parameters,
        "seconds": round(trained.seconds, 3),
        "validation": list(trained.accuracies),
        "test": list(trained.followed or trained.accuracies),
    }


def _chunks(items: Mapping[str, Training]) -> list[dict[str, Training]]:
    """At most `CHUNK` trainings each, all of one seed."""
    by_seed: dict[int, list[str]] = {}
    for key, training in items.items():
        by_seed.setdefault(training.seed, []).append(key)
    return [
        {key: items[key] for key in keys[start : start + CHUNK]}
        for keys in by_seed.values()
        for start in range(0, len(keys), CHUNK)
    ]


@lru_cache(maxsize=1)
def _warm_up(space: SearchSpace, recipe: Recipe, images: TrialImages, device: Device) -> None:
    """PyTorch loads parts of itself at the first step of an optimizer, which is no network's time."""
    two = images.learn.part(0, 2)
    recipe = replace(recipe, images=2, epochs=1)
    trial.train(trial.Training(space.candidate(space.start), recipe, 0, "child", device), two, two)


def _describe(plan: TablePlan) -> TableInfo:
    """What the table will be about; fetches the images, before any worker needs them."""
    images, space, recipe = plan.images, plan.search_space, plan.recipe
    parts = load_images(plan.task, plan.root, recipe)
    return TableInfo(
        dataset=images.dataset.name,
        dataset_version=images.dataset.version,
        configuration=plan.task.configuration,
        train_content_sha256=images.dataset.digest("train"),
        test_content_sha256=images.dataset.digest("test"),
        protocol=plan.task.protocol.file_name,
        space=plan.space,
        classes=space.shape.classes,
        image_size=space.shape.image_size,
        channels=space.shape.channels,
        recipe=recipe,
        epochs=recipe.passes(len(parts.learn)),
        seeds=tuple(range(plan.seeds)),
        fraction=plan.fraction,
        role=plan.role,
        validation_images=len(parts.choose_by),
        test_images=len(_followed(parts, plan.test_images) or parts.choose_by),
        device=plan.device.kind,
        software={
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "torch")},
            "aenbench": __version__,
        },
        hardware=", ".join(filter(None, (hardware(), plan.device.card))),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def training_key(network: str, seed: int) -> str:
    """What the training of a network with a seed is called."""
    return f"{seed}/{network}"


def assemble(info: TableInfo, space: SearchSpace, results: Mapping[str, Mapping[str, Any]]) -> Table:
    """The table of a space from the results of all its trainings.

    Raises:
        TableError: they are not results of these networks.
    """
    networks = networks_of(space, info.fraction)
    rows = [[results[training_key(network, seed)] for seed in info.seeds] for network in networks]
    members: dict[str, list[str]] = {network: [] for network in networks}
    for state in map("".join, product("01", repeat=space.bits)):
        if (network := space.canonical(state)) in members:
            members[network].append(state)
    columns = {
        name: np.array([[result[name] for result in row] for row in rows], dtype=np.float64)
        for name in ("validation", "test", "seconds")
    }
    return Table(
        info=info,
        networks=networks,
        states=tuple(map(tuple, members.values())),
        parameters=np.array([row[0]["parameters"] for row in rows], dtype=np.int64),
        **columns,
    )


def results_of(table: Table) -> dict[str, dict[str, Any]]:
    """The results that a table was assembled from, by key."""
    return {
        training_key(network, seed): {
            "parameters": int(table.parameters[row]),
            "seconds": float(table.seconds[row, column]),
            "validation": table.validation[row, column].tolist(),
            "test": table.test[row, column].tolist(),
        }
        for row, network in enumerate(table.networks)
        for column, seed in enumerate(table.seeds)
    }
