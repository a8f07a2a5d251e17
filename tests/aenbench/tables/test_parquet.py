"""Tables on disk: what is written is read, what is damaged is refused. The Hub here is a stand-in on loopback."""

import io
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import aenbench
from aenbench.cli.main import app
from aenbench.errors import TableError
from aenbench.tables.card import card_drifted, find_tables, render_card, write_card
from aenbench.tables.parquet import COLUMNS, MAX_FILE_BYTES, encode_table, load_table, read_table, write_table
from aenbench.tables.table import Table
from gdatasets.errors import HubError, OutputError


def equal(one: Table, other: Table) -> bool:
    names = ("parameters", "validation", "test", "seconds")
    arrays = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)
    return arrays and (one.info, one.networks, one.states) == (other.info, other.networks, other.states)


@pytest.mark.parametrize(("protocol", "space"), [("standard", "aen"), ("paper", "gcnn")])
def test_a_table_is_read_as_it_was_written(make_table: Any, tmp_path: Path, protocol: str, space: str) -> None:
    table = make_table(protocol, space, created="2026-01-01T00:00:00+00:00", software={"torch": "2"}, hardware="x")
    path = tmp_path / "deep" / "table.parquet"
    write_table(table, path)
    read = read_table(path)
    assert equal(read, table)
    assert read.content_sha256 == table.content_sha256
    assert [file.name for file in path.parent.iterdir()] == ["table.parquet"]


def test_columns_say_what_they_hold(make_table: Any) -> None:
    schema = pq.read_schema(io.BytesIO(encode_table(make_table())))
    assert {field.name: field.metadata[b"description"].decode() for field in schema} == {
        name: text for name, (_, text) in COLUMNS.items()
    }


@pytest.mark.slow
def test_a_table_as_large_as_the_real_ones_is_small(make_table: Any, tmp_path: Path) -> None:
    """256 networks, made-up values without any pattern: twelve of these must stay below 5 MB."""
    table = make_table(told=8)
    assert len(encode_table(table)) < 5e6 / 12
    write_table(table, tmp_path / "t.parquet")
    code = (
        "import resource, sys; from pathlib import Path; from aenbench.tables.parquet import read_table\n"
        "read_table(Path(sys.argv[1])); import aenbench.tables.card\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "kept = [read_table(Path(sys.argv[1])) for _ in range(4)]; [table.query('0' * 12) for table in kept]\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(aenbench.__file__).parents[1])}
    command = [sys.executable, "-c", code, str(tmp_path / "t.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) / 4 < 50 << 10  # KiB


@pytest.mark.parametrize("changes", [30, pytest.param(150, marks=pytest.mark.slow)])
def test_no_changed_byte_gives_other_values(make_table: Any, tmp_path: Path, changes: int) -> None:
    table, path = make_table(), tmp_path / "table.parquet"
    content = encode_table(table)
    refused = 0
    for position in np.random.Generator(np.random.PCG64(1)).integers(0, len(content), changes):
        broken = bytearray(content)
        broken[position] ^= 0x15
        path.write_bytes(broken)
        try:
            read = read_table(path)
        except TableError as error:
            refused += len(str(error).splitlines())
        else:
            assert read.content_sha256 == table.content_sha256
    assert changes / 2 < refused <= changes


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_truncated_file_is_refused(make_table: Any, tmp_path: Path, share: float) -> None:
    content, path = encode_table(make_table()), tmp_path / "table.parquet"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(TableError, match=r"table\.parquet is not a table"):
        read_table(path)


def test_a_missing_or_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="No such file"):
        read_table(tmp_path / "none.parquet")
    with pytest.raises(TableError, match="cannot be read"):
        read_table(tmp_path)
    with (tmp_path / "huge.parquet").open("wb") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(TableError, match="is larger than 16,777,216 bytes"):
        read_table(tmp_path / "huge.parquet")


def rewritten(table: Table, path: Path, name: str, change: Any) -> Path:
    """The table's file with one column replaced by somebody who can write Parquet, but leaves the digest."""
    arrow = pq.read_table(io.BytesIO(encode_table(table)))
    values = change(arrow[name].to_pylist())
    fields = [pa.field(field.name, field.type) for field in arrow.schema]
    columns = {field.name: arrow[field.name].to_pylist() for field in fields} | {name: values}
    arrays = [pa.array(columns[field.name], type=field.type) for field in fields]
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, arrow.schema.metadata)), path)
    return path


