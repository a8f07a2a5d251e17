"""Commands of the two programs as processes that start in milliseconds: forks of one that has imported everything.

Importing PyTorch, pandas and the like takes seconds; tests that kill a command at dozens of moments would spend nearly
all of their time on it. The process that forks does nothing but import, and no other thread of Python's runs in it, so
each fork is as a new process.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]

_PARENT = """
import json, os, sys, traceback
import aenbench.cli.main, gdatasets.cli.main, gdatasets.folder.build, gdatasets.folder.verify
import aenbench.leaderboard, aenbench.reports, aenbench.runs.run, aenbench.scoring, gdatasets.hub
import torch, pandas, pyarrow.parquet, scipy.stats, matplotlib, datasets

ended = {}
for line in sys.stdin:
    asked = json.loads(line)
    if "code" in asked:
        pid = os.fork()
        if pid == 0:
            null, out, err = os.open(os.devnull, os.O_RDONLY), *(
                os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for name in ("out", "err")
            )
            for number, stream in enumerate((null, out, err)):
                os.dup2(stream, number)
            sys.argv = ["command", *asked["arguments"]]
            code = 1
            try:
                exec(compile(asked["code"], "command", "exec"), {"__name__": "__main__"})
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        answer = pid
    else:
        pid, wait = asked["pid"], asked["wait"]
        if pid not in ended:
            done, status = os.waitpid(pid, 0 if wait else os.WNOHANG)
            if done:
                ended[pid] = os.waitstatus_to_exitcode(status)
        answer = ended.get(pid)
    print(json.dumps(answer), flush=True)
"""


class WarmPython:
    """One process that has imported both packages and what they need, and runs code in forks of itself."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        given = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **(environment or {})}
        self.parent = subprocess.Popen(
            [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=given
        )
        self.folder = tempfile.TemporaryDirectory()
        self.started = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.parent.communicate()
        self.folder.cleanup()

    def ask(self, **asked: Any) -> Any:
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        self.parent.stdin.write(json.dumps(asked) + "\n")
        self.parent.stdin.flush()
        return json.loads(self.parent.stdout.readline())

    def start(self, code: str, arguments: Sequence[str] = ()) -> "WarmProcess":
        """Begin to run a program's text; `sys.argv` is "command" and the arguments."""
        self.started += 1
        out, err = (str(Path(self.folder.name) / f"{self.started}.{name}") for name in ("out", "err"))
        return WarmProcess(self, self.ask(code=code, arguments=list(arguments), out=out, err=err), out, err)

    def run(self, code: str, arguments: Sequence[str] = ()) -> "WarmProcess":
        """Run a program's text to its end."""
        process = self.start(code, arguments)
        process.wait()
        return process


class WarmProcess:
    """A fork; its `returncode`, `stdout` and `stderr` are those of `subprocess.run`."""

    def __init__(self, parent: WarmPython, pid: int, out: str, err: str) -> None:
        self.parent, self.pid, self.returncode = parent, pid, None
        self._out, self._err = Path(out), Path(err)

    returncode: int | None

    @property
    def stdout(self) -> str:
        return self._out.read_text()

    @property
    def stderr(self) -> str:
        return self._err.read_text()

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self.parent.ask(pid=self.pid, wait=False)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; of a process that a signal ended, the signal as a negative number.

        Raises:
            TimeoutError: it still runs after so many seconds.
        """
        if timeout is not None:
            until = time.monotonic() + timeout
            while self.poll() is None:
                if time.monotonic() > until:
                    raise TimeoutError
                time.sleep(0.002)
        elif self.returncode is None:
            self.returncode = self.parent.ask(pid=self.pid, wait=True)
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
