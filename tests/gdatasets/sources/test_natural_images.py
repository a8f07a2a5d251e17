"""EuroSAT, PatchCamelyon, traffic signs and galaxies, from small files in their publishers' formats.

Where h5py is not installed, a stand-in opens NPZ archives in its place: what is tested then is everything around it.
"""

import gzip
import io
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aenbench.tasks.datasets import open_dataset
from gdatasets import load_arrays
from gdatasets.errors import SourceError
from gdatasets.folder.build import build_dataset
from gdatasets.folder.verify import verify_folder
from gdatasets.sources.catalog import SOURCES
from gdatasets.sources.published import PublishedSource, load_source
from gdatasets.sources.source import Edition, Source

try:
    import h5py
except ImportError:
    h5py = None

NAMES = ["eurosat", "pcam", "gtsrb", "galaxy10"]
FIRST = {
    "eurosat": "eurosat/EuroSAT.zip",
    "pcam": "pcam/camelyonpatch_level_2_split_train_x.h5.gz",
    "gtsrb": "gtsrb/GTSRB-Training_fixed.zip",
    "galaxy10": "galaxy10/Galaxy10_DECals.h5",
}
SAMPLES = {
    "eurosat": ({"train": 80, "test": 20}, 10),
    "pcam": ({"train": 9, "test": 4}, 3),
    "gtsrb": ({"train": 60, "test": 5}, 6),
    "galaxy10": ({"train": 80, "test": 20}, 10),
}


def picture(shade: int, form: str, size: int) -> bytes:
    """An image all of whose pixels have one shade, which is how it is known again."""
    stream = io.BytesIO()
    Image.new("RGB", (size, size), (shade, shade, shade)).save(stream, form)
    return stream.getvalue()


def hdf5(**arrays: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    if h5py is None:
        np.savez_compressed(stream, **arrays)
    else:
        with h5py.File(stream, "w") as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array, compression="gzip")
    return stream.getvalue()


def write_eurosat(root: Path) -> None:
    """Ten images a class, whose shade is ten times the class and the number in it."""
    with zipfile.ZipFile(root / FIRST["eurosat"], "w") as archive:
        archive.writestr("2750/", "")
        for label, name in enumerate(SOURCES["eurosat"].classes):
            for number in (10, 1, 9, 2, 8, 3, 7, 4, 6, 5):  # by text, 10 would come before 2
                archive.writestr(f"2750/{name}/{name}_{number}.jpg", picture(label * 10 + number, "JPEG", 64))


def write_pcam(root: Path) -> None:
    for part, shades in {"train": range(6), "valid": range(6, 9), "test": range(10, 14)}.items():
        images = np.stack([np.full((96, 96, 3), shade, np.uint8) for shade in shades])
        labels = (np.array(shades) % 2).astype(np.uint8).reshape(-1, 1, 1, 1)
        for name, content in {"x": hdf5(x=images), "y": hdf5(y=labels)}.items():
            file = root / f"pcam/camelyonpatch_level_2_split_{part}_{name}.h5.gz"
            file.write_bytes(gzip.compress(content))


def write_gtsrb(root: Path) -> None:
    """Twenty tracks of three frames in two classes, whose shade is that of the track."""
    with zipfile.ZipFile(root / FIRST["gtsrb"], "w") as archive:
        for track in range(20):
            for frame in range(3):
                name = f"GTSRB/Training/{track // 10:05d}/{track % 10:05d}_{frame:05d}.ppm"
                archive.writestr(name, picture(track, "PPM", 20 + 10 * frame))
        archive.writestr("GTSRB/Training/00000/GT-00000.csv", "Filename")
    with zipfile.ZipFile(root / "gtsrb/GTSRB_Final_Test_Images.zip", "w") as archive:
        for number in range(5):
            archive.writestr(f"GTSRB/Final_Test/Images/{number:05d}.ppm", picture(100 + number, "PPM", 32))
    rows = "".join(f"{number:05d}.ppm;32;32;5;5;27;27;{number + 3}\n" for number in range(5))
    with zipfile.ZipFile(root / "gtsrb/GTSRB_Final_Test_GT.zip", "w") as archive:
        archive.writestr("GT-final_test.csv", "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n" + rows)


