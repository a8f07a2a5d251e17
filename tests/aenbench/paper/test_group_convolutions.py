"""Part e: a balanced part of the networks on the available datasets, a line for each other one, what may be said."""

import csv
import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aenbench.analysis.anova import Analysis, Effect, Lead
from aenbench.errors import InvalidArgumentError, TableError
from aenbench.execution.executors import LocalExecutor
from aenbench.models.gcnn import GROUP_BITS
from aenbench.paper import group_convolutions
from aenbench.paper.availability import how_to_get
from aenbench.paper.context import Setting
from aenbench.paper.group_convolutions import IMAGE_DATASETS, OnDataset, run, verdict
from aenbench.paper.scales import SCALES
from aenbench.tables import build
from aenbench.tables.build import TablePlan, tabulate
from aenbench.tables.parquet import read_table, table_path
from aenbench.tables.table import Table
from aenbench.tasks.protocol import PAPER
from aenbench.tasks.task import Task
from aenbench.training.recipe import Recipe
from gdatasets.errors import SourceError, UnknownNameError
from gdatasets.sources import published
from gdatasets.sources.catalog import SOURCES

NETWORKS = 24
CHILD = Recipe(20, 1, 10, chosen_by=40, evaluation_batch=40)


@pytest.fixture(autouse=True)
def nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt fails the test, and no root is set from outside."""
    monkeypatch.delenv("GDATASETS_ROOT", raising=False)
    monkeypatch.setattr(published, "fetch", lambda *_: pytest.fail("tried to fetch"))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The networks that are trained, whose accuracy says their group and little else."""
    networks: list[str] = []

    def train(training: build.Training) -> dict[str, object]:
        networks.append(f"{training.task.dataset}/{training.task.protocol}/{training.seed}/{training.network}")
        group = training.network[: len(GROUP_BITS)].count("1")
        right = 1 + 3 * group + int(training.network[-1]) + training.seed
        images = build.load_images(training.task, training.root, training.recipe)
        followed = images.choose_by if images.test is None else images.test.spread(training.test_images)
        shares = [[right / len(part)] for part in (images.choose_by, followed)]
        return {"parameters": 100, "seconds": 1.0, "validation": shares[0], "test": shares[1]}

    monkeypatch.setattr(build, "train", train)
    return networks


