"""Loggers of a user's own are called after every pass, in this process, and can end no run."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from aenbench.cli import main as cli
from aenbench.errors import InvalidArgumentError
from aenbench.execution.executors import executor_from
from aenbench.leaderboard.entry_folder import read_entry
from aenbench.leaderboard.training_curves import read_history
from aenbench.runs.loggers import load_logger, logged
from aenbench.runs.options import RunOptions
from aenbench.runs.progress import Report, Step
from aenbench.runs.run import run
from aenbench.training.history import Pass

pytestmark = pytest.mark.filterwarnings("default")  # Ray's own

MODULE = """
import os
from pathlib import Path

open(f"imported-{os.getpid()}", "w").close()


def log(what, epoch, loss, accuracy, learning_rate):
    with open("log.txt", "a") as file:
        print(os.getpid(), what, epoch, loss, accuracy, learning_rate, sep="|", file=file)


class Log:
    def __init__(self):
        self.lines = []

    def __call__(self, *told):
        self.lines.append(told)

    def close(self):
        Path("closed.txt").write_text(str(len(self.lines)))


class Broken:
    def __init__(self):
        raise RuntimeError("no server")


def fail(what, epoch, loss, accuracy, learning_rate):
    raise SystemExit("the server\\nis gone")


def two(what, epoch):
    pass


class Silent:
    pass


number = 3
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in, with the module `my_loggers`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_loggers.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("my_loggers", None)


def plan(seeds: int = 2) -> Any:
    options = RunOptions(baseline="mlp", dataset="g-digits", config="d4", budget="quick", seeds=seeds)
    return RunOptions(**{**vars(options), "epochs": 3, "train_images": 100}).plan()


def silent(_: Step) -> None:
    """No progress."""


@pytest.mark.parametrize("executor", ["here", "local", pytest.param("ray", marks=pytest.mark.slow)])
def test_it_is_told_of_every_pass_in_this_process(executor: str, here: Path) -> None:
    if executor == "ray":
        pytest.importorskip("ray", reason="the extra `ray` is not installed")
    name = "ray" if executor == "ray" else "local"
    with (
        executor_from(name, 1 if executor == "here" else 2) as where,
        logged(silent, load_logger("my_loggers:log"), pytest.fail) as report,
    ):
        folder = run(plan(), here / "runs", "a test", report, where)
    lines = [line.split("|") for line in Path("log.txt").read_text().splitlines()]
    assert {pid for pid, *_ in lines} == {str(os.getpid())}
    assert [path.name for path in here.glob("imported-*")] == [f"imported-{os.getpid()}"]
    for seed, history in read_history(folder).items():
        told = [rest for _, what, *rest in lines if what == f"final, seed {seed}"]
        assert [int(epoch) for epoch, *_ in told] == [1, 2, 3]
        numbers = np.array([[float(number) for number in rest] for _, *rest in told])
        assert numbers == pytest.approx(np.array(history), rel=1e-5)


def test_a_logger_changes_nothing_and_neither_does_one_that_fails(here: Path) -> None:
    found, notices = [], []
    for logger in (None, "my_loggers:Log", "my_loggers:fail"):
        with (
            executor_from("local", 1) as where,
            logged(silent, logger and load_logger(logger), notices.append) as report,
        ):
            folder = run(plan(1), here / str(logger).rpartition(":")[2], "a test", report, where)
        found.append(read_entry(folder)[1])
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
    assert Path("closed.txt").read_text() == "3"
    assert notices == [
        "The logger failed after pass 1 of final, seed 0 (SystemExit: the server is gone); the run continues, and "
        "further failures are not shown."
    ]


def test_a_logger_that_fails_once_is_called_again() -> None:
    told: list[int] = []
    notices: list[str] = []

    def log(_what: str, epoch: int, *_: float) -> None:
        told.append(epoch)
        if epoch == 1:
            raise OSError("no connection")

    with logged(silent, log, notices.append) as report:
        for epoch in (1, 2, 3):
            report(Step(0, "training", epoch, 3, passed=Pass(1.0, 0.5, 0.1)))
        report(Step(0, "search", 1, 3))
    assert told == [1, 2, 3]
    assert len(notices) == 1


def test_it_is_closed_when_the_run_is_interrupted_and_may_fail_then() -> None:
    class Log:
        def __call__(self, *_: object) -> None:
            """Nothing."""

        def close(self) -> None:
            raise OSError("full")

    notices: list[str] = []
    with pytest.raises(KeyboardInterrupt), logged(silent, Log(), notices.append):
        raise KeyboardInterrupt
    assert notices == [
        "The logger failed when it was closed (OSError: full); the run continues, and further failures are not shown."
    ]


def test_without_a_logger_the_report_is_itself() -> None:
    report: Report = silent
    with logged(report, None, pytest.fail) as same:
        assert same is report


def fake(made: list[Any], *methods: str) -> type:
    """A class whose instances keep the calls of some methods, in order."""

    class Fake:
        def __init__(self, *given: Any, **named: Any) -> None:
            made.append(self)
            self.calls: list[tuple[Any, ...]] = [("made", *given, *named.values())]
            for name in methods:
                setattr(self, name, lambda *told, name=name: self.calls.append((name, *told)))

    return Fake


@pytest.mark.parametrize("name", ["TensorBoard", "WeightsAndBiases"])
def test_the_loggers_of_the_docs_log_to_stand_ins(name: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither TensorBoard nor W&B is installed here: their modules are stood in for by fakes of what the page calls."""
    page = (Path(__file__).parents[3] / "docs" / "own-model.md").read_text()
    [code] = re.findall(r"```python\n(# my_loggers\.py\n.*?)```", page, re.DOTALL)
    (here / "my_loggers.py").write_text(code)
    made: list[Any] = []
    writer, started = fake(made, "add_scalar", "close"), fake(made, "log", "finish")
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=writer))
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=started))
    with (
        executor_from("local", 1) as where,
        logged(silent, load_logger(f"my_loggers:{name}"), pytest.fail) as report,
    ):
        folder = run(plan(1), here / "out", "a test", report, where)
    [[start, *calls, end]] = [each.calls for each in made]
    history = read_history(folder)[0]
    assert (start[0], end[0]) == ("made", "close" if name == "TensorBoard" else "finish")
    if name == "TensorBoard":
        assert [(tag, epoch) for _, tag, _, epoch in calls[:3]] == [
            (f"final, seed 0/{what}", 1) for what in ("loss", "accuracy", "learning rate")
        ]
        losses = [value for _, tag, value, _ in calls if tag.endswith("loss")]
    else:
        losses = [values["final, seed 0/loss"] for _, values in calls]
    assert losses == pytest.approx([each.loss for each in history], rel=1e-5)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("my_loggers", 'Expected a logger as "package.module:name", got "my_loggers"'),
        ("my_loggers:nothing", 'Cannot import "my_loggers:nothing": AttributeError'),
        ("my_loggers:Broken", 'Cannot make "my_loggers:Broken": RuntimeError: no server'),
        ("my_loggers:number", 'Expected "my_loggers:number" as a logger, .*, got int'),
        ("my_loggers:Silent", 'Expected "my_loggers:Silent" as a logger, .*, got Silent'),
        ("my_loggers:two", r'Expected "my_loggers:two" as a logger, .*, got function of \(what, epoch\)'),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_is_no_logger_is_refused_before_training(
    path: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        load_logger(path)
    arguments = ["run", "--baseline", "mlp", "--dataset", "g-digits", "--logger", path]
    monkeypatch.setattr(sys, "argv", ["aenbench", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not Path("runs").exists()
