"""Independent work on several workers: processes of this machine, or Ray.

Executors differ in where a function runs, never in what it gives: each call has one thread, an error of the function is
raised as it is, and the item of a worker that died (killed, out of memory, a crash) is given to another one.
"""

import os
import pickle
import signal
import socket
import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from operator import itemgetter
from types import ModuleType
from typing import Any, Self, TypeVar

import psutil

from aenbench.errors import ExecutorError, InvalidArgumentError
from aenbench.execution.device import CPU, Device
from gdatasets.errors import UnknownNameError
from gdatasets.processes import adopt_environment, end_after, worker_context
from gdatasets.processes import end_with_parent as end_with_parent
from gdatasets.user_code import ImportedModules

T = TypeVar("T")
R = TypeVar("R")

EXECUTORS = ("local", "ray")
MAX_WORKERS = 10_000
RETRIES = 3  # of an item whose worker died
_CONNECT_S = 5.0


class _WorkerDiedError(Exception):
    """The process that ran an item is gone, and its result with it."""


class Executor(ABC):
    """Calls a function on many items, side by side. A context manager: its workers end with the block.

    Attributes:
        workers: calls that run at the same time.
    """

    workers: int

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Generator[tuple[int, R], None, None]:
        """Call a function on each item.

        Args:
            function: of a module, or a `functools.partial` of one, since it is sent to other processes.
            items: its arguments.

        Yields:
            The number of an item and its result, in the order in which they are ready. What still runs when the
            iterator is closed, or fails, is ended at once.

        Raises:
            ExecutorError: an item's worker died `RETRIES` + 1 times.
            Exception: what the function raised.
        """
        items = list(items)
        waiting = deque((index, 0) for index in range(len(items)))
        running: dict[Future[R], tuple[int, int]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    index, deaths = waiting.popleft()
                    running[self._start(function, items[index])] = index, deaths
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    index, deaths = running.pop(future)
                    try:
                        result = self._result(future)
                    except _WorkerDiedError as error:
                        if deaths == RETRIES:
                            raise _gave_up(items[index], error) from error
                        waiting.appendleft((index, deaths + 1))
                    else:
                        yield index, result
        finally:
            self._end(running)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """End all workers, and what they are at."""

    @abstractmethod
    def _start(self, function: Callable[[T], R], item: T) -> Future[R]:
        """Let a free worker call the function."""

    @abstractmethod
    def _result(self, future: Future[R]) -> R:
        """What a finished call gave; its error is raised, or `_WorkerDiedError`."""

    @abstractmethod
    def _end(self, futures: Iterable[Future[Any]]) -> None:
        """End calls that are of no more use."""


class LocalExecutor(Executor):
    """Processes of this machine; one worker is this very process, and a GPU has one.

    Each worker is a pool of one process: a larger `ProcessPoolExecutor` ends all its processes when one dies, and does
    not tell whose item was the cause. Workers are started when there is work for them and serve until `close`.

    Args:
        workers: by default one a core.
        gpu: whether the work is done on a GPU.

    Raises:
        InvalidArgumentError: fewer than one worker, or more than one for a GPU.
    """

    def __init__(self, workers: int | None = None, gpu: bool = False) -> None:
        if gpu and workers not in (None, 1):
            raise InvalidArgumentError(f"Expected one worker for a GPU, got {workers}; leave out --workers.")
        self.workers = 1 if gpu else _checked(workers) or _cores()
        self._idle: list[_Worker] = []
        self._busy: dict[Future[Any], _Worker] = {}

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Generator[tuple[int, R], None, None]:
        return super().map(function, items) if self.workers > 1 else _map_here(function, items)

    def close(self) -> None:
        self._end(list(self._busy))
        while self._idle:
            self._idle.pop().end()

    def _start(self, function: Callable[[T], R], item: T) -> Future[R]:
        worker = self._idle.pop() if self._idle else _Worker()
        try:
            future = worker.pool.submit(_call, ImportedModules(), function, item)
        except BrokenProcessPool:  # it died while it had nothing to do
            worker.end()
            return self._start(function, item)
        self._busy[future] = worker
        return future

    def _result(self, future: Future[R]) -> R:
        worker = self._busy.pop(future)
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            worker.end()
            raise _WorkerDiedError from error
        self._idle.append(worker)
        return future.result()

    def _end(self, futures: Iterable[Future[Any]]) -> None:
        for worker in [self._busy.pop(future) for future in futures if future in self._busy]:
            worker.end()


class _Worker:
    """One process that makes one call at a time. It ends when its lifeline is cut: by `end`, or with this process."""

    def __init__(self) -> None:
        context = worker_context()
        self._held, self._lifeline = context.Pipe(duplex=False)
        given = self._held, dict(os.environ)
        self.pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=given)

    def end(self) -> None:
        self._lifeline.close()
        self.pool.shutdown(cancel_futures=True)
        self._held.close()


