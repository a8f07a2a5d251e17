"""Networks of a table trained to convergence: whether the cheap table ranks as the long training does.

A table's networks are trained as a search trains them: shortly, on a part of the images. Some of them, spread evenly
over the table's ranks, are trained once more by the final recipe of the budget `standard`. That second fidelity is a
small file beside the table's, `<space>-<protocol>.converged.json`; Kendall's tau and the regret of choosing by the
table are computed from the two files (multi-fidelity tables: NATS-Bench, arXiv 2009.00437).
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aenbench.errors import InvalidArgumentError, TableError
from aenbench.execution.executors import Executor
from aenbench.execution.store import TrialStore, evaluate_all
from aenbench.models.registry import FAMILIES
from aenbench.tables.build import Training, training_key
from aenbench.tables.table import Table
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from aenbench.training import trial
from aenbench.training.fit import accuracy
from aenbench.training.recipe import Recipe
from aenbench.training.trial import load_images
from gdatasets.files import read_whole, write_whole

_MAX_BYTES = 1 << 20
_REPEATS = 2_000
_Accuracy = Annotated[float, Field(ge=0, le=1)]
_State = Annotated[str, Field(pattern="^[01]{1,64}$")]

Report = Callable[[int, int], None]
"""Called with (trainings done, trainings in all)."""


class Converged(BaseModel):
    """What one network reached with one seed: of the kept pass, the accuracies 0..1, and processor seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    network: _State
    seed: Annotated[int, Field(ge=0, lt=1 << 53)]
    validation: _Accuracy
    test: _Accuracy
    seconds: Annotated[float, Field(ge=0, le=1e7)]


class ConvergedTable(BaseModel):
    """The file: of which table, by which recipe, and every training."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    table_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    recipe: Annotated[str, Field(max_length=500)]
    torch: Annotated[str, Field(max_length=100)]
    trainings: Annotated[list[Converged], Field(min_length=1, max_length=10_000)]

    @property
    def networks(self) -> tuple[str, ...]:
        """Those trained, from the table's best to its worst."""
        return tuple(dict.fromkeys(each.network for each in self.trainings))

    def test(self) -> NDArray[np.float64]:
        """Test accuracies 0..1, (networks, seeds).

        Raises:
            TableError: not every network has every seed once.
        """
        seeds = sorted({each.seed for each in self.trainings})
        values = {(each.network, each.seed): each.test for each in self.trainings}
        if len(values) != len(self.trainings) or len(values) != len(seeds) * len(self.networks):
            raise TableError("Expected each converged network once with each seed.")
        return np.array([[values[network, seed] for seed in seeds] for network in self.networks])


@dataclass(frozen=True)
class Agreement:
    """How far the table ranks as converged training does, over the networks that have both.

    Attributes:
        tau: Kendall's tau-b between the table's mean validation accuracy and the converged mean test accuracy.
        low, high: its 95 % interval, by a bootstrap over networks and, within each, over the converged seeds.
        regret: points of test accuracy between the best converged network and the one that the table ranks first.
        networks: how many.
        seeds: converged trainings of each.
    """

    tau: float
    low: float
    high: float
    regret: float
    networks: int
    seeds: int


def converged_path(table: Path) -> Path:
    """Where the converged trainings of a table's file belong."""
    return table.with_suffix(".converged.json")


def spread(table: Table, count: int) -> tuple[str, ...]:
    """So many networks at even steps of the table's order by mean validation accuracy, its best and worst included.

    Raises:
        InvalidArgumentError: fewer than two, or more than there are.
    """
    if not 2 <= count <= len(table.networks):
        raise InvalidArgumentError(f"Expected 2 to {len(table.networks)} networks to converge, got {count}.")
    order = np.argsort(-table.final("validation").mean(axis=1), kind="stable")
    places = np.rint(np.linspace(0, len(order) - 1, count)).astype(int)
    return tuple(table.networks[order[place]] for place in places)


def final_recipe(table: Table) -> Recipe:
    """How the networks of a table are trained to convergence."""
    return FAMILIES[table.info.space].budget(table.protocol).final


def is_current(converged: ConvergedTable, table: Table, count: int) -> bool:
    """Whether `converge` would make just these trainings now: these networks and seeds, this recipe and PyTorch."""
    trained = sorted((each.network, each.seed) for each in converged.trainings)
    return _is_comparable(converged, table) and trained == sorted(product(spread(table, count), table.seeds))


def _is_comparable(converged: ConvergedTable, table: Table) -> bool:
    made_by = converged.table_sha256, converged.recipe, converged.torch
    return made_by == (table.content_sha256, str(final_recipe(table)), version("torch"))


