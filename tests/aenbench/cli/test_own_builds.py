"""What `gdatasets build` makes of own images is benchmarked, shown, described and cited like a published dataset.

929b5b9: `aenbench run --dataset ./my-build --config d4` ended in "preview.png lies in no class folder"; `info`, `cite`
and `preview` of a build's folder in "Unknown dataset".
"""

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aenbench.cli import main as benchmark
from aenbench.errors import InvalidArgumentError
from aenbench.tasks.datasets import default_configuration, open_dataset, unmoved_configuration
from gdatasets.cli import main as data
from gdatasets.errors import IntegrityError, SourceError, UnknownNameError
from gdatasets.folder.build import build
from gdatasets.folder.built_dataset import open_build
from gdatasets.folder.manifest import read_manifest, write_manifest
from gdatasets.folder.preview import contact_sheet, sheet_png
from gdatasets.generation.specs import own_spec
from gdatasets.sources.image_folder import FolderSource

SPLITS = {"train": 40, "test": 30}
RUN = ["run", "--baseline", "mlp", "--budget", "quick", "--seeds", "1", "--workers", "1", "--quiet", "--out", "board"]


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command in this process: exit code, standard output, standard error."""

    def run(main, *arguments):
        monkeypatch.setattr("sys.argv", ["command", *map(str, arguments)])
        code = 0
        try:
            main.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return (code, *capsys.readouterr())

    return run


def pack(path, splits=SPLITS, seed=0):
    """An archive of noise in two classes: no network gets all of it right."""
    rng = np.random.default_rng(seed)
    with zipfile.ZipFile(path, "w") as archive:
        for split, count in splits.items():
            for number in range(count):
                stream = io.BytesIO()
                Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8)).save(stream, "PNG")
                archive.writestr(f"{split}/{'ab'[number % 2]}/{number}.png", stream.getvalue())
    return path


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A build `my-build` of `photos.zip`, made once: d4, any-angle rotation, and a group of one's own."""
    base = tmp_path_factory.mktemp("original")
    pack(base / "photos.zip")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(base)
        build = ["gdatasets", "build", "--source", "photos.zip", "--out", "my-build", "--quiet", "--title", "Photos"]
        more = ["--config", "d4", "--config", "rotation", "--generators", "hflip", "--config-name", "mirror"]
        patch.setattr("sys.argv", [*build, *more, "--license", "MIT", "--citation", "Own photos, 2026."])
        with pytest.raises(SystemExit) as ended:
            data.main()
    assert not ended.value.code
    return base


@pytest.fixture(autouse=True)
def here(original, tmp_path, monkeypatch):
    """A copy of both, as the current folder; no root names it."""
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GDATASETS_ROOT", raising=False)
    return tmp_path


def check_run(call, typed, config, stated):
    code, out, err = call(benchmark, *RUN, "--dataset", typed, *stated)
    assert (code, f"Entry: board/photos/{config}/mlp-quick" in out) == (0, True), err
    entry = json.loads(Path(f"board/photos/{config}/mlp-quick/entry.json").read_text())
    manifest = json.loads(Path("my-build/manifest.json").read_text())
    assert (entry["dataset"], entry["dataset_version"], entry["configuration"]) == ("photos", "1.0.0", config)
    assert entry["test_content_sha256"] == manifest["configurations"][config]["splits"]["test"]["content_sha256"]
    assert call(benchmark, "verify", "board")[0] == 0
    assert call(benchmark, "leaderboard", "--dir", "board")[0] == 0
    assert "mlp-quick" in Path("board/README.md").read_text()


def test_a_build_is_run_verified_shown_and_ranked(here, call):
    check_run(call, "./my-build", "d4", ["--config", "d4"])
    Path("photos.zip").unlink()
    Path("my-build").rename("photos")
    assert call(benchmark, "verify", "board", "--root", ".")[0] == 0, "found by its name, with the same images"
    shutil.rmtree("photos")
    assert call(benchmark, "verify", "board")[0] == 0, "the answers lie beside the entry"
    pack(here / "photos.zip", seed=1)
    assert call(data, "build", "photos", "d4", "--source", "photos.zip", "--out", "photos", "--quiet")[0] == 0
    assert call(benchmark, "verify", "board", "--root", ".")[0] == 1, "negative control: other images of that name"


