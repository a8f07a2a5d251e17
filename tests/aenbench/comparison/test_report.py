"""A comparison as files."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aenbench.comparison.compare import Comparison, Curves
from aenbench.comparison.report import write_comparison
from gdatasets.errors import OutputError

NETWORKS = 12


def made_up(runs: int, reach: int = NETWORKS, deterministic: bool = False) -> Curves:
    """Regrets that fall, a second a training, on three training seeds."""
    generator = np.random.default_rng(runs)
    regret = np.sort(generator.random((runs, NETWORKS)), axis=1)[:, ::-1].copy()
    regret[:, reach:] = np.nan
    seconds = np.where(np.arange(NETWORKS) < reach, np.arange(1.0, NETWORKS + 1), np.inf)
    return Curves(
        reach=reach,
        columns=np.arange(runs) % 3,
        regret=regret,
        regret_before=np.full(runs, np.nan),
        seconds_before=np.full(runs, np.inf),
        seconds=np.tile(seconds, (runs, 1)),
        trained=np.full(runs, reach),
        visited=np.full(runs, 2 * reach),
        whole=True,
        choices=["1100"] + ["0000"] * (runs - 1),
        ranks=np.arange(runs) + 1,
        deterministic=deterministic,
    )


@pytest.fixture
def comparison() -> Comparison:
    curves = {"random": made_up(12), "first": made_up(3, deterministic=True)}
    return Comparison(curves, 3, NETWORKS, training_seconds=1.0, best="1100", best_accuracy=0.876)


def test_the_files_hold_the_curves_and_the_differences(
    comparison: Comparison, tmp_path: Path, shows_its_pictures: Callable[[Path], None]
) -> None:
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
    shows_its_pictures(folder / "comparison.md")


def test_the_text_says_what_was_run(comparison: Comparison, tmp_path: Path) -> None:
    write_comparison(comparison, tmp_path, "tiny / none", at=(3, 12))
    text = (tmp_path / "comparison.md").read_text()
    mean = 100 * comparison.curves["random"].regret[:, 2].mean()
    assert f"| random | 12 | {mean:.2f} [" in text
    assert "| first | 3 (deterministic) | " in text
    assert "nan" not in text
    assert "| 3 | random - first |" in text
    assert "`1100`: 87.60 % in the mean of 3 trainings" in text
    # trained, visited, duplicates, median and worst rank, found the best, most frequent choice
    assert "| random | 12 | 24 | 50 % | 6 | 12 | 8 % | `0000`: 92 % |" in text
    columns = [line.count("|") for line in text.splitlines() if line.startswith("| random |")]
    headings = [line.count("|") for line in text.splitlines() if line.startswith("| algorithm |")]
    assert columns == headings


def test_a_cell_beyond_a_budget_is_empty(tmp_path: Path) -> None:
    curves = {"short": made_up(9, reach=4), "long": made_up(12)}
    write_comparison(Comparison(curves, 3, NETWORKS, 1.0, "1100", 0.876), tmp_path, "tiny", at=(3, 12))
    text = (tmp_path / "comparison.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("| short |")]
    assert all(line.endswith(" | - |") for line in lines[:2])  # after so many networks, after so much time
    assert "nan" not in text
    rows = list(csv.DictReader((tmp_path / "regret.csv").read_text().splitlines()))
    assert [row["mean"] == "" for row in rows if row["algorithm"] == "short"] == [False] * 4 + [True] * 8


def test_a_folder_that_cannot_be_made_is_said_in_one_line(comparison: Comparison, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="a file stands where a folder belongs"):
        write_comparison(comparison, tmp_path / "file" / "folder", "tiny", at=(3,))
