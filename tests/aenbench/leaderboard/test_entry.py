"""The published JSON Schema of an entry."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from aenbench.leaderboard.entry import Entry, json_schema

BOARD = Path(__file__).parents[3] / "leaderboards"
ENTRIES = sorted(BOARD.glob("*/*/*/entry.json"))
VALIDATOR = jsonschema_rs.Draft202012Validator(json.loads((BOARD / "entry.schema.json").read_text()))


def test_the_published_schema_is_current() -> None:
    assert (BOARD / "entry.schema.json").read_text() == json_schema()


def test_every_committed_entry_validates_against_it() -> None:
    assert len(ENTRIES) >= 19
    for path in ENTRIES:
        VALIDATOR.validate(json.loads(path.read_text()))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "../up"),
        ("name", "con.x"),
        ("name", "a" * 101),
        ("dataset", "pets.zip"),
        ("method", "a\u202eb"),
        ("method", "\U000e0041"),
        ("description", "a\rb"),
        ("links", {"code": "javascript:alert(1)"}),
        ("links", {"a\nb": "https://example.org"}),
        ("software", {"a\x1b": "1"}),
        ("seeds", []),
        ("schema_version", 1),
        ("surprise", 1),
        ("predictions_sha256", "0"),
        ("open_recipe", "open"),
        ("open_recipe", {"epochs": 3, "momentum": 0.9}),
        ("open_recipe", {"epochs": 0}),
        ("open_recipe", {"epochs": "3"}),
        ("open_recipe", {"epochs": 10**10}),
        ("open_recipe", {"learning_rate": 1e7}),
        ("open_recipe", {"schedule": "<b>"}),
        ("open_recipe", {"optimizer": "a" * 31}),
    ],
)
def test_the_schema_refuses_what_the_model_refuses(field: str, value: Any) -> None:
    content = json.loads(ENTRIES[0].read_text())
    assert VALIDATOR.is_valid(content)
    changed = content | {field: value}
    assert not VALIDATOR.is_valid(changed)
    with pytest.raises(ValueError, match="validation error"):
        Entry.model_validate(changed)


def test_entries_of_before_the_open_track_are_of_fixed_recipes() -> None:
    content = json.loads(ENTRIES[0].read_text())
    content.pop("open_recipe", None)
    assert Entry.model_validate(content).open_recipe is None
    opened = content | {"open_recipe": {"epochs": 30, "learning_rate": 0.01, "all_images": True}}
    assert VALIDATOR.is_valid(opened)
    assert str(Entry.model_validate(opened).open_recipe) == "30 epochs, learning rate 0.01, all images"


def test_every_field_of_an_entry_that_needs_explaining_is_explained() -> None:
    schema = json.loads(json_schema())
    plain = {"dataset", "configuration", "authors", "accuracy", "seeds", "hardware", "command"}
    unexplained = {name for name, about in schema["properties"].items() if "description" not in about}
    assert unexplained <= plain
