"""Changes to a recipe, as the open track of `aenbench run` makes them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from aenbench.errors import InvalidArgumentError
from aenbench.training.recipe import Optimiser, Recipe, Schedule

MAX_RATE = 1e6
"""Of the learning rate and the weight decay, so that every number of a training fits its entry."""

MAX_BATCH = 10**9
"""Images a step, for the same reason."""

_SHORT = {
    "epochs": "e",
    "batch": "b",
    "learning_rate": "lr",
    "weight_decay": "wd",
    "label_smoothing": "ls",
    "images": "n",
}


@dataclass(frozen=True)
class RecipeChanges:
    """What is changed in a recipe; None leaves a field as it is.

    Numbers are exact here, whatever the size of the dataset: `epochs` are passes over the images that are trained on,
    where a `Recipe` passes few images proportionally more often. Where `images` is given without `epochs`, they are
    passed as often as the recipe passes a dataset of so many: the number of steps stays, up to `MAX_PASSES` passes. The
    accuracy is then measured about as often as by the recipe, not after each of those short passes: measuring it on
    10,000 images after each of 1,000 passes over 100 took longer than everything else.

    Attributes:
        epochs: passes over the images that are trained on.
        batch: images a step; at most a billion.
        learning_rate: of the optimizer, the highest one of the schedule; at most a million.
        weight_decay: at most a million.
        schedule: of the learning rate.
        optimizer: by its name.
        label_smoothing: 0 to below 1.
        images: how many of those to learn from, from the start.
    """

    epochs: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    schedule: Schedule | None = None
    optimizer: Optimiser | None = None
    label_smoothing: float | None = None
    images: int | None = None

    @property
    def given(self) -> Mapping[str, Any]:
        """The fields that are changed."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def check(self, recipe: Recipe) -> None:
        """See that the values are possible, whatever the images.

        Raises:
            InvalidArgumentError: one is not.
        """
        _replaced(recipe, self.given)
        for name in ("learning_rate", "weight_decay"):
            if self.given.get(name, 0) > MAX_RATE:
                raise InvalidArgumentError(
                    f"Expected a {name.replace('_', ' ')} of at most {MAX_RATE:,.0f}, got {getattr(self, name):g}."
                )
        if self.batch is not None and self.batch > MAX_BATCH:
            raise InvalidArgumentError(f"Expected a batch of at most {MAX_BATCH:,} images, got {self.batch:,}.")

    def applied(self, recipe: Recipe, available: int) -> Recipe:
        """The recipe with these changes.

        Args:
            recipe: that is changed.
            available: images to learn from.

        Returns:
            The recipe itself where the changes come to nothing: the training would be the same.

        Raises:
            InvalidArgumentError: an impossible value, or more images than there are.
        """
        self.check(recipe)
        if self.images is not None and self.images > available:
            raise InvalidArgumentError(
                f"Expected at most {available:,} images to train on, which are all to learn from, got {self.images:,}."
            )
        usual, given = exact(recipe, available), dict(self.given)
        if self.images is not None and self.epochs in (None, recipe.passes(self.images)):
            given["epochs"] = recipe.passes(self.images)
            given["measured_every"] = max(1, given["epochs"] // usual.epochs)
        changed = exact(_replaced(usual, given), available)
        return recipe if changed == usual else changed

    @classmethod
    def between(cls, recipe: Recipe, changed: Recipe, available: int) -> Self:
        """Where another recipe trains otherwise, on so many available images."""
        usual, other = exact(recipe, available), exact(changed, available)
        pairs = {field.name: (_value(usual, field.name), _value(other, field.name)) for field in fields(cls)}
        found = {name: value for name, (before, value) in pairs.items() if value != before}
        if "images" in found:
            found.pop("epochs", None)
            if other.epochs != recipe.passes(other.images):
                found["epochs"] = other.epochs
        return cls(**found)

    @property
    def label(self) -> str:
        """The changes in short, such as `e30-lr0.01-one-cycle`, fit for a file name; different changes differ."""
        return "-".join(f"{_SHORT.get(name, '')}{_shown(value)}" for name, value in self.given.items())


def exact(recipe: Recipe, available: int) -> Recipe:
    """The same training on so many available images, by the numbers of images and of passes that it has there."""
    return replace(recipe, images=min(recipe.images, available), epochs=recipe.passes(available))


_FIELDS = {"optimizer": "optimiser"}


def _value(recipe: Recipe, name: str) -> Any:
    return getattr(recipe, _FIELDS.get(name, name))


def _replaced(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    return replace(recipe, **{_FIELDS.get(name, name): value for name, value in values.items()})


def _shown(value: float | str) -> str:
    """A number as it is read again, without the plus of `1e+20` and the end of `1.0`."""
    return value if isinstance(value, str) else repr(value).replace("+", "").removesuffix(".0")