class RayExecutor(Executor):
    """Ray: on this machine, or on a cluster that has aenbench installed and sees the same files.

    Args:
        workers: calls at the same time; by default one for each of Ray's CPUs.
        address: of a cluster, as `host:port`, or `auto` for one that runs on this machine; by default Ray is started
            here and ended with this executor. A Ray that this process has started before is used, and left running.
        gpu: give each call a GPU of its own, and by default make as many calls as there are.

    Raises:
        InvalidArgumentError: fewer than one worker.
        ExecutorError: Ray is not installed, the address cannot be reached, Ray does not start, or has no GPU.
    """

    def __init__(self, workers: int | None = None, address: str | None = None, gpu: bool = False) -> None:
        _checked(workers)
        self._ray = _import_ray()
        self._owned = not self._ray.is_initialized()
        if self._owned:
            self._connect(workers, address)
        self._references: dict[Future[Any], Any] = {}
        found = self._ray.cluster_resources()
        if gpu and found.get("GPU", 0) < 1:
            self.close()
            raise ExecutorError("Ray has no GPU; start it on a machine with one, or give --device cpu.")
        self.workers = workers or max(1, int(found.get("GPU" if gpu else "CPU", 1)))
        # Ray's own retries are off: here they are the same for every executor.
        self._remote = self._ray.remote(num_cpus=1, num_gpus=int(gpu), max_retries=0)(_call)

    def close(self) -> None:
        self._end(list(self._references))
        if self._owned:
            self._ray.shutdown()
            self._owned = False

    def _connect(self, workers: int | None, address: str | None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
        if address is not None:
            _check_reachable(address)
        here = {"num_cpus": workers, "include_dashboard": False} if address is None else {}
        try:
            self._ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **here)
        except (Exception, SystemExit) as error:  # Ray leaves the process when a cluster stops answering
            raise ExecutorError(
                f"Ray cannot be used at {address or 'this machine'} ({error}); check --address or use --executor local."
            ) from error

    def _start(self, function: Callable[[T], R], item: T) -> Future[R]:
        reference = self._remote.remote(ImportedModules(), function, item)
        future: Future[R] = reference.future()
        self._references[future] = reference
        return future

    def _result(self, future: Future[R]) -> R:
        del self._references[future]
        try:
            return future.result()
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self._ray.exceptions.RayError as error:
            raise _WorkerDiedError from error

    def _end(self, futures: Iterable[Future[Any]]) -> None:
        for reference in [self._references.pop(future) for future in futures if future in self._references]:
            self._ray.cancel(reference, force=True)


def executor_from(name: str, workers: int | None = None, address: str | None = None, device: Device = CPU) -> Executor:
    """The executor of a name.

    Args:
        name: `local` or `ray`.
        workers: calls at the same time; by default one a core.
        address: of a Ray cluster.
        device: what the calls use; one call for each GPU.

    Raises:
        UnknownNameError: there is no such executor.
        InvalidArgumentError: fewer than one worker, more than one for a GPU, an address without Ray, or a GPU by its
            number with it.
        ExecutorError: Ray is not installed or cannot be reached, or the device does not exist.
    """
    if name not in EXECUTORS:
        raise UnknownNameError("executor", name, EXECUTORS)
    device.check(name)
    if name == "ray":
        return RayExecutor(workers, address, device.is_gpu)
    if address is not None:
        raise InvalidArgumentError(f'Processes of this machine have no address, got "{address}"; use --executor ray.')
    return LocalExecutor(workers, device.is_gpu)


def ordered(results: Iterable[tuple[int, R]]) -> list[R]:
    """The results of `map`, in the order of its items."""
    return [result for _, result in sorted(results, key=itemgetter(0))]


def _cores() -> int:
    """The cores that this process may use, where the system can restrict that; otherwise all of them."""
    process = psutil.Process()
    allowed = process.cpu_affinity() if hasattr(process, "cpu_affinity") else None  # macOS has none
    return len(allowed or ()) or os.cpu_count() or 1


def _begin(lifeline: Any, variables: dict[str, str]) -> None:
    """What a worker does first. An interrupt is for its parent, who then cuts the lifeline."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    adopt_environment(variables)
    end_after(lambda: lifeline.poll(None))


def _call(_modules: ImportedModules, function: Callable[[T], R], item: T) -> R:
    """One call, in a worker, where the modules were imported before the rest was unpickled."""
    _limit_threads()
    try:
        return function(item)
    except Exception as error:
        if not _can_travel(error):
            raise ExecutorError(f"{type(error).__name__}: {error}") from error
        raise


def _limit_threads() -> None:
    """One thread for PyTorch in this worker: from now on, or from its import. So workers start without it."""
    os.environ["OMP_NUM_THREADS"] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _can_travel(error: Exception) -> bool:
    """Whether an error can be sent to another process: one that cannot be read there would pass for a death."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return False
    return True


def _map_here(function: Callable[[T], R], items: Iterable[T]) -> Generator[tuple[int, R], None, None]:
    from aenbench.execution.threads import one_thread

    for index, item in enumerate(items):
        with one_thread():
            result = function(item)
        yield index, result


def _gave_up(item: object, death: _WorkerDiedError) -> ExecutorError:
    return ExecutorError(
        f"The worker of {item!r:.200} died {RETRIES + 1} times ({type(death.__cause__).__name__}), perhaps for want of "
        "memory; use fewer --workers, or see what that item does with --workers 1."
    )


def _checked(workers: int | None) -> int | None:
    if workers is not None and not 1 <= workers <= MAX_WORKERS:
        raise InvalidArgumentError(f"Expected at least one worker, got {workers}; give --workers 1 to {MAX_WORKERS:,}.")
    return workers


def _import_ray() -> ModuleType:
    try:
        import ray
    except ImportError as error:
        raise ExecutorError("Ray is not installed; `pip install 'aenbench[ray]'`, or use --executor local.") from error
    module: ModuleType = ray
    return module


def _check_reachable(address: str) -> None:
    """An address that does not answer; Ray itself would try for minutes, then end the process."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        return  # `auto`, or what Ray calls wrong at once
    try:
        with closing(socket.create_connection((host, int(port)), _CONNECT_S)):
            return
    except (OSError, ValueError, OverflowError) as error:
        raise ExecutorError(
            f"Nothing answers at {address} ({error}); `ray status` there shows whether the cluster is up."
        ) from error
