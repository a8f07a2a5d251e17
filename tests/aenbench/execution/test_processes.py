import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
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
        if psutil.POSIX:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here to the end of the block
            assert psutil.pid_exists(child.pid)
        else:
            child.wait()
        assert not process.is_alive
    assert not process.is_alive


def test_a_later_process_with_the_same_number_is_another_one() -> None:
    process = this_process()
    assert not process._replace(started=process.started + 1).is_alive


def test_another_boot_is_not_local() -> None:
    assert not this_process()._replace(machine="another").is_local


@pytest.mark.skipif(not psutil.POSIX, reason="names a program by a symbolic link")
def test_a_name_with_brackets_and_blanks_is_no_obstacle(tmp_path: Path) -> None:
    program = tmp_path / "a) Z (b c"
    program.symlink_to(shutil.which("sleep") or pytest.skip("there is no program sleep"))
    with subprocess.Popen([program, "600"]) as child:
        process = identity(child.pid)
        assert process.is_alive
        child.kill()
    assert not process.is_alive


def test_a_number_that_no_process_has_is_not_alive() -> None:
    free = next(pid for pid in range(10**6, 10**7) if not psutil.pid_exists(pid))
    assert not this_process()._replace(pid=free).is_alive
    assert not this_process()._replace(pid=-1).is_alive


@pytest.mark.skipif(not psutil.LINUX, reason="the start time of the kernel is compared")
def test_a_start_is_the_one_of_the_kernel_so_that_older_claims_stay_valid() -> None:
    process = this_process()
    stat = Path(f"/proc/{process.pid}/stat").read_text()
    assert process.started == int(stat.rpartition(")")[2].split()[19])


def test_without_the_kernels_identifiers_a_machine_is_named_by_host_and_network_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linux = this_process()
    monkeypatch.setattr(processes, "_BOOT_ID", tmp_path / "missing")
    monkeypatch.setattr(processes, "_epoch", lambda: 0.0)
    process = this_process()
    assert process.is_local
    assert process.is_alive
    assert abs(process.started / 100 - psutil.Process().create_time()) < 0.02
    assert not psutil.LINUX or process.machine != linux.machine
