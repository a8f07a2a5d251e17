import io
import os
import tracemalloc
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gdatasets.errors import GDatasetsError, InvalidArgumentError, OutputError, SourceError
from gdatasets.folder.build import BuildOptions, build
from gdatasets.folder.manifest import read_manifest
from gdatasets.folder.verify import verify_folder
from gdatasets.generation.arrays import SplitPlan
from gdatasets.generation.moves import undo
from gdatasets.generation.specs import CONFIGURATIONS, own_spec
from gdatasets.sources.image_folder import FolderSource, Provenance

RNG = np.random.default_rng(0)


def image_file(path: Path, size: tuple[int, int] = (12, 12), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two splits, two classes, color, 12x12."""
    for split, count in (("train", 5), ("test", 2)):
        for label in ("cat", "dog"):
            for number in range(count):
                image_file(tmp_path / "pets" / split / label / f"{number}.png")
    (tmp_path / "pets" / "train" / "cat" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "pets" / "notes.txt").write_text("x")
    return tmp_path / "pets"


def zipped(folder: Path, target: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, f"{inside}{path.relative_to(folder).as_posix()}")
    return target


def test_a_folder_is_read_in_the_order_of_its_paths(pets: Path) -> None:
    source = FolderSource(pets)
    assert source.about.classes == ("cat", "dog")
    assert source.about.samples == {"train": 10, "test": 4}
    assert source.image_shape == (12, 12, 3)
    images, labels = source.read("train", 3, 7)
    assert labels.tolist() == [0, 0, 1, 1]
    assert np.array_equal(images[0], np.asarray(Image.open(pets / "train/cat/3.png")))


@pytest.mark.parametrize("inside", ["", "pets/"])
def test_an_archive_holds_the_same_as_its_folder(pets: Path, tmp_path: Path, inside: str) -> None:
    folder, archive = FolderSource(pets), FolderSource(zipped(pets, tmp_path / "pets.zip", inside))
    assert archive.about.samples == folder.about.samples
    for split in ("train", "test"):
        for ours, theirs in zip(archive.read(split, 0, 99), folder.read(split, 0, 99), strict=True):
            assert np.array_equal(ours, theirs)


def test_classes_without_splits_are_one_split(tmp_path: Path) -> None:
    for label in ("a", "b"):
        image_file(tmp_path / "x" / label / "0.png", mode="L")
    source = FolderSource(tmp_path / "x")
    assert source.about.samples == {"train": 2}
    assert source.image_shape == (12, 12)


def test_own_images_are_built_verified_and_rebuilt(pets: Path, tmp_path: Path) -> None:
    source = FolderSource(pets, provenance=Provenance("Pets", "CC0-1.0", "https://example.org", "Me, 2026"))
    spec = own_spec(source)
    build(spec, source, ["d4", "roll"], tmp_path / "out", BuildOptions(shard_size=3))
    manifest = read_manifest(tmp_path / "out")
    assert (manifest.dataset, manifest.version, manifest.shape) == ("pets", "1.0.0", (12, 12, 3))
    assert verify_folder(tmp_path / "out", FolderSource(pets, 12, True)).findings == []
    import datasets

    loaded = datasets.load_dataset(str(tmp_path / "out"), "roll", split="train", cache_dir=str(tmp_path / "cache"))
    plan = SplitPlan(spec, CONFIGURATIONS["roll"], source, "train")
    moved = plan.generate(0, len(plan))
    assert all(np.array_equal(np.asarray(row["image"]), image) for row, image in zip(loaded, moved.images, strict=True))
    assert loaded.features["label"].names == ["cat", "dog"]
    assert np.array_equal(undo(moved.images, moved.elements), source.read("train", 0, 10).images)
    assert "Me, 2026" in (tmp_path / "out" / "README.md").read_text()


def test_a_changed_image_is_found_by_a_rebuild(pets: Path, tmp_path: Path) -> None:
    source = FolderSource(pets)
    build(own_spec(source), source, ["d4"], tmp_path / "out")
    image_file(pets / "test" / "dog" / "1.png")
    findings = verify_folder(tmp_path / "out", FolderSource(pets, 12, True)).findings
    assert "the source is another one" in findings[0]
    assert any("image of sample 3 differs" in finding for finding in findings)


def test_a_stated_size_cuts_out_the_central_square(tmp_path: Path) -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    path = tmp_path / "x" / "a" / "0.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(wide).save(path)
    assert FolderSource(tmp_path / "x", size=8).read("train", 0, 1).images.min() == 200
    with pytest.raises(InvalidArgumentError, match=r"30x10.*--size N"):
        _ = FolderSource(tmp_path / "x").image_shape


@pytest.mark.parametrize("size", [0, 1, 7, 5_000])
def test_an_odd_or_absurd_size_is_refused(pets: Path, size: int) -> None:
    with pytest.raises(InvalidArgumentError, match="even size"):
        _ = FolderSource(pets, size=size or -2).image_shape


def test_an_image_of_another_size_is_named(pets: Path) -> None:
    image_file(pets / "train" / "dog" / "9.png", (14, 14))
    with pytest.raises(InvalidArgumentError, match=r"dog/9\.png is 14x14"):
        FolderSource(pets).read("train", 0, 99)


def test_color_and_gray_can_be_stated(pets: Path) -> None:
    assert FolderSource(pets, color=False).read("test", 0, 9).images.shape == (4, 12, 12)


def test_a_color_image_among_gray_ones_is_not_made_gray_in_silence(tmp_path: Path) -> None:
    """929b5b9 made a whole folder gray because its first image was."""
    image_file(tmp_path / "x" / "a" / "0.png", mode="L")
    image_file(tmp_path / "x" / "a" / "1.png")
    with pytest.raises(InvalidArgumentError, match=r"1\.png is in color, the first image is gray; state --color"):
        FolderSource(tmp_path / "x").read("train", 0, 9)
    assert FolderSource(tmp_path / "x", color=True).read("train", 0, 9).images.shape == (2, 12, 12, 3)
    assert FolderSource(tmp_path / "x", color=False).read("train", 0, 9).images.shape == (2, 12, 12)


def test_a_link_inside_the_folder_is_followed(pets: Path) -> None:
    (pets / "train" / "cat" / "9.png").symlink_to(pets / "train" / "cat" / "0.png")
    images = FolderSource(pets).read("train", 0, 99).images
    assert np.array_equal(images[0], images[5])


@pytest.mark.slow
def test_a_member_that_unpacks_to_more_than_it_declares_takes_no_memory(tmp_path: Path) -> None:
    """929b5b9 took 2.2 GB for an archive of 1.9 MB."""
    source = FolderSource(make_understated(tmp_path))
    tracemalloc.start()
    try:
        with pytest.raises(SourceError):
            _ = source.image_shape
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_work_in_progress_that_is_a_link_is_refused_and_what_it_points_to_stays(pets: Path, tmp_path: Path) -> None:
    """929b5b9 removed a file of somebody else's through it."""
    precious = tmp_path / "elsewhere" / "x" / ".1.part"
    precious.parent.mkdir(parents=True)
    precious.write_text("precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".partial").symlink_to(tmp_path / "elsewhere")
    source = FolderSource(pets)
    with pytest.raises(OutputError, match="is a link"):
        build(own_spec(source), source, ["d4"], tmp_path / "out")
    assert precious.read_text() == "precious"


def make_no_folder(path: Path) -> Path:
    return path / "nothing"


def make_text(path: Path) -> Path:
    (path / "x.zip").write_text("not an archive")
    return path / "x.zip"


def make_empty(path: Path) -> Path:
    (path / "x").mkdir()
    return path / "x"


def make_loose(path: Path) -> Path:
    return image_file(path / "x" / "0.png").parent


def make_damaged(path: Path) -> Path:
    file = image_file(path / "x" / "a" / "0.png")
    file.write_bytes(file.read_bytes()[:100])
    return path / "x"


def make_disguised(path: Path) -> Path:
    (path / "x" / "a").mkdir(parents=True)
    (path / "x" / "a" / "0.png").write_text("text")
    return path / "x"


def make_bomb(path: Path) -> Path:
    """A PNG that declares 20,000 x 20,000 pixels."""
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "PNG")
    (path / "x" / "a").mkdir(parents=True)
    (path / "x" / "a" / "0.png").write_bytes(stream.getvalue())
    return path / "x"


def make_zip_bomb(path: Path) -> Path:
    with zipfile.ZipFile(path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a/0.png", "w") as file:
        for _ in range(300):
            file.write(bytes(1 << 20))
    return path / "x.zip"


def make_understated(path: Path) -> Path:
    """An archive whose member unpacks to a gigabyte, and declares a thousand bytes."""
    data = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(data.compress(bytes(1 << 20)) for _ in range(1_024)) + data.flush()
    info = zipfile.ZipInfo("a/0.png")
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path / "x.zip", "w") as archive:
        archive.writestr(info, b"x" * 1_000)
        stored = archive.getinfo("a/0.png")
        archive.fp.seek(stored.header_offset + 30 + len(stored.filename))  # type: ignore[union-attr]
        archive.fp.write(packed)  # type: ignore[union-attr]
        archive.start_dir = archive.fp.tell()  # type: ignore[union-attr]
        stored.compress_size = len(packed)
    return path / "x.zip"


def make_other_compression(path: Path) -> Path:
    with zipfile.ZipFile(path / "x.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a/0.png", bytes(1 << 20))
    return path / "x.zip"


def make_twice(path: Path) -> Path:
    png = image_file(path / "one.png").read_bytes()
    with warnings.catch_warnings(), zipfile.ZipFile(path / "x.zip", "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a/0.png", png)
        archive.writestr("a/0.png", png)
    return path / "x.zip"


def make_link_out(path: Path) -> Path:
    outside = image_file(path / "outside.png")
    (path / "x" / "a").mkdir(parents=True)
    (path / "x" / "a" / "0.png").symlink_to(outside)
    return path / "x"


def make_pipe(path: Path) -> Path:
    (path / "x" / "a").mkdir(parents=True)
    os.mkfifo(path / "x" / "a" / "0.png")
    return path / "x"


def make_device(path: Path) -> Path:
    (path / "x" / "a").mkdir(parents=True)
    (path / "x" / "a" / "0.png").symlink_to("/dev/zero")
    return path / "x"


def make_16_bit(path: Path) -> Path:
    (path / "x" / "a").mkdir(parents=True)
    Image.fromarray(RNG.integers(0, 1 << 16, (12, 12), dtype=np.uint16)).save(path / "x" / "a" / "0.png")
    return path / "x"


def make_floats(path: Path) -> Path:
    (path / "x" / "a").mkdir(parents=True)
    Image.fromarray(RNG.random((12, 12), dtype=np.float32)).save(path / "x" / "a" / "0.tiff")
    return path / "x"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "make",
    [
        make_no_folder,
        make_text,
        make_empty,
        make_loose,
        make_damaged,
        make_disguised,
        make_bomb,
        make_zip_bomb,
        make_understated,
        make_other_compression,
        make_twice,
        make_link_out,
        make_pipe,
        make_device,
        make_16_bit,
        make_floats,
    ],
)
def test_a_source_that_cannot_be_used_is_one_line_and_leaves_nothing(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source = FolderSource(make(tmp_path))
    with pytest.raises(SourceError) as refused:
        build(own_spec(source, "x"), source, ["d4"], tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "version"), [("a/b", "1.0.0"), ("", "1.0"), ("x" * 97, "1.0.0"), ("..", "1.0.0")])
