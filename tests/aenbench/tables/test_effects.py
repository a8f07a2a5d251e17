"""What images say, as a file beside a table: read whole and checked, or one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aenbench.errors import TableError
from aenbench.tables.card import find_tables
from aenbench.tables.effects import TableEffects, effects_path, measure_effects, read_evidence, write_effects
from aenbench.tables.table import Table
from aenbench.tasks.datasets import open_dataset
from gdatasets.groups.actions import ACTIONS

TABLES = Path(__file__).parents[3] / "leaderboards" / "tables"
MakeTable = Callable[..., Table]


def digits_table(make_table: MakeTable, **about: Any) -> Table:
    digest = open_dataset("g-digits", "d4").digest("train")
    about = {"dataset": "g-digits", "configuration": "d4", "train_content_sha256": digest, "seeds": (0, 1), **about}
    return make_table(**about)


def test_effects_of_a_table_are_measured_written_and_read(make_table: MakeTable, tmp_path: Path) -> None:
    table, path = digits_table(make_table), tmp_path / "aen-standard.parquet"
    assert read_evidence(table, path) == ()
    measured = measure_effects(table)
    assert write_effects(measured, path) == tmp_path / "aen-standard.effects.json"
    first, second = read_evidence(table, path)
    assert set(first.effects) == set(ACTIONS)
    assert first.symmetries() == {"rotation", "hflip", "vflip"}
    assert first.chosen_by == table.info.validation_images
    assert first.seconds > 0
    assert first.control != second.control, "each seed shuffles pixels of its own"


def test_other_images_are_told(make_table: MakeTable) -> None:
    with pytest.raises(TableError, match="The training images of g-digits / d4 are not those of the table"):
        measure_effects(digits_table(make_table, train_content_sha256="c" * 64))


@pytest.fixture
def written(make_table: MakeTable, tmp_path: Path) -> tuple[Table, Path]:
    table, path = make_table(), tmp_path / "aen-standard.parquet"
    seeds = [
        {"seed": seed, "effects": dict.fromkeys(ACTIONS, 0.1), "control": 0.5, "seconds": 1.0} for seed in (0, 1, 5)
    ]
    told = {"train_content_sha256": "a" * 64, "candidates": "actions", "seeds": seeds}
    write_effects(TableEffects.model_validate_json(json.dumps(told)), path)
    assert len(read_evidence(table, path)) == 3
    return table, path


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"train_content_sha256": "b" * 64}, "effects of other images or moves"),
        ({"candidates": "d4"}, "effects of other images or moves"),
        ({"seeds": []}, "holds no effects"),
        ({"more": 1}, "holds no effects"),
        ({"seeds": [{"seed": 0, "effects": {"hflip": "0.1"}, "control": 0.5, "seconds": 1.0}]}, "holds no effects"),
        ({"seeds": [{"seed": 0, "effects": {"hflip": 1e9}, "control": 0.5, "seconds": 1.0}]}, "holds no effects"),
        ({"seeds": [{"seed": 0, "effects": {}, "control": 0.5, "seconds": 1.0}]}, "no effects for the table's seed 1"),
    ],
)
def test_a_wrong_file_is_one_line(written: tuple[Table, Path], change: dict[str, Any], says: str) -> None:
    table, path = written
    file = effects_path(path)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(TableError, match=says) as caught:
        read_evidence(table, path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[", b"\xff", b"{}", b"[" * 100_000, b" " * (1 << 20), b'{"seeds": NaN}'])
def test_what_is_no_file_of_effects_is_one_line(written: tuple[Table, Path], content: bytes) -> None:
    table, path = written
    effects_path(path).write_bytes(content)
    with pytest.raises(TableError):
        read_evidence(table, path)


@pytest.mark.slow
def test_every_published_table_has_its_effects() -> None:
    for file, table in find_tables(TABLES).items():
        asked = set(ACTIONS) if table.info.space == "aen" else table.space.moves_of("1110000000")
        assert [set(each.effects) for each in read_evidence(table, TABLES / file)] == [asked] * len(table.seeds), file
