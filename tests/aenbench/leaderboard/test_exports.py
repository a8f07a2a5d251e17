"""`aenbench leaderboard --format`: rows and tables for other programs and for papers."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aenbench.leaderboard.exports import choose, export_csv, export_latex, export_markdown
from aenbench.leaderboard.frames import load_leaderboard, load_results
from aenbench.leaderboard.render import write_generated
from aenbench.leaderboard.results import Results
from aenbench.tasks.task import Task
from gdatasets.errors import UnknownNameError

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, make_entry) -> Path:
    base = tmp_path_factory.mktemp("board")
    make_entry(base, "first_of-all", 20)
    make_entry(base, "as-good", 21)
    make_entry(base, "worse", 150, origin="submission", method="=cmd()&%$#_{}~^\\", stated={"search_seconds": None})
    make_entry(base, "alone", 5, Task("g-digits", "d4", "paper"))
    write_generated(base)
    return base


@pytest.fixture(scope="module")
def results(board: Path) -> Results:
    return load_results(board)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    from aenbench.cli import main as cli

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["aenbench", "leaderboard", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


def test_csv_and_json_hold_the_rows(board: Path, run: Run) -> None:
    frame = load_leaderboard(board)
    code, text, _ = run("--dir", board, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (code, len(rows), list(rows[0])) == (0, 12, list(frame))
    assert [float(row["accuracy"]) for row in rows] == frame.accuracy.tolist()
    _, text, _ = run("--dir", board, "--format", "json", "--task", "g-digits/d4/paper")
    assert {row["entry"] for row in json.loads(text)["rows"]} == {"alone"}
    assert text == run("--dir", board, "--format", "json", "--task", "*/d4*")[1]


def test_entries_that_do_not_verify_are_named_and_the_code_is_1(board: Path, run: Run, tmp_path: Path) -> None:
    broken = tmp_path / "board"
    shutil.copytree(board, broken)
    (broken / "g-digits/d4/alone/predictions.npy").unlink()
    code, text, said = run("--dir", broken, "--format", "csv")
    assert (code, len(list(csv.DictReader(io.StringIO(text)))), said.count("\n")) == (1, 9, 1)
    assert "alone" in said
    code, text, said = run("--dir", broken, "--format", "csv", "--task", "g-digits/d4/paper")
    assert (code, text, said.count("\n")) == (2, "", 2)  # named, then no such task


def test_no_cell_of_csv_is_a_formula(results: Results) -> None:
    cells = [cell for row in csv.reader(io.StringIO(export_csv(results))) for cell in row]
    assert "'=cmd()&%$#_{}~^\\" in cells
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
    assert "" in cells  # what is empty stays empty


def test_the_best_is_bold_and_ties_are_marked_as_the_paired_test_says(results: Results) -> None:
    lines = {line.split(" & ")[1].strip(): line for line in export_latex(results).splitlines() if " & " in line}
    assert [name for name, line in lines.items() if r"\textbf{" in line] == [r"first\_of-all", "alone"]
    assert [name for name, line in lines.items() if "$^{=}$" in line] == ["as-good"]
    assert "? + 2" in lines["worse"]
    table = export_markdown(choose(results, ["g-digits/aug1"]))
    assert re.search(r"\| 1= \| first\\_of\\-all \| \*\*9\d\.\d\d \[.*\]\*\* \| 3 \| 234,818 \|", table)
    assert re.search(r"\| 1= \| as\\-good \| 9\d\.\d\d \[[^|]*\] = \|", table)
    assert re.search(r"\| 3 \| worse \| \d\d\.\d\d \[[^|=*]*\] \| 3 \| 234,818 † \|", table)


def test_latex_is_well_formed(results: Results) -> None:
    text = export_latex(results)
    opened = re.findall(r"\\(begin|end)\{(\w+\*?)\}", text)
    assert [name for how, name in opened if how == "begin"] == ["table", "tabular*"] * 2
    assert [name for how, name in opened if how == "end"] == ["tabular*", "table"] * 2
    for rule in ("toprule", "midrule", "bottomrule"):
        assert text.count(f"\\{rule}\n") == 2
    assert {line.count("&") for line in text.splitlines() if line.endswith(r"\\")} == {6}
    bare = re.sub(r"\\[%&_#${}]|\$\^\{(=|\\dagger)\}\$|\\label\{[^}]*\}", "", text.split("\n", 1)[1])
    assert not re.search(r"[%#_$^~†]", bare)
    assert text.count("{") == text.count("}")


def test_latex_compiles(results: Results, tmp_path: Path) -> None:
    latex = next(filter(None, map(shutil.which, ("pdflatex", "xelatex", "lualatex", "tectonic"))), None)
    if latex is None:
        pytest.skip("no LaTeX on this machine; the test above checks the tables by their structure")
    (tmp_path / "tables.tex").write_text(export_latex(results), encoding="utf-8")
    document = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\\input{tables}\\end{document}\n"
    (tmp_path / "paper.tex").write_text(document)
    options = [] if latex.endswith("tectonic") else ["-halt-on-error", "-interaction=nonstopmode"]
    done = subprocess.run([latex, *options, "paper.tex"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2_000:]
    assert "Overfull" not in done.stdout
    assert (tmp_path / "paper.pdf").stat().st_size > 1_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "xml"], 'Unknown format "xml". Choose from: csv, json, latex, markdown.'),
        (["--format", "csv", "--task", "g-digits/c4"], 'Unknown task "g-digits/c4".'),
        (["--task", "g-digits/aug1"], "--task goes with --format"),
        (["--format", "csv", "--check"], "--check and --format do not go together"),
    ],
)
def test_mistakes_end_in_one_line_and_code_2(board: Path, run: Run, arguments: list[str], said: str) -> None:
    code, out, err = run("--dir", board, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_pattern_must_fit(results: Results) -> None:
    assert choose(results, []).rows == results.rows
    assert len(choose(results, ["g-digits/aug1"]).rows) == 9
    with pytest.raises(UnknownNameError):
        choose(results, ["g-digits/aug1", "mnist/*"])
