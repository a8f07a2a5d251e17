"""The runs of a comparison, each on disk the moment it is done: an interrupted comparison resumes.

Runs are those of `aenbench.comparison.runs.run`. The store belongs to one table; a run's key says which algorithm made
it, from which source files and with which budget, so that a change of one of them repeats its own runs only.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from aenbench.comparison.runs import Contestant, Job, Run
from aenbench.execution.executors import Executor
from aenbench.execution.store import Result, TrialStore, evaluate_all
from aenbench.search.evidence import Evidence
from aenbench.search.registry import source_sha256
from gdatasets import __version__


@dataclass(frozen=True)
class KeptRuns:
    """Does the runs that are not in a store, and puts them there.

    Attributes:
        store: of the runs on one table.
        identities: of each contestant by name, as of when its code was imported: what its runs depend on.
        executor: where the runs are done.
    """

    store: TrialStore
    identities: Mapping[str, str]
    executor: Executor

    def map(self, function: Callable[[Job], Run], jobs: Sequence[Job]) -> Iterator[tuple[int, Run]]:
        """Call a function on the jobs whose runs are not known; in the manner of `Executor.map`."""
        numbers = {f"{job.name}, {self.identities[job.name]}/{job.number}": place for place, job in enumerate(jobs)}
        items = dict(zip(numbers, jobs, strict=True))
        for key, result in evaluate_all(self.store, self.executor, partial(_result, function), items):
            yield numbers[key], _run(result)


def keep_runs(
    folder: Path,
    content_sha256: str,
    contestants: Mapping[str, Contestant],
    executor: Executor,
    evidence: Sequence[Evidence] = (),
) -> KeptRuns:
    """Keep runs in `.<folder>.trials` beside the folder that a comparison will be written to.

    Args:
        folder: of the comparison.
        content_sha256: of the table.
        evidence: what its images say, by training seed; runs that rest on another are made again.
        contestants: by name; algorithms of `SEARCHES.find`, just imported.
        executor: where the runs are done.

    Raises:
        StoreError: the store is damaged, or of another table, or of other versions of aenbench, PyTorch or NumPy.
        OutputError: the store cannot be made.
    """
    path = folder.absolute()
    software = ", ".join([f"aenbench {__version__}", *(f"{name} {version(name)}" for name in ("torch", "numpy"))])
    store = TrialStore(path.parent / f".{path.name}.trials", f"search, table {content_sha256}, {software}")
    said = json.dumps([asdict(each) for each in evidence], sort_keys=True) if evidence else ""
    return KeptRuns(store, {name: _identity(contestant, said) for name, contestant in contestants.items()}, executor)


def _identity(contestant: Contestant, said: str) -> str:
    spends = json.dumps(asdict(contestant.budget) | {"until_best": contestant.until_best}, sort_keys=True)
    return hashlib.sha256(f"{source_sha256(contestant.search)} {spends}{said}".encode()).hexdigest()[:16]


def _result(function: Callable[[Job], Run], job: Job) -> dict[str, object]:
    run = function(job)
    lists = {name: getattr(run, name).tolist() for name in ("trained", "own_seconds", "settled")}
    ready = {} if np.isinf(run.ready_seconds) else {"ready_seconds": run.ready_seconds}
    return {"column": run.column, "visited": run.visited, "cut": run.cut} | lists | ready


def _run(result: Result) -> Run:
    trained, settled = (np.array(result[name], dtype=np.int64) for name in ("trained", "settled"))
    own_seconds, ready = np.array(result["own_seconds"]), result.get("ready_seconds", np.inf)
    return Run(result["column"], trained, own_seconds, result["visited"], result["cut"], settled, ready)
