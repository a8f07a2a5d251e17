"""Curves over training images: of the open track's entries whose name and recipe say their number, and of no others."""

import json
from pathlib import Path
from typing import Any

import pytest

from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.render import drifted, write_generated
from aenbench.leaderboard.site.payload import payload
from aenbench.leaderboard.training_sizes import SizeComparison, compare_sizes, curve_of
from aenbench.tasks.task import Task

TASK = Task("g-digits", "aug1")
SIZES = {20: 150, 200: 60, 1_000: 20}


def make(make_entry: Any, base: Path, method: str, sizes: dict[int, int], **changes: Any) -> None:
    for images, wrong in sizes.items():
        make_entry(base, f"{method}-open-n{images}", wrong, open_recipe={"images": images}, **changes)


@pytest.fixture
def board(tmp_path: Path, make_entry) -> Path:
    make(make_entry, tmp_path, "mlp", SIZES, stated={"networks_trained": 0})
    make(make_entry, tmp_path, "aen", {size: wrong - 10 for size, wrong in SIZES.items()})
    make(make_entry, tmp_path, "cnn", {20: 5})
    make_entry(tmp_path, "mlp", 1)  # of the fixed recipe
    make_entry(tmp_path, "cnn-open-e300", 1, open_recipe={"epochs": 300})
    return tmp_path


def compared(base: Path) -> SizeComparison:
    fixed, opened = read_board(base).standings
    assert compare_sizes(fixed) is None
    found = compare_sizes(opened)
    assert found is not None
    return found


def test_methods_are_compared_over_the_sizes_that_all_of_them_have(board: Path) -> None:
    found = compared(board)
    assert found.efficiency.sizes == (20, 200, 1_000)
    assert list(found.efficiency.areas) == ["aen", "mlp"]
    assert found.efficiency.absent == {"cnn": 1}
    assert [row.entry.name for row in found.rows["mlp"].values()] == [f"mlp-open-n{size}" for size in SIZES]
    assert "Compared are the 2 methods with entries of 20, 200 and 1,000 training images †." in found.note
    assert "Left out, with the number of sizes that they have: cnn (1)." in found.note
    assert "before it, aen trained networks to choose from, on as many images as for the fixed recipe." in found.note


def test_without_a_search_nothing_is_said_of_one(tmp_path: Path, make_entry) -> None:
    for method in ("mlp", "cnn"):
        make(make_entry, tmp_path, method, SIZES, stated={"networks_trained": 0})
    make_entry(tmp_path, "mlp", 1)
    note = compared(tmp_path).note
    assert "networks to choose" not in note
    assert "Left out" not in note


def test_an_entry_is_on_a_curve_only_if_its_name_and_its_recipe_agree(tmp_path: Path, make_entry) -> None:
    named = {
        "mlp-open-n100": {"images": 100},
        "mlp-quick-open-n7": {"images": 7},
        "mlp-open-e30-n100": {"epochs": 30, "images": 100},
        "mlp-open-n101": {"images": 100},
        "mlp-n100": {"images": 100},
        "open-n100": {"images": 100},
        "mlp-open-e30": {"epochs": 30},
    }
    for name, recipe in named.items():
        make_entry(tmp_path, name, 20, open_recipe=recipe)
    make_entry(tmp_path, "cnn-open-n100", 20)
    rows = {row.entry.name: curve_of(row.entry) for row in read_board(tmp_path).rows}
    assert {name: found for name, found in rows.items() if found is not None} == {
        "mlp-open-n100": ("mlp", 100),
        "mlp-quick-open-n7": ("mlp-quick", 7),
        "mlp-open-e30-n100": ("mlp-open-e30", 100),
    }


def test_both_boards_show_them_below_the_open_track(board: Path) -> None:
    write_generated(board)
    readme = (board / "README.md").read_text()
    assert readme.index("### Recipe: open") < readme.index("#### Accuracy against training images")
    assert "| method | area, % | 20 images | 200 images | 1,000 images |" in readme
    assert "| mlp | 78.0 [77.3, 78.7] | 58.06 [57.37, 58.75] |" in readme
    page = (board / "index.html").read_text()
    data = json.loads(page.partition('<script type="application/json" id="data">')[2].partition("</script>")[0])
    assert [("training" in task, task["recipe"]) for task in data["tasks"]] == [(False, "fixed"), (True, "open")]
    training = data["tasks"][1]["training"]
    assert training["sizes"] == [20, 200, 1_000]
    assert [(name, area) for name, area, _ in training["methods"]][1] == ("mlp", "78.0 [77.3, 78.7]")
    assert training["methods"][1][2][0] == ["mlp-open-n20", 0.5806, 0.5737, 0.5875]
    assert drifted(board) == ([], ())


def test_one_size_alone_gives_no_curve(tmp_path: Path, make_entry) -> None:
    for method in ("mlp", "aen"):
        make(make_entry, tmp_path, method, {20: 50})
    [opened] = read_board(tmp_path).standings
    assert compare_sizes(opened) is None
    write_generated(tmp_path)
    assert "against training images" not in (tmp_path / "README.md").read_text()
    assert '"training":{"note"' not in (tmp_path / "index.html").read_text()


def test_the_page_calls_the_rows_of_few_images_validations(board: Path, entries_of) -> None:
    """Each is several of up to 1,000 short passes; where the passes were given, a row is a pass."""
    names = {entry["name"]: entry.get("dots") for entry in entries_of(json.loads(payload(read_board(board))))}
    assert names["mlp-open-n20"] == names["aen-open-n1000"] == "validations"
    assert names["mlp"] is names["cnn-open-e300"] is None
