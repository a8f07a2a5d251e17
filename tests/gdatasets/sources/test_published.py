"""Every source that has files, read from small files in its publisher's own format; the real ones are not asked for."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gdatasets.errors import SourceError, UnknownNameError
from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.published import load_source, source_is_local
from gdatasets.sources.source import Source, SourceArrays

NAMES = ["mnist", "fashion-mnist", "cifar10", "svhn", "kmnist", "emnist-letters", "rotmnist", "asl"]
DIGESTED = [name for name in NAMES if name != "asl"]
TWO_ARRAYS = ["mnist", "cifar10", "svhn", "kmnist", "emnist-letters"]  # images and labels are counted apart


def refusal(dataset: Source, root: Path | None, split: str = "train") -> str:
    """The one line with which a split is refused."""
    with pytest.raises(SourceError) as caught:
        load_source(dataset.name, split, root, download=False)
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize("name", NAMES)
def test_a_dataset_is_read_as_it_was_published(publisher: Any, name: str) -> None:
    contents = publisher.contents(name)
    dataset = publisher.publish(name, contents)
    for split in ("train", "test"):
        images, labels = load_source(dataset.name, split, publisher.root, download=False)
        assert np.array_equal(images, contents[split].images)
        assert np.array_equal(labels, contents[split].labels)
        assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
        assert images.flags.c_contiguous
        assert not images.flags.writeable
        assert not labels.flags.writeable


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_is_noticed(publisher: Any, name: str) -> None:
    dataset, path = publisher.publish(name), publisher.first_file(name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40  # in text it makes a letter of a digit or a comma
    path.write_bytes(content)
    assert str(path) in refusal(dataset, publisher.root)


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file_is_noticed(publisher: Any, name: str) -> None:
    dataset, path = publisher.publish(name), publisher.first_file(name)
    path.write_bytes(path.read_bytes()[:-2000])
    assert str(path) in refusal(dataset, publisher.root)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_file_is_noticed(publisher: Any, name: str) -> None:
    dataset, path = publisher.publish(name), publisher.first_file(name)
    path.write_bytes(b"")
    assert str(path) in refusal(dataset, publisher.root)


@pytest.mark.parametrize("name", DIGESTED)
def test_contents_are_compared_before_they_are_parsed(publisher: Any, name: str) -> None:
    dataset, path = publisher.publish(name), publisher.first_file(name)
    path.write_bytes(b"cos\nsystem\n(S'false'\ntR.")  # a pickle that would run a command
    assert "the published file" in refusal(dataset, publisher.root)


@pytest.mark.parametrize("name", NAMES)
def test_a_label_of_no_class_is_noticed(publisher: Any, name: str) -> None:
    contents = publisher.contents(name)
    contents["train"].labels[3] = len(SOURCES[name].classes) + 1  # SVHN's own label 10 is the digit 0
    dataset = publisher.publish(name, contents)
    line = refusal(dataset, publisher.root)
    assert f"none of its {len(dataset.classes)} classes" in line
    assert str(publisher.first_file(name).parent) in line


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("images", [9, 11])
def test_another_number_of_images_is_noticed(publisher: Any, name: str, images: int) -> None:
    contents = publisher.contents(name)
    contents["train"] = SourceArrays(*(np.resize(array, (images, *array.shape[1:])) for array in contents["train"]))
    dataset = publisher.publish(name, contents)
    assert str(publisher.first_file(name).parent) in refusal(dataset, publisher.root)


@pytest.mark.parametrize("name", TWO_ARRAYS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_more_images_than_labels_are_noticed(publisher: Any, name: str, split: str) -> None:
    contents = publisher.contents(name)
    images, labels = contents[split]
    contents[split] = SourceArrays(images, labels[:-1])
    dataset = publisher.publish(name, contents)
    assert str(publisher.first_file(name).parent) in refusal(dataset, publisher.root, split)


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_is_found_the_line_says_what_to_put_where(publisher: Any, name: str) -> None:
    publisher.publish(name)
    path = publisher.first_file(name)
    path.parent.rename(path.parent.with_name("elsewhere"))
    publisher.root.mkdir(exist_ok=True)
    line = refusal(SOURCES[name], publisher.root)
    for part in (str(path.relative_to(publisher.root)), str(publisher.root), SOURCES[name].homepage, "--root"):
        assert part in line


@pytest.mark.parametrize("name", ["mnist", "cifar10", "kmnist"])
def test_a_missing_companion_is_named(publisher: Any, name: str) -> None:
    dataset, path = publisher.publish(name), publisher.first_file(name)
    path.unlink()
    assert f"{path} is missing, although the files that belong with it exist" in refusal(dataset, publisher.root)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_local_is_known_without_reading(publisher: Any, name: str) -> None:
    dataset = publisher.publish(name)
    assert source_is_local(dataset.name, publisher.root)
    assert not source_is_local(dataset.name)
    publisher.monkeypatch.setenv("GDATASETS_ROOT", str(publisher.root))
    assert source_is_local(dataset.name)
    publisher.first_file(name).unlink()
    assert not source_is_local(dataset.name)


def test_the_given_root_goes_before_the_environment(publisher: Any, tmp_path: Path) -> None:
    publisher.monkeypatch.setenv("GDATASETS_ROOT", str(tmp_path))
    (tmp_path / "sign_mnist_train.csv").write_text("another")
    dataset = publisher.publish("asl")
    assert len(load_source(dataset.name, "train", publisher.root).labels) == 10
    assert str(tmp_path / "sign_mnist_train.csv") in refusal(dataset, None)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_split_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r'Unknown split "validation"\. Choose from: train, test\.'):
        load_source(name, "validation")


@pytest.mark.parametrize("name", NAMES)
def test_a_dataset_is_a_value(name: str) -> None:
    dataset = SOURCES[name]
    assert dataset.name == name
    assert replace(dataset) == dataset
    assert len({dataset, replace(dataset)}) == 1
    assert 0 < dataset.validation < dataset.samples["train"]
    assert len(set(dataset.classes)) == len(dataset.classes)


def test_the_page_has_the_facts_of_every_dataset() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "image-datasets.md"
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \|(.*\(http.*)$", page.read_text(), re.MULTILINE))
    assert set(rows) == set(SOURCES)
    for name, dataset in SOURCES.items():
        shape = " x ".join(map(str, dataset.image_shape))
        sizes = f" {dataset.samples['train']:,} / {dataset.samples['test']:,} | {dataset.validation:,} |"
        for fact in (sizes, f" {shape} ", f" {len(dataset.classes)} ", dataset.license, f"({dataset.homepage})"):
            assert fact in rows[name], (name, fact)
