"""Every kind of dataset in one shape: names, order, splits, digests."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aenbench.errors import InvalidArgumentError
from aenbench.tasks.datasets import Dataset, check_names, default_configuration, open_dataset
from gdatasets.errors import SourceError, UnknownNameError
from gdatasets.generation.specs import DATASETS, pinned_digest
from gdatasets.sources.catalog import SOURCES


def images(folder: Path, **counts: int) -> Path:
    """Class folders a, b of gray 4 x 4 images in each split; the gray level counts the images."""
    level = 0
    for split, count in counts.items():
        for label in "ab":
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                level += 1
                Image.new("L", (4, 4), level).save(folder / split / label / f"{number}.png")
    return folder


def levels(dataset: Dataset, split: str) -> list[int]:
    return [int(image[0, 0]) for image in dataset.read(split).images]


def test_generated_datasets_have_pinned_digests() -> None:
    dataset = open_dataset("g-digits", "d4")
    assert (dataset.version, dataset.image_shape, dataset.validation) == ("1.0.0", (28, 28), 300)
    assert dataset.digest("test") == pinned_digest("g-digits", "d4", "test")


def test_the_default_configuration_is_one_that_the_dataset_has() -> None:
    for name, spec in DATASETS.items():
        assert default_configuration(name) in spec.configurations
    assert default_configuration("g-mnist") == "aug2"
    assert default_configuration("mnist-rot") == "any-angle"
    assert {default_configuration(name) for name in (*SOURCES, "pets.zip")} == {"none"}


def test_training_images_come_in_a_fixed_order_and_test_images_as_they_lie(tmp_path: Path) -> None:
    dataset = open_dataset(str(images(tmp_path / "own", train=20, test=3)), "none")
    order = levels(dataset, "train")
    assert sorted(order) == list(range(1, 41)) != order
    assert order == [
        *(1, 16, 3, 6, 4, 34, 5, 2, 39, 35, 23, 10, 9, 36, 30, 25, 11, 33, 24, 21),
        *(12, 26, 8, 20, 13, 29, 38, 15, 18, 22, 28, 32, 14, 27, 19, 17, 40, 37, 7, 31),
    ]
    assert levels(dataset, "test") == list(range(41, 47))
    labels = dataset.read("train").labels
    assert labels.tolist() == [int(level > 20) for level in order]
    assert (dataset.classes, dataset.validation, dict(dataset.samples)) == (("a", "b"), 4, {"train": 40, "test": 6})


def test_a_folder_validation_is_held_out(tmp_path: Path) -> None:
    dataset = open_dataset(str(images(tmp_path / "own", train=4, validation=2, test=1)), "none")
    assert (dataset.samples["train"], dataset.validation) == (12, 4)
    assert set(levels(dataset, "train")[-4:]) == set(range(9, 13))


def test_the_digest_is_of_the_images_whatever_holds_them(tmp_path: Path) -> None:
    folder = images(tmp_path / "own", train=2, test=2)
    shutil.make_archive(str(tmp_path / "other" / "own"), "zip", folder)
    one, two = (open_dataset(str(path), "none") for path in (folder, tmp_path / "other" / "own.zip"))
    assert one.name == two.name == "own"
    assert [one.digest(split) for split in one.samples] == [two.digest(split) for split in two.samples]
    Image.new("L", (4, 4), 99).save(folder / "test" / "a" / "0.png")
    assert open_dataset(str(folder), "none").digest("test") != two.digest("test")


def test_a_plain_name_is_looked_for_inside_the_root_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = images(tmp_path / "root" / "own", train=2, test=1)
    assert np.array_equal(open_dataset("own", "none", folder.parent).read("test").labels, [0, 1])
    monkeypatch.chdir(folder.parent)
    for name in ("own", "..", ".", ""):
        with pytest.raises(UnknownNameError, match="Choose from: g-mnist"):
            open_dataset(name, "none")


@pytest.mark.parametrize(
    ("name", "configuration", "error"),
    [
        ("g-digits", "d5", UnknownNameError),
        ("mnist", "d4", UnknownNameError),
        ("own", "d4", UnknownNameError),
        ("other", "none", UnknownNameError),
        ("absent.zip", "none", SourceError),
        ("broken", "none", None),  # only what it is called
    ],
)
def test_names_are_checked_without_reading_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, configuration: str, error: type[Exception] | None
) -> None:
    images(tmp_path / "own", train=2, test=1)
    (tmp_path / "broken.zip").touch()
    monkeypatch.setenv("GDATASETS_ROOT", str(tmp_path))
    check_names("own", "none")
    check_names("g-digits", "d4")
    if error is None:
        check_names(name, configuration)
        return
    for check in (check_names, open_dataset):
        with pytest.raises(error):
            check(name, configuration)


def test_what_cannot_be_scored_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has no images below test; a benchmark needs both"):
        open_dataset(str(images(tmp_path / "half", train=1)), "none")
    with pytest.raises(UnknownNameError, match=r'Unknown configuration of cifar10 "aug2"\. Choose from: none'):
        open_dataset("cifar10", "aug2")
    with pytest.raises(SourceError, match="does not exist"):
        open_dataset(str(tmp_path / "absent.zip"), "none")
    for split in ("train", "test"):
        for label in range(257):
            (tmp_path / "many" / split / f"{label:03}").mkdir(parents=True)
            Image.new("L", (4, 4)).save(tmp_path / "many" / split / f"{label:03}" / "0.png")
    with pytest.raises(InvalidArgumentError, match="257 classes; at most 256"):
        open_dataset(str(tmp_path / "many"), "none")


def test_a_class_of_one_image_is_refused(tmp_path: Path) -> None:
    folder = images(tmp_path / "own", train=3, test=1)
    assert open_dataset(str(folder), "none").samples == {"train": 6, "test": 2}  # one test image of a class is enough
    (folder / "train" / "b" / "2.png").unlink()
    open_dataset(str(folder), "none")
    for number, says in ((1, '1 training image of the class "b"'), (0, '0 training images of the class "b"')):
        (folder / "train" / "b" / f"{number}.png").unlink()
        with pytest.raises(SourceError, match=says):
            open_dataset(str(folder), "none")
