"""A folder of a published dataset that somebody changed and sealed again, manifest and all: what it may still give.

At 929b5b9, with the manifest sealed again, `load_dataset` gave swapped splits and foreign files (by the card's YAML),
and permuted labels (the manifest kept the pinned digest); `verify` passed a card that named other files, a hidden
`.huggingface.yaml`, and PNGs with an orientation, by which `datasets` turns every image.
"""

import io
import json
import random
import shutil
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from gdatasets import load_dataset
from gdatasets.errors import GDatasetsError
from gdatasets.folder.build import build_dataset
from gdatasets.folder.manifest import Manifest, SplitRecord, read_manifest
from gdatasets.folder.shards import encode_images
from gdatasets.folder.verify import verify_folder

Change = Callable[[Path, random.Random, Any], None]
CONFIG = "c4"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resealed") / "g-digits"
    build_dataset("g-digits", [CONFIG], folder)
    return folder


@pytest.fixture(autouse=True)
def own_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import datasets

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    datasets.disable_progress_bars()


def shard(folder: Path, split: str) -> Path:
    return next((folder / CONFIG).glob(f"{split}-*"))


def edit_card(old: str, new: str) -> Change:
    def change(folder: Path, _rng: random.Random, _forged: Any) -> None:
        card = folder / "README.md"
        text = card.read_text(encoding="utf-8")
        assert old in text
        card.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def swap_splits_in_the_card(folder: Path, _rng: random.Random, _forged: Any) -> None:
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8").replace("c4/train-*", "c4/X-*").replace("c4/test-*", "c4/train-*")
    card.write_text(text.replace("c4/X-*", "c4/test-*"), encoding="utf-8")


def swap_two_classes_in_the_card(folder: Path, rng: random.Random, _forged: Any) -> None:
    one, other = rng.sample(range(10), 2)
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8").replace(f"'{one}': '{one}'", "X").replace(f"'{other}': '{other}'", "Y")
    card.write_text(text.replace("X", f"'{one}': '{other}'").replace("Y", f"'{other}': '{one}'"), encoding="utf-8")


def point_out_of_the_folder(folder: Path, _rng: random.Random, forged: Any) -> None:
    outside = folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    table = pq.read_table(shard(folder, "test"))
    labels = pa.array((9 - np.array(table.column("label"))).tolist(), type=pa.int64())
    pq.write_table(table.set_column(1, table.schema.field(1), labels), outside / "test-00000-of-00001.parquet")
    edit_card("path: c4/test-*.parquet", "path: ../outside/test-*.parquet")(folder, _rng, forged)


def standalone_yaml(folder: Path, _rng: random.Random, _forged: Any) -> None:
    files = [{"split": name, "path": f"c4/{other}-*"} for name, other in (("train", "test"), ("test", "train"))]
    text = json.dumps({"configs": [{"config_name": CONFIG, "data_files": files}]})
    (folder / ".huggingface.yaml").write_text(text)


def legacy_infos(folder: Path, _rng: random.Random, _forged: Any) -> None:
    (folder / "dataset_infos.json").write_text(json.dumps({CONFIG: {"features": None, "splits": None}}))


def another_shard(folder: Path, _rng: random.Random, _forged: Any) -> None:
    shutil.copy(shard(folder, "test"), folder / CONFIG / "test-00001-of-00001.parquet")


def swap_files(folder: Path, _rng: random.Random, _forged: Any) -> None:
    train, test = shard(folder, "train"), shard(folder, "test")
    held = train.read_bytes()
    shutil.copy(test, train)
    test.write_bytes(held)


def in_table(column: str, edit: Callable[[list[Any], random.Random], list[Any]]) -> Change:
    """A change of one column of a random split; sealed by files, digests left as they were."""

    def change(folder: Path, rng: random.Random, _forged: Any) -> None:
        path = shard(folder, rng.choice(["train", "test"]))
        table = pq.read_table(path)
        field = table.schema.field(column)
        values = pa.array(edit(table.column(column).to_pylist(), rng), type=field.type)
        pq.write_table(table.set_column(table.schema.get_field_index(column), field, values), path)

    return change


