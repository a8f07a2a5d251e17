"""How large the experiments are."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aenbench.errors import InvalidArgumentError
from aenbench.models.aen import AEN_FAMILY
from aenbench.models.family import Budget
from aenbench.models.gcnn import GCNN_FAMILY
from aenbench.tasks.protocol import PAPER, STANDARD, Protocol
from aenbench.training.recipe import Recipe
from gdatasets.errors import UnknownNameError

_TEN_EPOCHS = Recipe(10_000, 10)
_SHORT = {  # final trainings under `standard`: those of the paper's length, not those to convergence of `aenbench run`
    AEN_FAMILY.name: Recipe(50_000, 10),
    GCNN_FAMILY.name: Recipe(10_000, 5, batch=32, evaluation_batch=100),
}
_MAX_SEEDS = 100


@dataclass(frozen=True)
class Scale:
    """The size of every part.

    Attributes:
        name: what users type.
        seeds: repetitions of all but the trainings of group convolutional networks: 0, 1, ...
        budgets: what a repetition may spend, by name of the family and protocol: those of `aenbench run`, but for the
            final trainings under `standard`, which are as short as the paper's.
        actions: how each network of part a is trained.
        sides: of the images whose sharings are timed, in pixels; the second layer has half of them.
        full_group_seconds: no sharing is built by the full group where it is estimated to take longer.
        gcnn_seeds: trainings of each group convolutional network.
        gcnn_networks: how many of these are trained, a balanced part; None for all.

    Seeds are not in the text of a scale, so that trials that were made before are of use when there are more.
    """

    name: str
    seeds: int = field(repr=False)
    budgets: Mapping[tuple[str, Protocol], Budget]
    actions: Recipe
    sides: tuple[int, ...]
    full_group_seconds: float
    gcnn_seeds: int = field(repr=False)
    gcnn_networks: int | None = field(repr=False)


def _budgets(name: str) -> dict[tuple[str, Protocol], Budget]:
    families, protocols = (AEN_FAMILY, GCNN_FAMILY), (STANDARD, PAPER)
    found = {(each.name, under): each.budget(under, name) for each in families for under in protocols}
    if name == "standard":
        for family, recipe in _SHORT.items():
            found[family, STANDARD] = replace(found[family, STANDARD], final=recipe)
    return found


SCALES: Mapping[str, Scale] = {
    scale.name: scale
    for scale in (
        Scale("quick", 1, _budgets("quick"), Recipe(2_000, 4), (8, 12, 16), 1.0, 1, 24),
        Scale("two-cores", 3, _budgets("standard"), _TEN_EPOCHS, (8, 12, 16, 20, 24, 28), 60.0, 1, 96),
        Scale("paper", 3, _budgets("standard"), _TEN_EPOCHS, (8, 12, 16, 20, 24, 28), 600.0, 2, None),
    )
}


def scale_of(name: str, seeds: int | None = None) -> Scale:
    """The scale of this name, with so many seeds instead of its own where they are given.

    Raises:
        UnknownNameError: there is no scale of this name.
        InvalidArgumentError: fewer seeds than one, or more than 100.
    """
    if name not in SCALES:
        raise UnknownNameError("scale", name, list(SCALES))
    if seeds is None:
        return SCALES[name]
    if not 1 <= seeds <= _MAX_SEEDS:
        raise InvalidArgumentError(f"Expected --seeds from 1 to {_MAX_SEEDS}, got {seeds}.")
    return replace(SCALES[name], seeds=seeds, gcnn_seeds=seeds)
