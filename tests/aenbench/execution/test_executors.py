"""Work on local processes and on Ray: the same results, deaths, errors and interrupts."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from aenbench.errors import ExecutorError, InvalidArgumentError
from aenbench.execution.executors import (
    EXECUTORS,
    RETRIES,
    Executor,
    LocalExecutor,
    RayExecutor,
    executor_from,
    ordered,
)
from gdatasets.errors import UnknownNameError

pytestmark = pytest.mark.filterwarnings("default")  # Ray's own


@pytest.fixture(scope="module")
def started_ray(toy: Any) -> Iterator[Any]:
    """Ray on two processors, started once for this module: that takes seconds."""
    assert toy  # its folder is known to Ray's workers from their start
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request: pytest.FixtureRequest, toy: Any) -> Iterator[Executor]:
    """Two workers that all tests of this module share."""
    assert toy
    if request.param == "ray":
        request.getfixturevalue("started_ray")
    with executor_from(request.param, workers=2) as shared:
        yield shared


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def has_line(log: Path) -> bool:
    """A file exists a moment before its line does."""
    return log.exists() and log.read_text().endswith("\n")


def test_results_are_those_of_one_worker(executor: Executor, toy: Any) -> None:
    expected = ordered(LocalExecutor(1).map(toy.square, range(20)))
    assert ordered(executor.map(toy.square, range(20))) == expected == [n * n for n in range(20)]
    assert ordered(executor.map(toy.square, [])) == []


def test_results_come_as_they_are_ready(executor: Executor, toy: Any) -> None:
    assert [index for index, _ in executor.map(toy.process_of, [3.0, 0.1, 0.2])] == [1, 2, 0]


def test_two_workers_work_at_the_same_time(executor: Executor, toy: Any) -> None:
    pids = ordered(executor.map(toy.process_of, [1.0, 1.0]))
    assert len({*pids, os.getpid()}) == 3


def test_every_call_has_one_thread(executor: Executor, toy: Any) -> None:
    assert ordered(executor.map(toy.threads, range(4))) == [1] * 4


@pytest.mark.slow
def test_networks_train_to_the_same_numbers(executor: Executor, toy: Any) -> None:
    states = ["000000000000", "110000000000", "111111111111"]
    numbers = ordered(executor.map(toy.train, states))
    assert numbers == ordered(LocalExecutor(1).map(toy.train, states))
    assert len({tuple(each) for each in numbers}) == len(states)


def test_an_error_of_the_function_is_raised_as_it_is(executor: Executor, toy: Any) -> None:
    with pytest.raises(UnknownNameError, match=r'Unknown toy "top". Choose from: ball.'):
        ordered(executor.map(toy.unknown, ["top"]))
    with pytest.raises(TypeError, match="can't multiply sequence"):
        ordered(executor.map(toy.square, ["two"]))


def test_an_error_that_cannot_travel_keeps_its_text(executor: Executor, toy: Any) -> None:
    with pytest.raises(ExecutorError, match="StubbornError: no!"):
        ordered(executor.map(toy.stubborn, ["no"]))


def test_the_item_of_a_dead_worker_is_tried_again(executor: Executor, toy: Any, tmp_path: Path) -> None:
    logs = [tmp_path / str(number) for number in range(4)]
    assert ordered(executor.map(toy.die_at_first, logs)) == ["lives"] * 4
    assert [log.read_text() for log in logs] == ["dies\n"] * 4


def test_an_item_that_always_kills_its_worker_is_named(executor: Executor, toy: Any, tmp_path: Path) -> None:
    with pytest.raises(ExecutorError, match=rf"The worker of .*always.* died {RETRIES + 1} times"):
        ordered(executor.map(toy.die, [tmp_path / "always"]))
    assert (tmp_path / "always").read_text().count("dies") == RETRIES + 1
    assert ordered(executor.map(toy.square, [3])) == [9]


def test_what_nobody_waits_for_is_ended(executor: Executor, toy: Any, tmp_path: Path) -> None:
    with closing(executor.map(toy.wait, [(tmp_path / "one", 0), (tmp_path / "two", 600)])) as results:
        assert next(results) == (0, None)
        until(lambda: has_line(tmp_path / "two"))
        pid = int((tmp_path / "two").read_text())
        assert is_running(pid)
    until(lambda: not is_running(pid))
    assert ordered(executor.map(toy.square, [3])) == [9]


@pytest.mark.parametrize("name", ["local", pytest.param("ray", marks=pytest.mark.slow)])
def test_an_interrupt_ends_the_workers_at_once(name: str, toy: Any, tmp_path: Path) -> None:
    if name == "ray":
        pytest.importorskip("ray", reason="the extra `ray` is not installed")
    script = tmp_path / "interrupted.py"
    script.write_text(
        "import signal, sys, toy_trials; from pathlib import Path\n"
        "from aenbench.execution.executors import executor_from\n"
        "if __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background has it ignored\n"
        "    with executor_from(sys.argv[1], 2) as executor:\n"
        "        list(executor.map(toy_trials.wait, [(Path(log), 600) for log in sys.argv[2:]]))\n"
    )
    logs = [tmp_path / "one", tmp_path / "two"]
    command = [sys.executable, str(script), name, *map(str, logs)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        until(lambda: all(map(has_line, logs)) or process.poll() is not None, 120)
        assert process.poll() is None, process.communicate()[1]
        os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C does: to all of the terminal's processes
        _, error = process.communicate(timeout=300)  # far less than the workers' 600: a loaded machine ends Ray slowly
    assert process.returncode != 0
    assert error.count("Traceback") == 1
    assert error.rstrip().endswith("KeyboardInterrupt")
    assert not [log for log in logs if is_running(int(log.read_text()))]
    assert toy


def test_an_idle_worker_that_died_is_replaced(toy: Any) -> None:
    with LocalExecutor(2) as executor:
        pids = ordered(executor.map(toy.process_of, [0.5, 0.5]))
        os.kill(pids[0], signal.SIGKILL)
        until(lambda: not is_running(pids[0]))
        assert ordered(executor.map(toy.square, range(6))) == [0, 1, 4, 9, 16, 25]
    until(lambda: not is_running(pids[1]))


def test_workers_serve_several_maps(toy: Any) -> None:
    with LocalExecutor(2) as executor:
        first = set(ordered(executor.map(toy.process_of, [0.5, 0.5])))
        assert set(ordered(executor.map(toy.process_of, [0.5, 0.5]))) == first


def test_ray_that_runs_already_is_used_and_left_running(started_ray: Any) -> None:
    with RayExecutor() as executor:
        assert executor.workers == 2
    assert started_ray.is_initialized()


def test_ray_that_is_missing_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ExecutorError, match=r"Ray is not installed; `pip install 'aenbench\[ray\]'`"):
        executor_from("ray", 2)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "Nothing answers at 127.0.0.1:1"),
        ("127.0.0.1:x", "Nothing answers at 127.0.0.1:x"),
        ("127.0.0.1:999999", "Nothing answers at"),
        ("nonsense", "Ray cannot be used at nonsense"),
    ],
)
def test_an_address_without_a_cluster_is_one_line(monkeypatch: pytest.MonkeyPatch, address: str, message: str) -> None:
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(ExecutorError, match=message) as caught:
        executor_from("ray", 2, address)
    assert "\n" not in str(caught.value)


def test_wrong_arguments_are_one_line() -> None:
    with pytest.raises(UnknownNameError, match=r'Unknown executor "dask". Choose from: local, ray.'):
        executor_from("dask")
    with pytest.raises(InvalidArgumentError, match="use --executor ray"):
        executor_from("local", 2, "127.0.0.1:6379")
    for name in EXECUTORS:
        with pytest.raises(InvalidArgumentError, match="at least one worker, got 0"):
            executor_from(name, 0)
    assert LocalExecutor().workers >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each worker is a new process")
def test_workers_are_forks_of_one_process_that_has_imported_torch() -> None:
    with LocalExecutor(2) as executor:
        parents = {parent for _, parent in executor.map(_parent_of, [1, 2])}
    [server] = parents
    assert server != os.getpid()
    maps = Path(f"/proc/{server}/maps").read_text()
    assert "libtorch_cpu" in maps


@pytest.mark.slow
def test_no_module_starts_a_thread_when_it_is_imported() -> None:
    """A fork would lose it, and keep what it had locked. Threads of jemalloc and OpenBLAS are none of Python's."""
    code = """
import importlib, pkgutil, threading
import aenbench, gdatasets
names = [m.name for p in (aenbench, gdatasets) for m in pkgutil.walk_packages(p.__path__, p.__name__ + ".")]
for name in names:
    importlib.import_module(name)
print(len(names), [thread.name for thread in threading.enumerate()])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules, threads = done.stdout.split(" ", 1)
    assert int(modules) > 200
    assert threads == "['MainThread']\n"


def test_a_worker_has_the_environment_of_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("before", "after"):
        monkeypatch.setenv("AENBENCH_TEST", value)
        with LocalExecutor(2) as executor:
            assert ordered(executor.map(os.getenv, ["AENBENCH_TEST"])) == [value]
    monkeypatch.delenv("AENBENCH_TEST")
    with LocalExecutor(2) as executor:
        assert ordered(executor.map(os.getenv, ["AENBENCH_TEST"])) == [None]


@pytest.mark.slow
def test_where_no_socket_fits_below_the_temporary_folder_workers_start_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with LocalExecutor(2) as executor:
        [(_, parent)] = executor.map(_parent_of, [1])
    assert parent == os.getpid()


def _parent_of(_: int) -> int:
    return os.getppid()