def write_galaxies(root: Path) -> None:
    images = np.stack([np.full((256, 256, 3), number, np.uint8) for number in range(100)])
    content = hdf5(images=images, ans=np.repeat(np.arange(10, dtype=np.uint8), 10))
    (root / FIRST["galaxy10"]).write_bytes(content)


WRITERS: dict[str, Callable[[Path], None]] = {
    "eurosat": write_eurosat,
    "pcam": write_pcam,
    "gtsrb": write_gtsrb,
    "galaxy10": write_galaxies,
}


@pytest.fixture
def publish(publisher: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Source]:
    """Publishes a small source in the publisher's root."""
    if h5py is None:
        stand_in = ModuleType("h5py")
        stand_in.File = lambda content, _mode: np.load(content)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "h5py", stand_in)

    def publish(name: str) -> Source:
        (publisher.root / FIRST[name]).parent.mkdir(exist_ok=True)
        WRITERS[name](publisher.root)
        source: Source = publisher.pin(name)
        samples, validation = SAMPLES[name]
        editions = source.editions
        if name == "gtsrb":
            editions = (Edition(editions[0].files, replace(editions[0].reader, held_out=validation)),)  # type: ignore
        return publisher.replace(name, samples=samples, validation=validation, editions=editions)  # type: ignore

    return publish


def shades(images: NDArray[np.uint8]) -> list[int]:
    assert (images.reshape(len(images), -1).std(axis=1) < 1).all()
    return [int(shade) for shade in images[:, 5, 5, 0]]


