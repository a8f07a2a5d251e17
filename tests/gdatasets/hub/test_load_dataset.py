"""`load_dataset`; what concerns the Hub runs against a stand-in on loopback (`hub_stand_in.py`), not the Hub."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gdatasets import load_arrays, load_dataset
from gdatasets.errors import HubError, IntegrityError, UnknownNameError
from gdatasets.folder.build import build_dataset
from gdatasets.folder.manifest import read_manifest, write_manifest
from gdatasets.hub.publish import publish

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),  # huggingface_hub's own
]


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No Hub, an empty cache, and an empty working directory."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    _own_datasets_cache(monkeypatch, tmp_path)
    return tmp_path / "work"


def _own_datasets_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "datasets")


def is_the_published(split: Any, config: str, name: str) -> bool:
    expected = load_arrays("g-digits", config, name)
    images = np.stack([np.asarray(row["image"]) for row in split])
    return np.array_equal(images, expected.images) and [row["label"] for row in split] == expected.labels.tolist()


def test_without_hub_nor_build_it_is_generated_into_the_cache(offline: Path) -> None:
    assert is_the_published(load_dataset("g-digits", "c4", "test"), "c4", "test")
    assert (offline.parent / "cache/gdatasets/built/g-digits-1.0.0/c4").is_dir()
    assert list(offline.iterdir()) == []


def test_a_build_in_the_working_directory_is_used(offline: Path) -> None:
    build_dataset("g-digits", ["d4"], offline / "aen" / "g-digits")
    whole = load_dataset("aen/g-digits", "d4", revision="v1.0.0")
    assert set(whole) == {"train", "test"}
    streamed = load_dataset("aen/g-digits", "d4", "test", streaming=True)
    assert is_the_published(list(streamed), "d4", "test")
    assert not (offline.parent / "cache/gdatasets/built").exists()


def test_the_validation_split_is_the_end_of_train(offline: Path) -> None:
    folder = offline / "aen" / "g-digits"
    build_dataset("g-digits", ["d4"], folder)
    for place in ("g-digits", "aen/g-digits", str(folder)):
        part = load_dataset(place, "d4", "validation")
        assert len(part) == 300
        assert is_the_published(part, "d4", "validation")
    streamed = list(load_dataset("g-digits", "d4", "validation", streaming=True))
    assert is_the_published(streamed, "d4", "validation")
    assert not is_the_published(load_dataset("g-digits", "d4", "train[:300]"), "d4", "validation")
    assert set(load_dataset("g-digits", "d4")) == {"train", "test"}


def test_a_damaged_build_is_refused(offline: Path) -> None:
    folder = offline / "aen" / "g-digits"
    build_dataset("g-digits", ["d4"], folder)
    shard = next((folder / "d4").glob("test-*"))
    shard.write_bytes(shard.read_bytes().replace(b"IDAT", b"IDAU", 1))
    with pytest.raises(IntegrityError, match=r"test-00000-of-00001\.parquet differs"):
        load_dataset("aen/g-digits", "d4")


def test_an_extra_shard_is_refused(offline: Path) -> None:
    folder = offline / "aen" / "g-digits"
    build_dataset("g-digits", ["d4"], folder)
    shutil.copy(next((folder / "d4").glob("test-*")), folder / "d4" / "test-extra.parquet")
    with pytest.raises(IntegrityError, match="not in the manifest"):
        load_dataset("aen/g-digits", "d4")


def test_a_build_with_other_digests_than_the_pinned_ones_is_refused(offline: Path) -> None:
    folder = offline / "aen" / "g-digits"
    build_dataset("g-digits", ["d4"], folder)
    manifest = read_manifest(folder)
    record = manifest.configurations["d4"]
    splits = {name: split.model_copy(update={"content_sha256": "0" * 64}) for name, split in record.splits.items()}
    forged = {"d4": record.model_copy(update={"splits": splits})}
    write_manifest(folder, manifest.model_copy(update={"configurations": forged}))
    with pytest.raises(IntegrityError, match="not the pinned one"):
        load_dataset("aen/g-digits", "d4")


def test_a_folder_with_another_version_is_an_error_not_a_substitute(offline: Path) -> None:
    folder = offline / "aen" / "g-digits"
    build_dataset("g-digits", ["d4"], folder)
    write_manifest(folder, read_manifest(folder).model_copy(update={"version": "2.0.0"}))
    with pytest.raises(IntegrityError, match=r"2\.0\.0"):
        load_dataset("aen/g-digits", "d4", revision="v1.0.0")
    with pytest.raises(IntegrityError, match=r"2\.0\.0"):
        load_dataset(str(folder), "d4", revision="v1.0.0")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("g-digits", "d4", "test", "v9.9.9"), r"1\.0\.0"),
        (("g-digits", "aug9"), "d4-roll"),
        (("g-digits", "d4", "valid"), r'"valid"\. Choose from: train, test, validation\.$'),
        (("g-digits", "d4", "tset[:3]"), r"Choose from: train, test, validation\.$"),
        (("aen/g-nothing",), "g-mnist"),
    ],
)
@pytest.mark.usefixtures("offline")
def test_what_does_not_exist_is_an_error_with_the_choices(arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(UnknownNameError, match=says):
        load_dataset(*arguments)


@pytest.fixture
def published(hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The stand-in holding G-Digits v1.0.0, and a machine with nothing on it."""
    build_dataset("g-digits", ["d4"], tmp_path / "built")
    publish(tmp_path / "built", "aen/g-digits")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    _own_datasets_cache(monkeypatch, tmp_path)
    hub.requests.clear()
    return hub


