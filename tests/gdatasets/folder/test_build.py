import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gdatasets.errors import OutputError, UnknownNameError
from gdatasets.folder.build import BuildOptions, build_dataset
from gdatasets.folder.manifest import Manifest, read_manifest
from gdatasets.folder.shards import read_shard, schema
from gdatasets.folder.verify import verify_folder
from gdatasets.generation.arrays import Arrays
from gdatasets.generation.load import load_arrays
from gdatasets.sources.published import PublishedSource


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shard_arrays(folder: Path, manifest: Manifest, config: str, split: str) -> list[Arrays]:
    shards = manifest.configurations[config].splits[split].shards
    return [
        piece
        for shard in shards
        for piece in read_shard(folder / shard.path, tuple(manifest.classes), manifest.shape, shard.samples)
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "aen" / "g-digits"
    build_dataset("g-digits", ["aug2", "d4-roll"], folder)
    return folder


def test_a_build_holds_what_load_arrays_gives(built: Path) -> None:
    pieces = shard_arrays(built, read_manifest(built), "aug2", "train")
    expected = load_arrays("g-digits", "aug2", "train")
    assert np.array_equal(np.concatenate([piece.images for piece in pieces]), expected.images)
    assert np.array_equal(np.concatenate([piece.labels for piece in pieces]), expected.labels)
    assert np.array_equal(np.concatenate([piece.elements for piece in pieces]), expected.elements)


@pytest.mark.slow
def test_datasets_loads_it_offline_by_the_name_of_the_folder(built: Path, tmp_path: Path) -> None:
    code = """
import datasets, numpy as np
whole = datasets.load_dataset("aen/g-digits", "aug2")
assert {name: len(split) for name, split in whole.items()} == {"train": 1437, "test": 360}, whole
from gdatasets.generation.load import load_arrays
expected = load_arrays("g-digits", "aug2", "test")
test = whole["test"]
assert all(np.array_equal(np.asarray(row["image"]), image) for row, image in zip(test, expected.images))
assert test["label"][:] == expected.labels.tolist()
assert test.features["label"].names == list("0123456789")
assert [test.features[c].dtype for c in ("source_index", "bits", "angle", "hshift", "vshift")] == [
    "int64", "string", "int16", "int16", "int16"]
assert len(test[0]["bits"]) == 12
streamed = datasets.load_dataset("aen/g-digits", "aug2", split="test", streaming=True)
assert [row["label"] for row in streamed] == expected.labels.tolist()
default = datasets.load_dataset("aen/g-digits", split="test")
assert default["hshift"][:] == load_arrays("g-digits", "d4-roll", "test").elements["hshift"].tolist()
"""
    environment = {
        "PYTHONPATH": ":".join(sys.path),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(tmp_path),
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=built.parents[1], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_mnist_rot_is_built_described_verified_and_loaded(tmp_path: Path, data_root: Path) -> None:
    import datasets

    told: list[tuple[str, int, int]] = []
    folder = tmp_path / "mnist-rot"
    manifest = build_dataset("mnist-rot", [], folder, data_root, BuildOptions(2, progress=lambda *at: told.append(at)))
    assert list(manifest.configurations) == ["any-angle"]
    assert told[-1] == ("any-angle/test", 50_000, 50_000)
    assert all(done <= total for _, done, total in told)
    card = (folder / "README.md").read_text()
    for stated in ("Larochelle", "12,000 to 51,999 and 60,000 to 69,999", "bilinear interpolation", "last 2,000"):
        assert stated in card
    assert "nearest neighbor" not in card
    assert verify_folder(folder, PublishedSource("mnist-resplit", data_root)).verified
    test = datasets.load_dataset(str(folder), split="test", cache_dir=str(tmp_path / "cache"))
    expected = load_arrays("mnist-rot", split="test", root=data_root)
    assert test["source_index"][:] == expected.source_index.tolist()
    assert np.array_equal(np.asarray(test[41_000]["image"]), expected.images[41_000])
    assert test[41_000]["angle"] == expected.elements["angle"][41_000]


def test_the_schema_is_the_one_that_datasets_writes() -> None:
    import datasets

    columns = {"source_index": "int64", "bits": "string", "angle": "int16", "hshift": "int16", "vshift": "int16"}
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["a", "b"]),
            **{name: datasets.Value(dtype) for name, dtype in columns.items()},
        }
    )
    ours = schema(("a", "b"))
    assert ours.equals(features.arrow_schema)
    assert datasets.Features.from_arrow_schema(ours) == features


