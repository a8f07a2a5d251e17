import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gdatasets import Group, Transform, load_dataset
from gdatasets.cli import main as cli
from gdatasets.errors import GDatasetsError, IntegrityError, InvalidArgumentError, OutputError, UnknownNameError
from gdatasets.folder.build import BuildOptions, build, build_dataset
from gdatasets.folder.manifest import Manifest, parse_manifest, read_manifest, write_manifest
from gdatasets.folder.own_group import folder_configuration, read_group
from gdatasets.folder.shards import read_shard, schema, write_shard
from gdatasets.folder.verify import verify_folder
from gdatasets.generation.arrays import Arrays, SplitPlan
from gdatasets.generation.group_moves import NUMBER_DTYPE, GroupConfiguration, undo_group
from gdatasets.generation.moves import ELEMENT_DTYPE, move
from gdatasets.generation.specs import DATASETS, DatasetSpec, own_spec
from gdatasets.generation.transform import batch_arrays
from gdatasets.sources.image_folder import FolderSource
from gdatasets.sources.published import PublishedSource

SIZE = 12
PIXELS = np.arange(SIZE * SIZE).reshape(SIZE, SIZE)
QUARTER, MIRROR = np.rot90(PIXELS).ravel(), PIXELS[:, ::-1].ravel()


def three_cycles() -> Group:
    """A group of order 3**20 that no named action is in: random disjoint cycles of three pixels."""
    places = np.random.default_rng(7).permutation(SIZE * SIZE)[:60].reshape(20, 3)
    rows = np.tile(np.arange(SIZE * SIZE), (20, 1))
    for row, place in zip(rows, places, strict=True):
        row[place] = np.roll(place, 1)
    return Group.from_permutations(rows, (SIZE, SIZE))


CYCLES = GroupConfiguration(three_cycles(), "cycles")


def write_images(folder: Path, color: bool) -> Path:
    rng = np.random.default_rng(0)
    for split, count in (("train", 30), ("test", 9)):
        for label in ("cat", "dog"):
            place = folder / split / label
            place.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (SIZE, SIZE, 3) if color else (SIZE, SIZE), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> FolderSource:
    return FolderSource(write_images(tmp_path_factory.mktemp("images") / "pets", color=True))


@pytest.fixture(scope="module")
def built(pets: FolderSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "pets"
    build(own_spec(pets), pets, [CYCLES, "d4"], folder)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def digests(manifest: Manifest, config: str = "cycles") -> dict[str, str]:
    return {split: record.content_sha256 for split, record in manifest.configurations[config].splits.items()}


def read(folder: Path, config: str, split: str, elements: Any = NUMBER_DTYPE) -> Arrays:
    manifest = read_manifest(folder)
    pieces = [
        piece
        for shard in manifest.configurations[config].splits[split].shards
        for piece in read_shard(folder / shard.path, tuple(manifest.classes), manifest.shape, shard.samples, elements)
    ]
    fields = ("images", "labels", "source_index", "elements")
    return Arrays(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in fields))


def test_a_second_build_gives_the_same_bytes(built: Path, pets: FolderSource, tmp_path: Path) -> None:
    build(own_spec(pets), pets, ["d4", CYCLES], tmp_path / "again")
    assert files_of(tmp_path / "again") == files_of(built)
    build(own_spec(pets, "cats"), pets, ["d4", CYCLES], tmp_path / "cats")  # another name draws other elements
    assert digests(read_manifest(tmp_path / "cats")) != digests(read_manifest(built))


@pytest.mark.parametrize(("workers", "shard_size"), [(1, 7), (2, None), (2, 25)])
def test_workers_and_shard_size_do_not_change_the_content(
    workers: int, shard_size: int | None, built: Path, pets: FolderSource, tmp_path: Path
) -> None:
    manifest = build(own_spec(pets), pets, [CYCLES], tmp_path / "a", BuildOptions(workers, shard_size))
    assert digests(manifest) == digests(read_manifest(built))
    assert verify_folder(tmp_path / "a", pets).findings == []


