"""Algorithms by name on one table, or on every table of a folder: what `aenbench search` does."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from aenbench.comparison.compare import CHECKPOINTS, Comparison, check_contestants, compare
from aenbench.comparison.overview import write_overview
from aenbench.comparison.report import write_comparison
from aenbench.comparison.run_cache import keep_runs
from aenbench.comparison.runs import Contestant, networks_budget
from aenbench.errors import InvalidArgumentError, StoreError, TableError
from aenbench.execution.executors import Executor
from aenbench.models.registry import FAMILIES
from aenbench.runs.progress import Report, Step
from aenbench.search import dqn
from aenbench.search.dqn_fast import LeanLearner
from aenbench.search.registry import SEARCHES
from aenbench.tables.card import find_tables
from aenbench.tables.effects import read_evidence
from aenbench.tables.parquet import read_table
from aenbench.tables.table import Table
from gdatasets.errors import BusyError, OutputError

_MAX_DIGITS = 6  # of a number of runs


@dataclass(frozen=True)
class ComparisonPlan:
    """What is compared.

    Attributes:
        table: the file of a table, or a folder of them.
        runs: of each algorithm, by its name or import path.
        networks: distinct ones that a run may train.
        until_best: algorithms whose runs end with the table's highest value, as `Contestant.until_best` says.
        at: numbers of networks that the pages compare at; 0 is before any was trained.
    """

    table: Path
    runs: Mapping[str, int]
    networks: int
    until_best: Collection[str] = ()
    at: Sequence[int] = CHECKPOINTS

    def contestants(self, table: Table) -> dict[str, Contestant]:
        """The algorithms, with what each may spend.

        The paper's epsilon follows its count of states, so deep Q-learning gets the paper's budget. Its learner is the
        lean one: nothing is trained here, and gradient steps are what a run costs.
        """
        every = networks_budget(table.space, self.networks)
        papers = replace(FAMILIES[table.info.space].budget(table.protocol).search, networks=self.networks)
        found = {}
        for name, runs in self.runs.items():
            search, spends = SEARCHES.find(name), every
            if search is dqn.search:
                search, spends = partial(dqn.search, learner=LeanLearner), papers
            found[name] = Contestant(search, spends, runs, until_best=name in self.until_best)
        return found


def compare_algorithms(plan: ComparisonPlan, out: Path, executor: Executor, report: Report) -> Path:
    """Run what is missing and write the comparison: of a folder's tables one each, and an overview.

    Runs are kept in hidden files beside the comparisons until all of them are written.

    Args:
        plan: what is compared.
        out: the folder that is written; the comparison of `<dataset>/<config>/<space>-<protocol>.parquet` in a
            folder of tables goes to the folder of this name there.
        executor: where the runs are done.
        report: of the progress.

    Raises:
        TableError: there is no table, or one is damaged.
        InvalidArgumentError: too few runs, no networks, or an import path that gives no algorithm.
        UnknownNameError: no algorithm has this name.
        StoreError: what was kept is damaged, or of something else.
        OutputError: the folder cannot be written to.
        BusyError: another process shared the work and has finished it.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file, and the comparison is a folder; move it away, or choose another --out.")
    is_folder = plan.table.is_dir()
    tables = _whole(find_tables(plan.table) if is_folder else {"": read_table(plan.table)}, plan.table)
    every = {file: plan.contestants(table) for file, table in tables.items()}
    for file, table in tables.items():
        check_contestants(every[file], len(table.info.seeds))
    comparisons: dict[str, Comparison] = {}
    stores = []
    for file, table in tables.items():
        name, contestants = file.removesuffix(".parquet"), every[file]
        evidence = read_evidence(table, plan.table / file if is_folder else plan.table)
        kept = keep_runs(out / name, table.content_sha256, contestants, executor, evidence)
        tell = partial(_tell, report, name or "searches")
        try:
            comparisons[name] = compare(table, contestants, kept.map, tell, evidence)
        except StoreError as error:
            if kept.store.path.exists():
                raise
            raise BusyError(
                f"Another process shared this work, has finished it and removed {kept.store.path}; its results are in "
                f"{out / name}."
            ) from error
        write_comparison(comparisons[name], out / name, table.info.title, plan.at)
        stores.append(kept.store.path)
    if is_folder:
        write_overview(comparisons, out, plan.at)
    for store in stores:
        store.unlink(missing_ok=True)  # another process may have shared the work, and be first
    return out


def _whole(tables: Mapping[str, Table], path: Path) -> dict[str, Table]:
    """The tables of all networks: a search may ask for any."""
    whole = {name: table for name, table in tables.items() if table.info.fraction is None}
    if not whole:
        raise TableError(
            f"{path} holds a part of the networks only, and a search may ask for any; name a table of all networks, or "
            "see `aenbench analyze`."
        )
    return whole


def _tell(report: Report, stage: str, done: int, total: int) -> None:
    """Of the first runs of each algorithm, then of the others, which may be fewer than those asked for."""
    report(Step(None, f"{stage}, {total:,} runs", done, total))


def repetitions(names: Sequence[str], runs: int, given: Sequence[str]) -> dict[str, int]:
    """Of each algorithm: `runs`, or what one of `given`, such as `dqn=30`, says of it; an import path is a name too.

    Raises:
        InvalidArgumentError: one of `given` is not of that form, or names another algorithm.
    """
    found = dict.fromkeys(names, runs)
    for text in given:
        name, _, number = text.rpartition("=")
        if name not in found or not (number.isdecimal() and len(number) <= _MAX_DIGITS):
            raise InvalidArgumentError(
                f'Expected --runs-of as NAME=N, with one of --compare ({", ".join(names)}), got "{text}"; give '
                f"--runs-of {names[0]}=30, for example."
            )
        found[name] = int(number)
    return found


def named_of(names: Sequence[str], given: str) -> frozenset[str]:
    """Those that a comma-separated text names; none for an empty one.

    Raises:
        InvalidArgumentError: it names another.
    """
    found = frozenset(given.split(",")) if given else frozenset()
    for name in found.difference(names):
        raise InvalidArgumentError(
            f'Expected --until-best to name some of --compare ({", ".join(names)}), got "{name}"; give --until-best '
            f"{names[0]}, for example."
        )
    return found


def numbers_of(given: str) -> tuple[int, ...]:
    """Numbers of networks to compare at, of a text such as `0,5,10,25`, ascending.

    Raises:
        InvalidArgumentError: it is something else.
    """
    parts = given.split(",")
    if not all(part.isdecimal() and len(part) <= _MAX_DIGITS for part in parts):
        raise InvalidArgumentError(f'Expected --at as numbers of networks such as 0,5,10,25, got "{given}".')
    return tuple(sorted(set(map(int, parts))))