@pytest.mark.slow
def test_without_a_path_and_a_configuration_the_default_one_of_the_folder_is_run(call):
    assert default_configuration("./my-build") == "rotation", "as its card says"
    check_run(call, "my-build", "rotation", [])


def test_images_labels_splits_and_digests_are_those_of_the_folder():
    build = open_build("my-build")
    for config in ("d4", "rotation", "mirror"):
        dataset = open_dataset("./my-build", config)
        assert (dataset.samples, dataset.validation) == (SPLITS, 4)
        assert (dataset.classes, dataset.image_shape) == (("a", "b"), (16, 16))
        test, train = build.read(config, "test"), build.read(config, "train")
        assert np.array_equal(dataset.read("test").images, test.images)
        assert np.array_equal(dataset.read("test").labels, test.labels)
        images, labels = dataset.read("train")
        known = {image.tobytes(): label for image, label in zip(train.images, train.labels, strict=True)}
        assert [known[image.tobytes()] for image in images] == labels.tolist()
        assert not np.array_equal(labels, train.labels), "no longer sorted by class"
        assert set(labels[-4:].tolist()) == {0, 1}, "choices are made by images of both classes"
        for split in SPLITS:
            assert dataset.digest(split) == build.manifest.configurations[config].splits[split].content_sha256


def test_a_split_named_validation_is_held_out(here, call):
    pack(here / "more.zip", {**SPLITS, "validation": 6})
    assert call(data, "build", "more", "d4", "--source", "more.zip", "--out", "more", "--quiet")[0] == 0
    dataset, build = open_dataset("./more", "d4"), open_build("more")
    assert (dataset.samples, dataset.validation) == ({"train": 46, "test": 30}, 6)
    assert np.array_equal(dataset.read("train").images[40:], build.read("d4", "validation").images)
    changed = build.manifest.configurations["d4"].splits["train"].content_sha256
    assert dataset.digest("train") != changed, "names the validation images too"


def test_a_build_of_a_published_dataset_is_that_dataset(call):
    assert call(data, "build", "g-digits", "d4", "--out", "aen/g-digits", "--quiet")[0] == 0
    built, generated = open_dataset("./aen/g-digits", "d4"), open_dataset("g-digits", "d4")
    assert (built.name, built.version, built.validation) == ("g-digits", "1.0.0", generated.validation)
    for split in ("train", "test"):
        assert built.digest(split) == generated.digest(split)
        assert np.array_equal(built.read(split).images, generated.read(split).images)


def test_a_build_is_found_by_its_name_inside_a_root_and_told_from_the_archive_beside_it(here):
    Path("my-build").rename("photos")
    assert open_dataset("photos", "d4", here).version == "1.0.0"
    assert open_dataset("photos", "none", here).version == "as-published", "of the archive"
    Path("photos.zip").unlink()
    assert open_dataset("photos", "d4", here).version == "1.0.0"
    with pytest.raises(UnknownNameError, match=r"Choose from: rotation, d4, mirror"):
        open_dataset("photos", "none", here)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dataset", "./my-build", "--config", "c4"], "Choose from: rotation, d4, mirror"),
        (["--dataset", "./my-build", "--config", "none"], "Choose from: rotation, d4, mirror"),
        (["--dataset", "./nowhere", "--config", "d4"], "nowhere does not exist"),
    ],
)
def test_what_a_build_does_not_have_is_one_line(arguments, says, call):
    code, _, err = call(benchmark, *RUN, *arguments)
    assert (code, err.count("\n"), says in err) == (2, 1, True), err
    assert not Path("board").exists()


