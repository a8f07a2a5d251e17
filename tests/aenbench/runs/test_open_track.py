"""The open track: a run with another recipe of the final training makes an entry of its own kind."""

import re
import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from aenbench.cli.reproduce import parse_run
from aenbench.errors import EntryError, InvalidArgumentError
from aenbench.execution.executors import LocalExecutor
from aenbench.leaderboard.board import read_board
from aenbench.leaderboard.entry import OpenRecipe, safe_name
from aenbench.leaderboard.entry_folder import read_entry
from aenbench.leaderboard.rescoring import rescore
from aenbench.leaderboard.training_curves import read_history
from aenbench.models.aen import AEN_FAMILY
from aenbench.models.family import Budget
from aenbench.models.space import SearchBudget
from aenbench.runs.baselines import Baseline
from aenbench.runs.options import RunOptions
from aenbench.runs.plan import Plan
from aenbench.runs.rerun import recorded_plan, reproduce
from aenbench.runs.run import run
from aenbench.tasks.images import Images
from aenbench.tasks.task import Task
from aenbench.training.recipe import Recipe
from aenbench.training.recipe_changes import RecipeChanges

LEARN = Images(Task("g-digits", "d4")).images_to_learn
FINAL = Recipe(2 * LEARN, 2, chosen_by=100)  # four passes over the images that there are


@pytest.fixture(autouse=True)
def tiny_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = Budget("quick", SearchBudget(states=4, networks=2), Recipe(64, 1), FINAL)
    monkeypatch.setitem(AEN_FAMILY.budgets, ("standard", "quick"), tiny)


def options(**changes: Any) -> RunOptions:
    return RunOptions(baseline="mlp", dataset="g-digits", config="d4", budget="quick", seeds=1, **changes)


def words(asked: RunOptions) -> str:
    """The command that asks for it."""
    named = ("baseline", "dataset", "config", "budget", "seeds", "epochs", "learning_rate", "train_images")
    values = {name: getattr(asked, name) for name in named}
    flags = [f"--{name.replace('_', '-')} {value}" for name, value in values.items() if value is not None]
    return " ".join(["aenbench run", *flags])


def made(asked: RunOptions, out: Path) -> Path:
    return run(asked.plan(), out, words(asked), lambda _: None, LocalExecutor(1))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"epochs": 4},
        {"train_images": LEARN},
        {"learning_rate": 1e-3, "batch": 64, "weight_decay": 0.0, "label_smoothing": 0.0},
        {"schedule": "constant", "optimizer": "adam", "epochs": 4, "train_images": LEARN},
    ],
)
def test_options_that_spell_the_fixed_recipe_make_the_fixed_entry(changes: dict[str, Any]) -> None:
    plan, fixed = options(**changes).plan(), options().plan()
    assert plan.open_recipe is None
    assert (plan.name, plan.spent) == (fixed.name, fixed.spent)
    images = Images(plan.task)
    assert plan.identity(images) == fixed.identity(images)


OPEN = [
    {"epochs": 2},
    {"epochs": 20},
    {"batch": 16},
    {"learning_rate": 1e-2},
    {"learning_rate": 1e-20},
    {"weight_decay": 1e-20},
    {"schedule": "cosine"},
    {"optimizer": "sgd"},
    {"label_smoothing": 0.1},
    {"train_images": LEARN - 1},
    {"train_images": 20, "epochs": 1},
    {"weight_decay": 0.12345678901234567, "label_smoothing": 0.12345678901234567, "learning_rate": 0.12345678901234567},
    {"weight_decay": 0.12345678901234567, "label_smoothing": 0.12345678901234567, "learning_rate": 0.12345678901234568}
    | {"schedule": "one-cycle", "optimizer": "adamw"},
]


@pytest.mark.parametrize("changes", OPEN, ids=str)
def test_any_other_recipe_is_open_and_the_search_stays(changes: dict[str, Any]) -> None:
    plan, fixed = options(**changes).plan(), options().plan()
    assert plan.open_recipe is not None
    named = {"train_images": "images"}
    assert plan.open_recipe.changes == {named.get(name, name): value for name, value in changes.items()}
    assert (plan.spent.child, plan.spent.search) == (fixed.spent.child, fixed.spent.search)
    assert plan.name.startswith("mlp-quick-open-")
    assert safe_name(plan.name) == plan.name


def test_names_differ_where_recipes_differ() -> None:
    plans = [options(**changes).plan() for changes in [*OPEN, {}, {"epochs": 1, "train_images": 21}]]
    for one, other in combinations(plans, 2):
        assert one.name != other.name
        assert one.spent.final != other.spent.final