def test_a_malformed_name_or_version_is_refused(pets: Path, name: str, version: str) -> None:
    with pytest.raises(InvalidArgumentError):
        own_spec(FolderSource(pets), name, version)


@pytest.mark.parametrize("name", ["g-mnist", "G-MNIST", "g-eurosat-64", "EuroSAT", "kmnist"])
def test_the_name_of_a_published_dataset_is_refused(pets: Path, tmp_path: Path, name: str) -> None:
    """`build` itself asked for the name of a moved dataset only, as it is spelled and at its own size."""
    source = FolderSource(pets, size=8)
    with pytest.raises(GDatasetsError, match=f"is not the published {name} .* a name of its own, such as [a-z]+-14"):
        build(own_spec(source, name), source, ["d4"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_like_those_of_published_datasets_are_free(pets: Path, tmp_path: Path) -> None:
    source = FolderSource(pets, size=8)
    for name in ("eurosat-14", "g-mnist-mine", "mnist-64"):
        assert build(own_spec(source, name), source, ["d4"], tmp_path / name).dataset == name


def test_paths_in_an_archive_are_never_written(tmp_path: Path) -> None:
    png = image_file(tmp_path / "one.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../../evil/0.png", png)
        archive.writestr("good/0.png", png)
    source = FolderSource(tmp_path / "x.zip")
    with pytest.raises(SourceError, match="not plainly inside"):
        _ = source.about


@pytest.mark.slow
def test_real_cifar_images_from_an_archive(data_root: Path, tmp_path: Path) -> None:
    archive = data_root / "cifar10-imagefolder.zip"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    source = FolderSource(archive)
    assert source.image_shape == (32, 32, 3)
    assert source.about.samples == {"train": 10_000, "test": 2_000}
    build(own_spec(source, "g-cifar"), source, ["d4"], tmp_path / "out", BuildOptions(2))
    assert verify_folder(tmp_path / "out", FolderSource(archive, 32, True)).findings == []
