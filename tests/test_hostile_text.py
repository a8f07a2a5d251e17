"""Whatever stands in an argument, a name or a file: what the commands print is text, and one line stays one line."""

import ast
import io
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aenbench.cli import main as aenbench
from gdatasets.cli import main as gdatasets
from gdatasets.cli.output import guard_output
from gdatasets.cli.progress import shown
from gdatasets.folder.build import build_dataset
from gdatasets.visible_text import visible

HOSTILE = {
    "clear the screen": "\x1b[2J\x1b[H",
    "window title": "\x1b]0;pwned\x07",
    "hyperlink": "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "8-bit CSI": "\x9b31m",
    "8-bit OSC": "\x9d0;pwned\x9c",
    "bell": "\x07",
    "carriage return": "error\rverified",
    "newline": "x\ngdatasets: all verified",
    "other line ends": "a\x0bb\x0cc\x85d\u2028e\u2029f",
    "backspaces": "bad\x08\x08\x08good",
    "right to left": "a\u202egnp.exe",
    "isolates": "\u2066a\u2069",
    "unseen": "g\u200bm\ufeffnist",
    "tags": "a\U000e0041",
    "not UTF-8": os.fsdecode(b"a\xff"),
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: exit code, standard output, standard error."""

    def call(program: str, *arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [program, *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            {"gdatasets": gdatasets, "aenbench": aenbench}[program].main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def _restored() -> Iterator[None]:
    """What `guard_output` sets is as before."""
    factory, formatting, hook = logging.getLogRecordFactory(), warnings.formatwarning, sys.excepthook
    yield
    logging.setLogRecordFactory(factory)
    warnings.formatwarning, sys.excepthook = formatting, hook


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "a"
    build_dataset("g-digits", ["none"], folder)
    return folder


def unseen(text: str) -> list[str]:
    """What in it a terminal would not just show."""
    return [mark for mark in text if mark != "\n" and not mark.isprintable()]


def test_the_check_sees_what_is_hostile() -> None:
    """The control of this file's tests: every case holds something that would be found."""
    assert all(unseen(text) or "\n" in text for text in HOSTILE.values())
    assert not unseen("G-MNIST, 10 %: é, 数, 😀\n")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_visible_text_is_one_printable_line_that_encodes(text: str) -> None:
    assert visible(text).isprintable()
    visible(text).encode()


def test_visible_text_keeps_what_is_seen() -> None:
    assert visible("Größe 数 😀 [red] C:\\new") == "Größe 数 😀 [red] C:\\new"
    assert visible("\x1b\n\r\t\u202e\U000e0041") == "\\x1b\\n\\r\\t\\u202e\\U000e0041"
    assert visible("abcdef", 3) == "abc..."


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    "arguments",
    [
        ["gdatasets", "info", "X"],
        ["gdatasets", "cite", "g-mnist@X"],
        ["gdatasets", "verify", "X"],
        ["gdatasets", "build", "g-digits", "X", "--out", "out"],
        ["gdatasets", "X"],
        ["gdatasets", "publish", "X", "--repo", "a/b"],
        ["aenbench", "run", "--baseline", "X", "--dataset", "g-digits"],
        ["aenbench", "run", "--baseline", "mlp", "--dataset", "X"],
        ["aenbench", "verify", "X"],
        ["aenbench", "leaderboard", "--dir", "X"],
        ["aenbench", "search", "--table", "X"],
        ["aenbench", "reproduce", "X"],
    ],
    ids=lambda arguments: "-".join(arguments[:2]),
)
def test_an_argument_is_shown_as_text(
    arguments: list[str], text: str, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """929b5b9: ESC, BEL, C1 and bidirectional controls reached the terminal as they were."""
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*(argument.replace("X", text) for argument in arguments))
    assert (out, err.count("\n")) == ("", 1)
    assert code in {1, 2}
    assert not unseen(err)


