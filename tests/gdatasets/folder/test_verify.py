import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gdatasets.errors import IntegrityError, SourceError
from gdatasets.folder.build import build_dataset
from gdatasets.folder.manifest import FileRecord, parse_manifest, read_manifest, write_manifest
from gdatasets.folder.shards import decode_image, encode_images
from gdatasets.folder.verify import verify_folder, verify_version
from gdatasets.generation.specs import DATASETS
from gdatasets.sources.published import PublishedSource, load_source


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify") / "g-digits"
    build_dataset("g-digits", ["c4"], folder)
    return folder


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "copy"))


def flip_a_byte(path: Path, rng: random.Random) -> Callable[[], None]:
    """Change one random byte; returns what undoes it."""
    content = path.read_bytes()
    changed = bytearray(content)
    changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
    path.write_bytes(changed)
    return lambda: path.write_bytes(content) and None


def tamper(folder: Path, changes: int) -> None:
    """Single-byte changes over every file of a build; each must be found."""
    rng = random.Random(0)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) == 7
    for change in range(changes):
        path = files[change % len(files)]
        restore = flip_a_byte(path, rng)
        assert not verify_folder(folder).verified, f"change {change} of {path.name}"
        restore()
    assert verify_folder(folder).verified


def test_single_byte_changes_are_all_detected(copy: Path) -> None:
    tamper(copy, 28)


@pytest.mark.slow
def test_three_hundred_single_byte_changes_are_all_detected(copy: Path, tmp_path: Path, data_root: Path) -> None:
    tamper(copy, 200)
    raw = tmp_path / "root" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        shutil.copyfile(data_root / "MNIST" / "raw" / name, raw / name)
    rng = random.Random(1)
    for change in range(100):
        restore = flip_a_byte(raw / ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")[change % 2], rng)
        with pytest.raises(SourceError, match="not the published file"):
            load_source("mnist", "test", tmp_path / "root")
        restore()
    load_source("mnist", "test", tmp_path / "root")


def test_an_unlisted_file_is_found_and_hidden_ones_are_not_covered(copy: Path) -> None:
    (copy / ".gitattributes").write_text("*.parquet filter=lfs")
    assert verify_folder(copy).verified
    (copy / "c4" / "train-extra.parquet").write_bytes(b"x")
    assert verify_folder(copy).findings == ["c4/train-extra.parquet is not in the manifest"]


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "CITATION.cff").unlink()
    assert verify_folder(copy).findings == ["CITATION.cff is missing"]


def test_a_folder_without_a_manifest_is_not_a_build(tmp_path: Path) -> None:
    assert "not a finished build" in verify_folder(tmp_path).findings[0]


@pytest.mark.parametrize("column", ["image", "label", "angle", "bits", "source_index"])
def test_rebuild_names_the_shard_the_split_and_the_sample(copy: Path, column: str, forged: Any) -> None:
    shard = copy / "c4" / "test-00000-of-00001.parquet"
    table = pq.read_table(shard)
    values = table.column(column).to_pylist()
    if column == "image":
        pixels = decode_image(values[123]["bytes"], (28, 28)).copy()
        pixels[3, 4] ^= 1
        values[123] = {"bytes": encode_images(pixels[None])[0], "path": None}
    else:
        other = {"label": 9 - values[123]} if column == "label" else {"bits": "010101010101"}
        values[123] = other.get(column, values[123] if column == "bits" else 7)
    field = table.schema.field(column)
    changed = table.set_column(table.schema.get_field_index(column), field, pa.array(values, type=field.type))
    pq.write_table(changed, shard)
    forged.reseal_with_card(copy)
    found = verify_folder(copy).findings
    assert len(found) == 2
    assert "c4/test: content_sha256" in found[0]
    assert "croissant.json differs" in found[1]  # it names the digest of every shard
    rebuilt = verify_folder(copy, PublishedSource("digits")).findings
    named = {"angle": "element", "bits": "element"}.get(column, column)
    assert f"c4/test-00000-of-00001.parquet: {named} of sample 123 differs from the source (1 in this piece)" in rebuilt


def test_rebuild_opens_a_damaged_shard_to_name_the_sample(copy: Path) -> None:
    shard = copy / "c4" / "train-00000-of-00001.parquet"
    content = bytearray(shard.read_bytes())
    at = content.index(b"IDAT", 30_000) + 30
    content[at] ^= 1
    shard.write_bytes(content)
    assert verify_folder(copy).findings == ["c4/train-00000-of-00001.parquet differs from the manifest"]
    findings = verify_folder(copy, PublishedSource("digits")).findings
    assert len(findings) >= 2
    assert all("c4/train-00000-of-00001.parquet" in finding or "PNG" in finding for finding in findings)


def test_rebuild_looks_at_the_picture(copy: Path, forged: Any) -> None:
    (copy / "preview.png").write_bytes(encode_images(np.zeros((1, 8, 8), np.uint8))[0])
    forged.reseal(copy)
    assert verify_folder(copy).verified  # which has no images to draw it from
    found = verify_folder(copy, PublishedSource("digits")).findings
    assert found == ["preview.png does not show what the source gives"]


def test_a_folder_whose_path_is_a_pattern_says_what_was_not_looked_at(copy: Path, tmp_path: Path) -> None:
    place = copy.rename(tmp_path / "build[1]")
    report = verify_folder(place)
    assert report.verified
    assert "was not loaded as `datasets` does" in report.notices[0]
    assert verify_folder(place.rename(tmp_path / "build")).notices == []


def test_a_version_is_verified_by_generating_it() -> None:
    report = verify_version(DATASETS["g-digits"], PublishedSource("digits"), ("c4", "aug5"))
    assert report.verified
    assert (report.splits, report.samples) == (4, 2 * 1_797)


def test_progress_counts_samples_not_the_numbers_of_source_images(data_root: Path) -> None:
    told: list[tuple[str, int, int]] = []
    spec = DATASETS["mnist-rot"]
    report = verify_version(spec, PublishedSource(spec.source_name, data_root), (), lambda *at: told.append(at))
    assert report.verified
    assert report.samples == 62_000
    assert [done for what, done, _ in told if what == "any-angle/test"] == list(range(1_000, 50_001, 1_000))


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../b", "c4//x", ".hidden", "a\\b", ""])
def test_a_manifest_with_a_path_outside_the_folder_is_refused(copy: Path, path: str) -> None:
    manifest = read_manifest(copy)
    bad = [FileRecord(path=path, bytes=0, sha256="0" * 64)]
    write_manifest(copy, manifest.model_copy(update={"files": bad}))
    with pytest.raises(IntegrityError, match="not plainly inside"):
        read_manifest(copy)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b"\xff\xfe", b"null", b'{"format": 3}', b"[" * 100_000],
    ids=["empty", "bare", "list", "not text", "null", "wrong type", "deep"],
)
def test_what_is_no_manifest_is_one_line(content: bytes) -> None:
    with pytest.raises(IntegrityError, match="is not a manifest") as refused:
        parse_manifest(content, "m.json")
    assert "\n" not in str(refused.value)


def test_white_space_in_the_manifest_is_a_change(copy: Path) -> None:
    path = copy / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert "changed after it was written" in verify_folder(copy).findings[0]


def test_a_png_of_another_size_is_refused_before_it_is_unpacked() -> None:
    bomb = encode_images(np.zeros((1, 2_000, 2_000), np.uint8))[0]
    with pytest.raises(IntegrityError, match="28x28"):
        decode_image(bomb, (28, 28))
