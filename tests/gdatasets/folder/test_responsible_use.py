"""What the card and Croissant say of collection, labels, biases, limits, use and license: the same, of every source."""

import json
import logging
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gdatasets.errors import InvalidArgumentError
from gdatasets.folder.build import build, build_dataset
from gdatasets.folder.citation import FORMATS, cite
from gdatasets.folder.description import describe_version
from gdatasets.folder.verify import verify_folder
from gdatasets.generation.specs import own_spec
from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.documentation import NOT_STATED, Documentation
from gdatasets.sources.image_folder import FolderSource, Provenance

RAI = {
    "data_collection": "dataCollection",
    "data_annotation_protocol": "dataAnnotationProtocol",
    "data_preprocessing_protocol": "dataPreprocessingProtocol",
    "data_biases": "dataBiases",
    "data_limitations": "dataLimitations",
    "data_use_cases": "dataUseCases",
    "personal_sensitive_information": "personalSensitiveInformation",
    "data_release_maintenance_plan": "dataReleaseMaintenancePlan",
}
"""Properties of Croissant RAI 1.0, by the attribute that mlcroissant reads them into."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rai") / "photos"
    for number, name in enumerate(("train/cat/1", "train/dog/1", "test/cat/1", "test/dog/1")):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True)
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rai") / "g-digits"
    build_dataset("g-digits", ["d4"], folder)
    return folder


def test_every_source_that_is_moved_states_everything() -> None:
    for name, source in SOURCES.items():
        said = source.documentation
        for field in fields(Documentation):
            text = getattr(said, field.name)
            assert text.endswith("."), (name, field.name)
            if source.moved is not None:
                assert text != getattr(NOT_STATED, field.name), (name, field.name)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of mlcroissant's dependencies
@pytest.mark.parametrize("own", [False, True])
def test_croissant_has_the_rai_properties_and_the_card_says_the_same(
    own: bool, built: Path, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    folder, known = built, SOURCES["digits"].documentation
    if own:
        folder, known = tmp_path / "own", NOT_STATED
        source = FolderSource(photos)
        build(own_spec(source), source, ["d4"], folder)
    with caplog.at_level(logging.CRITICAL):
        dataset = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    assert list(dataset.metadata.ctx.issues.errors) == []
    content = json.loads((folder / "croissant.json").read_text())
    assert "http://mlcommons.org/croissant/RAI/1.0" in content["conformsTo"]
    card = (folder / "README.md").read_text()
    for attribute, name in RAI.items():
        read, written = getattr(dataset.metadata, attribute), content[f"rai:{name}"]
        assert read == written, attribute
        for text in [written] if isinstance(written, str) else written:
            assert text.split(": ", 1)[-1] in card, text
    assert content["rai:dataCollection"] == known.collection
    assert content["rai:dataBiases"] == [known.biases]
    assert {known.limitations, known.symmetry} <= set(content["rai:dataLimitations"])
    assert not {f"rai:{name}" for name in RAI.values()} ^ {key for key in content if key.startswith("rai:")}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_name_outside_the_vocabulary_is_read_into_nothing(built: Path, tmp_path: Path) -> None:
    """What the test above would miss if mlcroissant took any name."""
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed")
    content = json.loads((built / "croissant.json").read_text())
    content["rai:biases"] = content.pop("rai:dataBiases")
    (tmp_path / "croissant.json").write_text(json.dumps(content))
    assert not mlcroissant.Dataset(jsonld=tmp_path / "croissant.json").metadata.data_biases


def test_the_texts_are_part_of_what_is_verified(built: Path) -> None:
    assert verify_folder(built).verified


@pytest.mark.parametrize(
    ("license", "says"),
    [
        ("for non-commercial use only", "RESTRICTED: no commercial use"),
        ("CC-BY-NC-4.0", "RESTRICTED: no commercial use"),
        ("CC_BY_NC_4.0", "RESTRICTED: no commercial use"),
        ("non commercial research", "RESTRICTED: no commercial use"),
        ("academic use only; not for commercial use", "RESTRICTED: no commercial use"),
        ("GPL-2.0", "RESTRICTED: derived images only under the same license"),
        ("lgpl-3.0", "RESTRICTED: derived images only under the same license"),
        ("GNU General Public License v2", "RESTRICTED: derived images only under the same license"),
        ("Unclear; ask the institute for commercial use", ""),
        ("CC-BY-SA-4.0", ""),
        ("MIT", ""),
        ("CC0-1.0", ""),
        ("", ""),
    ],
)
def test_what_a_license_demands_is_said(license: str, says: str) -> None:
    terms = replace(SOURCES["digits"], license=license).terms
    assert terms.startswith(license or "not stated")
    assert says in terms
    assert ("RESTRICTED" in terms) == bool(says)


def test_a_restricted_license_is_in_info_and_every_citation(photos: Path, tmp_path: Path) -> None:
    for form in FORMATS:
        assert "no commercial use" in " ".join(cite("g-svhn", form).split())
        assert "RESTRICTED" not in cite("g-eurosat", form)
    assert "RESTRICTED: no commercial use" in describe_version("g-svhn")
    source = FolderSource(photos, provenance=Provenance(license="GPL-2.0"))
    build(own_spec(source), source, ["d4"], tmp_path / "own")
    assert "GPL-2.0 (RESTRICTED: derived images only" in (tmp_path / "own/README.md").read_text()


def test_a_size_of_ones_own_is_said(photos: Path, tmp_path: Path) -> None:
    """The card said how images are moved, and nothing of what was cut off before."""
    rule = "of each image the central square, resized to 8x8 pixels"
    for name, source in {"smaller": FolderSource(photos, size=8), "as-they-are": FolderSource(photos)}.items():
        build(own_spec(source, name), source, ["d4"], tmp_path / name)
        for file in ("README.md", "croissant.json"):
            assert (rule in (tmp_path / name / file).read_text()) == (name == "smaller")
    build_dataset("g-digits", ["d4"], tmp_path / "digits", size=14)
    assert "resized to 14x14 pixels" in (tmp_path / "digits/croissant.json").read_text()
    assert verify_folder(tmp_path / "digits").verified


def test_a_subset_has_the_license_and_texts_of_the_whole_and_says_that_it_is_one(photos: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.yaml"
    notes.write_text("biases: |\n  Taken in\n  June.\n")
    stated = Provenance(homepage="mine").of_subset("svhn").documented(notes)
    source = FolderSource(photos, provenance=stated)
    build(own_spec(source, "svhn-4"), source, ["d4"], tmp_path / "own")
    content = json.loads((tmp_path / "own/croissant.json").read_text())
    assert content["rai:dataCollection"].startswith("A part of SVHN")
    assert SOURCES["svhn"].documentation.collection in content["rai:dataCollection"]
    assert content["rai:dataBiases"] == ["Taken in June."]
    assert content["license"] == "for non-commercial use only"
    assert (stated.homepage, stated.citation) == ("mine", SOURCES["svhn"].citation)
    assert Provenance().of_subset("").documented(None) == Provenance()


@pytest.mark.parametrize(
    "text", ["- a list", "colection: misspelt", "biases: 3", "biases: ' '", "biases: [", "a" * (65 << 10), "\xff"]
)
def test_what_states_something_else_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "notes.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidArgumentError, match="collection, annotation") as caught:
        Provenance().documented(tmp_path / "notes.yaml")
    assert "\n" not in str(caught.value)
    with pytest.raises(InvalidArgumentError, match="no readable"):
        Provenance().documented(tmp_path / "missing.yaml")
