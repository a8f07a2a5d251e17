"""Making tables, on real digits with a tiny recipe and a space of three networks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aenbench.errors import InvalidArgumentError, StoreError, TableError
from aenbench.execution.executors import LocalExecutor
from aenbench.models.aen import AEN_FAMILY, AENSpace
from aenbench.models.family import Budget
from aenbench.models.fraction import balanced_fraction
from aenbench.models.gcnn import GCNN_FAMILY, GCNNSpace
from aenbench.models.space import SearchBudget
from aenbench.paper.searches import has_trainings_of
from aenbench.search.evaluate import TrainedEvaluation
from aenbench.tables import build as tabulate
from aenbench.tables.build import TablePlan, Training
from aenbench.tables.card import check_tables, write_card
from aenbench.tables.effects import read_evidence
from aenbench.tables.parquet import load_table, read_table, write_table
from aenbench.tables.table import Table
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task, TaskShape
from aenbench.training.fit import accuracy, derive_seed, fit
from aenbench.training.recipe import Recipe
from aenbench.training.trial import train_final
from gdatasets.errors import UnknownNameError

NETWORKS = ("000000000000", "010000000000", "111111111111")
RECIPE = Recipe(150, 3)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny recipe, and a space in which the first two bits tell three networks apart."""
    tiny = Budget("standard", SearchBudget(), RECIPE, RECIPE)
    for protocol in ("standard", "paper"):
        monkeypatch.setitem(AEN_FAMILY.budgets, (protocol, "standard"), tiny)
    names = {"00": 0, "01": 1, "10": 2, "11": 2}
    monkeypatch.setattr(AENSpace, "networks", NETWORKS)
    monkeypatch.setattr(AENSpace, "canonical", lambda _, state: NETWORKS[names[state[:2]]])


def make(folder: Path, protocol: str = "standard", workers: int = 1, **other: Any) -> tuple[Table, list[Any]]:
    steps: list[Any] = []
    plan = TablePlan(Task("g-digits", "d4", protocol), **{"seeds": 2, **other})
    with LocalExecutor(workers) as executor:
        path = tabulate.tabulate(
            plan, folder, folder / "store.sqlite", executor, lambda done, total: steps.append((done, total))
        )
    assert path == folder / "g-digits" / "d4" / f"aen-{protocol}.parquet"
    return read_table(path), steps


@pytest.mark.slow
def test_a_balanced_part_is_a_table_of_its_own_and_is_used_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(40, 1)
    monkeypatch.setitem(GCNN_FAMILY.budgets, ("standard", "standard"), Budget("", SearchBudget(), recipe, recipe))
    trained: list[str] = []

    def pretend(training: Training) -> dict[str, Any]:
        trained.append(training.network)
        return {"parameters": 7, "seconds": 1.0, "validation": [0.5], "test": [0.25]}

    monkeypatch.setattr(tabulate, "train", pretend)
    monkeypatch.setattr(tabulate, "measure_effects", lambda *_: (_ for _ in ()).throw(InvalidArgumentError("mute")))

    def make(fraction: int | None, seeds: int = 1) -> Table:
        plan = TablePlan(Task("g-digits", "d4"), "gcnn", seeds, fraction=fraction)
        trained.clear()
        store = tmp_path / f"store-{fraction}"  # other stores: what is used comes from the tables
        with LocalExecutor(1) as executor:
            path = tabulate.tabulate(plan, tmp_path, store, executor, lambda *_: None)
        part = "" if fraction is None else f"-{fraction}"
        assert path == tmp_path / "g-digits" / "d4" / f"gcnn-standard{part}.parquet"
        assert load_table("g-digits", "d4", space="gcnn", path=tmp_path, fraction=fraction).networks == plan.networks
        return read_table(path)

    part = make(96)
    assert part.networks == balanced_fraction(GCNNSpace(), 96)
    assert sorted(trained) == sorted(part.networks)
    assert sum(map(len, part.states)) == 16 * (1 + 3 + 1 + 1 + 1 + 1)  # D4 has three names
    outside = next(network for network in GCNNSpace().networks if network not in part.networks)
    with pytest.raises(InvalidArgumentError, match=f'"{outside}" is not among the 96 networks of this table'):
        part.query(outside)
    every = make(None)
    assert len(trained) == 768 - 96  # those of the part were not trained again
    assert part.info.training_identity == every.info.training_identity
    assert part.info.identity != every.info.identity
    make(24)
    assert trained == []
    make(24, seeds=2)
    assert len(trained) == 24


