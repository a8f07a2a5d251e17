"""Ctrl-C at any moment of both commands: exit code 130 and one line, from the first moments on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gdatasets.cli.interrupts import KEPT

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {
    "gdatasets": ["build", "g-digits", "--all", "--out", "out"],
    "aenbench": ["run", "--baseline", "aen", "--dataset", "g-digits", "--workers", "2", "--out", "out"],
}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process group")


def start(program: str, folder: Path, ignore: bool = False) -> "subprocess.Popen[bytes]":
    """The program in a process group of its own; it writes a byte as soon as Python runs what is ours."""
    words = [program, *COMMANDS[program]]
    answer = "SIG_IGN" if ignore else "default_int_handler"  # not what this process inherited, perhaps from nohup
    code = (
        f"import os, signal, sys; signal.signal(signal.SIGINT, signal.{answer}); import {program}.cli.start as start; "
    )
    code += f"os.write(1, b'.'); sys.argv = {words!r}; start.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.read(1) == b"."
    return process


@pytest.mark.parametrize("delay", [0.02, 0.05, 0.1, 0.2, 0.4, 0.8])
@pytest.mark.parametrize("program", COMMANDS)
def test_an_interrupt_in_the_first_moments_is_one_line(program: str, delay: float, tmp_path: Path) -> None:
    """929b5b9: a traceback of 13 to 19 lines and exit code -2 at 0.05 s, while Typer was imported."""
    process = start(program, tmp_path)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    lines = [line for line in err.decode().splitlines() if " of " not in line]  # of the progress
    assert (process.returncode, lines) == (130, [f"{program}: {KEPT}"])
    assert not list(tmp_path.rglob("*.part"))


def test_an_interrupt_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """As `nohup` and shells in the background ask for; the control of the tests above."""
    process = start("gdatasets", tmp_path, ignore=True)
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_an_interrupt_in_a_callback_of_an_import_is_not_lost(tmp_path: Path) -> None:
    """929b5b9: Python printed "Exception ignored in" and the command went on."""
    code = (
        "import signal, sys, time, weakref\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import gdatasets.cli.interrupts as start\n"
        "start.answer_interrupts('x'); start.begin_work()\n"
        "def lose(_): raise KeyboardInterrupt\n"
        "class Thing: pass\n"
        "thing = Thing(); kept = weakref.ref(thing, lose)\n"
        "try:\n    del thing; time.sleep(20)\nexcept KeyboardInterrupt:\n    sys.exit(130)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path, timeout=15, check=False)
    assert (done.returncode, done.stderr) == (130, b"")