def shift_one(values: list[Any], rng: random.Random) -> list[Any]:
    at = rng.randrange(len(values))
    values[at] = (values[at] + rng.randrange(1, 9)) % 10
    return values


def shuffled(values: list[Any], rng: random.Random) -> list[Any]:
    return rng.sample(values, len(values))


def other_bits(values: list[Any], rng: random.Random) -> list[Any]:
    at = rng.randrange(len(values))
    values[at] = values[at][::-1] if values[at] != values[at][::-1] else "110000000000"
    return values


def with_png(edit: Callable[[bytes, random.Random], bytes]) -> Change:
    def change(values: list[Any], rng: random.Random) -> list[Any]:
        at = rng.randrange(len(values))
        values[at] = {"bytes": edit(values[at]["bytes"], rng), "path": None}
        return values

    return in_table("image", change)


def pixels_of(png: bytes) -> np.ndarray[Any, Any]:
    with Image.open(io.BytesIO(png)) as image:
        return np.array(image)


def another_pixel(png: bytes, rng: random.Random) -> bytes:
    pixels = pixels_of(png)
    pixels[rng.randrange(28), rng.randrange(28)] ^= rng.randrange(1, 256)
    return encode_images(pixels[None])[0]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_orientation(png: bytes, rng: random.Random) -> bytes:
    """An EXIF chunk with one tag, orientation 2 to 8."""
    exif = b"II*\x00\x08\x00\x00\x00\x01\x00" + struct.pack("<HHIHH", 0x0112, 3, 1, rng.randrange(2, 9), 0) + bytes(4)
    return png[:-12] + chunk(b"eXIf", exif) + png[-12:]


def with_text(png: bytes, _rng: random.Random) -> bytes:
    return png[:-12] + chunk(b"tEXt", b"Comment\x00nothing") + png[-12:]


def as_jpeg(png: bytes, _rng: random.Random) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels_of(png)).save(stream, "JPEG")
    return stream.getvalue()


def as_color(png: bytes, _rng: random.Random) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels_of(png)).convert("RGB").save(stream, "PNG")
    return stream.getvalue()


def drop_a_row(folder: Path, rng: random.Random, _forged: Any) -> None:
    path = shard(folder, "test")
    table = pq.read_table(path)
    at = rng.randrange(1, len(table) - 1)
    pq.write_table(pa.concat_tables([table.slice(0, at), table.slice(at + 1)]), path)


def repeat_a_row_and_count_it(folder: Path, rng: random.Random, forged: Any) -> None:
    path = shard(folder, "test")
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table, table.slice(rng.randrange(len(table)), 1)]), path)

    def count(record: SplitRecord) -> SplitRecord:
        shards = [file.model_copy(update={"samples": file.samples + 1}) for file in record.shards]
        return record.model_copy(update={"samples": record.samples + 1, "shards": shards})

    forged.reseal_with_card(folder, forged.change_split(CONFIG, "test", count))


def other_classes_in_the_schema(folder: Path, _rng: random.Random, _forged: Any) -> None:
    path = shard(folder, "test")
    table = pq.read_table(path)
    metadata = {key: value.replace(b'"3"', b'"5"', 1) for key, value in table.schema.metadata.items()}
    pq.write_table(table.replace_schema_metadata(metadata), path)


def in_manifest(edit: Callable[[Manifest, random.Random], Manifest]) -> Change:
    def change(folder: Path, rng: random.Random, forged: Any) -> None:
        forged.reseal_with_card(folder, lambda manifest: edit(manifest, rng))

    return change


def permuted_classes(manifest: Manifest, rng: random.Random) -> Manifest:
    return manifest.model_copy(update={"classes": rng.sample(manifest.classes, 10)})


