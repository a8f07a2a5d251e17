"""Two commands at work on one place: the second says so and harms nothing; one that was killed is in nobody's way."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from aenbench.errors import InvalidArgumentError

ROOT = Path(__file__).resolve().parents[3]
RUN = ["run", "--baseline", "mlp", "--dataset", "g-digits", "--budget", "quick", "--seeds", "2", "--workers", "1"]
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(run_program: Run) -> Run:
    """`run_program` of `aenbench`."""
    return partial(run_program, "aenbench")


@pytest.fixture
def first(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A run that stays at work: its training waits."""
    words = ["aenbench", *RUN, "--out", str(tmp_path)]
    trains = tmp_path.with_name(f"{tmp_path.name} trains")
    stand_in = f"lambda *_, **__: (open({str(trains)!r}, 'w').close(), time.sleep(600))"
    wait = f"import time, aenbench.runs.seed as seed; seed.train = {stand_in}"
    code = f"import sys; {wait}; from aenbench.cli.main import main; sys.argv = {words!r}; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, env=environment)
    deadline = time.monotonic() + 60
    while not trains.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield process
    process.kill()
    process.communicate()


def test_the_second_run_says_who_is_at_work(
    first: "subprocess.Popen[bytes]", run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """929b5b9: both trained, and the second ended with "...trials: No such file or directory"."""
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    code, err = run(*RUN, "--out", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert f"Another process (number {first.pid} on {platform.node()}, since 20" in err
    assert str(tmp_path / "g-digits" / "aug2" / "mlp-quick") in err
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if ".running" not in str(path)} == {
        path: changed for path, changed in before.items() if ".running" not in str(path)
    }
    monkeypatch.setattr("aenbench.runs.seed.train", Mock(side_effect=InvalidArgumentError("It trains.")))
    assert run(*RUN, "--quiet", "--out", tmp_path / "elsewhere")[1].endswith("It trains.\n")  # another --out is free


@pytest.mark.slow
@pytest.mark.usefixtures("brief")
def test_a_run_that_was_killed_is_in_nobodys_way(first: "subprocess.Popen[bytes]", run: Run, tmp_path: Path) -> None:
    first.kill()
    first.wait()
    place = tmp_path / "g-digits" / "aug2"
    (place / "..mlp-quick.trials.0123456789abcdef").touch()  # as it is killed while it makes its store
    (place / "...mlp-quick.trials.0123456789abcdef.1.part").touch()
    assert run(*RUN, "--quiet", "--out", tmp_path) == (0, "")
    assert [path.name for path in place.iterdir()] == ["mlp-quick"]
    code, err = run(*RUN, "--out", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "exists" in err
    assert len(json.loads((place / "mlp-quick" / "entry.json").read_text())["seeds"]) == 2


def test_a_hostile_label_of_a_lock_is_only_text(first: "subprocess.Popen[bytes]", run: Run, tmp_path: Path) -> None:
    [holder] = tmp_path.rglob(".holder")
    for said in (b"\x1b[2J\n\r", b"\xff", b"x" * 5_000, b""):
        holder.write_bytes(said)
        code, err = run(*RUN, "--out", tmp_path)
        assert (code, err.count("\n")) == (2, 1)
        assert "is at work on" in err
        assert err.rstrip("\n").isprintable()
    holder.unlink()
    if sys.platform != "win32":
        os.mkfifo(holder)
        assert run(*RUN, "--out", tmp_path)[0] == 2
    assert first.poll() is None