@pytest.fixture
def unexplained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is analyzed, which takes longer than all else."""

    def refuse(*_: object) -> None:
        raise InvalidArgumentError("not asked")

    monkeypatch.setattr(group_convolutions, "analyze_table", refuse)
    monkeypatch.setattr(build, "measure_effects", refuse)


def setting(out: Path, *datasets: str, seeds: int = 1, root: Path | None = None, tables: Path | None = None) -> Setting:
    quick = SCALES["quick"]
    budgets = {
        key: replace(budget, child=CHILD) if key[0] == "gcnn" else budget for key, budget in quick.budgets.items()
    }
    scale = replace(quick, name="tiny", budgets=budgets, gcnn_seeds=seeds)
    return Setting(scale, out, image_datasets=datasets, root=root, tables=tables, executor=LocalExecutor(1))


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def analysis_of(first: str = "group", low: float | None = 0.1, effects: bool = True) -> Analysis:
    shares = (Effect("family", "group", 0.6, 0.5, 0.7), Effect("family", "augmentation", 0.2, 0.1, 0.3))
    leads = (Lead("main", "size", "group", 0.9, 0.8, 1.0), Lead("family", first, "size", 0.4, low, 0.6))
    return Analysis(shares if effects else (), 0.1, 30, 768, 1, 0.5 if effects else 0.05, leads if effects else ())


def test_the_same_networks_are_trained_under_both_protocols(tmp_path: Path, trained: list[str]) -> None:
    """And found to be what was planted: the group decides."""
    folder = run(setting(tmp_path, "g-digits", "kmnist", seeds=2))
    assert len(trained) == 2 * 2 * NETWORKS
    tables = [read_table(path) for path in sorted((folder / "tables").rglob("*.parquet"))]
    assert [str(table.protocol) for table in tables] == ["paper", "standard"]
    assert [len(table.networks) for table in tables] == [NETWORKS] * 2
    assert tables[0].networks == tables[1].networks
    assert [table.info.recipe.images for table in tables] == [20, 20]
    assert [table.info.recipe.precision for table in tables] == ["float32", "bfloat16"]
    for protocol in ("paper", "standard"):
        names = {path.name for path in (folder / f"g-digits-{protocol}").iterdir()}
        assert names == {"analysis.md", "effects.csv", "effects.png"}
    text = (folder / "convolutions.md").read_text()
    assert "- `kmnist`: Kuzushiji-MNIST: KMNIST/raw/" in text
    assert "Get it from http://codh.rois.ac.jp/kmnist/" in text
    for protocol in ("paper", "standard"):
        start = f"| g-digits / aug2 | {protocol} | "
        shares, best = (line for line in text.splitlines() if line.startswith(start))
        assert shares.startswith(f"{start}{NETWORKS} x 2 | 20 x 1 | ")
        assert shares.endswith(" | yes |")
        assert best.split(" | ")[4] == "0 of 4"
    rows = [row for row in rows_of(folder / "shares.csv") if row["protocol"] == "paper"]
    found = {row["part"]: float(row["share"]) for row in rows}
    assert found["group"] > 0.9
    assert max(found["augmentation"], found["size"]) < 0.1


@pytest.mark.usefixtures("unexplained")
def test_what_was_cut_resumes_and_what_is_there_is_not_trained_again(
    tmp_path: Path, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = build.train

    def cut(training: build.Training) -> dict[str, object]:
        if len(trained) == 30:
            raise KeyboardInterrupt
        return train(training)

    monkeypatch.setattr(build, "train", cut)
    with pytest.raises(KeyboardInterrupt):
        run(setting(tmp_path, "g-digits"))
    assert not (tmp_path / "e" / "convolutions.md").exists()
    monkeypatch.setattr(build, "train", train)
    folder = run(setting(tmp_path, "g-digits"))
    before = files_of(folder)
    assert len(trained) == len(set(trained)) == 2 * NETWORKS
    assert files_of(run(setting(tmp_path, "g-digits"))) == before
    assert len(trained) == 2 * NETWORKS


def published_table(tmp_path: Path, seeds: int) -> Path:
    """A folder of tables with those of protocol paper."""
    plan = TablePlan(Task("g-digits", "aug2", PAPER), "gcnn", seeds, fraction=NETWORKS, given=CHILD)
    tabulate(plan, tmp_path / "tables", tmp_path / "store", LocalExecutor(1), lambda *_: None)
    return tmp_path / "tables"


@pytest.mark.usefixtures("unexplained")
def test_a_published_table_of_the_same_trainings_is_used(tmp_path: Path, trained: list[str]) -> None:
    tables = published_table(tmp_path, 2)
    trained.clear()
    folder = run(setting(tmp_path / "out", "g-digits", tables=tables))
    assert {name.split("/")[1] for name in trained} == {"standard"}
    assert f"| g-digits / aug2 | paper | {NETWORKS} x 2 | " in (folder / "convolutions.md").read_text()


@pytest.mark.usefixtures("unexplained")
def test_a_published_table_of_fewer_seeds_or_another_recipe_is_not(tmp_path: Path, trained: list[str]) -> None:
    tables = published_table(tmp_path, 1)
    trained.clear()
    run(setting(tmp_path / "more", "g-digits", seeds=2, tables=tables))
    assert len(trained) == 2 * 2 * NETWORKS
    trained.clear()
    other = setting(tmp_path / "other", "g-digits", tables=tables)
    longer = {key: replace(of, child=replace(CHILD, images=30)) for key, of in other.scale.budgets.items()}
    run(replace(other, scale=replace(other.scale, budgets=longer)))
    assert len(trained) == 2 * NETWORKS


@pytest.mark.usefixtures("unexplained")
def test_a_damaged_table_is_an_error(tmp_path: Path, trained: list[str]) -> None:
    path = table_path(published_table(tmp_path, 1), "g-digits", "aug2", "gcnn", "paper", NETWORKS)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(TableError, match="gcnn-paper-24"):
        run(setting(tmp_path / "out", "g-digits", tables=tmp_path / "tables"))
    assert len(trained) == NETWORKS


def colored(folder: Path) -> Path:
    """Color, 16 x 16, two classes told apart by their color."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 60), ("test", 10)):
        for label, channel in (("green", 1), ("red", 0)):
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(0, 60, (16, 16, 3), dtype=np.uint8)
                pixels[..., channel] += 150
                Image.fromarray(pixels).save(folder / split / label / f"{number}.png")
    return folder


def test_a_dataset_that_is_got_later_is_added(tmp_path: Path, trained: list[str]) -> None:
    """A path is a dataset, in a folder of its name."""
    lights = colored(tmp_path / "data" / "My Lights")
    folder = run(setting(tmp_path / "out", str(lights)))
    before = files_of(folder / "my-lights-paper")
    trained.clear()
    run(setting(tmp_path / "out", "g-digits", str(lights)))
    assert len(trained) == 2 * NETWORKS
    assert files_of(folder / "my-lights-paper") == before
    assert (folder / "g-digits-paper" / "analysis.md").is_file()
    assert str(tmp_path) not in (folder / "convolutions.md").read_text()