def test_a_finished_configuration_is_not_built_again(built: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*")}
    calls: list[str] = []
    build_dataset("g-digits", ["aug2"], built, options=BuildOptions(progress=lambda what, *_: calls.append(what)))
    assert calls == []
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*")} == before


@pytest.mark.parametrize(("workers", "shard_size"), [(1, 100), (2, None), (2, 100_000), (4, 1_000)])
def test_workers_and_shard_size_do_not_change_the_content(
    workers: int, shard_size: int | None, built: Path, tmp_path: Path
) -> None:
    build_dataset("g-digits", ["aug2"], tmp_path / "a", options=BuildOptions(workers, shard_size))
    expected = read_manifest(built).configurations["aug2"].splits
    found = read_manifest(tmp_path / "a").configurations["aug2"].splits
    assert {k: v.content_sha256 for k, v in found.items()} == {k: v.content_sha256 for k, v in expected.items()}
    assert verify_folder(tmp_path / "a").findings == []
    if shard_size is None:
        assert found == expected  # the very same files


def test_configurations_added_one_by_one_give_the_same_folder_as_at_once(built: Path, tmp_path: Path) -> None:
    for name in ("aug2", "d4-roll"):
        build_dataset("g-digits", [name], tmp_path / "a")
    assert files_of(tmp_path / "a") == files_of(built)


def test_an_interrupted_build_goes_on_from_its_whole_shards(tmp_path: Path) -> None:
    out = tmp_path / "a"

    def interrupt(_what: str, done: int, _total: int) -> None:
        if done >= 700:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_dataset("g-digits", ["aug2"], out, options=BuildOptions(shard_size=100, progress=interrupt))
    kept = sorted(path.name for path in (out / ".partial" / "aug2").glob("*.parquet"))
    assert len(kept) == 6
    assert not (out / "manifest.json").exists()
    damaged = out / ".partial" / "aug2" / kept[0]
    content = bytearray(damaged.read_bytes())
    content[1_000] ^= 1
    damaged.write_bytes(content)
    intact = (out / ".partial" / "aug2" / kept[1]).stat().st_ino
    build_dataset("g-digits", ["aug2"], out, options=BuildOptions(shard_size=100))
    assert (out / "aug2" / kept[1]).stat().st_ino == intact
    assert verify_folder(out).findings == []
    assert not (out / ".partial").exists()


def test_a_damaged_shard_of_a_finished_build_is_made_again(tmp_path: Path) -> None:
    build_dataset("g-digits", ["c4"], tmp_path / "a")
    shard = next((tmp_path / "a" / "c4").glob("test-*"))
    shard.write_bytes(shard.read_bytes()[:-1])
    assert verify_folder(tmp_path / "a").findings
    build_dataset("g-digits", ["c4"], tmp_path / "a")
    assert verify_folder(tmp_path / "a").findings == []


def test_a_mistake_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="aug9"):
        build_dataset("g-digits", ["aug9"], tmp_path / "a")
    with pytest.raises(UnknownNameError, match="g-nothing"):
        build_dataset("g-nothing", [], tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(OutputError, match=r"thesis\.tex"):
        build_dataset("g-digits", ["none"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_with_another_dataset_is_refused(built: Path, data_root: Path) -> None:
    with pytest.raises(OutputError, match=r"g-digits@1\.0\.0"):
        build_dataset("g-mnist", ["none"], built, data_root)


def test_the_manifest_lists_every_file(built: Path) -> None:
    listed = {file.path for file in read_manifest(built).all_files()}
    assert listed | {"manifest.json"} == set(files_of(built))
    assert json.loads((built / "manifest.json").read_text())["dataset"] == "g-digits"
