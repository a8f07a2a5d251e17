"""A way back from an executor's workers: what they send is received in this process, while they are at work."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.managers import SyncManager
from typing import Any, TypeVar

from aenbench.execution.executors import Executor, RayExecutor, end_with_parent
from gdatasets.processes import worker_context

T = TypeVar("T")

_POLL_S = 0.2
_PATIENCE_S = 5.0  # for one item on Ray; a training is not held up by a mailbox that is gone


@contextmanager
def channel(receive: Callable[[T], None], executor: Executor) -> Iterator[Callable[[T], None]]:
    """A function that the executor's workers can be given, and call to send something here.

    What one worker sends arrives in its order, and all of it before the block ends. With one local worker, which is
    this very process, it is `receive` itself; otherwise `receive` is called in a thread, one item at a time.

    Args:
        receive: called with each item, which is sent by pickling it. What it raises ends the thread, not the work.
        executor: whose workers send.
    """
    if isinstance(executor, RayExecutor):
        with _from_ray(receive) as send:
            yield send
    elif executor.workers == 1:
        yield receive
    else:
        with _from_processes(receive) as send:
            yield send


@contextmanager
def _from_processes(receive: Callable[[T], None]) -> Iterator[Callable[[T], None]]:
    manager = SyncManager(ctx=worker_context())
    manager.start(end_with_parent)
    with manager:
        items = manager.Queue()

        def listen() -> None:
            while (item := items.get()) is not None:
                receive(item)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            yield items.put
        finally:
            items.put(None)
            listener.join()


@contextmanager
def _from_ray(receive: Callable[[T], None]) -> Iterator[Callable[[T], None]]:
    import ray

    mailbox: Any = ray.remote(num_cpus=0)(_Mailbox).remote()
    has_ended = threading.Event()

    def listen() -> None:
        is_last = False
        while not is_last:
            is_last = has_ended.wait(_POLL_S)  # what was sent before the end is still taken
            try:
                items = ray.get(mailbox.take.remote(), timeout=_PATIENCE_S)
            except ray.exceptions.GetTimeoutError:
                continue  # it has not started yet
            except Exception:
                return  # it is gone, and what it held
            for item in items:
                receive(item)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield _Sender(mailbox)
    finally:
        has_ended.set()
        listener.join()
        ray.kill(mailbox)


class _Mailbox:
    """Keeps what is sent until it is taken; it runs on Ray, and its calls in the order of each caller."""

    def __init__(self) -> None:
        self._items: list[Any] = []

    def put(self, item: Any) -> None:
        self._items.append(item)

    def take(self) -> list[Any]:
        items, self._items = self._items, []
        return items


class _Sender:
    """Sends to a mailbox. It waits until the item is there, but not long, and never for one that is gone."""

    def __init__(self, mailbox: Any) -> None:
        self._mailbox = mailbox
        self._is_patient = True

    def __call__(self, item: Any) -> None:
        import ray

        sent = self._mailbox.put.remote(item)
        if self._is_patient:
            arrived, _ = ray.wait([sent], timeout=_PATIENCE_S)
            self._is_patient = bool(arrived)