def test_a_long_name_becomes_a_short_one_that_still_differs() -> None:
    method = {"model": "mynet:Net", "name": "n" * 80}
    asked = RunOptions(dataset="g-digits", config="d4", budget="quick", epochs=7, **method)
    name, other = asked.plan().name, replace(asked, epochs=8).plan().name
    assert name == f"{'n' * 80}-open-e7"
    assert other != name
    long = replace(asked, label_smoothing=0.25, weight_decay=0.125).plan().name
    assert len(long) == 80 + len("-open-") + 12
    with pytest.raises(InvalidArgumentError, match="give a shorter --name"):
        _ = replace(asked, name="n" * 95).plan().name


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fixed entry and two open ones of one task."""
    base = tmp_path_factory.mktemp("board")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(AEN_FAMILY.budgets, ("standard", "quick"), Budget("quick", SearchBudget(4), Recipe(9, 1), FINAL))
        for changes in ({}, {"epochs": 3, "train_images": 100}, {"learning_rate": 1e-2}):
            made(options(**changes), base)
    return base


def test_an_open_entry_says_what_was_trained(board: Path) -> None:
    folder = board / "g-digits" / "d4" / "mlp-quick-open-e3-n100"
    entry, _ = read_entry(folder)
    assert entry.open_recipe == OpenRecipe(epochs=3, images=100)
    assert str(entry.open_recipe) == "3 epochs, 100 images"
    assert [len(each) for each in read_history(folder).values()] == [3]
    other, _ = read_entry(folder.with_name("mlp-quick-open-lr0.01"))
    assert str(other.open_recipe) == "learning rate 0.01, all images"
    assert {len(each) for each in read_history(folder.with_name("mlp-quick-open-lr0.01")).values()} == {4}
    assert read_entry(folder.with_name("mlp-quick"))[0].open_recipe is None


def test_open_entries_have_a_table_of_their_own(board: Path) -> None:
    fixed, opened = read_board(board).standings
    assert (fixed.is_open, opened.is_open) == (False, True)
    assert [row.entry.name for row in fixed.rows] == ["mlp-quick"]
    assert {row.entry.name for row in opened.rows} == {"mlp-quick-open-e3-n100", "mlp-quick-open-lr0.01"}
    assert fixed.rows[0].rank == opened.rows[0].rank == 1
    assert fixed.rows[0].tied == ()


@pytest.mark.parametrize("name", ["mlp-quick", "mlp-quick-open-e3-n100"])
def test_reproducing_an_entry_trains_by_its_own_recipe(name: str, board: Path, tmp_path: Path) -> None:
    folder = tmp_path / "g-digits" / "d4" / name
    shutil.copytree(board / "g-digits" / "d4" / name, folder)
    entry, _ = read_entry(folder)
    plan = recorded_plan(entry, parse_run)
    assert plan.open_recipe == entry.open_recipe
    assert reproduce(folder, plan, tmp_path / "out", lambda _: None, LocalExecutor(1)).is_exact


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("--epochs 4", "its recipe is fixed, not open: 3 epochs, 100 images"),
        ("--epochs 3 --train-images 99", "its recipe is open: 3 epochs, 99 images, not open: 3 epochs, 100 images"),
        ("--epochs 3 --train-images 100 --batch 32", "its recipe is open: 3 epochs, batch 32, 100 images, not"),
        ("--epochs 0", "cannot be run: Expected epochs of at least 1, got 0"),
        ("--epochs 3 --train-images 99999", "cannot be run: Expected at most"),
    ],
)
def test_a_command_of_another_recipe_is_refused(command: str, said: str, board: Path) -> None:
    entry, _ = read_entry(board / "g-digits" / "d4" / "mlp-quick-open-e3-n100")
    start = words(options())
    with pytest.raises(EntryError, match=said):
        recorded_plan(entry.model_copy(update={"command": f"{start} {command}"}), parse_run)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({}, "open_recipe changes nothing"),
        ({"all_images": True}, "open_recipe changes nothing"),
        ({"epochs": 4}, "seed 0: open_recipe has 4 epochs, history.csv lists 3 passes"),
        ({"epochs": 3, "images": 100, "all_images": True}, "all_images is True for 100 of "),
        ({"epochs": 3, "images": LEARN}, f"all_images is False for {LEARN:,} of {LEARN:,} images to learn from"),
        ({"epochs": 3, "images": LEARN + 1}, "open_recipe is impossible: Expected at most"),
        ({"schedule": "fast"}, 'open_recipe is impossible: Unknown schedule "fast"'),
        ({"optimizer": "adan"}, 'open_recipe is impossible: Unknown optimi[sz]er "adan"'),
        ({"label_smoothing": 1.0}, "open_recipe is impossible: Expected a label smoothing"),
    ],
)
def test_an_entry_whose_recipe_cannot_be_is_found(
    stated: dict[str, Any], said: str, board: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "g-digits" / "d4" / "mlp-quick-open-e3-n100"
    shutil.copytree(board / "g-digits" / "d4" / folder.name, folder)
    entry, _ = read_entry(folder)
    assert rescore(folder)[2] == []
    changed = entry.model_copy(update={"open_recipe": OpenRecipe(**stated)})
    (folder / "entry.json").write_text(changed.model_dump_json())
    [difference] = rescore(folder)[2]
    assert re.search(said, difference)


def test_too_many_passes_are_refused_before_training(tmp_path: Path) -> None:
    asked = replace(options(epochs=50_001), seeds=2)
    with pytest.raises(InvalidArgumentError, match="at most --epochs 50,000 for 2 seeds, got 50,001"):
        made(asked, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert replace(asked, epochs=50_000).plan().spent.final.epochs == 50_000


def test_too_many_passes_of_the_fixed_recipe_are_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """3130c15 planned 200 seeds of 880 passes, whose `history.csv` could not be read."""
    task = Task("g-digits", "c4")
    for changes in (RecipeChanges(), RecipeChanges(learning_rate=1e-2)):
        with pytest.raises(InvalidArgumentError, match="give at most --seeds 113 for 880 passes each, got 200"):
            _ = Plan(Baseline("mlp"), task, "standard", 200, changes=changes).spent
        assert Plan(Baseline("mlp"), task, "standard", 113, changes=changes).spent.final
    monkeypatch.setattr(Images, "images_to_learn", property(lambda _: pytest.fail("it was asked for")))
    assert Plan(Baseline("mlp"), task, "standard", 100).spent.final