@pytest.mark.parametrize("name", NAMES)
def test_a_source_gives_every_image_once_with_its_class(publisher: Any, publish: Any, name: str) -> None:
    source = publish(name)
    found: dict[str, list[int]] = {}
    for split, count in source.samples.items():
        images, labels = load_source(name, split, publisher.root, download=False)
        assert images.shape == (count, *source.image_shape)
        assert not images.flags.writeable
        found[split] = shades(images)
        expected = {
            "eurosat": [(shade - 1) // 10 for shade in found[split]],
            "pcam": [shade % 2 for shade in found[split]],
            "gtsrb": [shade // 10 if split == "train" else shade - 97 for shade in found[split]],
            "galaxy10": [shade // 10 for shade in found[split]],
        }[name]
        assert labels.tolist() == expected
    assert not set(found["train"]) & set(found["test"])
    frames = 3 if name == "gtsrb" else 1
    assert len(set(found["train"])) * frames == source.samples["train"]


@pytest.mark.parametrize("name", NAMES)
def test_validation_images_share_no_group_with_those_that_are_learned_from(
    publisher: Any, publish: Any, name: str
) -> None:
    source = publish(name)
    train = open_dataset(name, "none", publisher.root)
    groups = shades(train.read("train").images)
    learned, held_out = groups[: -train.validation], groups[-train.validation :]
    assert train.validation == source.validation == SAMPLES[name][1]
    assert not set(learned) & set(held_out)  # a shade is a track of signs; elsewhere an image
    assert (
        set(held_out)
        == {
            "eurosat": {10 * label + 8 for label in range(10)},  # the eighth of ten; 9 and 10 are tested
            "galaxy10": {10 * label + 7 for label in range(10)},
            "pcam": {6, 7, 8},
            "gtsrb": {9, 19},
        }[name]
    )
    moved = open_dataset(f"g-{name}", "none", publisher.root)
    assert shades(moved.read("train").images)[-train.validation :] == held_out


def test_a_mixed_order_would_share_tracks(publisher: Any, publish: Any) -> None:
    publish("gtsrb")
    publisher.replace("gtsrb", held_out="")
    train = open_dataset("gtsrb", "none", publisher.root)
    groups = shades(train.read("train").images)
    assert set(groups[: -train.validation]) & set(groups[-train.validation :])


@pytest.mark.parametrize("name", NAMES)
def test_pieces_are_the_whole(publisher: Any, publish: Any, name: str) -> None:
    source = publish(name)
    whole = load_source(name, "train", publisher.root)
    pieces = PublishedSource(name, publisher.root)
    for start, stop in ((0, 4), (4, 9), (2, 3), (source.samples["train"] - 1, source.samples["train"]), (3, 3)):
        images, labels = pieces.read("train", start, stop)
        assert np.array_equal(images, whole.images[start:stop])
        assert np.array_equal(labels, whole.labels[start:stop])


@pytest.mark.parametrize("name", NAMES)
def test_a_source_is_moved_built_and_verified(publisher: Any, publish: Any, tmp_path: Path, name: str) -> None:
    publish(name)
    manifest = build_dataset(f"g-{name}", ["d4"], tmp_path / "out", publisher.root)
    report = verify_folder(tmp_path / "out", PublishedSource(name, publisher.root))
    assert report.verified, report.findings
    digest = load_arrays(f"g-{name}", "d4", "test", publisher.root).content_sha256
    assert manifest.configurations["d4"].splits["test"].content_sha256 == digest
    assert SOURCES[name].split_rule in (tmp_path / "out/README.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_another_file_is_refused_before_it_is_parsed(publisher: Any, publish: Any, name: str) -> None:
    publish(name)
    path = publisher.root / FIRST[name]
    path.write_bytes(b"another")
    with pytest.raises(SourceError, match="is not the published file"):
        load_source(name, "train", publisher.root, download=False)


@pytest.mark.parametrize("name", NAMES)
def test_another_number_of_images_is_refused(publisher: Any, publish: Any, name: str) -> None:
    source = publish(name)
    publisher.replace(name, samples={"train": source.samples["train"] + 1, "test": source.samples["test"]})
    with pytest.raises(SourceError, match=r"expected|holds"):
        load_source(name, "train", publisher.root, download=False)
    publish(name)
    assert len(load_source(name, "train", publisher.root).labels) == source.samples["train"]


def test_a_subset_in_the_place_of_the_archive_is_told_its_name(publisher: Any, publish: Any) -> None:
    publish("eurosat")
    with zipfile.ZipFile(publisher.root / FIRST["eurosat"], "w") as archive:
        for number in range(1200):
            archive.writestr(f"train/River/{number}.jpg", b"")
    with pytest.raises(SourceError, match=r"is not the published file.*gdatasets build eurosat-1k --source FILE\.zip"):
        load_source("eurosat", "train", publisher.root, download=False)


def test_frames_of_one_track_are_never_cut(publisher: Any, publish: Any) -> None:
    source = publish("gtsrb")
    reader: Any = replace(source.editions[0].reader, held_out=7)  # type: ignore[type-var]
    publisher.replace("gtsrb", editions=(Edition(source.editions[0].files, reader),))
    with pytest.raises(SourceError, match="in the tracks held out, expected 7"):
        load_source("gtsrb", "train", publisher.root)


def test_answers_about_other_images_are_refused(publisher: Any, publish: Any) -> None:
    source = publish("gtsrb")
    path = publisher.root / "gtsrb/GTSRB_Final_Test_GT.zip"
    for text, says in (
        ("Filename;ClassId\n" + "".join(f"{number}.ppm;1\n" for number in range(5)), "name other images"),
        ("Filename;ClassId\n00000.ppm;1\n", "classes of 1 images, expected 5"),
        ("Filename;ClassId\n00000.ppm;left\n", "is not the table of classes"),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("GT-final_test.csv", text)
        publisher.pin("gtsrb")
        publisher.replace("gtsrb", samples=source.samples)
        with pytest.raises(SourceError, match=says):
            load_source("gtsrb", "test", publisher.root)


def test_without_h5py_one_line_says_what_to_install(publisher: Any, publish: Any) -> None:
    publish("galaxy10")
    publisher.monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(SourceError, match=r"is read by h5py; install it: pip install 'aenbench\[hdf5\]'"):
        load_source("galaxy10", "train", publisher.root)


def test_a_packed_file_does_not_fill_the_disk(publisher: Any, publish: Any) -> None:
    source = publish("pcam")
    path = publisher.root / FIRST["pcam"]
    path.write_bytes(gzip.compress(bytes(66 << 20), compresslevel=1))
    publisher.pin("pcam")
    publisher.replace("pcam", samples=source.samples)
    with pytest.raises(SourceError, match="unpacks to more than"):
        load_source("pcam", "train", publisher.root)


def test_memory_does_not_grow_with_an_archive(publisher: Any, publish: Any) -> None:
    publish("eurosat")
    pieces = PublishedSource("eurosat", publisher.root)
    pieces.read("train", 0, 1)
    tracemalloc.start()
    for start in range(0, 80, 8):
        pieces.read("train", start, start + 8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    load_source("eurosat", "train", publisher.root)
    whole = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 8 * 64 * 64 * 3 + (1 << 17)
    assert whole > 80 * 64 * 64 * 3