def test_the_datasets_of_the_paper_are_told_how_to_get_where_none_is_at_hand(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    folder = run(setting(tmp_path, root=tmp_path / "root"))
    lines = (folder / "convolutions.md").read_text().splitlines()
    for name in IMAGE_DATASETS:
        assert len([line for line in lines if line.startswith(f"- `{name}`: ")]) == 1
        (line,) = (line for line in lines if line.startswith(f"- `{name}`: "))
        assert SOURCES[name].homepage in line
    assert any(line.startswith("- `mnist-rot` can stand for `rotmnist`") for line in lines)
    assert rows_of(folder / "shares.csv") == []


def test_what_is_at_hand_needs_no_advice(tmp_path: Path, data_root: Path) -> None:
    assert how_to_get("g-digits", None) is None
    assert how_to_get("g-mnist", data_root) is how_to_get("mnist-rot", data_root) is None
    assert how_to_get("some/folder", None) is None
    advice = how_to_get("g-mnist", tmp_path)
    assert advice is not None
    assert "MNIST/raw/train-images-idx3-ubyte (and 1 more) is in none of" in advice
    (tmp_path / "KMNIST" / "raw").mkdir(parents=True)
    (tmp_path / "KMNIST" / "raw" / "train-images-idx3-ubyte.gz").write_bytes(b"half of it")
    advice = how_to_get("kmnist", tmp_path)
    assert advice is not None
    assert "\n" not in advice


def test_what_a_user_gets_wrong_is_said_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r'Unknown dataset "kmnits"'):
        run(setting(tmp_path, "g-digits", "kmnits"))
    with pytest.raises(SourceError, match="nowhere"):
        run(setting(tmp_path, str(tmp_path / "nowhere")))
    with pytest.raises(SourceError, match="is not a folder"):
        run(setting(tmp_path, root=tmp_path / "nowhere"))
    lights = colored(tmp_path / "a" / "lights")
    shutil.copytree(lights, tmp_path / "b" / "lights")
    with pytest.raises(InvalidArgumentError, match="are both named lights; rename one of them"):
        run(setting(tmp_path, str(lights), str(tmp_path / "b" / "lights")))
    assert not (tmp_path / "e").exists()


@pytest.mark.parametrize(
    ("analysis", "said"),
    [
        (analysis_of(), "yes"),
        (analysis_of("augmentation"), "no: augmentation leads"),
        (analysis_of(low=0.0), "undecided: the interval of the lead contains 0"),
        (analysis_of("augmentation", low=-0.1), "undecided: the interval of the lead contains 0"),
        (analysis_of(low=None), "undecided: one seed of all networks has no interval"),
        (analysis_of(effects=False), "undecided: R² of the surrogate is 0.05, below 0.1"),
        ("too few", "undecided: too few"),
    ],
)
def test_dominance_is_said_only_where_the_lead_is_certain(analysis: Analysis | str, said: str) -> None:
    assert verdict(analysis, 1) == said


def test_nothing_dominates_among_networks_at_chance() -> None:
    assert verdict(analysis_of(), 0) == "undecided: no network is above chance"


def alike(table: Table) -> Table:
    """Every network at chance."""
    return replace(table, validation=np.full_like(table.validation, 0.1), test=np.full_like(table.test, 0.1))


def test_networks_that_are_all_alike_are_said_to_be(
    tmp_path: Path, trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what an earlier run said of them is removed."""
    folder = run(setting(tmp_path, "g-digits"))
    assert (folder / "g-digits-paper" / "analysis.md").is_file()
    read: Callable[[Path], Table] = read_table
    monkeypatch.setattr(group_convolutions, "read_table", lambda path: alike(read(path)))
    text = (run(setting(tmp_path, "g-digits")) / "convolutions.md").read_text()
    assert f"| 0 of {NETWORKS} | " in text
    assert " | undecided: " in text
    assert list((folder / "g-digits-paper").iterdir()) == []
    assert len(trained) == 2 * NETWORKS


@pytest.mark.usefixtures("trained", "unexplained")
def test_a_network_is_above_chance_if_it_is_two_points_better(tmp_path: Path) -> None:
    table = read_table(next(published_table(tmp_path, 1).rglob("*.parquet")))
    values = table.final("validation")[:, 0]
    for chance in (0.0, 0.2, 0.9):
        on = OnDataset(table, chance, "undecided", None)
        assert on.above_chance == sum(value > chance + 0.02 for value in values)