def first_as(value: Any) -> Any:
    return lambda values: [value, *values[1:]]


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("parameters", first_as(12), "content_sha256 differs"),
        ("validation", lambda values: values[::-1], "content_sha256 differs"),
        ("parameters", first_as(None), "a value is missing"),
        ("validation", first_as(None), "a value is missing"),
        ("validation", first_as([[0.5] * 4] * 2), "expected lists of 3"),
        ("test", first_as([[0.5] * 3] * 3), "expected lists of 4"),
        ("test", first_as([[0.5, 0.5, None, 0.5]] * 3), "a value is missing"),
        ("seconds", first_as([float("nan")] * 3), "a time"),
        ("states", first_as([None] * 512), "a state is missing"),
        ("states", first_as(["0" * 12] * 512), "each of the 4,096 states"),
        ("states", first_as(["0"] * 100_000), "no table has so many"),
        ("test", first_as([[0.5] * 4] * 500_000), "no table has so many"),
        ("network", first_as("no state"), "among the states"),
    ],
)
def test_a_changed_column_is_refused(make_table: Any, tmp_path: Path, name: str, change: Any, says: str) -> None:
    path = rewritten(make_table(), tmp_path / "table.parquet", name, change)
    with pytest.raises(TableError, match=says) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_times_may_be_changed_without_notice_and_nothing_else_may(make_table: Any, tmp_path: Path) -> None:
    path = rewritten(make_table(), tmp_path / "table.parquet", "seconds", first_as([1.0, 2.0, 3.0]))
    assert read_table(path).cost("0" * 12, 1) == 2.0


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({}, "no valid `aenbench-table`"),
        ({b"aenbench-table": b"{", b"content_sha256": b"0"}, "Invalid JSON"),
        ({b"aenbench-table": b"x" * 70_000, b"content_sha256": b"0"}, "no valid"),
        ({b"aenbench-table": b"{}", b"content_sha256": b"0"}, "dataset: Field required"),
    ],
)
def test_a_table_must_say_what_it_is_about(
    make_table: Any, tmp_path: Path, metadata: dict[bytes, bytes], says: str
) -> None:
    arrow = pq.read_table(io.BytesIO(encode_table(make_table())))
    pq.write_table(arrow.replace_schema_metadata(metadata), tmp_path / "t.parquet")
    with pytest.raises(TableError, match=says):
        read_table(tmp_path / "t.parquet")
    pq.write_table(arrow.drop_columns(["seconds"]), tmp_path / "t.parquet")
    with pytest.raises(TableError, match="expected the columns network, states"):
        read_table(tmp_path / "t.parquet")


