import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.folder.build import build_dataset
from gdatasets.folder.citation import cite, version_digest
from gdatasets.folder.preview import class_sheet, contact_sheet
from gdatasets.generation.specs import CONFIGURATIONS, DATASETS, pinned_digest, pinned_digests
from gdatasets.sources.published import PublishedSource, load_source


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("card") / "g-digits"
    build_dataset("g-digits", ["aug2", "d4-roll"], folder)
    return folder


def test_the_hub_reads_the_card(built: Path) -> None:
    from huggingface_hub import DatasetCard

    data = DatasetCard.load(built / "README.md").data
    assert data.license == "cc-by-4.0"
    assert data.pretty_name == "G-Digits"
    assert [config["config_name"] for config in data.configs] == ["aug2", "d4-roll"]
    assert [config.get("default", False) for config in data.configs] == [False, True]
    assert data.dataset_info[0]["splits"][0]["num_examples"] == 1437


def test_the_card_states_source_license_digests_picture_citation_and_limits(built: Path) -> None:
    text = (built / "README.md").read_text()
    for stated in (
        "preview.png",
        "CC-BY-4.0",
        "Optical recognition of handwritten digits",
        pinned_digest("g-digits", "aug2", "train"),
        "@misc{g-digits-1.0.0",
        "## Limits",
    ):
        assert stated in text


def test_the_citation_file_is_valid(built: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("cffconvert")), "--validate", "-i", str(built / "CITATION.cff")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of mlcroissant's dependencies
def test_croissant_is_valid_and_its_records_can_be_read(built: Path, caplog: pytest.LogCaptureFixture) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset(jsonld=built / "croissant.json")
    issues = dataset.metadata.ctx.issues
    assert list(issues.errors) == []
    assert list(issues.warnings) == []
    assert json.loads((built / "croissant.json").read_text())["conformsTo"] == [
        "http://mlcommons.org/croissant/1.1",
        "http://mlcommons.org/croissant/RAI/1.0",
    ]
    record = next(iter(dataset.records("aug2")))
    assert set(record) >= {"aug2/image", "aug2/label", "aug2/bits"}
    assert record["aug2/image"].size == (28, 28)
    assert sum(1 for _ in dataset.records("aug2")) == 1_797


@pytest.mark.parametrize("form", ["bibtex", "cff", "apa"])
def test_every_citation_has_version_and_digest(form: str) -> None:
    text = cite("g-mnist@1.0.0", form)
    assert "1.0.0" in text
    assert version_digest(pinned_digests("g-mnist", "1.0.0")) in text
    assert text == cite("g-mnist", form) == cite("aen/g-mnist@v1.0.0", form)
    if form == "cff":
        assert yaml.safe_load(text)["version"] == "1.0.0"


@pytest.mark.parametrize(("reference", "says"), [("g-mnist@3.0.0", r"1\.0\.0"), ("mnist", "g-mnist")])
def test_an_unknown_version_lists_the_known_ones(reference: str, says: str) -> None:
    with pytest.raises(UnknownNameError, match=says):
        cite(reference)


def test_a_contact_sheet_starts_each_row_with_the_original_and_its_move_in_the_dataset() -> None:
    from gdatasets.generation.load import generate_arrays

    source = PublishedSource("digits")
    sheet = contact_sheet(DATASETS["g-digits"], CONFIGURATIONS["d4-roll"], source, rows=3, moves=4)
    assert sheet.shape == (3 * 30 + 2, 5 * 30 + 6)
    originals, moved = load_source("digits").images, generate_arrays("g-digits", "d4-roll", "train").images
    for row in range(3):  # the first three samples are a 0, a 1 and a 2
        top = 2 + 30 * row
        assert (sheet[top : top + 28, 2:30] == originals[row]).all()
        assert (sheet[top : top + 28, 36:64] == moved[row]).all()


def test_the_preview_of_a_build_is_a_picture(built: Path) -> None:
    with Image.open(built / "preview.png") as picture:
        picture.verify()


@pytest.mark.parametrize(("rows", "moves"), [(0, 1), (1, 0), (101, 1)])
def test_a_sheet_without_rows_or_moves_is_refused(rows: int, moves: int) -> None:
    with pytest.raises(InvalidArgumentError, match="rows and moves"):
        contact_sheet(DATASETS["g-digits"], CONFIGURATIONS["d4"], PublishedSource("digits"), rows, moves)


def test_a_class_sheet_has_a_column_a_class_and_the_first_samples_on_top() -> None:
    labels = np.array([1, 0, 1, 3, 1])
    images = np.arange(5, dtype=np.uint8)[:, None, None] * np.ones((5, 4, 4), dtype=np.uint8)
    sheet = class_sheet(images, labels, classes=3, rows=2)
    assert sheet.shape == (2 * 6 + 2, 3 * 6 + 2)
    empty = sheet[0, 0]
    assert sheet[2::6, 2::6].tolist() == [[1, 0, empty], [empty, 2, empty]]
