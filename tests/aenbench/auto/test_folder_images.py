"""A person's folder as a dataset: taken as it is where it can be, cut and resized where it cannot."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aenbench.auto.folder_images import FoundImages, find_images
from gdatasets.errors import GDatasetsError, InvalidArgumentError, SourceError, UnknownNameError

MakeFolder = Callable[..., Path]


def pixels(path: Path) -> bytes:
    with Image.open(path) as image:
        return image.tobytes()


def found_in(folder: Path, scratch: Path) -> FoundImages:
    scratch.mkdir(exist_ok=True)
    return find_images(str(folder), None, scratch)


def test_a_folder_with_splits_is_taken_as_it_is(make_folder: MakeFolder, tmp_path: Path) -> None:
    found = found_in(make_folder(count=40, splits=True), tmp_path / "scratch")
    assert (found.archive, found.notes, found.dataset.samples) == (None, (), {"train": 32, "test": 8})
    assert not any((tmp_path / "scratch").iterdir())
    images, labels = found.to_learn()
    assert (images.shape, set(labels)) == ((29, 16, 16), {"bar", "block"})  # 3 are chosen by


def test_without_a_test_split_the_last_fifth_of_each_class_is_tested(make_folder: MakeFolder, tmp_path: Path) -> None:
    folder = make_folder(count=60)
    found = found_in(folder, tmp_path / "scratch")
    assert (dict(found.dataset.samples), found.dataset.validation) == ({"train": 48, "test": 12}, 6)
    files = {name: sorted((folder / name).iterdir()) for name in found.dataset.classes}
    for split, start, stop in (("test", 24, 30), ("train", 0, 24)):
        expected = sorted(pixels(path) for part in files.values() for path in part[start:stop])
        assert sorted(image.tobytes() for image in found.dataset.read(split).images) == expected
    held_out = sorted(image.tobytes() for image in found.dataset.read("train").images[-6:])
    assert held_out == sorted(pixels(path) for part in files.values() for path in part[21:24])
    learned = {image.tobytes() for image in found.to_learn()[0]}
    assert learned.isdisjoint(held_out)
    assert "no test split" in found.notes[0]


def test_equal_folders_give_equal_archives(make_folder: MakeFolder, tmp_path: Path) -> None:
    folder = make_folder(count=40)
    archives = [found_in(folder, tmp_path / name).archive for name in ("one", "two")]
    assert archives[0] is not None
    assert archives[1] is not None
    assert archives[0].read_bytes() == archives[1].read_bytes()


def test_photos_of_any_size_become_squares_that_a_network_takes(make_folder: MakeFolder, tmp_path: Path) -> None:
    folder = make_folder(count=40, splits=True)
    wide = folder / "train" / "bar" / "0000.png"
    picture = np.zeros((54, 90, 3), dtype=np.uint8)
    picture[:, 18:72] = (10, 200, 30)  # the central square, in color
    Image.fromarray(picture).save(wide)
    for path in folder.rglob("*.png"):
        if path != wide:
            with Image.open(path) as image:
                image.resize((51, 60)).save(path)
    found = found_in(folder, tmp_path / "scratch")
    assert found.dataset.image_shape == (48, 48, 3)  # 51 holds 48, a multiple of 8
    assert found.dataset.samples == {"train": 32, "test": 8}
    assert any((image == (10, 200, 30)).all() for image in found.dataset.read("train").images)
    assert "resized to 48 x 48" in found.notes[0]


@pytest.mark.parametrize(("size", "made"), [(50, 48), (30, 28), (200, 64)])
def test_squares_that_no_network_takes_are_made_smaller(size: int, made: int, tmp_path: Path) -> None:
    for label, level in (("a", 9), ("b", 200)):
        for number in range(10):
            path = tmp_path / "flat" / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (size, size), level + number).save(path)
    assert found_in(tmp_path / "flat", tmp_path / "scratch").dataset.image_shape == (made, made)


def damage(folder: Path) -> None:
    (folder / "bar" / "0000.png").write_bytes(b"no image")


def shrink(folder: Path) -> None:
    Image.new("L", (7, 90)).save(folder / "bar" / "0000.png")


def leave_few(folder: Path) -> None:
    for path in sorted((folder / "bar").iterdir())[9:]:
        path.unlink()


def leave_one_class(folder: Path) -> None:
    shutil.rmtree(folder / "bar")


def name_it_validation(folder: Path) -> None:
    shutil.move(folder / "bar", folder / "x")
    (folder / "train").mkdir()
    shutil.move(folder / "x", folder / "train" / "bar")
    (folder / "validation").mkdir()
    shutil.move(folder / "block", folder / "validation" / "bar")


@pytest.mark.parametrize(
    ("spoil", "kind", "says"),
    [
        (damage, SourceError, "0000.png is damaged, or no image of a known format; repair or remove it"),
        (shrink, SourceError, "an image of 7 pixels a side; 8 or more are needed"),
        (leave_few, SourceError, '9 images of the class "bar" and no folder test'),
        (leave_one_class, SourceError, "has one class; there is nothing to tell apart"),
        (name_it_validation, SourceError, "no images below test; a benchmark needs both"),
        (shutil.rmtree, UnknownNameError, "Unknown dataset"),
    ],
)
def test_what_cannot_be_learned_from_is_one_line(
    spoil: Callable[[Path], None],
    kind: type[GDatasetsError],
    says: str,
    make_folder: MakeFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = make_folder(count=60)
    spoil(folder)
    with pytest.raises(kind, match=says) as raised:
        found_in(Path(folder.name), tmp_path / "scratch")
    assert "\n" not in str(raised.value)
    assert "scratch" not in str(raised.value)


def test_a_folder_with_the_name_of_a_published_dataset_is_refused(make_folder: MakeFolder, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="is named mnist, as a published dataset is"):
        found_in(make_folder(name="mnist", count=40), tmp_path / "scratch")


def test_the_current_folder_has_a_name(
    make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make_folder(count=40))
    assert found_in(Path(), tmp_path / "scratch").dataset.name == "shapes"


def test_a_dataset_is_found_by_its_name(tmp_path: Path) -> None:
    found = find_images("g-digits", None, tmp_path)
    assert (found.name, found.configuration, found.archive, found.notes) == ("g-digits", "aug2", None, ())
    assert len(found.to_learn()[0]) == found.dataset.samples["train"] - found.dataset.validation