def swapped_records(manifest: Manifest, _rng: random.Random) -> Manifest:
    record = manifest.configurations[CONFIG]
    splits = {"train": record.splits["test"], "test": record.splits["train"]}
    return manifest.model_copy(update={"configurations": {CONFIG: record.model_copy(update={"splits": splits})}})


def another_name(manifest: Manifest, _rng: random.Random) -> Manifest:
    return manifest.model_copy(update={"configurations": {"d4": manifest.configurations[CONFIG]}})


def one_split(manifest: Manifest, rng: random.Random) -> Manifest:
    record = manifest.configurations[CONFIG]
    kept = rng.choice(["train", "test"])
    alone = record.model_copy(update={"splits": {kept: record.splits[kept]}})
    return manifest.model_copy(update={"configurations": {CONFIG: alone}})


def labels_and_digest(folder: Path, rng: random.Random, forged: Any) -> None:
    """The manifest says the digest of what is there, which is not the published one."""
    in_table("label", shuffled)(folder, rng, forged)
    forged.reseal(folder)
    zero = {"content_sha256": f"{rng.getrandbits(256):064x}"}
    forged.reseal_with_card(folder, forged.change_split(CONFIG, "test", lambda record: record.model_copy(update=zero)))


HARMFUL: dict[str, Change] = {
    "the card swaps the splits": swap_splits_in_the_card,
    "the card points out of the folder": point_out_of_the_folder,
    "the card takes a split twice": edit_card("path: c4/test-*.parquet", "path: c4/*.parquet"),
    "the card renames a split": edit_card("- split: test", "- split: validation"),
    "the card renames classes": swap_two_classes_in_the_card,
    "the card drops a column": edit_card("  - name: angle\n    dtype: int16\n", ""),
    "the card changes a type": edit_card(
        "name: source_index\n    dtype: int64", "name: source_index\n    dtype: int32"
    ),
    "the card has other line ends": edit_card("---\n", "---\r\n"),
    "the card begins later": edit_card("---\n", "\n---\n"),
    "the card has no configurations": edit_card("configs:", "config:"),
    "a hidden YAML file": standalone_yaml,
    "an old file of features": legacy_infos,
    "a shard more": another_shard,
    "files swapped": swap_files,
    "labels shuffled": in_table("label", shuffled),
    "labels shuffled, other digest": labels_and_digest,
    "one label": in_table("label", shift_one),
    "one source index": in_table("source_index", shift_one),
    "one element": in_table("bits", other_bits),
    "images shuffled": in_table("image", shuffled),
    "one pixel": with_png(another_pixel),
    "an orientation": with_png(with_orientation),
    "a text in an image": with_png(with_text),
    "a JPEG": with_png(as_jpeg),
    "a color image": with_png(as_color),
    "a row less": drop_a_row,
    "a row more": repeat_a_row_and_count_it,
    "classes in the schema": other_classes_in_the_schema,
    "classes in the manifest": in_manifest(permuted_classes),
    "records swapped": in_manifest(swapped_records),
    "a configuration renamed": in_manifest(another_name),
    "one split only": in_manifest(one_split),
}
OFTEN = {
    "the card swaps the splits",
    "the card points out of the folder",
    "the card renames classes",
    "a hidden YAML file",
    "labels shuffled",
    "labels shuffled, other digest",
    "an orientation",
    "records swapped",
}
"""Those that the default suite tries; the slow one tries all."""
HARMLESS: dict[str, Change] = {
    "a comment in the text": edit_card("## Limits\n", "## Limits\n\n<!-- looked at -->\n"),
    "a comment in the YAML": edit_card("---\n", "---\n# looked at\n"),
    "another word": edit_card("Upright characters", "Upright letters"),
    "another citation": lambda folder, _rng, _forged: (folder / "CITATION.cff").write_text("title: mine\n") and None,
    "another picture": lambda folder, _rng, _forged: (folder / "preview.png").write_bytes(b"no picture") and None,
    "another license": in_manifest(
        lambda manifest, _rng: manifest.model_copy(
            update={"source": manifest.source.model_copy(update={"license": "CC0-1.0"})}
        )
    ),
}


