"""Training any module, on a problem with a known answer."""

import pytest
import torch
from torch import nn

from aenbench.execution.threads import one_thread
from aenbench.models.registry import FAMILIES
from aenbench.tasks.images import LabelledImages
from aenbench.training.fit import accuracy, derive_seed, fit, predict
from aenbench.training.recipe import MAX_PASSES, Recipe
from gdatasets.sources.catalogue import SOURCES


def quadrants(count: int, seed: int) -> LabelledImages:
    """Noise with one bright quadrant; the label says which."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 1, 28, 28, generator=generator)
    labels = torch.randint(4, (count,), generator=generator)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[0, 14 * (label // 2) :, 14 * (label % 2) :][:14, :14] += 1
    return LabelledImages(images, labels)


def network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 4))


def test_fit_learns_what_can_be_learnt() -> None:
    model = network()
    before = accuracy(model, quadrants(400, 1))
    fitted = fit(model, quadrants(1_000, 0), quadrants(400, 1), Recipe(1_000, 5), seed=0)
    assert before < 0.5
    assert fitted.accuracies[-1] > 0.95
    assert fitted.losses[-1] < fitted.losses[0]
    assert accuracy(model, quadrants(400, 1)) == fitted.accuracies[-1]


def test_the_same_seed_gives_the_same_parameters() -> None:
    with one_thread(), torch.random.fork_rng():
        results = []
        for seed in (0, 0, 1):
            torch.manual_seed(5)  # of dropout
            model = network()
            fit(model, quadrants(300, 0), quadrants(50, 1), Recipe(300, 2), seed)
            results.append(model[1].weight)
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_the_best_pass_is_kept() -> None:
    model = network()
    fitted = fit(model, quadrants(200, 0), quadrants(60, 1), Recipe(200, 12), seed=0, keep_best=True)
    assert accuracy(model, quadrants(60, 1)) == max(fitted.accuracies)


def test_only_the_first_images_are_used_and_small_sets_are_passed_more_often() -> None:
    assert Recipe(4_000, 4).passes(60_000) == 4
    assert Recipe(4_000, 4).passes(1_000) == 16
    passes = []
    fit(network(), quadrants(100, 0), quadrants(20, 1), Recipe(50, 3), 0, on_pass=lambda *step: passes.append(step))
    assert passes == [(1, 3), (2, 3), (3, 3)]


def test_a_tiny_set_is_passed_a_bounded_number_of_times_and_no_published_one_less_often_than_before() -> None:
    """929b5b9: 12 images, of which 11 are learnt from, were passed 9,091 times under `quick`."""
    recipes = [
        recipe
        for family in FAMILIES.values()
        for budget in (family.budgets or {}).values()
        for recipe in (budget.child, budget.final)
    ]
    assert Recipe(10_000, 10) in recipes
    assert Recipe(10_000, 10).passes(11) == MAX_PASSES == 500
    sizes = [each.samples["train"] - each.validation for each in SOURCES.values()]
    assert min(sizes) == 1_137
    for recipe in recipes:
        for size in sizes:
            assert recipe.passes(size) == max(1, round(recipe.epochs * recipe.images / min(size, recipe.images)))
        assert recipe.passes(1) <= MAX_PASSES
    assert Recipe(100, 800).passes(100) == Recipe(100, 800).passes(20) == 800, "passes that were asked for stay"


def test_predicting_leaves_the_mode_and_drops_nothing_out() -> None:
    model = network().train()
    data = quadrants(100, 0)
    assert torch.equal(predict(model, data.images), predict(model, data.images, batch=7))
    assert model.training


def test_seeds_for_different_purposes_differ() -> None:
    seeds = {derive_seed(seed, purpose) for seed in range(50) for purpose in ("child", "final", "dqn")}
    assert len(seeds) == 150
    assert derive_seed(3, "child") == derive_seed(3, "child")


def test_no_images_is_an_error() -> None:
    with pytest.raises(ValueError, match="no training images"):
        Recipe(10, 1).passes(0)