def test_a_table_states_its_precision_and_the_test_images_it_follows(tmp_path: Path) -> None:
    whole, _ = make(tmp_path / "whole", seeds=1)
    part, _ = make(tmp_path / "part", seeds=1, precision="bfloat16", test_images=90)
    assert (whole.info.recipe.precision, part.info.recipe.precision) == ("float32", "bfloat16")
    assert (whole.info.test_images, part.info.test_images) == (360, 90)
    assert set(np.unique(part.test * 90 % 1).round(6)) <= {0, 1}
    assert not np.array_equal(whole.validation, part.validation)
    assert whole.info.training_identity != part.info.training_identity
    followed, _ = make(tmp_path / "followed", seeds=1, test_images=90)
    np.testing.assert_array_equal(followed.validation, whole.validation)
    with pytest.raises(InvalidArgumentError, match="Expected at least 1 test image to follow, got 0"):
        TablePlan(Task("g-digits", "d4"), test_images=0)
    with pytest.raises(InvalidArgumentError, match="Protocol paper follows the test images that networks are chosen"):
        TablePlan(Task("g-digits", "d4", "paper"), test_images=90)


def test_final_trainings_are_those_of_a_run_in_a_table_of_their_own(tmp_path: Path) -> None:
    short, _ = make(tmp_path)
    task, recipe = Task("g-digits", "d4"), Recipe(150, 5, learning_rate=0.05)  # so fast that passes lose again
    plan = TablePlan(task, seeds=2, role="final", given=recipe)
    with LocalExecutor(1) as executor:
        path = tabulate.tabulate(plan, tmp_path, tmp_path / "final.sqlite", executor, lambda *_: None)
    assert path == tmp_path / "g-digits" / "d4" / "aen-standard-final.parquet"
    table = load_table("g-digits", "d4", path=tmp_path, role="final")
    assert load_table("g-digits", "d4", path=tmp_path).content_sha256 == short.content_sha256
    assert table.info.title == f"{short.info.title}, trained to convergence"
    for row, network in enumerate(NETWORKS):
        alone = train_final(table.space.candidate(network), task, None, recipe, 1)
        assert table.validation[row, 1].tolist() == alone["accuracies"]
        assert table.final("test")[row, 1] == alone["unseen"]  # of the best pass
    assert (table.final("validation") == table.validation.max(axis=2)).all()
    assert (table.final("validation") > table.validation[:, :, -1]).any()
    assert (short.final("validation") == short.validation[:, :, -1]).all()
    assert not has_trainings_of(table, plan.images, recipe, [0])  # a search has other trainings
    of_a_search = replace(table, info=table.info.model_copy(update={"role": "child"}))
    assert has_trainings_of(of_a_search, plan.images, recipe, [0])
    with pytest.raises(
        TableError, match=r"holds the table g-digits/d4/aen-standard-final, not g-digits/d4/aen-standard"
    ):
        load_table("g-digits", "d4", path=path)
    assert check_tables(tmp_path)[1] == [
        f"{tmp_path / 'README.md'} is not what its tables give; run `aenbench tables --dir {tmp_path}`."
    ]
    write_card(tmp_path)
    assert (
        "[g-digits-d4-aen-standard-final](g-digits/d4/aen-standard-final.parquet)"
        in (tmp_path / "README.md").read_text()
    )


def test_the_command_trains_each_to_convergence_and_keeps_a_store_of_its_own(
    tmp_path: Path, run_program: Callable[..., tuple[int, str]]
) -> None:
    words = ["tabulate", "--dataset", "g-digits", "--config", "d4", "--seeds", "1", "--workers", "1", "--out", tmp_path]
    for option in ([], ["--final"]):
        assert run_program("aenbench", *words, "--quiet", *option) == (0, "")
    short, final = (load_table("g-digits", "d4", path=tmp_path, role=role) for role in ("child", "final"))
    assert final.info.recipe == short.info.recipe  # here; so only the random numbers of a final training differ
    assert not np.array_equal(final.validation, short.validation)
    assert len(list(tmp_path.glob(".*.trials"))) == 2


@pytest.mark.parametrize("protocol", ["standard", "paper"])
def test_the_values_are_exactly_those_of_a_live_search(tmp_path: Path, protocol: str) -> None:
    table, steps = make(tmp_path, protocol)
    assert steps == [(done, 6) for done in range(1, 7)]
    train, choose_by = Images(Task("g-digits", "d4", protocol)).training()
    for seed in table.seeds:
        live = TrainedEvaluation(table.space, train, choose_by, RECIPE, seed)
        assert [table.evaluate(seed)(network) for network in NETWORKS] == [live(network) for network in NETWORKS]
    assert len(np.unique(table.validation)) > 6
    said = read_evidence(table, tmp_path / "g-digits" / "d4" / f"aen-{protocol}.parquet")
    assert [evidence.symmetries() for evidence in said] == [{"rotation", "hflip", "vflip"}] * len(table.seeds)