@pytest.mark.parametrize("text", [text for text in HOSTILE.values() if "/" not in text])
def test_names_of_files_are_shown_as_text(text: str, built: Path, run: Run, tmp_path: Path) -> None:
    """929b5b9: `verify` printed a stray file's name as it was, of which one could look like a line of its own."""
    folder = tmp_path / text
    shutil.copytree(built, folder)
    (folder / f"stray{text}").touch()
    code, out, err = run("gdatasets", "verify", folder, "--quiet")
    assert code == 1
    brackets = "[" in text  # a second line says that `datasets` takes them for a pattern
    assert (out.count("\n"), err.count("\n")) == (1 + brackets, 1)
    assert f"{visible(f'stray{text}')} is not in the manifest" in out
    assert not unseen(out + err)
    code, out, err = run("aenbench", "verify", folder)
    assert code in {1, 2}
    assert not unseen(out + err)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_values_in_files_are_shown_as_text(text: str, run: Run, tmp_path: Path) -> None:
    """929b5b9: a manifest's dataset, path or key was printed as it was."""
    if text == HOSTILE["not UTF-8"]:
        text = "\\ud800"
    folder = tmp_path / "a"
    folder.mkdir()
    for content in ({"format": text}, {text: 1}, {"files": [{text: text}]}, {"dataset": text}):
        (folder / "manifest.json").write_text(json.dumps(content))
        code, out, err = run("gdatasets", "verify", folder, "--quiet")
        assert (code, out.count("\n"), err.count("\n")) == (1, 1, 1)
        assert not unseen(out + err)
        (folder / "entry.json").write_text(json.dumps(content))
        code, out, err = run("aenbench", "verify", folder)
        assert code in {1, 2}
        assert err
        assert not unseen(out + err)


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_is_shown_as_text(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """929b5b9: a path in the progress was printed as it was; `[link=...]` in it became a link on a terminal."""

    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    monkeypatch.setattr(sys, "stderr", Stream())
    with shown() as progress:
        progress("\x1b]0;pwned\x07[link=http://evil]a[/link]", 1, 1, "\x9b[red]\n")
    printed = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "\\x1b]0;pwned\\x07[link=http://evil]" in re.sub(r"\s", "", printed)
    assert "]0;pwned\x07" not in printed
    assert "\x9b" not in printed


@pytest.mark.usefixtures("_restored")
def test_logs_and_warnings_are_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """929b5b9: a log line that quotes a server was printed as it came."""
    guard_output()
    handler = logging.StreamHandler(sys.stderr)
    record = logging.getLogRecordFactory()("hub", logging.WARNING, "x.py", 1, "said %s", ("\x1b[2J\r",), None)
    handler.emit(record)
    sys.stderr.write(warnings.formatwarning(UserWarning("\x1b[2J"), UserWarning, "\x07.py", 1))
    sys.excepthook(ValueError, ValueError("\x1b[2J"), None)
    printed = capsys.readouterr().err
    assert printed == "said \\x1b[2J\\r\n\\x07.py:1: UserWarning: \\x1b[2J\nValueError: \\x1b[2J\n"


def test_a_defect_of_the_program_prints_visible_text(tmp_path: Path) -> None:
    """Its traceback, too, in a process of its own; 929b5b9 printed the message as it was."""
    broken = "import typer; from gdatasets.cli.exit_codes import run_command\napp = typer.Typer()\n"
    broken += "@app.command()\ndef f() -> None:\n    raise RuntimeError('\\x1b[2J')\nrun_command(app, 'f')\n"
    done = subprocess.run([sys.executable, "-c", broken], capture_output=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(b"RuntimeError: \\x1b[2J" + os.linesep.encode())


def test_nothing_prints_past_the_one_place() -> None:
    root = Path(__file__).parents[1]
    files = [*(root / "gdatasets").rglob("*.py"), *(root / "aenbench").rglob("*.py")]
    allowed = {"gdatasets/cli/output.py", "gdatasets/folder/parquet_worker.py"}
    direct = re.compile(r"typer\.echo|click\.echo|std(err|out)\.write")

    def prints(text: str) -> bool:
        """Whether it calls `print`; a text for a reader, such as an example, may name it."""
        calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
        return any(isinstance(called, ast.Name) and called.id == "print" for called in calls)

    assert prints("if True:\n    print(1)")
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in files}
    found = {name for name, text in texts.items() if direct.search(text) or prints(text)}
    assert found == allowed
