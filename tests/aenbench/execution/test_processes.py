import os
import subprocess
import sys
from pathlib import Path

import pytest

from aenbench.execution import processes
from aenbench.execution.processes import Process, this_process


def sleeping() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])


def identity(pid: int) -> Process:
    started = processes._started(pid)
    assert started is not None
    return this_process()._replace(pid=pid, started=started)


def test_this_process_is_alive_and_local() -> None:
    process = this_process()
    assert process.pid == os.getpid()
    assert process.is_alive
    assert process.is_local


def test_a_killed_process_is_not_alive_even_before_its_parent_notices() -> None:
    with sleeping() as child:
        process = identity(child.pid)
        assert process.is_alive
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here to the end of the block
        assert Path(f"/proc/{child.pid}/stat").exists()
        assert not process.is_alive
    assert not process.is_alive


def test_a_later_process_with_the_same_number_is_another_one() -> None:
    process = this_process()
    assert not process._replace(started=process.started + 1).is_alive


def test_another_boot_is_not_local() -> None:
    assert not this_process()._replace(machine="another").is_local


def test_a_name_with_brackets_and_blanks_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text("7 (a) Z (b c) S " + " ".join(str(number) for number in range(4, 53)))
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert processes._started(7) == 22
    assert processes._started(8) is None
