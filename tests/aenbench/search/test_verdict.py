"""A comparison as files."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aenbench.search import random
from aenbench.search.judge import Comparison, compare
from aenbench.search.space import Evaluate, Record, SearchBudget, SearchSpace
from aenbench.search.tabular import Contestant, networks_budget
from aenbench.search.verdict import write_comparison
from gdatasets.errors import OutputError


def first_states(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int) -> Record:  # noqa: ARG001
    record = Record(space, evaluate)
    for state in space.networks[: budget.networks]:
        record.value(state)
    return record


@pytest.fixture
def comparison(tiny_table: Callable[..., Any]) -> Comparison:
    table = tiny_table(noise=0.2)
    budget = networks_budget(table.space, 12)
    return compare(
        table, {"random": Contestant(random.search, budget, 12), "first": Contestant(first_states, budget, 12)}
    )


def test_the_files_hold_the_curves_and_the_differences(comparison: Comparison, tmp_path: Path) -> None:
    write_comparison(comparison, tmp_path / "new" / "folder", "tiny / none", at=(3, 12))
    folder = tmp_path / "new" / "folder"
    names = {"comparison.md", "comparison.png", "regret.csv", "differences.csv"}
    assert {path.name for path in folder.iterdir()} == names
    rows = list(csv.DictReader((folder / "regret.csv").read_text().splitlines()))
    assert len(rows) == 2 * 12
    third = rows[2]
    assert (third["algorithm"], third["networks"], third["runs"]) == ("random", "3", "12")
    assert float(third["mean"]) == pytest.approx(comparison.curves["random"].regret[:, 2].mean(), abs=1e-6)
    assert {row["low"] for row in rows if row["algorithm"] == "first"} == {""}
    pairs = list(csv.DictReader((folder / "differences.csv").read_text().splitlines()))
    assert [(row["first"], row["second"], row["networks"]) for row in pairs] == [
        ("random", "first", "3"),
        ("random", "first", "12"),
    ]
    assert (folder / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_the_text_says_what_was_run(comparison: Comparison, tmp_path: Path) -> None:
    write_comparison(comparison, tmp_path, "tiny / none", at=(3, 12))
    text = (tmp_path / "comparison.md").read_text()
    mean = 100 * comparison.curves["random"].regret[:, 2].mean()
    assert f"| random | 12 | {mean:.2f} [" in text
    assert "| first | 3 (deterministic) | " in text
    assert "nan" not in text
    assert "| 3 | random - first |" in text
    columns = [line.count("|") for line in text.splitlines() if line.startswith("| random |")]
    headings = [line.count("|") for line in text.splitlines() if line.startswith("| algorithm |")]
    assert columns == headings


def test_a_cell_beyond_a_budget_is_empty(tiny_table: Callable[..., Any], tmp_path: Path) -> None:
    table = tiny_table()
    short, long = (Contestant(random.search, networks_budget(table.space, networks), 9) for networks in (4, 12))
    write_comparison(compare(table, {"short": short, "long": long}), tmp_path, "tiny", at=(3, 12))
    text = (tmp_path / "comparison.md").read_text()
    assert next(line for line in text.splitlines() if line.startswith("| short | 9 |")).endswith(" | - |")
    assert "nan" not in text
    rows = list(csv.DictReader((tmp_path / "regret.csv").read_text().splitlines()))
    assert [row["mean"] == "" for row in rows if row["algorithm"] == "short"] == [False] * 4 + [True] * 8


def test_a_folder_that_cannot_be_made_is_said_in_one_line(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        write_comparison(comparison, tmp_path / "file" / "folder", "tiny", at=(3,))
