"""A search that is killed at random moments ends with the results of one that was not; nothing is lost or doubled."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from aenbench.execution.executors import Executor, LocalExecutor, RayExecutor
from aenbench.execution.store import TrialStore

pytestmark = pytest.mark.filterwarnings("default")  # Ray's own

WORKERS = 2


class Search:
    """The toy search of a store, and the lines that its evaluations left."""

    def __init__(self, folder: Path, toy: Any, executor: Sequence[str]) -> None:
        folder.mkdir()
        self.path, self.log = folder / "trials.sqlite", folder / "log"
        self.command = [sys.executable, toy.__file__, str(self.path), str(self.log), *executor]
        self.toy = toy

    @property
    def evaluations(self) -> list[tuple[str, int]]:
        """Key and process of each evaluation that was begun, in order."""
        if not self.log.exists():
            return []
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return [(key, int(pid)) for key, pid in lines]

    @property
    def stored(self) -> dict[str, Any]:
        return TrialStore(self.path, self.toy.PLAN).results() if self.path.exists() else {}

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait_for(self, evaluations: int, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 300
        while len(self.evaluations) < evaluations and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)


@pytest.fixture
def resumed_on(request: pytest.FixtureRequest, toy: Any) -> Iterator[Executor]:
    """Where a killed search goes on: one start for all of a test's searches."""
    assert toy
    if request.param == "ray":
        pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with RayExecutor(WORKERS) if request.param == "ray" else LocalExecutor(WORKERS) as executor:
        yield executor


def kill_and_resume(tmp_path: Path, toy: Any, killed: Sequence[Sequence[str]], executor: Executor) -> None:
    """In each search, kill a worker at one moment and the whole search at another; then let it go on.

    Args:
        tmp_path: where stores are made.
        toy: the module of the search.
        killed: for each search its executor, and the address of one that runs already.
        executor: where they go on.
    """
    whole = toy.search(TrialStore(tmp_path / "whole.sqlite", toy.PLAN), tmp_path / "log", LocalExecutor(1))
    assert len(whole) == toy.TRIALS
    rng = random.Random(0)
    stopped = 0
    for moment, words in enumerate(killed):
        search = Search(tmp_path / str(moment), toy, words)
        first, last = sorted(rng.choices(range(1, toy.TRIALS + 1), k=2))
        with search.start() as process:
            search.wait_for(first, process)
            time.sleep(rng.uniform(0, 0.03))
            kill_a_worker(search)
            search.wait_for(last, process)
            time.sleep(rng.uniform(0, 0.03))
            stopped += process.poll() is None
            process.kill()
        stored = search.stored
        begun = len(search.evaluations)
        assert toy.search(TrialStore(search.path, toy.PLAN), search.log, executor) == whole
        assert search.stored == dict(sorted(whole.items()))
        again = Counter(key for key, _ in search.evaluations)
        assert not {key for key, _ in search.evaluations[begun:]} & set(stored)  # nothing known was evaluated again
        assert set(again) == set(whole)
        assert again.total() - toy.TRIALS <= 1 + WORKERS  # what was in progress: of the worker, of the search
        assert max(again.values()) <= 3
    assert stopped > len(killed) / 2  # else the moments were badly chosen


def kill_a_worker(search: Search) -> None:
    for _, pid in search.evaluations[-1:]:
        try:
            psutil.Process(pid).kill()
        except psutil.NoSuchProcess:
            return


@pytest.mark.parametrize("resumed_on", ["local"], indirect=True)
def test_a_search_killed_at_random_moments_ends_as_if_it_had_not_been(
    tmp_path: Path, toy: Any, resumed_on: Executor
) -> None:
    kill_and_resume(tmp_path, toy, [["local"]] * 2, resumed_on)


@pytest.mark.slow
@pytest.mark.parametrize("resumed_on", ["local", "ray"], indirect=True)
def test_a_search_killed_at_thirty_random_moments_ends_as_if_it_had_not_been(
    tmp_path: Path, toy: Any, resumed_on: Executor
) -> None:
    """With Ray five have a cluster of their own, which takes most of their time, and the others share one."""
    killed = [["local"]] * 30
    if isinstance(resumed_on, RayExecutor):
        import ray

        killed = [["ray"]] * 5 + [["ray", ray.get_runtime_context().gcs_address]] * 25
    kill_and_resume(tmp_path, toy, killed, resumed_on)


def test_workers_end_with_a_search_that_is_killed(tmp_path: Path, toy: Any) -> None:
    search = Search(tmp_path / "search", toy, ["local"])
    with search.start() as process:
        search.wait_for(10, process)
        workers = {pid for _, pid in search.evaluations}
        assert process.poll() is None
        process.kill()
    deadline = time.monotonic() + 60
    while any(psutil.pid_exists(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    settled = search.evaluations
    time.sleep(0.3)
    assert search.evaluations == settled
