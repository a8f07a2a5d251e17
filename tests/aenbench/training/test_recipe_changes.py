"""Changes to a recipe: exact numbers, a name for each, and nothing where nothing changes."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aenbench.errors import InvalidArgumentError
from aenbench.training.recipe import MAX_PASSES, OPTIMIZERS, SCHEDULES, Recipe
from aenbench.training.recipe_changes import RecipeChanges, exact

POSITIVE = st.floats(1e-12, 1e6)
RECIPES = st.builds(
    Recipe,
    st.integers(1, 60_000),
    st.integers(1, 600),
    st.integers(1, 512),
    POSITIVE,
    schedule=st.sampled_from(SCHEDULES),
    weight_decay=st.floats(0, 1),
    label_smoothing=st.floats(0, 0.9),
)
CHANGES = st.builds(
    RecipeChanges,
    st.none() | st.integers(1, 2_000),
    st.none() | st.integers(1, 512),
    st.none() | POSITIVE,
    st.none() | st.floats(0, 1),
    st.none() | st.sampled_from(SCHEDULES),
    st.none() | st.sampled_from(OPTIMIZERS),
    st.none() | st.floats(0, 0.9),
    st.none() | st.integers(1, 100),
)
AVAILABLE = st.integers(100, 60_000)


@given(RECIPES, AVAILABLE)
def test_options_that_give_the_fixed_recipe_give_it_itself(recipe: Recipe, available: int) -> None:
    same = asdict(RecipeChanges.between(Recipe(1, 1, 1), recipe, available))
    spelled = {name: value for name, value in same.items() if value is not None}
    usual = exact(recipe, available)
    spelled |= {"epochs": usual.epochs, "images": usual.images}
    assert RecipeChanges(**spelled).applied(recipe, available) is recipe
    assert RecipeChanges().applied(recipe, available) is recipe
    more = RecipeChanges(**{**spelled, "epochs": usual.epochs + 1})
    assert more.applied(recipe, available) != recipe


@given(RECIPES, CHANGES, AVAILABLE)
def test_passes_and_images_are_those_that_were_asked_for(
    recipe: Recipe, changes: RecipeChanges, available: int
) -> None:
    changed = changes.applied(recipe, available)
    usual = recipe.passes(changes.images or available)  # as of a dataset of so many images
    assert changed.passes(available) == (changes.epochs or usual)
    assert min(changed.images, available) == (changes.images or min(recipe.images, available))
    for name in ("batch", "learning_rate", "weight_decay", "schedule", "label_smoothing"):
        asked = getattr(changes, name)
        assert getattr(changed, name) == (getattr(recipe, name) if asked is None else asked)
    untouched = ("chosen_by", "evaluation_batch", "precision")
    assert all(getattr(changed, name) == getattr(recipe, name) for name in untouched)
    measured, usually = changed.measurements(available), recipe.passes(available)
    if changes.images is None or changed.passes(available) != usual:
        assert measured == changed.passes(available)
    else:  # about as often as usual, whatever the number of passes
        assert min(usually, changed.passes(available)) <= measured <= 2 * usually


@given(RECIPES, CHANGES, AVAILABLE)
def test_what_differs_gives_the_recipe_again(recipe: Recipe, changes: RecipeChanges, available: int) -> None:
    changed = changes.applied(recipe, available)
    difference = RecipeChanges.between(recipe, changed, available)
    assert difference.applied(recipe, available) == changed
    assert bool(difference.given) == (changed != recipe)
    assert set(difference.given) <= set(changes.given)


@given(CHANGES, CHANGES)
def test_different_changes_have_different_labels(one: RecipeChanges, other: RecipeChanges) -> None:
    assert (one.label == other.label) == (one == other)
    assert set(one.label) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")


def test_labels_are_short() -> None:
    changes = RecipeChanges(30, 128, 0.01, 5e-4, "one-cycle", "adamw", 0.1, 1_000)
    assert changes.label == "e30-b128-lr0.01-wd0.0005-one-cycle-adamw-ls0.1-n1000"
    assert RecipeChanges(learning_rate=1.0).label == RecipeChanges(learning_rate=1).label == "lr1"


def test_few_images_are_passed_as_often_as_was_said() -> None:
    """1,000 images are passed 50 times as often as 50,000, on the open track too, unless epochs are given."""
    recipe = Recipe(50_000, 10)
    assert recipe.passes(1_000) == 500
    assert RecipeChanges(epochs=7).applied(recipe, 1_000).passes(1_000) == 7
    assert RecipeChanges(images=1_000).applied(recipe, 50_000).passes(50_000) == 500
    assert RecipeChanges(images=1_000, epochs=10).applied(recipe, 50_000).passes(50_000) == 10
    assert RecipeChanges(images=10).applied(recipe, 50_000).passes(50_000) == MAX_PASSES
    assert RecipeChanges(images=10).applied(recipe, 50_000).measurements(50_000) == 10
    assert RecipeChanges(images=1_000).applied(recipe, 50_000).measurements(50_000) == 10
    assert RecipeChanges(images=1_000, epochs=499).applied(recipe, 50_000).measurements(50_000) == 499
    for epochs, said in ((10, 10), (500, None)):  # the usual number is not said
        changed = RecipeChanges(epochs=epochs, images=1_000).applied(recipe, 50_000)
        assert RecipeChanges.between(recipe, changed, 50_000) == RecipeChanges(epochs=said, images=1_000)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 0}, "Expected epochs of at least 1, got 0"),
        ({"batch": 0}, "Expected batch of at least 1, got 0"),
        ({"batch": 2 * 10**9}, "Expected a batch of at most 1,000,000,000 images, got 2,000,000,000"),
        ({"images": 0}, "Expected images of at least 1, got 0"),
        ({"images": 101}, "Expected at most 100 images to train on, which are all to learn from, got 101"),
        ({"learning_rate": 0.0}, "Expected a learning rate above 0, got 0.0"),
        ({"learning_rate": float("nan")}, "Expected a learning rate above 0, got nan"),
        ({"learning_rate": 1e7}, r"Expected a learning rate of at most 1,000,000, got 1e\+07"),
        ({"weight_decay": -1.0}, "Expected a weight decay of at least 0, got -1.0"),
        ({"weight_decay": 1e7}, "Expected a weight decay of at most 1,000,000"),
        ({"label_smoothing": 1.0}, "Expected a label smoothing from 0 to below 1, got 1.0"),
    ],
)
def test_impossible_changes_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        RecipeChanges(**changes).applied(Recipe(100, 2), 100)
