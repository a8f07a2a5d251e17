"""Every source can be moved: built, verified, loaded, described; gray and RGB, pinned or not."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from aenbench.tasks.datasets import open_dataset
from gdatasets import CONFIGURATIONS, DATASETS, Transform, load_arrays, load_dataset, undo
from gdatasets.errors import GDatasetsError, InvalidArgumentError
from gdatasets.folder.build import build_dataset
from gdatasets.folder.citation import cite
from gdatasets.folder.verify import verify_folder, verify_version
from gdatasets.generation.specs import pinned_digest
from gdatasets.generation.transform import batch_arrays
from gdatasets.sources.published import PublishedSource, load_source, source_is_local

NAMES = ["kmnist", "cifar10", "svhn", "asl"]


@pytest.fixture
def root(publisher: Any, request: pytest.FixtureRequest) -> Path:
    """The root in which the source that a test names is published."""
    name = request.node.callspec.params["name"]
    publisher.publish(name)
    folder: Path = publisher.root
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_source_is_moved_built_and_verified(root: Path, tmp_path: Path, name: str) -> None:
    spec = DATASETS[f"g-{name}"]
    manifest = build_dataset(spec.name, ["d4-roll", "aug5"], tmp_path / "out", root)
    assert manifest.shape == spec.source.image_shape
    for source in (None, PublishedSource(name, root)):
        report = verify_folder(tmp_path / "out", source)
        assert report.verified, report.findings
        assert report.notices[0].startswith(f"{spec.name}@1.0.0 has no published digest; ")
    for config, record in manifest.configurations.items():
        for split in record.splits:
            arrays = load_arrays(spec.name, config, split, root)
            assert arrays.content_sha256 == record.splits[split].content_sha256
            assert open_dataset(spec.name, config, root).digest(split) == arrays.content_sha256
    original = load_source(name, "train", root)
    moved = load_arrays(spec.name, "d4-roll", "train", root)
    assert np.array_equal(undo(moved.images, moved.elements), original.images)
    assert not np.array_equal(moved.images, original.images)


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_source_or_sample_is_found(publisher: Any, tmp_path: Path, name: str) -> None:
    publisher.publish(name)
    build_dataset(f"g-{name}", ["d4"], tmp_path / "out", publisher.root)
    contents = publisher.contents(name)
    contents["train"].images[3] ^= 1
    publisher.publish(name, contents)
    findings = verify_folder(tmp_path / "out", PublishedSource(name, publisher.root)).findings
    assert any("the source is another one" in finding for finding in findings)
    assert any("image of sample 3 differs from the source" in finding for finding in findings)


@pytest.mark.parametrize("name", ["kmnist", "cifar10"])
def test_an_unpinned_dataset_loads_and_says_so(
    root: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.WARNING, "gdatasets"):
        data = load_dataset(f"g-{name}", "d4", "test", root=root)
    assert f"g-{name}@1.0.0 has no published digest" in caplog.text
    assert len(data) == 4
    assert np.array_equal(np.asarray(data[1]["image"]), load_arrays(f"g-{name}", "d4", "test", root).images[1])
    with pytest.raises(GDatasetsError, match=r"1\.0\.0"):
        load_dataset(f"g-{name}", "d4", revision="v3.0.0", root=root)
    with pytest.raises(InvalidArgumentError, match="no published digest; build it, and verify the folder"):
        verify_version(DATASETS[f"g-{name}"], PublishedSource(name, root))


@pytest.mark.parametrize("name", ["svhn"])
def test_a_card_says_what_is_known_of_license_and_digest(root: Path, tmp_path: Path, name: str) -> None:
    manifest = build_dataset(f"g-{name}", ["d4"], tmp_path / "out", root)
    card = (tmp_path / "out" / "README.md").read_text()
    assert yaml.safe_load(card.split("---")[1])["license"] == "other"
    for text in ("for non-commercial use only", "Images of 32x32x3 pixels", 'load_dataset("this folder", "d4")'):
        assert text in card
    croissant = (tmp_path / "out" / "croissant.json").read_text()
    assert '"license": "for non-commercial use only"' in croissant
    assert "huggingface.co/datasets/aen" not in card + croissant
    assert manifest.configurations["d4"].splits["test"].content_sha256 in card
    assert "no published digest" in cite("g-svhn")
    assert all("sha256:" not in cite("g-svhn", form) for form in ("cff", "apa", "bibtex"))


@pytest.mark.parametrize("name", ["cifar10"])
def test_a_batch_of_color_images_is_moved_as_build_does(root: Path, name: str) -> None:
    source = load_source(name, "train", root)
    move = Transform(DATASETS["g-cifar10"], CONFIGURATIONS["aug5"], "train")
    order = np.array([4, 5, 1, 0, 9])
    batch = move({"image": source.images[order], "label": source.labels[order]}, order.tolist())
    whole = load_arrays("g-cifar10", "aug5", "train", root)
    assert np.array_equal(batch_arrays(batch).images, whole.images[order])


def test_the_real_letters_have_their_pinned_digests(data_root: Path) -> None:
    if not source_is_local("emnist-letters", data_root):
        pytest.skip("no real EMNIST letters in the data root")
    for config in ("d4", "aug5"):
        digest = load_arrays("g-emnist-letters", config, "test", data_root).content_sha256
        assert digest == pinned_digest("g-emnist-letters", config, "test")
