"""Rotated MNIST and Sign Language MNIST: images as lines of text."""

import tracemalloc
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gdatasets.errors import SourceError
from gdatasets.sources.published import load_source
from gdatasets.sources.source import Source

MEMBER = "mnist_all_rotation_normalized_float_train_valid.amat"


def refusal(dataset: Source, root: Path | None) -> str:
    with pytest.raises(SourceError) as caught:
        load_source(dataset.name, "train", root, download=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def republish_rotated(publisher: Any, text: str | bytes) -> Source:
    publisher.publish("rotmnist")
    with zipfile.ZipFile(publisher.first_file("rotmnist"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MEMBER, text)
    return publisher.pin("rotmnist")


def rows(pixels: list[str], label: float | str = 3.0, count: int = 10, separator: str = " ") -> str:
    """Lines with these first pixels, and zeros."""
    values = [*pixels, *["0"] * (784 - len(pixels)), str(label)]
    return (separator.join(values) + "\n") * count


def test_rotated_digits_are_read_row_by_row_to_the_nearest_level(publisher: Any) -> None:
    dataset = republish_rotated(publisher, rows(["0", "1", "0.5", "0.0039", "2.0000000e-03", "0.0019"]))
    images, labels = load_source(dataset.name, "train", publisher.root)
    assert images[0, 0, :7].tolist() == [0, 255, 128, 1, 1, 0, 0]
    assert not images[:, 1:].any()
    assert labels.tolist() == [3] * 10


def test_the_larger_file_is_the_test_split(publisher: Any) -> None:
    contents = publisher.contents("rotmnist")
    dataset = publisher.publish("rotmnist", contents)
    with zipfile.ZipFile(publisher.first_file("rotmnist")) as archive:
        assert len(archive.read("mnist_all_rotation_normalized_float_test.amat").splitlines()) == 4
    assert np.array_equal(load_source(dataset.name, "test", publisher.root).images, contents["test"].images)


@pytest.mark.parametrize("separator", ["  ", "\t"])
def test_any_white_space_separates(publisher: Any, separator: str) -> None:
    dataset = republish_rotated(publisher, "\n" + rows(["1"], separator=separator) + "\n")
    assert load_source(dataset.name, "train", publisher.root).images[:, 0, 0].tolist() == [255] * 10


@pytest.mark.parametrize(
    ("pixels", "label", "reason"),
    [
        (["1.01"], 3, "no gray levels"),
        (["-0.01"], 3, "no gray levels"),
        (["nan"], 3, "no gray levels"),
        (["inf"], 3, "no gray levels"),
        (["0"], 2.5, "no whole numbers"),
        (["0"], "nan", "no whole numbers"),
        (["0"], -1, "none of its 10 classes"),
        (["x"], 3, "not a table of numbers"),
        (["é"], 3, "not a table of numbers"),
        (["0"] * 785, 3, "rows of 786 numbers"),
    ],
)
def test_values_that_are_no_image_are_refused(
    publisher: Any, pixels: list[str], label: float | str, reason: str
) -> None:
    line = refusal(republish_rotated(publisher, rows(pixels, label)), publisher.root)
    assert reason in line
    assert str(publisher.first_file("rotmnist")) in line


@pytest.mark.parametrize("text", ["", "\n\n", rows(["0"], count=9), rows(["0"], count=11), rows(["0"])[:-900]])
def test_another_number_of_lines_is_refused_without_a_warning(publisher: Any, text: str | bytes) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert MEMBER in refusal(republish_rotated(publisher, text), publisher.root)
    assert not seen


def test_an_archive_without_its_table_is_refused(publisher: Any) -> None:
    publisher.publish("rotmnist")
    with zipfile.ZipFile(publisher.first_file("rotmnist"), "w") as archive:
        archive.writestr("else.amat", "")
    assert MEMBER in refusal(publisher.pin("rotmnist"), publisher.root)


@pytest.mark.parametrize("text", [b"0" * (20 << 20), b" " * (20 << 20), rows(["0"]).encode() * 1000])
def test_memory_does_not_grow_with_what_an_archive_unpacks_to(publisher: Any, text: str | bytes) -> None:
    dataset = republish_rotated(publisher, text)
    del text
    tracemalloc.start()
    try:
        refusal(dataset, publisher.root)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_the_letters_of_the_alphabet_are_numbered_without_j(publisher: Any) -> None:
    contents = publisher.contents("asl")
    contents["train"].labels[:] = [0, 1, 7, 8, 9, 10, 11, 21, 22, 23]
    dataset = publisher.publish("asl", contents)
    written = np.loadtxt(publisher.first_file("asl"), delimiter=",", skiprows=1)[:, 0]
    assert written.tolist() == [0, 1, 7, 8, 10, 11, 12, 22, 23, 24]
    labels = load_source(dataset.name, "train", publisher.root).labels
    assert labels.tolist() == contents["train"].labels.tolist()
    assert "".join(dataset.classes[label] for label in labels) == "ABHIKLMWXY"
    assert len(dataset.classes) == 24


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("\n0,", "\n9,", "label 9 (J)"),
        ("\n0,", "\n25,", "none of its 24 classes"),
        ("\n0,", "\n-1,", "none of its 24 classes"),
        ("\n0,", "\n0.5,", "no whole numbers"),
        ("\n0,", "\n0,0,", "not a table of numbers"),
        ("\n0,", "\n0,256,", "not a table of numbers"),
        ("\n0,", "\n", "not a table of numbers"),
        (",", ";", "does not begin with"),
        ("label,pixel1,", "pixel1,label,", "does not begin with"),
    ],
)
def test_a_table_that_is_not_the_published_one_is_refused(publisher: Any, before: str, after: str, reason: str) -> None:
    dataset, path = publisher.publish("asl"), publisher.first_file("asl")
    path.write_text(path.read_text().replace(before, after))
    line = refusal(dataset, publisher.root)
    assert reason in line
    assert str(path) in line


@pytest.mark.parametrize("level", ["256", "-1", "1.5", ""])
def test_levels_outside_a_byte_are_refused(publisher: Any, level: str) -> None:
    dataset, path = publisher.publish("asl"), publisher.first_file("asl")
    lines = path.read_text().splitlines()
    lines[4] = ",".join([*lines[4].split(",")[:-1], level])
    path.write_text("\n".join(lines))
    assert str(path) in refusal(dataset, publisher.root)


def test_lines_may_end_as_on_windows(publisher: Any) -> None:
    contents = publisher.contents("asl")
    dataset, path = publisher.publish("asl", contents), publisher.first_file("asl")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert np.array_equal(load_source(dataset.name, "train", publisher.root).images, contents["train"].images)