def test_the_copy_on_the_hub_comes_first(published: Any, tmp_path: Path) -> None:
    assert is_the_published(load_dataset("aen/g-digits", "d4", "test", "v1.0.0"), "d4", "test")
    assert any("/resolve/" in request and "parquet" in request for request in published.requests)
    assert not (tmp_path / "cache/gdatasets/built").exists()


def test_a_tag_on_the_hub_with_other_content_is_an_error(published: Any) -> None:
    commit = published.tags["v1.0.0"]
    manifest = published.commits[commit]["manifest.json"]
    published.commits[commit]["manifest.json"] = manifest.replace(b'"label', b'"LABEL').replace(b"1437", b"1438")
    with pytest.raises(IntegrityError, match="its own digest differs"):
        load_dataset("aen/g-digits", "d4")


def test_a_shard_on_the_hub_that_was_changed_is_an_error(published: Any) -> None:
    files = published.commits[published.tags["v1.0.0"]]
    files["d4/test-00000-of-00001.parquet"] = files["d4/test-00000-of-00001.parquet"].replace(b"IDAT", b"IDAU", 1)
    with pytest.raises(IntegrityError, match="differs from the manifest"):
        load_dataset("aen/g-digits", "d4")


def swap_splits(card: bytes) -> bytes:
    return card.replace(b"d4/train-*", b"d4/X-*").replace(b"d4/test-*", b"d4/train-*").replace(b"d4/X-*", b"d4/test-*")


def test_a_card_on_the_hub_that_was_changed_is_an_error(published: Any) -> None:
    """929b5b9 gave train and test swapped."""
    files = published.commits[published.tags["v1.0.0"]]
    files["README.md"] = swap_splits(files["README.md"])
    with pytest.raises(IntegrityError, match=r"README\.md differs from the manifest"):
        load_dataset("aen/g-digits", "d4")


def test_a_card_on_the_hub_that_was_changed_and_sealed_is_an_error(published: Any, tmp_path: Path, forged: Any) -> None:
    """929b5b9 gave train and test swapped."""
    files = published.commits[published.tags["v1.0.0"]]
    (tmp_path / "built/README.md").write_bytes(swap_splits(files["README.md"]))
    forged.reseal(tmp_path / "built")
    for name in ("README.md", "manifest.json"):
        files[name] = (tmp_path / "built" / name).read_bytes()
    with pytest.raises(IntegrityError, match="its YAML is not that of this manifest"):
        load_dataset("aen/g-digits", "d4")