def test_a_table_is_found_below_the_working_directory_or_where_one_says(
    make_table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("leaderboards/tables/g-mnist/aug2/aen-standard.parquet")
    write_table(make_table(), path)
    expected = make_table()
    assert equal(aenbench.load_table("g-mnist", "aug2"), expected)
    assert equal(load_table("g-mnist", "aug2", path="leaderboards/tables"), expected)
    assert equal(load_table("g-mnist", "aug2", "standard", "aen", path), expected)
    with pytest.raises(TableError, match="holds the table g-mnist/aug2/aen-standard, not g-mnist/none/gcnn-paper"):
        load_table("g-mnist", "none", "paper", "gcnn", path)
    with pytest.raises(TableError, match=r"elsewhere/g-mnist/aug2/aen-standard\.parquet cannot be read"):
        load_table("g-mnist", "aug2", path="elsewhere")


def test_without_the_hub_one_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(TableError, match=r"Hub cannot be reached .*go online, or make it with `aenbench tabulate`"):
        load_table("g-mnist", "aug2")


def test_a_table_comes_from_the_hub_once_and_then_from_its_cache(
    make_table: Any, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repos["aen/tables"] = []
    commit = hub.commit("aen/tables", {"g-mnist/aug2/aen-standard.parquet": encode_table(make_table())})
    hub.tags["v1.0.0"] = commit
    assert equal(load_table("g-mnist", "aug2"), make_table())
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert equal(load_table("g-mnist", "aug2"), make_table())
    with pytest.raises(TableError, match="cannot be reached"):
        load_table("g-mnist", "aug3")


def test_a_table_that_the_hub_has_not_is_said_so(hub: Any) -> None:
    with pytest.raises(TableError, match="nor aen/tables on the Hub"):
        load_table("g-mnist", "aug2")
    hub.repos["aen/tables"] = []
    hub.tags["v1.0.0"] = hub.commit("aen/tables", {"README.md": b""})
    with pytest.raises(HubError, match=r"Hub answered 404.*aenbench tabulate"):
        load_table("g-mnist", "aug2")


def fill(base: Path, make_table: Any) -> None:
    for configuration in ("aug2", "none"):
        for protocol in ("standard", "paper"):
            table = make_table(protocol, configuration=configuration)
            write_table(table, base / "g-mnist" / configuration / f"aen-{protocol}.parquet")


@pytest.mark.slow
def test_the_card_shows_every_table_and_finds_drift(make_table: Any, tmp_path: Path) -> None:
    fill(tmp_path, make_table)
    assert card_drifted(tmp_path)
    text = write_card(tmp_path).read_text()
    assert not card_drifted(tmp_path)
    header = yaml.safe_load(text.split("---\n")[1])
    assert {config["data_files"][0]["path"] for config in header["configs"]} == set(find_tables(tmp_path))
    for table in find_tables(tmp_path).values():
        assert table.content_sha256 in text
        assert f"`{table.best()[0]}`: {100 * table.best()[1].test:.2f}" in text
    write_table(make_table(told=2, configuration="none"), tmp_path / "g-mnist" / "none" / "aen-standard.parquet")
    assert card_drifted(tmp_path)


def tables(base: Path, *options: str) -> int:
    return app(["tables", "--dir", str(base), *options], standalone_mode=False) or 0


@pytest.mark.slow
def test_the_command_writes_the_card_and_checks_all(
    make_table: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, make_table)
    assert tables(tmp_path, "--check") == 1
    assert "README.md is not what its tables give; run `aenbench tables --dir" in capsys.readouterr().err
    assert tables(tmp_path) == 0
    assert (tmp_path / "README.md").read_text() == render_card(tmp_path)
    assert tables(tmp_path, "--check") == 0
    assert "4 tables verified" in capsys.readouterr().out
    card = (tmp_path / "README.md").read_bytes()
    for bad in (b"not UTF-8 \xff", card.replace(b"\n", b"\r\n")):
        (tmp_path / "README.md").write_bytes(bad)
        assert tables(tmp_path, "--check") == 1
        assert (tmp_path / "README.md").read_bytes() == bad


def test_the_command_names_every_table_that_is_wrong(
    make_table: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path, make_table)
    write_card(tmp_path)
    damaged, stray = tmp_path / "g-mnist" / "aug2" / "aen-paper.parquet", tmp_path / "stray.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    write_table(make_table(), stray)
    assert tables(tmp_path, "--check") == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith(f"{damaged} is not a table")
    assert said[1].startswith(f"{stray} holds the table that belongs in")
    before = (tmp_path / "README.md").read_bytes()
    with pytest.raises(TableError, match="is not a table"):
        tables(tmp_path)
    assert (tmp_path / "README.md").read_bytes() == before


def test_a_folder_of_tables_is_a_hugging_face_dataset(make_table: Any, tmp_path: Path) -> None:
    import datasets

    fill(tmp_path / "tables", make_table)
    write_card(tmp_path / "tables")
    name = "g-mnist-none-aen-paper"
    rows = datasets.load_dataset(str(tmp_path / "tables"), name, split="networks", cache_dir=str(tmp_path / "cache"))
    table = make_table("paper", configuration="none")
    assert rows.column_names == list(COLUMNS)
    assert list(rows["network"]) == list(table.networks)
    assert np.array_equal(np.array(list(rows["validation"])), table.validation)


def test_a_folder_without_tables_or_with_one_out_of_place_has_no_card(make_table: Any, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="holds no tables"):
        render_card(tmp_path)
    write_table(make_table(), tmp_path / "g-mnist" / "aug1" / "aen-standard.parquet")
    with pytest.raises(TableError, match=r"belongs in .*aug2/aen-standard\.parquet; move it there"):
        render_card(tmp_path)


def test_a_table_that_cannot_be_written_leaves_nothing(make_table: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError):
        write_table(make_table(), tmp_path / "file" / "t.parquet")


_BOUNDED = ("classes", "image_size", "channels", "epochs", "test_images", "seeds.0")


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        *itertools.product(_BOUNDED, ("-1", "9" * 400)),
        *itertools.product(
            (*_BOUNDED, "recipe.images"), ('"3"', "true", "false", "NaN", "Infinity", "1e400", "4.0", "[4]", "null")
        ),
    ],
)
def test_numbers_of_the_description_are_numbers(make_table: Any, tmp_path: Path, key: str, raw: str) -> None:
    """929b5b9 took "4", 4.0 and true for numbers, where they gave the digest that the table states."""
    arrow = pq.read_table(io.BytesIO(encode_table(make_table())))
    about = json.loads(arrow.schema.metadata[b"aenbench-table"])
    place, *parts = about, *key.split(".")
    for part in parts[:-1]:
        place = place[part]
    place[int(parts[-1]) if parts[-1].isdigit() else parts[-1]] = "@"
    forged = arrow.schema.metadata | {b"aenbench-table": json.dumps(about).replace('"@"', raw).encode()}
    pq.write_table(arrow.replace_schema_metadata(forged), tmp_path / "t.parquet")
    with pytest.raises(TableError, match=re.escape(f"({key}: ")) as refused:
        read_table(tmp_path / "t.parquet")
    assert "\n" not in str(refused.value)