def converge(
    table: Table,
    count: int,
    store_path: Path,
    executor: Executor,
    report: Report,
    root: Path | None = None,
    known: ConvergedTable | None = None,
) -> ConvergedTable:
    """Train networks of a table to convergence, with each of its seeds.

    Args:
        table: what they are chosen from.
        count: how many networks.
        store_path: the store of trials: a training is in it the moment it ends, so the same call resumes.
        executor: where the trainings run; the values do not depend on it.
        report: of the progress.
        root: a folder to look for the images in first.
        known: earlier trainings; those of the same table, recipe and PyTorch are not made again.

    Raises:
        InvalidArgumentError: an impossible count.
        SourceError: the images are not on this machine.
        TableError: they are others than those of the table.
        StoreError: the store cannot be used, or is that of other trainings.
    """
    chosen, info, space = spread(table, count), table.info, table.space
    task = Task(info.dataset, info.configuration, table.protocol)
    if Images(task, root).dataset.digest("train") != info.train_content_sha256:
        raise TableError(f"The training images of {info.dataset} / {info.configuration} are not those of the table.")
    recipe = final_recipe(table)
    identity = f"converge, torch {version('torch')}, {table.content_sha256}, {recipe}"
    items = {
        training_key(network, seed): Training(task, root, space, recipe, network, seed)
        for seed, network in product(table.seeds, chosen)
    }
    store = TrialStore(store_path, identity)
    for each in known.trainings if known is not None and _is_comparable(known, table) else ():
        if (key := training_key(each.network, each.seed)) in items:
            store.finish(key, each.model_dump(exclude={"network", "seed"}))
    results: dict[str, Any] = {}
    for key, result in evaluate_all(store, executor, _train, items):
        results[key] = result
        report(len(results), len(items))
    return ConvergedTable(
        table_sha256=table.content_sha256,
        recipe=str(recipe),
        torch=version("torch"),
        trainings=[
            Converged(network=network, seed=seed, **results[training_key(network, seed)])
            for network, seed in product(chosen, table.seeds)
        ],
    )


def _train(training: Training) -> dict[str, object]:
    images = load_images(training.task, training.root)
    candidate = training.space.candidate(training.network)
    trained = trial.train(
        trial.Training(candidate, training.recipe, training.seed, "final"), images.learn, images.choose_by
    )
    judged = images.choose_by if images.test is None else images.test
    return {
        "validation": max(trained.accuracies),
        "test": accuracy(trained.model, judged, training.recipe.evaluation_batch),
        "seconds": round(trained.seconds, 3),
    }


def agreement(table: Table, converged: ConvergedTable, seed: int = 0) -> Agreement:
    """Compare the table's order with that of converged training.

    Args:
        table: the short trainings.
        converged: the long ones.
        seed: of the bootstrap.

    Raises:
        TableError: they are not of this table.
    """
    if converged.table_sha256 != table.content_sha256:
        raise TableError("The converged trainings are those of another table; make them again.")
    test = converged.test()
    short = np.array([table.query(network).validation for network in converged.networks])
    generator = np.random.default_rng(seed)
    draws = []
    for _ in range(_REPEATS):
        rows = generator.integers(len(short), size=len(short))
        columns = generator.integers(test.shape[1], size=test.shape)
        drawn = np.take_along_axis(test, columns, axis=1).mean(axis=1)
        draws.append(_tau(short[rows], drawn[rows]))
    low, high = np.nanquantile(draws, [0.025, 0.975])
    long = test.mean(axis=1)
    regret = 100 * float(long.max() - long[int(short.argmax())])
    return Agreement(_tau(short, long), float(low), float(high), regret, *map(int, test.shape))


def _tau(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    from scipy.stats import kendalltau

    return float(kendalltau(first, second).statistic)


def write_converged(converged: ConvergedTable, table: Path) -> Path:
    """Write the file beside a table's; returns its path."""
    path = converged_path(table)
    write_whole(path, (converged.model_dump_json(indent=1) + "\n").encode())
    return path


def read_converged(table: Path) -> ConvergedTable | None:
    """What is beside a table's file; None where there is no such file.

    Raises:
        TableError: the file cannot be read, or holds something else.
    """
    file, again = converged_path(table), "move it away and make it again with `aenbench tables --converge`"
    try:
        return ConvergedTable.model_validate_json(read_whole(file, _MAX_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TableError(f"{file} cannot be read ({error.strerror}); {again}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TableError(f"{file} holds no converged trainings ({where}: {first['msg']}); {again}.") from error


def check_converged(table: Table, path: Path) -> None:
    """See that the converged trainings beside a table's file, if there are any, are of this table and complete.

    Raises:
        TableError: they are not, or their file cannot be read.
    """
    found, file = read_converged(path), converged_path(path)
    if found is None:
        return
    again = "make it again with `aenbench tables --converge`"
    if found.table_sha256 != table.content_sha256:
        raise TableError(f"{file} holds the converged trainings of another table; {again}.")
    if not set(found.networks) <= set(table.networks) or {each.seed for each in found.trainings} != set(table.seeds):
        raise TableError(f"{file} holds other networks or seeds than the table; {again}.")
    try:
        found.test()
    except TableError as error:
        raise TableError(f"{file}: {error} Else {again}.") from error