def as_datasets_gives_it(folder: Path) -> Any:
    """All that the library gives of a folder, found independently of the package; the error's name where it fails."""
    import datasets

    try:
        loaded = datasets.load_dataset(str(folder), CONFIG, streaming=True)
        return {
            str(split): (
                str(stream.features),
                [
                    [(row["bytes"], _turned(row["bytes"])) if name == "image" else row
                     for row in table.column(name).to_pylist()]
                    for table in stream.with_format("arrow").iter(100_000)
                    for name in table.column_names
                ],
            )
            for split, stream in loaded.items()
        }  # fmt: skip
    except Exception as error:  # whatever it raises, it gives nothing
        return type(error).__name__


@cache  # hundreds of folders hold the same images
def _turned(png: bytes) -> bool:
    with Image.open(io.BytesIO(png)) as image:
        return "Exif" in str(image.info) or image.getexif().get(0x0112, 1) != 1


def outcome(folder: Path) -> tuple[list[str], str]:
    """What `verify` finds, and how `load_dataset` ends."""
    try:
        load_dataset(str(folder), CONFIG, streaming=True)
    except GDatasetsError as error:
        return verify_folder(folder).findings, str(error)
    return verify_folder(folder).findings, ""


def changed(built: Path, place: Path, change: Change, rng: random.Random, forged: Any) -> Path:
    folder = Path(shutil.copytree(built, place / "g-digits"))
    change(folder, rng, forged)
    forged.reseal(folder)
    return folder


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in OFTEN else pytest.mark.slow) for name in HARMFUL]
)
def test_a_sealed_change_of_what_is_loaded_is_found_and_refused(
    built: Path, tmp_path: Path, forged: Any, name: str
) -> None:
    folder = changed(built, tmp_path, HARMFUL[name], random.Random(name), forged)
    findings, refusal = outcome(folder)
    assert findings
    assert refusal
    assert "\n" not in refusal


@pytest.mark.parametrize("name", HARMLESS)
def test_a_sealed_change_of_texts_is_named_and_loads(built: Path, tmp_path: Path, forged: Any, name: str) -> None:
    folder = changed(built, tmp_path, HARMLESS[name], random.Random(name), forged)
    findings, refusal = outcome(folder)
    assert refusal == ""
    assert findings or name == "another picture"  # which --rebuild finds
    assert as_datasets_gives_it(folder) == as_datasets_gives_it(built)


def test_a_folder_that_nobody_changed_verifies_and_loads(built: Path, tmp_path: Path, forged: Any) -> None:
    assert outcome(built) == ([], "")
    again = changed(built, tmp_path, lambda *_: None, random.Random(0), forged)
    assert read_manifest(again) == read_manifest(built)
    assert outcome(again) == ([], "")


@pytest.mark.slow
def test_three_hundred_sealed_changes(built: Path, tmp_path: Path, forged: Any) -> None:
    """One change or two at once; whatever makes `datasets` give something else is found and refused."""
    rng, usual = random.Random(18), as_datasets_gives_it(built)
    kinds = {**HARMFUL, **HARMLESS}
    harmful = 0
    for number in range(300):
        names = rng.sample(sorted(kinds), rng.choice([1, 1, 1, 2]))
        place = tmp_path / str(number)
        try:
            folder = changed(built, place, kinds[names[0]], rng, forged)
            if len(names) > 1:
                kinds[names[1]](folder, rng, forged)
                forged.reseal(folder)
        except (AssertionError, StopIteration, OSError, ValueError, KeyError):
            shutil.rmtree(place)  # the second change does not fit the first
            continue
        findings, refusal = outcome(folder)
        if as_datasets_gives_it(folder) != usual:
            harmful += 1
            assert findings, names
            assert refusal, names
        elif all(name in HARMLESS for name in names):
            assert refusal == "", names
        shutil.rmtree(place)
    assert harmful >= 200