def test_an_interrupted_build_goes_on_from_its_whole_shards(built: Path, pets: FolderSource, tmp_path: Path) -> None:
    out = tmp_path / "a"

    def interrupt(_what: str, done: int, _total: int) -> None:
        if done >= 45:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(own_spec(pets), pets, [CYCLES], out, BuildOptions(shard_size=20, progress=interrupt))
    kept = sorted((out / ".partial" / "cycles").glob("*.parquet"))
    assert len(kept) == 2
    kept[0].write_bytes(kept[0].read_bytes()[:-1])
    intact = kept[1].stat().st_ino
    manifest = build(own_spec(pets), pets, [CYCLES], out, BuildOptions(shard_size=20))
    assert (out / "cycles" / kept[1].name).stat().st_ino == intact
    assert digests(manifest) == digests(read_manifest(built))
    assert verify_folder(out).findings == []


def test_transform_gives_the_digest_of_the_build(built: Path, pets: FolderSource) -> None:
    images, labels = pets.read("train", 0, 60)
    moved = Transform(own_spec(pets), CYCLES, "train")({"image": images, "label": labels}, range(60))
    assert batch_arrays(moved).content_sha256 == digests(read_manifest(built))["train"]


def test_datasets_loads_the_element_and_undo_restores_the_source(built: Path, pets: FolderSource) -> None:
    for data in (load_dataset(str(built), "cycles"), _plainly_loaded(built)):
        assert data["train"].column_names == ["image", "label", "source_index", "element"]
        assert data["train"].features["element"].dtype == "int64"
        assert {name: len(split) for name, split in data.items()} == {"train": 60, "test": 18}
        images = np.stack([np.asarray(image) for image in data["train"]["image"]])
        numbers = np.array(data["train"]["element"])
        originals, _ = pets.read("train", 0, 60)
        group = read_group(built, "cycles")
        assert np.array_equal(undo_group(images, group, numbers), originals)
        assert not np.array_equal(undo_group(images, group, (numbers + 1) % group.order), originals)
        assert not np.array_equal(images, originals)


def _plainly_loaded(folder: Path) -> Any:
    import datasets

    return datasets.load_dataset(str(folder), "cycles")


def test_the_named_configuration_beside_it_keeps_its_bytes(built: Path, pets: FolderSource, tmp_path: Path) -> None:
    alone = build(own_spec(pets), pets, ["d4"], tmp_path / "alone")
    assert alone.configurations["d4"] == read_manifest(built).configurations["d4"]
    for path in (tmp_path / "alone" / "d4").iterdir():
        assert path.read_bytes() == (built / "d4" / path.name).read_bytes()
    assert "group" not in json.loads((tmp_path / "alone" / "manifest.json").read_text())["configurations"]["d4"]
    assert (tmp_path / "alone" / "README.md").read_text().count("`element`") == 0


def test_d4_as_permutations_gives_the_images_of_d4(pets: FolderSource, tmp_path: Path) -> None:
    group = Group.from_permutations(np.stack([QUARTER, MIRROR]), (SIZE, SIZE))
    build(own_spec(pets), pets, [GroupConfiguration(group, "own"), "d4"], tmp_path / "a")
    own, named = read(tmp_path / "a", "own", "train"), read(tmp_path / "a", "d4", "train", ELEMENT_DTYPE)
    originals, _ = pets.read("train", 0, 60)
    for number, original in enumerate(originals):
        turned = [np.rot90(original, k) for k in range(4)]
        orbit = {move.tobytes() for image in turned for move in (image, image[:, ::-1])}
        assert own.images[number].tobytes() in orbit
        assert named.images[number].tobytes() in orbit
    copies, turned = np.repeat(originals[:1], 8, axis=0), [np.rot90(originals[0], k) for k in range(4)]
    orbit = {moved.tobytes() for moved in undo_group(copies, group, np.arange(8))}
    assert orbit == {move.tobytes() for image in turned for move in (image, image[:, ::-1])}
    elements = np.zeros(8, dtype=ELEMENT_DTYPE)
    elements["angle"], elements["bits"] = [0, 900, 1800, -900] * 2, [0, 1, 1, 1, 2, 3, 3, 3]
    assert orbit == {moved.tobytes() for moved in move(copies, elements)}


@settings(deadline=None, max_examples=4)
@given(rows=st.lists(st.permutations(range(16)), max_size=2))
def test_any_group_is_built_rebuilt_and_undone(rows: list[list[int]]) -> None:
    import tempfile

    group = Group.from_permutations(np.array(rows, dtype=int).reshape(-1, 16), (4, 4))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for label in "ab":
            (folder / "in" / label).mkdir(parents=True)
            for number in range(5):
                pixels = np.random.default_rng(number).integers(0, 256, (4, 4), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / "in" / label / f"{number}.png")
        source = FolderSource(folder / "in")
        build(own_spec(source), source, [group], folder / "out")
        assert verify_folder(folder / "out", source).findings == []
        found = read_group(folder / "out")
        assert found.permutation_group == group.permutation_group
        config = GroupConfiguration(group).name
        arrays = read(folder / "out", config, "train")
        originals, _ = source.read("train", 0, 10)
        assert np.array_equal(undo_group(arrays.images, found, arrays.elements["element"]), originals)


