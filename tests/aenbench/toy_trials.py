"""A search of toy trials for tests to kill: a program, and the functions that workers import.

python toy_trials.py STORE LOG EXECUTOR [ADDRESS]    runs the search; its state is in STORE, each evaluation leaves a
                                                     line in LOG
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aenbench.execution.executors import Executor, executor_from
from aenbench.execution.store import TrialStore, evaluate_all
from gdatasets.errors import UnknownNameError

PLAN = "toy"
GENERATIONS, SIZE = 3, 20
TRIALS = GENERATIONS * SIZE


@dataclass(frozen=True)
class Trial:
    number: int
    log: Path
    seconds: float = 0.02


def evaluate(trial: Trial) -> dict[str, Any]:
    note(trial.log, f"{key(trial.number)} {os.getpid()}")
    time.sleep(trial.seconds)
    return {"value": (trial.number * 7919 % 104_729) / 104_729, "bits": format(trial.number, "020b")}


def key(number: int) -> str:
    return f"toy/{number}"


def note(log: Path, line: str) -> None:
    """Append a line in one write, which no other process' line can get into."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def search(store: TrialStore, log: Path, executor: Executor) -> dict[str, dict[str, Any]]:
    """Generations of trials, each drawn from the results of the one before: nothing wrong stays without consequence."""
    found: dict[str, dict[str, Any]] = {}
    numbers = range(SIZE)
    for _ in range(GENERATIONS):
        results = dict(evaluate_all(store, executor, evaluate, {key(n): Trial(n, log) for n in numbers}))
        found |= results
        start = 100 + int(1e6 * sum(sorted(result["value"] for result in results.values())))
        numbers = range(start, start + SIZE)
    return found


def send_many(send: Callable[[Any], None], count: int, item: int) -> int:
    for number in range(count):
        send((item, number, os.getpid()))
    return item


def send_and_wait(send: Callable[[Any], None], folder: Path, item: int) -> bool:
    """Wait until what was sent has left a file; whether it has, within a minute."""
    send(item)
    deadline = time.monotonic() + 60
    while not (folder / str(item)).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return (folder / str(item)).exists()


def send_and_fail(send: Callable[[Any], None], item: int) -> None:
    send(item)
    raise ValueError("no such item")


def square(number: int) -> int:
    return number * number


def threads(_: int) -> int:
    """PyTorch's threads when it is asked; then it gets more, for the next call to find."""
    import torch

    found = torch.get_num_threads()
    torch.set_num_threads(2)
    return found


def process_of(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def unknown(name: str) -> None:
    raise UnknownNameError("toy", name, ["ball"])


class StubbornError(Exception):
    """Can be pickled, not unpickled."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def stubborn(text: str) -> None:
    raise StubbornError(text, "!")


def die(log: Path) -> None:
    note(log, "dies")
    os.kill(os.getpid(), signal.SIGKILL)


def die_at_first(log: Path) -> str:
    if not log.exists():
        die(log)
    return "lives"


def wait(log_and_seconds: tuple[Path, float]) -> None:
    log, seconds = log_and_seconds
    note(log, str(os.getpid()))
    time.sleep(seconds)


def train(state: str) -> list[float]:
    """A real training of seconds: its losses and accuracies."""
    from aenbench.models.aen import AENSpace
    from aenbench.tasks.images import load_training
    from aenbench.tasks.task import Task
    from aenbench.training.fit import fit
    from aenbench.training.recipe import Recipe

    network = AENSpace().candidate(state).build(seed=0)
    fitted = fit(network, *load_training(Task("g-digits", "d4")), Recipe(400, 2), seed=0)
    return [*fitted.losses, *fitted.accuracies]


if __name__ == "__main__":
    with executor_from(sys.argv[3], 2, *sys.argv[4:]) as chosen:
        search(TrialStore(Path(sys.argv[1]), PLAN), Path(sys.argv[2]), chosen)
