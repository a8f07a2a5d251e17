"""Comparisons on several tables, side by side."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aenbench.comparison.compare import Comparison, compare, significance
from aenbench.comparison.overview import write_overview
from aenbench.comparison.report import CUT_NOTE, write_comparison
from aenbench.comparison.runs import Contestant, networks_budget
from aenbench.models.space import SearchBudget, SearchSpace
from aenbench.reports.figures import Curve, regret_panels
from aenbench.search import random
from aenbench.search.record import Evaluate, Record


@pytest.fixture
def comparisons(tiny_table: Callable[..., Any]) -> dict[str, Comparison]:
    """Random search, and one that knows the best network, on two tables; the second reaches fewer networks."""
    found = {}
    for name, noise, networks in (("d/one/x", 0.0, 12), ("d/two/x", 0.1, 4)):
        table = tiny_table(noise=noise)
        best = table.networks[int(table.test.mean(axis=1).argmax())]

        def knows(space: SearchSpace, evaluate: Evaluate, budget: SearchBudget, seed: int, best: str = best) -> Record:
            record = Record(space, evaluate)
            record.value(best)
            return random.search(space, record.value, budget, seed)

        budget = networks_budget(table.space, networks)
        contestants = {"random": Contestant(random.search, budget, 30), "knows": Contestant(knows, budget, 30)}
        found[name] = compare(table, contestants)
    return found


def test_the_numbers_are_those_of_the_comparisons(
    comparisons: dict[str, Comparison], tmp_path: Path, shows_its_pictures: Callable[[Path], None]
) -> None:
    write_overview(comparisons, tmp_path, at=(3, 10))
    assert {path.name for path in tmp_path.iterdir()} == {"overview.md", "overview.png", "overview.csv"}
    rows = list(csv.DictReader((tmp_path / "overview.csv").read_text().splitlines()))
    assert [(row["table"], row["algorithm"], row["networks"]) for row in rows] == [
        ("d/one/x", "random", "3"),
        ("d/one/x", "random", "10"),
        ("d/one/x", "knows", "3"),
        ("d/one/x", "knows", "10"),
        ("d/two/x", "random", "3"),
        ("d/two/x", "knows", "3"),
    ]
    regret = comparisons["d/two/x"].curves["random"].regret[:, 2].mean()
    assert float(rows[4]["mean"]) == pytest.approx(regret, abs=1e-6)
    assert float(rows[4]["low"]) < regret < float(rows[4]["high"])
    text = (tmp_path / "overview.md").read_text()
    one, two = (100 * of.curves["random"].regret[:, 2].mean() for of in comparisons.values())
    assert f"| [d/two/x](d/two/x/comparison.md) | {two:.2f} | **" in text
    assert f"| mean | {(one + two) / 2:.2f} | **" in text
    assert "| [d/two/x](d/two/x/comparison.md) | - | - |" in text  # after 10 networks
    assert "nan" not in text
    assert (tmp_path / "overview.png").read_bytes().startswith(b"\x89PNG")
    shows_its_pictures(tmp_path / "overview.md")


@pytest.mark.parametrize("panels", [1, 12])
def test_the_legend_of_many_algorithms_lies_inside_the_picture(panels: int) -> None:
    x = np.arange(1.0, 4.0)
    curves = [Curve(f"algorithm {number}, 500 runs", x, x, x, x) for number in range(7)]
    picture = Image.open(io.BytesIO(regret_panels({f"d/{number}/x": curves for number in range(panels)})))
    edge = np.asarray(picture.convert("L"))[:, [0, -1]]
    assert (edge == 255).all()


def test_tables_are_counted_on_which_one_is_really_better(comparisons: dict[str, Comparison], tmp_path: Path) -> None:
    write_overview(comparisons, tmp_path, at=(3, 10))
    real = [
        sum(
            d.is_real and d.regret > 0
            for of in comparisons.values()
            for d in significance(of, (3, 10))
            if d.networks == n
        )
        for n in (3, 10)
    ]
    assert real[0] == 2
    assert f"| random : knows | 0 : {real[0]} | 0 : {real[1]} |" in (tmp_path / "overview.md").read_text()


def test_runs_that_were_cut_off_claim_no_numbers_of_networks_and_states(
    tiny_table: Callable[..., Any], tmp_path: Path
) -> None:
    table = tiny_table()
    budget = networks_budget(table.space, 20)
    contestants = {name: Contestant(random.search, budget, 30, until_best=name == "cut") for name in ("cut", "whole")}
    comparison = compare(table, contestants)
    write_overview({"d/one/x": comparison}, tmp_path, at=(3,))
    write_comparison(comparison, tmp_path / "one", "made-up", at=(3,))
    whole = comparison.curves["whole"]
    duplicates = f"{100 * (1 - whole.trained.sum() / whole.visited.sum()):.0f} %"
    for file, runs in (("overview.md", "30 | "), ("one/comparison.md", "")):
        text = (tmp_path / file).read_text()
        rows = [line for line in text.splitlines() if line.startswith((f"| cut | {runs}-", f"| whole | {runs}20"))]
        assert rows[0].startswith(f"| cut | {runs}- | - | - | ")
        assert f" | {duplicates} | " in rows[1]
        assert CUT_NOTE in text


def test_the_ends_are_those_of_all_runs(comparisons: dict[str, Comparison], tmp_path: Path) -> None:
    write_overview(comparisons, tmp_path, at=(3,))
    curves = [of.curves["random"] for of in comparisons.values()]
    ranks = np.concatenate([of.ranks for of in curves])
    trained, visited = (sum(int(getattr(of, what).sum()) for of in curves) for what in ("trained", "visited"))
    found = np.mean([(of.ranks == 1).mean() for of in curves])
    expected = (
        f"| random | 60 | 4 to 12 | {visited / 60:,.0f} | {100 * (1 - trained / visited):.0f} % "
        f"| {np.median(ranks):.0f} | {ranks.max()} | {100 * found:.0f} % |"
    )
    assert expected in (tmp_path / "overview.md").read_text()


def test_the_best_of_each_table_stands_beside_what_was_chosen(
    comparisons: dict[str, Comparison], tmp_path: Path
) -> None:
    write_overview(comparisons, tmp_path, at=(3,))
    two = comparisons["d/two/x"]
    curves = two.curves["random"]
    regret = 100 * curves.regret[:, -1].mean()
    cell = f"{regret:.2f}; {np.median(curves.ranks):.0f} ({curves.ranks.max()})"
    expected = f"| [d/two/x](d/two/x/comparison.md) | `{two.best}` | {100 * two.best_accuracy:.2f} | {cell} |"
    assert expected in (tmp_path / "overview.md").read_text()


def test_one_algorithm_alone_is_compared_with_nothing(tiny_table: Callable[..., Any], tmp_path: Path) -> None:
    table = tiny_table()
    comparison = compare(table, {"random": Contestant(random.search, networks_budget(table.space, 5), 6)})
    write_overview({"d/one/x": comparison}, tmp_path, at=(3,))
    write_comparison(comparison, tmp_path / "one", "made-up", at=(3,))
    for file in ("overview.md", "one/comparison.md"):
        text = (tmp_path / file).read_text()
        assert "| random | " in text
        assert "differ\n" not in text


def test_a_comparison_of_fewer_networks_than_any_checkpoint_is_told_at_its_end(
    tiny_table: Callable[..., Any], tmp_path: Path
) -> None:
    """417c847 wrote each table's comparison, and then ended in an IndexError."""
    table = tiny_table()
    short = compare(table, {"random": Contestant(random.search, networks_budget(table.space, 5), 30)})
    write_overview({"a": short, "b": short}, tmp_path)
    assert "## After 5 networks" in (tmp_path / "overview.md").read_text()
