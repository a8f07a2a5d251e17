"""The registry of datasets, what is published of them, and what stays as it is."""

import hashlib
import json
from importlib import resources

import pytest

import gdatasets
from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.generation.specs import (
    CONFIGURATIONS,
    DATASETS,
    DatasetSpec,
    fingerprint,
    is_pinned,
    moved_spec,
    no_published_digest,
    pinned_digest,
    pinned_digests,
    published_versions,
)
from gdatasets.sources.catalog import SOURCES

PINS = json.loads(resources.files("gdatasets").joinpath("pinned_digests.json").read_text())
FIRST = ("g-mnist", "g-fashion-mnist", "g-digits", "mnist-rot")


def canonical(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def test_the_first_140_pins_are_what_they_were() -> None:
    first = {name: PINS[name] for name in FIRST}
    assert sum(len(splits) for versions in first.values() for splits in versions["1.0.0"].values()) == 140
    assert canonical(first) == "ea84deb02f7854448cf5ddd1eaa72cccd8bf3ebfd4fe4c1d4dd65d1403e7a0c6"


def test_specifications_and_configurations_are_what_they_were() -> None:
    assert (
        canonical({name: fingerprint(DATASETS[name]) for name in FIRST})
        == "3b569bb14243617f1f5eae1f794516f8540fa197962590d4afbbb21b62a92fd7"
    )
    assert (
        canonical({name: fingerprint(config) for name, config in CONFIGURATIONS.items()})
        == "2a4b7a4d38ca722f121a8ae84030fdb34349301d7d60f7907adae65f3169d5f8"
    )


def test_every_pinned_dataset_has_pins_of_all_its_splits() -> None:
    assert tuple(PINS) == (*FIRST, "g-emnist-letters")
    for name in PINS:
        spec = DATASETS[name]
        pins = pinned_digests(name, spec.version)
        assert {(config, split) for config in pins for split in pins[config]} == {
            (config, split) for config in spec.configurations for split in spec.source.samples
        }


def test_every_source_that_is_not_moved_already_has_a_dataset() -> None:
    assert {spec.source_name for spec in DATASETS.values()} == set(SOURCES) - {"rotmnist"}
    for name, spec in DATASETS.items():
        assert spec == moved_spec(spec.source)
        assert name == "mnist-rot" or name == f"g-{spec.source_name}"
        assert 0 < spec.validation < spec.source.samples["train"]
    with pytest.raises(InvalidArgumentError, match="states no dataset of moved images"):
        moved_spec(SOURCES["rotmnist"])


def test_an_unpinned_dataset_has_no_digest_and_is_said_to_have_none() -> None:
    spec = DATASETS["g-kmnist"]
    assert not is_pinned(spec)
    assert published_versions("g-kmnist") == ()
    assert pinned_digest("g-kmnist", "d4", "test") is None
    assert no_published_digest(spec).startswith("g-kmnist@1.0.0 has no published digest")
    assert no_published_digest(DATASETS["g-emnist-letters"]) == ""
    with pytest.raises(UnknownNameError, match=r'version of g-kmnist "2\.0\.0".*1\.0\.0'):
        pinned_digests("g-kmnist", "2.0.0")
    with pytest.raises(UnknownNameError, match="Choose from: train, test"):
        pinned_digest("g-mnist", "d4", "validation")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("toy", "no spec", "expected a DatasetSpec, got str"),
        ("toy", DatasetSpec("other", "T", "1.0.0", "digits"), 'is named "other"'),
        ("toy", DatasetSpec("toy", "T", "1.0", "digits"), "MAJOR.MINOR.PATCH"),
        ("toy", DatasetSpec("toy", "T", "1.0.0", "digit"), 'Did you mean "digits"'),
        ("toy", DatasetSpec("toy", "T", "1.0.0", "digits", configurations=("d5",)), "Unknown configuration"),
        ("toy", DatasetSpec("toy", "T", "1.0.0", "digits", configurations=("d4",)), 'of toy "d4-roll"'),
        ("a/b", DatasetSpec("a/b", "T", "1.0.0", "digits"), "cannot be the name"),
        ("Toy", DatasetSpec("Toy", "T", "1.0.0", "digits"), "lower case"),
        ("g-mnist", DatasetSpec("g-mnist", "T", "1.0.0", "digits"), "There is a dataset"),
    ],
)
def test_what_is_no_dataset_is_not_registered(name: str, value: object, says: str) -> None:
    with pytest.raises((InvalidArgumentError, UnknownNameError), match=says):
        DATASETS.register(name, value)
    assert "toy" not in gdatasets.DATASETS