def test_the_schema_is_the_one_that_datasets_writes() -> None:
    import datasets

    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["a", "b"]),
            "source_index": datasets.Value("int64"),
            "element": datasets.Value("int64"),
        }
    )
    ours = schema(("a", "b"), NUMBER_DTYPE)
    assert ours.equals(features.arrow_schema)
    assert datasets.Features.from_arrow_schema(ours) == features
    assert not ours.equals(schema(("a", "b")))


def test_numbers_and_elements_of_the_same_bytes_have_different_digests() -> None:
    images, labels = np.zeros((3, 4, 4), dtype=np.uint8), np.zeros(3, dtype=np.int64)
    one = Arrays(images, labels, labels, np.zeros(3, dtype=NUMBER_DTYPE))
    other = Arrays(images, labels, labels, np.zeros(3, dtype=ELEMENT_DTYPE))
    assert one.content_sha256 != other.content_sha256


def rewrite(folder: Path, change: Callable[[Arrays], None], forged: Any = None) -> None:
    """Change samples of the first shard of cycles/train; with `forged`, let manifest and card agree with the file."""
    manifest = read_manifest(folder)
    split = manifest.configurations["cycles"].splits["train"]
    arrays = read(folder, "cycles", "train")
    change(arrays)
    path = folder / split.shards[0].path
    with path.open("wb") as stream:
        write_shard(stream, tuple(manifest.classes), [arrays], None, NUMBER_DTYPE)
    if forged is None:
        return
    digest = {"content_sha256": arrays.content_sha256}
    forged.reseal_with_card(
        folder, forged.change_split("cycles", "train", lambda record: record.model_copy(update=digest))
    )


def set_element(value: int) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays.elements["element"][11] = value

    return change


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(built, tmp_path / "copy"))


def test_verify_finds_a_changed_element(copy: Path, pets: FolderSource, forged: Any) -> None:
    rewrite(copy, lambda _arrays: None)
    assert check(copy, pets) == []  # negative control: the same samples are the same bytes
    rewrite(copy, set_element(5))
    assert any("train-00000" in finding for finding in check(copy))
    rewrite(copy, set_element(5), forged)
    assert check(copy) == []  # somebody rewrote the manifest as well
    findings = check(copy, pets)
    assert len(findings) == 1
    assert "element of sample 11 differs from the source" in findings[0]


def test_an_element_that_the_group_does_not_have_is_found_without_the_source(copy: Path, forged: Any) -> None:
    for wrong in (-1, CYCLES.group.order):
        rewrite(copy, set_element(wrong), forged)
        assert any("element is outside" in finding for finding in check(copy))
    rewrite(copy, set_element(CYCLES.group.order - 1), forged)
    assert check(copy) == []


def test_rebuild_passes_and_finds_another_source(built: Path, pets: FolderSource, tmp_path: Path) -> None:
    assert verify_folder(built, pets).findings == []
    other = write_images(tmp_path / "pets", color=True)
    (other / "train" / "cat" / "00.png").write_bytes((other / "train" / "dog" / "00.png").read_bytes())
    assert any("source is another one" in finding for finding in verify_folder(built, FolderSource(other)).findings)


def check(folder: Path, source: FolderSource | None = None) -> list[str]:
    """What a verification finds in the configuration cycles and in the manifest."""
    return verify_folder(folder, source, ("cycles",)).findings


