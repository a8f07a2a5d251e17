"""What workers send arrives here while they work: in their order, all of it, whatever executor they belong to."""

import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aenbench.execution.channel import _Mailbox, _Sender, channel
from aenbench.execution.executors import Executor, LocalExecutor, executor_from

pytestmark = pytest.mark.filterwarnings("default")  # Ray's own


@pytest.fixture(scope="module", params=["one", "local", "ray"])
def executor(request: pytest.FixtureRequest, toy: Any) -> Iterator[Executor]:
    """This process, two others, or two of Ray's."""
    assert toy  # its folder is known to Ray's workers from their start
    if request.param == "ray":
        pytest.importorskip("ray", reason="the extra `ray` is not installed")
    name = "ray" if request.param == "ray" else "local"
    with executor_from(name, 1 if request.param == "one" else 2) as shared:
        yield shared


def test_everything_arrives_before_the_block_ends(executor: Executor, toy: Any) -> None:
    received: list[tuple[int, int, int]] = []
    with channel(received.append, executor) as send:
        results = dict(executor.map(partial(toy.send_many, send, 50), range(4)))
    assert results == {0: 0, 1: 1, 2: 2, 3: 3}
    for item in range(4):
        assert [number for sender, number, _ in received if sender == item] == list(range(50))
    here = {pid == os.getpid() for *_, pid in received}
    assert here == {isinstance(executor, LocalExecutor) and executor.workers == 1}


def test_it_arrives_while_the_workers_are_at_work(executor: Executor, toy: Any, tmp_path: Path) -> None:
    """Each worker sends, then waits until what it sent has arrived here: it would wait for ever otherwise."""
    with channel(lambda item: (tmp_path / str(item)).touch(), executor) as send:
        assert dict(executor.map(partial(toy.send_and_wait, send, tmp_path), range(2))) == {0: True, 1: True}


def test_an_error_of_the_work_ends_the_channel(executor: Executor, toy: Any) -> None:
    received: list[Any] = []
    before = threading.active_count()
    with pytest.raises(ValueError, match="no such item"), channel(received.append, executor) as send:
        list(executor.map(partial(toy.send_and_fail, send), [7]))
    assert received == [7]
    deadline = time.monotonic() + 20
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_work_goes_on_when_the_receiver_fails(executor: Executor, toy: Any) -> None:
    if executor.workers == 1:
        pytest.skip("there the receiver is called by the work itself")

    def receive(_: Any) -> None:
        raise SystemExit  # threads leave quietly by it

    with channel(receive, executor) as send:
        assert dict(executor.map(partial(toy.send_many, send, 3), range(2))) == {0: 0, 1: 1}


def test_a_mailbox_that_is_gone_holds_nothing_up() -> None:
    ray: Any = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    with executor_from("ray", 2):
        mailbox = ray.remote(num_cpus=0)(_Mailbox).remote()
        send = _Sender(mailbox)
        send(0)
        assert ray.get(mailbox.take.remote()) == [0]
        ray.kill(mailbox)
        start = time.monotonic()
        for number in range(100):
            send(number)
        assert time.monotonic() - start < 60  # a hundred waits of five seconds would be longer
