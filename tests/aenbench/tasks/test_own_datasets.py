"""A dataset from outside the package: registered, or at an import path, from its source to an entry."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from aenbench.cli import main as cli
from aenbench.errors import InvalidArgumentError
from aenbench.leaderboard.entry import DatasetName
from aenbench.leaderboard.rescoring import rescore
from aenbench.runs.options import RunOptions
from aenbench.tasks.datasets import default_configuration, open_dataset
from gdatasets import DATASETS, load_arrays
from gdatasets.cli import main as data_cli
from gdatasets.generation.specs import moved_spec
from gdatasets.sources.catalog import SOURCES

MODULE = '''
from dataclasses import replace

import numpy as np
from gdatasets.generation.specs import DatasetSpec
from gdatasets.sources.source import Edition, MovedDataset, Source, SourceArrays


class Stripes:
    """Bright stripes across or down, of random brightness."""

    def read(self, root, files, split, count):
        generator = np.random.default_rng(len(split))
        labels = np.arange(count) % 2
        images = generator.integers(0, 60, (count, 32, 32, 3), dtype=np.uint8)
        images[labels == 0, 8:12] = 255
        images[labels == 1, :, 8:12] = 255
        return SourceArrays(images, labels)


stripes = Source(
    name="stripes", title="Stripes", classes=("across", "down"), samples={"train": 300, "test": 60}, license="CC0-1.0",
    homepage="", citation="", image_shape=(32, 32, 3), editions=(Edition({}, Stripes()),),
    moved=MovedDataset("toy", "Toy"),
)
toy = DatasetSpec("toy", "Toy", "1.0.0", "toy_stripes:stripes", 60)
other = replace(stripes, name="mnist")
thief = DatasetSpec("g-mnist", "G-MNIST", "1.0.0", "toy_stripes:stripes", 60)
number = 3
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "toy_stripes.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("toy_stripes", None)


@pytest.fixture
def registered(module: Path) -> Iterator[None]:
    assert (module / "toy_stripes.py").is_file()
    import toy_stripes

    SOURCES.register("stripes", toy_stripes.stripes)
    DATASETS.register("toy", moved_spec(toy_stripes.stripes))
    yield
    DATASETS.unregister("toy")
    SOURCES.unregister("stripes")


def call(main, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return ended.value.code or 0, out, err


SMALL = ["--budget", "quick", "--seeds", "1", "--workers", "1", "--config", "v4"]
RUN = ["run", "--baseline", "mlp", *SMALL, "--quiet", "--out", "runs"]


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("name", ["toy", pytest.param("toy_stripes:toy", marks=pytest.mark.slow)])
def test_a_dataset_of_ones_own_goes_from_source_to_entry(
    module: Path,
    name: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if name == "toy":
        request.getfixturevalue("registered")
    rebuild = ["--source", "toy_stripes:stripes"] if name != "toy" else []
    here = ["--workers", "1"] if name == "toy" else []  # what is registered is known in this process only
    for arguments, says in (
        (["build", name, "v4", "--out", "built"], "built holds toy@1.0.0: v4"),
        (["verify", "built"], "toy@1.0.0 has no published digest"),
        (["verify", "built", "--rebuild", *rebuild], "built verified: 360 samples in 2 splits."),
        (["info", name], "images   32x32, RGB; 2 classes: across, down"),
        (["info", name], "no published digest"),
        (["preview", name, "v4", "--out", "sheet.png"], "Wrote sheet.png"),
    ):
        code, out, err = call(data_cli.main, arguments, monkeypatch, capsys)
        assert (code, says in out) == (0, True), (out, err)
    code, out, err = call(cli.main, [*RUN, "--dataset", name, *here], monkeypatch, capsys)
    assert code == 0, err
    entry = json.loads((module / "runs/toy/v4/mlp-quick/entry.json").read_text())
    manifest = json.loads((module / "built/manifest.json").read_text())
    digest = load_arrays(name, "v4", "test").content_sha256
    assert entry["test_content_sha256"] == digest
    assert digest == manifest["configurations"]["v4"]["splits"]["test"]["content_sha256"]
    assert (entry["dataset"], entry["dataset_version"]) == ("toy", "1.0.0")
    assert entry["accuracy"]["mean"] > 0.6
    if name == "toy":
        assert not rescore(module / "runs/toy/v4/mlp-quick")[2]


@pytest.mark.usefixtures("registered")
def test_what_is_registered_is_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for main, command in ((data_cli.main, "list"), (cli.main, "datasets")):
        _, out, _ = call(main, [command], monkeypatch, capsys)
        (line,) = (line for line in out.splitlines() if line.startswith("toy "))
        assert "no published digest" in line
    _, out, _ = call(cli.main, ["datasets"], monkeypatch, capsys)
    assert "\nstripes " in out


@pytest.mark.usefixtures("module")
def test_a_source_of_ones_own_is_used_as_it_is() -> None:
    dataset = open_dataset("toy_stripes:stripes", "none")
    assert (dataset.name, dataset.version, dataset.validation) == ("stripes", "as-published", 30)
    assert len(dataset.read("test").labels) == 60
    assert default_configuration("toy_stripes:stripes") == "none"
    assert default_configuration("toy_stripes:toy") == "aug2"
    assert RunOptions(baseline="mlp", dataset="toy_stripes:toy").plan().task.configuration == "aug2"


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("toy_stripes:number", "expected a DatasetSpec, got int"),
        ("toy_stripes:thief", 'There is another dataset "g-mnist"'),
        ("toy_stripes:other", 'There is another source "mnist"'),
        ("toy_stripes:absent", "Cannot import"),
        ("no_module:toy", "Cannot import"),
    ],
)
def test_an_import_path_of_something_else_is_one_line(path: str, says: str) -> None:
    with pytest.raises((InvalidArgumentError, ValueError), match=says) as caught:
        open_dataset(path, "v4")
    assert "\n" not in str(caught.value)


def test_the_dataset_of_an_entry_is_never_an_import_path() -> None:
    name = TypeAdapter(DatasetName)
    assert name.validate_python("toy") == "toy"
    with pytest.raises(ValidationError, match="is not a safe name"):
        name.validate_python("toy_stripes:toy")