def test_labels_on_the_hub_that_were_permuted_and_sealed_are_an_error(
    published: Any, tmp_path: Path, forged: Any
) -> None:
    """929b5b9 gave the permuted labels: the manifest kept the pinned digest."""
    path = tmp_path / "built/d4/test-00000-of-00001.parquet"
    table = pq.read_table(path)
    labels = pa.array(np.array(table.column("label"))[::-1].tolist(), type=pa.int64())
    pq.write_table(table.set_column(1, table.schema.field(1), labels), path)
    forged.reseal_with_card(tmp_path / "built")
    files = published.commits[published.tags["v1.0.0"]]
    for name in ("README.md", "manifest.json", "d4/test-00000-of-00001.parquet"):
        files[name] = (tmp_path / "built" / name).read_bytes()
    with pytest.raises(IntegrityError, match=r"d4/test: content_sha256 [0-9a-f]{16}\.\.\. is not the manifest's"):
        load_dataset("aen/g-digits", "d4", "test")


def test_contents_are_decoded_once_for_their_digests(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gdatasets.folder import contents

    folder = offline / "aen" / "g-digits"
    build_dataset("g-digits", ["d4"], folder)
    load_dataset("aen/g-digits", "d4")
    monkeypatch.setattr(contents, "read_shard", lambda *_: pytest.fail("decoded again"))
    load_dataset("aen/g-digits", "d4", "train")
    shutil.copytree(folder, offline / "copy")
    load_dataset(str(offline / "copy"), "d4", streaming=True)


def test_a_remembered_digest_that_is_none_is_computed_again(offline: Path) -> None:
    build_dataset("g-digits", ["d4"], offline / "aen/g-digits")
    load_dataset("aen/g-digits", "d4")
    remembered = list((offline.parent / "cache/gdatasets/contents").iterdir())
    assert len(remembered) == 2
    for path in remembered:
        path.write_text("0" * 63)
    load_dataset("aen/g-digits", "d4")
    assert all(len(path.read_text()) == 64 for path in remembered)


def test_a_tag_that_is_not_on_the_hub_and_not_known_is_an_error(published: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"1\.0\.0"):
        load_dataset("aen/g-digits", "d4", revision="v1.0.1")
    assert published.requests


def test_a_split_that_the_tag_lacks_is_an_error_with_the_choices(published: Any) -> None:  # noqa: ARG001
    """3130c15 left out `validation`, and streaming ended in an error of the library."""
    for streaming in (False, True):
        with pytest.raises(UnknownNameError, match=r"Choose from: train, test, validation\.$"):
            load_dataset("aen/g-digits", "d4", "valid", streaming=streaming)


def test_a_configuration_that_the_tag_lacks_is_an_error(published: Any) -> None:  # noqa: ARG001
    with pytest.raises(UnknownNameError, match="d4"):
        load_dataset("aen/g-digits", "aug2", revision="v1.0.0")


def test_a_repository_that_is_not_there_falls_back_to_generating(hub: Any, offline: Path) -> None:
    import os

    os.environ.pop("HF_HUB_OFFLINE")
    assert is_the_published(load_dataset("g-digits", "c4", "test"), "c4", "test")
    assert any("/refs" in request for request in hub.requests)
    assert (offline.parent / "cache/gdatasets/built").is_dir()


def test_a_hub_that_fails_is_an_error(published: Any, fault: Any) -> None:
    published.faults.append(fault("/refs", 500, times=99))
    with pytest.raises(HubError, match="500"):
        load_dataset("aen/g-digits", "d4")


@pytest.mark.slow
def test_streaming_from_the_hub_reads_shards_there(published: Any, tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    code = (
        "from gdatasets import load_dataset\n"
        "print([row['label'] for row in load_dataset('aen/g-digits', 'd4', 'test', streaming=True)])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HF_HOME": str(tmp_path / "home")}
    files = published.commits[published.tags["v1.0.0"]]
    files["README.md"] = swap_splits(files["README.md"])  # nobody asks it
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(load_arrays("g-digits", "d4", "test").labels.tolist())
    assert any("/resolve/" in request and "parquet" in request for request in published.requests)
    assert not (tmp_path / "cache/gdatasets/built").exists()