def flip_a_byte_of_a_shard(folder):
    path = next((folder / "d4").glob("test-*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def remove_a_shard(folder):
    next((folder / "d4").glob("train-*")).unlink()


def change_the_manifest(folder):
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"Photos"', '"Fotos"', 1))


def reseal_another_digest(folder):
    manifest = read_manifest(folder)
    d4 = manifest.configurations["d4"]
    test = d4.splits["test"].model_copy(update={"content_sha256": "0" * 64})
    config = d4.model_copy(update={"splits": {**d4.splits, "test": test}})
    configurations = {**manifest.configurations, "d4": config}
    write_manifest(folder, manifest.model_copy(update={"configurations": configurations}))


def reseal_another_configuration(folder):
    manifest = read_manifest(folder)
    d4 = manifest.configurations["d4"]
    write_manifest(folder, manifest.model_copy(update={"configurations": {"c4": d4}}))


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_byte_of_a_shard,
        remove_a_shard,
        change_the_manifest,
        reseal_another_digest,
        reseal_another_configuration,
    ],
)
def test_a_build_that_is_not_what_its_manifest_says_is_refused_in_one_line(damage, here, call):
    damage(here / "my-build")
    config = "c4" if damage is reseal_another_configuration else "d4"
    code, _, err = call(benchmark, *RUN, "--dataset", "my-build", "--config", config)
    assert (code, err.count("\n")) == (2, 1), err
    assert not list(Path().rglob("entry.json"))


def test_own_images_of_a_published_name_are_refused_before_anything_is_trained(here, call, monkeypatch):
    """929b5b9 took them (read in its code, not run): their entries would be scored by the published labels."""
    pack(here / "mnist.zip")
    code, _, err = call(data, "build", "mnist", "d4", "--source", "mnist.zip", "--out", "built", "--quiet")
    assert (code, "is not the published mnist" in err) == (2, True), err
    source = FolderSource(here / "mnist.zip")
    monkeypatch.setattr("gdatasets.folder.build._check_not_published", lambda *_: None)  # a forged folder
    build(own_spec(source), source, ["d4"], "built")
    for typed, config in (("./built", "d4"), ("./mnist.zip", "none")):
        with pytest.raises(InvalidArgumentError, match=r"named mnist, as a published dataset is.* such as mnist-70"):
            open_dataset(typed, config)


def test_discover_takes_a_folder_by_name_and_the_configuration_that_there_is(here, call):
    """417c847 asked for `./built`, and for `none` also where a dataset has no such configuration."""
    pack(here / "noise.zip")
    assert call(data, "build", "noise", "d4", "--source", "noise.zip", "--quiet")[0] == 0
    for typed in ("noise", "noise.zip"):
        code, printed, err = call(benchmark, "discover", typed, "--candidates", "d4", "--method", "kernel", "--quiet")
        assert code == 0, err
        assert "quarter turn" in printed
    assert [unmoved_configuration(name) for name in ("mnist-rot", "g-digits", "./noise")] == ["any-angle", "none", "d4"]


def test_a_build_with_too_few_images_of_a_class_is_refused_as_an_archive_of_them_is(here, call):
    """3130c15 refused the archive, and made an entry of what was built from it."""
    pack(here / "few.zip", {"train": 3, "test": 30})
    assert call(data, "build", "few", "d4", "--source", "few.zip", "--quiet")[0] == 0
    for typed, config in (("few.zip", "none"), ("few", "d4")):
        code, _, err = call(benchmark, *RUN, "--dataset", typed, "--config", config)
        assert code == 2
        assert '1 training image of the class "b"; a benchmark needs 2 or more of each' in err, err
    with zipfile.ZipFile(here / "one.zip", "w") as one, zipfile.ZipFile(here / "few.zip") as few:
        for name in few.namelist():
            one.writestr(name.replace("/b/", "/a/b"), few.read(name))
    assert call(data, "build", "one", "d4", "--source", "one.zip", "--quiet")[0] == 0
    for typed, config in (("one.zip", "none"), ("one", "d4")):
        code, _, err = call(benchmark, *RUN, "--dataset", typed, "--config", config)
        assert (code, "has one class; there is nothing to tell apart" in err) == (2, True), err
    assert not list(Path().rglob("entry.json"))


def test_class_folders_beside_an_unrelated_manifest_are_images_still():
    with zipfile.ZipFile("photos.zip") as archive:
        archive.extractall("pictures")
    Path("pictures/manifest.json").write_text('{"name": "my web app"}')
    assert open_dataset("./pictures", "none").version == "as-published"


def test_a_packed_build_and_a_build_of_a_build_are_one_line(here, call):
    shutil.make_archive("packed", "zip", here, "my-build")
    for main, arguments in (
        (benchmark, [*RUN, "--dataset", "packed.zip"]),
        (data, ["build", "again", "d4", "--source", "my-build", "--out", "again"]),
    ):
        code, _, err = call(main, *arguments)
        assert (code, err.count("\n"), "holds what `gdatasets build` made" in err) == (2, 1, True), err