def test_every_epoch_is_that_of_an_ordinary_training(tmp_path: Path) -> None:
    table, _ = make(tmp_path)
    images = Images(Task("g-digits", "d4"))
    (train, choose_by), test = images.training(), images.test()
    seed = derive_seed(1, "child")
    tested: list[float] = []
    model = table.space.candidate(NETWORKS[1]).build(seed)
    fitted = fit(model, train, choose_by, RECIPE, seed, on_pass=lambda *_: tested.append(accuracy(model, test)))
    assert table.validation[1, 1].tolist() == list(fitted.accuracies)
    assert table.test[1, 1].tolist() == tested
    assert tested[-1] == accuracy(model, test)
    assert table.parameters[1] == sum(parameter.numel() for parameter in model.parameters())
    assert len(set(table.test[1, 1]) | set(table.validation[1, 1])) > 2


def test_under_paper_both_accuracies_are_on_the_same_images(tmp_path: Path) -> None:
    table, _ = make(tmp_path, "paper", seeds=1)
    assert np.array_equal(table.validation, table.test)
    assert table.info.validation_images == table.info.test_images == Images(Task("g-digits", "d4", "paper")).test_images


def test_a_table_says_what_it_is_about(tmp_path: Path) -> None:
    table, _ = make(tmp_path)
    images = Images(Task("g-digits", "d4"))
    about = table.info
    assert (about.dataset, about.dataset_version, about.configuration) == ("g-digits", images.dataset.version, "d4")
    assert about.train_content_sha256 == images.dataset.digest("train")
    assert about.test_content_sha256 == images.dataset.digest("test")
    assert (about.recipe, about.epochs, about.seeds) == (RECIPE, 3, (0, 1))
    assert (about.validation_images, about.test_images) == (images.dataset.validation, images.test_images)
    assert [len(states) for states in table.states] == [1_024, 1_024, 2_048]
    assert (table.seconds > 0).all()
    assert {"python", "numpy", "torch", "aenbench"} == set(about.software)


def test_what_is_trained_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[tuple[int, str]] = []
    train = tabulate.train

    def stop_at_the_fifth(training: Training) -> dict[str, object]:
        if len(trained) == 4:
            raise KeyboardInterrupt
        trained.append((training.seed, training.network))
        return train(training)

    with monkeypatch.context() as patch:
        patch.setattr(tabulate, "train", stop_at_the_fifth)
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path / "interrupted")
        assert not list(tmp_path.rglob("*.parquet"))
        trained.clear()
        interrupted, steps = make(tmp_path / "interrupted")
    assert len(trained) == 2
    assert steps[-1] == (6, 6)
    whole, _ = make(tmp_path / "whole")
    assert interrupted.content_sha256 == whole.content_sha256
    again, _ = make(tmp_path / "whole")
    assert np.array_equal(again.seconds, whole.seconds)


@pytest.mark.slow
def test_the_values_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    one, _ = make(tmp_path / "one")
    two, _ = make(tmp_path / "two", workers=2)
    assert one.content_sha256 == two.content_sha256


def test_more_seeds_add_to_a_store(tmp_path: Path) -> None:
    one, _ = make(tmp_path, seeds=1)
    two, steps = make(tmp_path, seeds=2)
    assert np.array_equal(two.seconds[:, :1], one.seconds)
    assert (steps[0], len(steps)) == ((1, 6), 6)
    whole, _ = make(tmp_path / "whole", seeds=2)
    assert two.content_sha256 == whole.content_sha256


def published(table: Table, folder: Path, **about: Any) -> Path:
    """The table's file as if it came from somewhere else, where another description is given with that."""
    path = folder / "g-digits" / "d4" / "aen-standard.parquet"
    write_table(replace(table, info=table.info.model_copy(update=about)), path)
    return path


def test_a_published_table_is_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = make(tmp_path / "one", seeds=1)
    whole, _ = make(tmp_path / "whole", seeds=2)
    published(one, tmp_path / "two", hardware="riscv64, 4 cores")
    trained: list[int] = []
    train = tabulate.train
    monkeypatch.setattr(tabulate, "train", lambda training: trained.append(training.seed) or train(training))
    two, steps = make(tmp_path / "two", seeds=2)
    assert trained == [1] * 3
    assert steps == [(done, 6) for done in range(1, 7)]
    assert two.content_sha256 == whole.content_sha256
    assert np.array_equal(two.seconds[:, :1], one.seconds)
    assert two.info.hardware == f"riscv64, 4 cores; {one.info.hardware}"
    first = replace(
        two,
        info=two.info.model_copy(update={"seeds": (0,)}),
        validation=two.validation[:, :1],
        test=two.test[:, :1],
        seconds=two.seconds[:, :1],
    )
    assert first.content_sha256 == one.content_sha256