def forge(folder: Path, **changes: Any) -> None:
    """Rewrite the record of the group, and seal the manifest."""
    manifest = read_manifest(folder)
    config = manifest.configurations["cycles"]
    assert config.group is not None
    group = {name: changes.pop(name) for name in ("generators", "order") if name in changes}
    config = config.model_copy(update={"group": config.group.model_copy(update=group), **changes})
    write_manifest(
        folder, manifest.model_copy(update={"configurations": {**manifest.configurations, "cycles": config}})
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"generators": {"a": "0 0 1"}}, "no permutations of 144 pixels"),
        ({"generators": {"a": " ".join(["0"] * 144)}}, "not a permutation of 0..143"),
        ({"generators": {"a": "0 -1"}}, "is not a manifest"),
        ({"generators": {"a": "9" * 40}}, "is not a manifest"),
        ({"generators": {"a|b": "0 1"}}, "is not a manifest"),
        ({"generators": {}}, "not the configuration of the generators"),
        ({"order": 0}, "is not a manifest"),
        ({"fingerprint": "0" * 64}, "not the configuration of the generators"),
        ({"family": "group"}, "not the configuration of the generators"),
    ],
)
def test_a_forged_group_is_a_finding_and_is_not_loaded(changes: Any, said: str, copy: Path) -> None:
    forge(copy, **changes)
    assert any(said in finding for finding in check(copy))
    with pytest.raises(IntegrityError):
        load_dataset(str(copy), "cycles")
    with pytest.raises(IntegrityError):
        read_group(copy, "cycles")


def test_a_forged_order_is_found_where_the_group_is_computed(copy: Path, pets: FolderSource) -> None:
    forge(copy, order=3**20 + 1)
    assert check(copy) == []
    assert any("elements, not 3,486,784,402" in finding for finding in check(copy, pets))
    with pytest.raises(IntegrityError, match="elements, not"):
        read_group(copy, "cycles")


def test_far_too_many_numbers_in_a_manifest_are_refused_before_they_are_parsed(copy: Path) -> None:
    many = " ".join(map(str, range(144)))
    forge(copy, generators={f"g{number}": many for number in range(8_000)})
    assert any("no permutations of 144 pixels" in finding for finding in check(copy))


def test_a_published_dataset_takes_no_group(copy: Path, pets: FolderSource, tmp_path: Path) -> None:
    group = Group(["rotation"], 8)
    with pytest.raises(InvalidArgumentError, match="published dataset"):
        build_dataset("g-digits", [group], tmp_path / "a")
    with pytest.raises(InvalidArgumentError, match="published dataset"):
        build(own_spec(pets, "g-mnist"), pets, [CYCLES], tmp_path / "a")
    assert not (tmp_path / "a").exists()
    write_manifest(copy, read_manifest(copy).model_copy(update={"dataset": "g-cifar10"}))
    assert any("which the published g-cifar10 does not have" in finding for finding in check(copy))