def test_a_build_without_a_test_split_is_one_line(here, call):
    pack(here / "half.zip", {"train": 20})
    assert call(data, "build", "half", "d4", "--source", "half.zip", "--out", "half", "--quiet")[0] == 0
    with pytest.raises(SourceError, match="a benchmark needs both"):
        open_dataset("./half", "d4")


def test_a_build_is_cited_as_in_its_own_files(here, call):
    for typed in ("my-build", "./my-build", here / "my-build"):
        code, out, err = call(data, "cite", typed)
        assert (code, err) == (0, "")
        assert out in Path("my-build/README.md").read_text()
        assert "@misc{photos-1.0.0" in out
    assert call(data, "cite", "my-build", "--format", "cff")[1] == Path("my-build/CITATION.cff").read_text()
    assert "Photos (Version 1.0.0)" in call(data, "cite", "my-build", "--format", "apa")[1]


def test_a_build_is_described_with_its_sizes_digests_and_groups(call):
    code, out, err = call(data, "info", "my-build")
    assert (code, err) == (0, "")
    manifest = read_manifest(Path("my-build"))
    digests = [split.content_sha256 for config in manifest.configurations.values() for split in config.splits.values()]
    wanted = ("Photos 1.0.0", "16x16, gray; 2 classes: a, b", "train 40, test 30", "license  MIT", "@misc{photos-1.0.0")
    for text in (*wanted, *digests, "group of order 8: rotation, hflip", "any angle", "group of order 2: hflip"):
        assert text in out
    assert "photos@1.0.0 has no published digest" in out


def test_the_preview_of_a_build_is_the_one_made_from_its_source(call):
    """The originals are put back from the moved images; the oracle is the source itself."""
    build, source = open_build("my-build"), FolderSource(Path("photos.zip"))
    for config in ("d4", "mirror", "rotation"):  # the last cannot be undone, but another configuration can
        code, _, err = call(data, "preview", "my-build", config, "--out", f"new/{config}.png", "--scale", "1")
        assert code == 0, err
        sheet = contact_sheet(build.spec, build.configuration(config), source)
        assert Path(f"new/{config}.png").read_bytes() == sheet_png(sheet)
    assert Path("new/rotation.png").read_bytes() == Path("my-build/preview.png").read_bytes()


def test_where_no_configuration_can_be_undone_the_source_is_asked_for(here, call):
    build = ["build", "photos", "rotation", "--source", "photos.zip", "--out", "turned", "--quiet"]
    assert call(data, *build)[0] == 0
    preview = ["preview", "turned", "rotation", "--out", "sheet.png"]
    code, _, err = call(data, *preview)
    assert (code, err.count("\n"), "give --source DIR|ZIP" in err) == (2, 1, True)
    assert not Path("sheet.png").exists()
    assert call(data, *preview, "--source", "photos.zip")[0] == 0
    pack(here / "other.zip", seed=2)
    code, _, err = call(data, *preview, "--source", "other.zip")
    assert (code, "does not hold the images that turned was built from" in err) == (2, True)


@pytest.mark.parametrize("command", [["info"], ["cite"], ["preview", "d4", "--out", "sheet.png"]])
def test_a_folder_that_is_no_sound_build_is_one_line(command, here, call):
    Path("empty").mkdir()
    change_the_manifest(here / "my-build")
    for name, says in (("empty", "not a finished build"), ("my-build", "changed after it was written")):
        code, out, err = call(data, command[0], name, *command[1:])
        assert (code, out, err.count("\n"), says in err) == (2, "", 1, True), err


def test_a_published_name_is_not_taken_for_a_folder(here, call):
    """The negative control: a folder `g-digits` changes nothing."""
    Path("my-build").rename("g-digits")
    shutil.copytree("g-digits", "aen/g-digits")
    for name in ("g-digits", "aen/g-digits"):
        assert "G-Digits" in call(data, "info", name)[1]
        assert "@misc{g-digits-1.0.0" in call(data, "cite", name)[1]
    assert "Photos" in call(data, "info", "./g-digits")[1]
    change_the_manifest(here / "g-digits")
    with pytest.raises(IntegrityError, match="changed"):
        open_build("g-digits")