def test_a_table_that_has_all_seeds_stays_as_it_is(tmp_path: Path) -> None:
    table, _ = make(tmp_path / "one", seeds=1)
    path = published(table, tmp_path / "there", created="long ago")
    before = path.read_bytes()
    _, steps = make(tmp_path / "there", seeds=1)
    assert steps == []
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"dataset_version": "9.0.0"}, r"something else \(it differs in dataset_version\).*another --out"),
        ({"seeds": (5,)}, r"has seed 5, which is not among the 2 asked for; give --seeds 6"),
        ({"software": {"torch": "1.0"}}, r"made with torch 1\.0, and .* may give other values"),
        ({"software": {}}, "made with torch of unknown version"),
    ],
)
def test_a_table_that_cannot_be_gone_on_from_is_left_as_it_is(
    tmp_path: Path, about: dict[str, Any], message: str
) -> None:
    table, _ = make(tmp_path / "one", seeds=1)
    path = published(table, tmp_path / "there", **about)
    before = path.read_bytes()
    with pytest.raises(TableError, match=message):
        make(tmp_path / "there", seeds=2)
    assert path.read_bytes() == before


def test_a_damaged_table_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "g-digits" / "d4" / "aen-standard.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1")
    with pytest.raises(TableError, match=r"is not a table.*to make it again, move it away first"):
        make(tmp_path, seeds=1)
    assert path.read_bytes() == b"PAR1"


def test_a_table_and_a_store_that_disagree_are_not_mixed(tmp_path: Path) -> None:
    table, _ = make(tmp_path, seeds=1)
    images = table.info.validation_images
    path = published(replace(table, validation=(images - np.rint(table.validation * images)) / images), tmp_path)
    before = path.read_bytes()
    with pytest.raises(TableError, match="different results of the training 0/000000000000"):
        make(tmp_path, seeds=2)
    assert path.read_bytes() == before


def test_a_store_of_another_plan_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, seeds=1)
    next(tmp_path.rglob("*.parquet")).unlink()
    other = Budget("standard", SearchBudget(), Recipe(150, 2), RECIPE)
    monkeypatch.setitem(AEN_FAMILY.budgets, ("standard", "standard"), other)
    with pytest.raises(StoreError, match="another plan"):
        make(tmp_path, seeds=1)


def test_a_group_convolutional_network_is_trained_as_a_search_would() -> None:
    task, recipe = Task("g-digits", "none"), Recipe(96, 1, 32, chosen_by=50)
    space = GCNNSpace(TaskShape("standard", 10))
    state = "010100000" + "0"
    found = tabulate.train(Training(task, None, space, recipe, state, 3))
    live = TrainedEvaluation(space, *Images(task).training(), recipe, 3)
    assert found["validation"] == [live(state)]
    assert space.candidate(state).augmentation.names
    assert found["parameters"] == space.candidate(state).architecture.parameter_count


def test_bad_plans_are_refused_before_any_work() -> None:
    task = Task("g-digits", "d4")
    with pytest.raises(InvalidArgumentError, match="--seeds 3"):
        TablePlan(task, seeds=0)
    with pytest.raises(UnknownNameError, match=r'Unknown space "mlp"\. Choose from: aen, gcnn'):
        TablePlan(task, "mlp")
    with pytest.raises(UnknownNameError, match="aug9"):
        TablePlan(Task("g-mnist", "aug9"))


@pytest.mark.slow
def test_on_a_gpu_a_tables_networks_are_trained_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pretended_gpu: Any
) -> None:
    """The table is the CPU's, up to images on which two classes are nearly as likely; it says what it was made on."""
    chunks, together = [], tabulate.train_together

    def noted(trainings: list[Training]) -> list[dict[str, object]]:
        if len(chunks) == 1:
            raise KeyboardInterrupt
        chunks.append([(each.seed, each.network) for each in trainings])
        return together(trainings)

    here, _ = make(tmp_path / "cpu")
    with pretended_gpu() as (device, _):
        with monkeypatch.context() as patch:
            patch.setattr(tabulate, "train_together", noted)
            with pytest.raises(KeyboardInterrupt):
                make(tmp_path / "gpu", device=device)
        assert chunks == [[(0, network) for network in NETWORKS]]
        there, steps = make(tmp_path / "gpu", device=device)
        assert steps == [(done, 6) for done in range(1, 7)]
    assert (here.info.device, there.info.device) == ("cpu", "cuda")
    assert there.content_sha256 != here.content_sha256
    assert np.array_equal(there.parameters, here.parameters)
    assert np.abs(there.validation - here.validation).max() <= 3 / here.info.validation_images
    assert np.abs(there.test - here.test).max() <= 3 / here.info.test_images
    assert np.abs(here.validation[:, 0] - here.validation[:, 1]).max() > 10 / here.info.validation_images
    with pytest.raises(TableError, match="differs in device"):
        make(tmp_path / "gpu", seeds=3)