def test_any_source_under_a_name_of_ones_own_takes_a_group(tmp_path: Path) -> None:
    spec = DatasetSpec("my-digits", "My digits", "1.0.0", "digits")
    source = PublishedSource("digits")
    assert source.image_shape == (28, 28)
    group = Group(["hflip", "rotation"], 28)
    manifest = build(spec, source, [group], tmp_path / "a")
    name = GroupConfiguration(group).name
    assert list(manifest.configurations) == [name]
    assert verify_folder(tmp_path / "a", source).findings == []
    plan = SplitPlan(spec, folder_configuration(manifest, name), source, "test")
    assert plan.generate(0, len(plan)).content_sha256 == digests(manifest, name)["test"]
    assert manifest.dataset not in DATASETS


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        ([Group(["rotation"], 14)], "14x14"),
        ([GroupConfiguration(CYCLES.group, "d4")], "cannot be the name"),
        ([GroupConfiguration(CYCLES.group, "../up")], "cannot be the name"),
        *(
            ([GroupConfiguration(CYCLES.group, name)], "cannot be the name")
            for name in (
                "own\u200b",
                "own\u202e",
                "own\u00ad",
                "own ",
                " own",
                "own\n",
                "ｏwn",
                "оwn",
                "own\x1b",
                "Own",
                "a" * 97,
            )
        ),
        ([CYCLES, GroupConfiguration(Group(["rotation"], SIZE), "cycles")], "Two configurations"),
        ([GroupConfiguration(Group.from_permutations({"a|b": MIRROR}, (SIZE, SIZE)), "a")], "names of at most"),
    ],
)
def test_a_mistake_leaves_no_folder(configs: Any, said: str, pets: FolderSource, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        build(own_spec(pets), pets, configs, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_another_group_of_the_same_name_is_refused_and_other_generators_are_not(copy: Path, pets: FolderSource) -> None:
    before = files_of(copy)
    squares = Group.from_permutations(
        np.take_along_axis(CYCLES.group.permutations, CYCLES.group.permutations, axis=1), (SIZE, SIZE)
    )
    build(own_spec(pets), pets, [GroupConfiguration(squares, "cycles")], copy)
    with pytest.raises(OutputError, match="another group"):
        build(own_spec(pets), pets, [GroupConfiguration(Group(["rotation"], SIZE), "cycles")], copy)
    assert files_of(copy) == before


def test_read_group_names_what_there_is(built: Path) -> None:
    assert read_group(built) == CYCLES.group
    with pytest.raises(UnknownNameError, match="cycles"):
        read_group(built, "d4")


def test_the_card_and_croissant_describe_the_column(built: Path) -> None:
    card = (built / "README.md").read_text()
    assert "| `element` | int64 |" in card
    assert "order 3,486,784,401" in card
    assert "| `bits` | string |" in card  # of d4
    sets = json.loads((built / "croissant.json").read_text())["recordSet"]
    fields = {each["name"]: [field["name"] for field in each["field"]] for each in sets}
    assert fields["cycles"] == ["image", "label", "source_index", "element"]
    assert "bits" in fields["d4"]


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gdatasets", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_the_command_builds_and_verifies_from_a_file(run: Run, pets: FolderSource, tmp_path: Path) -> None:
    np.save(tmp_path / "g.npy", CYCLES.group.permutations)
    out, source = tmp_path / "out", ("--source", pets.path)
    options = ("--generators", tmp_path / "g.npy", "--config-name", "cycles", "--quiet")
    assert run("build", "pets", *source, "--out", out, *options) == (0, "", "")
    assert list(read_manifest(out).configurations) == ["cycles"]
    assert digests(read_manifest(out)) == digests(build(own_spec(pets), pets, [CYCLES], tmp_path / "b"))
    code, said, _ = run("verify", out, "--rebuild", *source, "--quiet")
    assert code == 0
    assert "verified" in said
    code, said, _ = run("build", "pets", "c4", *source, "--out", out, "--generators", "rotation,hflip")
    assert code == 0
    assert "c4, cycles, group-" in said


def test_the_command_takes_a_source_of_the_package(run: Run, tmp_path: Path) -> None:
    arguments = ("--source", "digits", "--generators", "d4", "--config-name", "mine", "--quiet")
    assert run("build", "my-digits", *arguments, "--out", tmp_path / "a")[0] == 0
    assert run("verify", tmp_path / "a", "--rebuild", "--source", "digits", "--quiet")[0] == 0


def test_mistakes_of_the_command_are_one_line(run: Run, pets: FolderSource, tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", np.array([[1, 0, 2, 3]]))
    np.save(tmp_path / "none.npy", np.zeros((1, 144), dtype=int))
    (tmp_path / "text.npy").write_text("no")
    own = ("build", "pets", "--source", pets.path, "--out", tmp_path / "a")
    for arguments, said in [
        ((*own, "--generators", tmp_path / "small.npy"), "4 points cannot act"),
        ((*own, "--generators", tmp_path / "none.npy"), "not a permutation"),
        ((*own, "--generators", tmp_path / "text.npy"), "no .npy file"),
        ((*own, "--generators", tmp_path / "missing.npy"), "cannot be read"),
        ((*own, "--generators", "d5"), "d5"),
        ((*own, "--config-name", "x"), "--generators"),
        ((*own, "--generators", "d4", "--config-name", "d4"), "cannot be the name"),
        (("build", "g-digits", "--generators", "d4", "--out", tmp_path / "a"), "published dataset"),
        (("build", "g-mnist", *own[2:], "--generators", "d4"), "g-mnist is the name of a published dataset"),
    ]:
        code, out, err = run(*arguments, "--quiet")
        assert (code, out) == (2, ""), err
        assert said in err
        assert err.count("\n") == 1
        assert "Traceback" not in err
    assert not (tmp_path / "a").exists()


def test_a_group_too_large_to_number_is_an_error() -> None:
    rows = np.arange(36)
    swap, cycle = rows.copy(), np.roll(rows, 1)
    swap[:2] = [1, 0]
    with pytest.raises(GDatasetsError, match="too many to number"):
        GroupConfiguration(Group.from_permutations(np.stack([swap, cycle]), (6, 6)))


def test_a_manifest_without_groups_keeps_its_bytes(tmp_path: Path) -> None:
    build_dataset("g-digits", ["c4"], tmp_path / "a")
    content = (tmp_path / "a" / "manifest.json").read_bytes()
    assert b'"group"' not in content.replace(b'"family": "group"', b"")
    assert parse_manifest(content, "here").configurations["c4"].group is None
