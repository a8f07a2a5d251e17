"""What entries state of their networks and searches, beside what follows from their method, network and trials.

Networks of the package's families are rebuilt from the facts that a seed states, without weights. What nothing in the
entry or the package tells again, such as times and a submission's numbers, stays as its authors state it.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aenbench.leaderboard.entry import Entry, SeedResult
from aenbench.leaderboard.entry_folder import HISTORY_FILE, TRIALS_FILE
from aenbench.leaderboard.networks import stated_facts
from aenbench.leaderboard.search_curves import TrialRow
from aenbench.tasks.images import Images
from aenbench.tasks.task import TaskShape
from aenbench.training.history import Pass
from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.groups.actions import ACTIONS

if TYPE_CHECKING:
    from aenbench.models.family import ModelFamily, Offer

Trials = Mapping[int, Sequence[TrialRow]]
Facts = tuple[tuple[str, Any], ...]
"""What a network states of itself, as (field, value)."""

_GROUP = "group:"
_TOLERANCE = 1e-6  # images
_ROUNDED = 1e-5  # of accuracies with six digits


def recount(
    entry: Entry, trials: Trials, histories: Mapping[int, Sequence[Pass]], images: Images
) -> tuple[bool, list[str]]:
    """Compare an entry's typed numbers with what can be rebuilt or counted.

    Args:
        entry: what it says, about images of the right size.
        trials: of its searches, by seed.
        histories: of its final trainings, by seed.
        images: of its task.

    Returns:
        Whether the parameters of every seed were counted again; and one line for each difference.
    """
    differences = [*_miscounted(entry, trials), *_otherwise_chosen(entry, histories)]
    differences += _otherwise_trained(entry, histories, images)
    counted = False
    try:
        offer = entry_offer(entry)
        if offer is not None:
            differences += _off_grid(entry, offer.family, images)
            found = [
                _of_seed(seed, entry.method, offer, trials.get(seed.seed, ()), images.shape) for seed in entry.seeds
            ]
            counted = all(known for known, _ in found)
            differences += [difference for _, of_seed in found for difference in of_seed]
    except (InvalidArgumentError, UnknownNameError) as error:
        differences.append(f"{entry.method} has no such network for these images: {error}")
    return counted, differences


def _miscounted(entry: Entry, trials: Trials) -> list[str]:
    """Whether the entry counts the networks and states that `trials.csv` lists."""
    if not trials:
        return []
    known = {seed.seed for seed in entry.seeds}
    found = [f"{TRIALS_FILE} has a seed {seed}, which the entry has not" for seed in trials if seed not in known]
    for seed in entry.seeds:
        listed = trials.get(seed.seed, ())
        if seed.networks_trained != len(listed):
            found.append(
                f"seed {seed.seed}: networks_trained is {len(listed):,} by {TRIALS_FILE}, "
                f"{seed.networks_trained:,} is stated"
            )
        if listed and seed.states_visited < listed[-1].states_visited:
            found.append(
                f"seed {seed.seed}: states_visited is at least {listed[-1].states_visited:,} by {TRIALS_FILE}, "
                f"{seed.states_visited:,} is stated"
            )
    return found


def _otherwise_chosen(entry: Entry, histories: Mapping[int, Sequence[Pass]]) -> list[str]:
    """Whether `chosen_by` is the best accuracy that `history.csv` lists."""
    if not histories:
        return []
    known = {seed.seed for seed in entry.seeds}
    found = [f"{HISTORY_FILE} has a seed {seed}, which the entry has not" for seed in histories if seed not in known]
    for seed in entry.seeds:
        best = max((each.accuracy for each in histories.get(seed.seed, ())), default=None)
        if best is None or seed.chosen_by is None or abs(best - seed.chosen_by) > _ROUNDED:
            found.append(
                f"seed {seed.seed}: chosen_by is {'missing' if best is None else f'{best:.5f}'} by {HISTORY_FILE}, "
                f"{'none' if seed.chosen_by is None else f'{seed.chosen_by:.5f}'} is stated"
            )
    return found


def _otherwise_trained(entry: Entry, histories: Mapping[int, Sequence[Pass]], images: Images) -> list[str]:
    """Whether the open recipe is none, or not that of these images and passes."""
    stated = entry.open_recipe
    if stated is None:
        return []
    available = images.images_to_learn

    from aenbench.training.recipe import Recipe
    from aenbench.training.recipe_changes import RecipeChanges

    if not stated.changes:
        return ["open_recipe changes nothing; expected null"]
    try:
        RecipeChanges(**stated.changes).applied(Recipe(images=available, epochs=1), available)
    except (InvalidArgumentError, UnknownNameError) as error:
        return [f"open_recipe is impossible: {error}"]
    found = []
    if stated.images is not None and stated.all_images != (stated.images == available):
        share = f"{stated.images:,} of {available:,} images to learn from"
        found.append(f"open_recipe: all_images is {stated.all_images} for {share}")
    for seed, passes in histories.items():
        if stated.epochs is not None and len(passes) != stated.epochs:
            found.append(
                f"seed {seed}: open_recipe has {stated.epochs:,} epochs, {HISTORY_FILE} lists {len(passes):,} passes"
            )
    return found


def other_recipe(entry: Entry, histories: Mapping[int, Sequence[Pass]], images: Images) -> str:
    """How the final trainings differ from the fixed recipe that the entry stands for, such as `5 passes, now 10`.

    Empty where they do not, or nothing tells: of the recipe an entry keeps the number of measurements only. An earlier
    version may have trained by another recipe of the same name; the entry is not wrong, but other entries beside it
    were trained for longer, or for shorter.

    Args:
        entry: what it says, about images of the right size.
        histories: of its final trainings, by seed.
        images: of its task.
    """
    offer = entry_offer(entry)
    if offer is None or entry.open_recipe is not None or not histories:
        return ""
    budget = offer.family.budgets.get((entry.protocol, entry.budget))
    expected = None if budget is None else budget.final.measurements(images.images_to_learn)
    counts = sorted({len(passes) for passes in histories.values()})
    if expected is None or counts == [expected]:
        return ""
    return f"{' or '.join(f'{count:,}' for count in counts)} passes, now {expected:,}"


def entry_offer(entry: Entry) -> "Offer | None":
    """The baseline that an entry names; None where it is none of a registered family."""
    if entry.origin != "baseline":
        return None  # before torch is imported, which a board of submissions does not need

    from aenbench.models.aen import AEN_FAMILY, Architecture
    from aenbench.models.family import Fixed, Offer
    from aenbench.models.registry import registered_offer

    if not entry.method.startswith(_GROUP):
        return registered_offer(entry.method)
    names = entry.method.removeprefix(_GROUP).split(",")
    actions = () if names == ["trivial"] else tuple(names)
    if not set(actions) <= set(ACTIONS):
        return None  # generators of the author's own
    return Offer(AEN_FAMILY, Fixed(lambda shape, _part, _large: Architecture(actions, shape)))


def _of_seed(
    seed: SeedResult, method: str, offer: "Offer", trials: Sequence[TrialRow], shape: TaskShape
) -> tuple[bool, list[str]]:
    """Whether a seed's network was rebuilt, and what differs from what the seed states."""
    from aenbench.models.family import Fixed

    family, where, found = offer.family, f"seed {seed.seed}:", []
    if isinstance(offer.baseline, Fixed) and (seed.networks_trained or seed.states_visited):
        found.append(
            f"{where} {method} searches nothing; networks_trained {seed.networks_trained:,} and states_visited "
            f"{seed.states_visited:,} are stated, expected 0"
        )
    stated = tuple((name, getattr(seed, name)) for name in family.facts)
    rebuilt = _rebuilt(family, stated, shape)
    if rebuilt is None:
        return False, found
    facts, parameters = rebuilt
    fields = SeedResult.model_fields
    foreign = any(
        value != fields[name].default for name, value in stated_facts(seed).items() if name not in family.facts
    )
    possible = _choices(offer, seed.large, shape)
    if foreign or stated != facts or (possible is not None and facts not in possible):
        every = tuple(stated_facts(seed).items())
        found.append(f"{where} {_said(every)} is stated, which is no network that {method} gives")
    elif seed.parameters != parameters:
        found.append(f"{where} parameters are {parameters:,} for {_said(stated)}, {seed.parameters:,} is stated")
    if trials and not isinstance(offer.baseline, Fixed):
        found += _not_the_best(seed, offer, trials, shape)
    return True, found


def _not_the_best(seed: SeedResult, offer: "Offer", trials: Sequence[TrialRow], shape: TaskShape) -> list[str]:
    """Whether the network of a seed is not the one with the highest accuracy, the earliest of equals, of its trials.

    A search that asks the images weighs accuracies against what they say: any of its trials can be the one.
    """
    from aenbench.search.registry import ASK_IMAGES

    family = offer.family
    best = max(trials, key=lambda trial: trial.value)
    stated = (*((name, getattr(seed, name)) for name in family.facts), ("augmentations", seed.augmentations))
    if offer.part in ASK_IMAGES:
        if any(stated == _of_state(family, trial.state, shape) for trial in trials):
            return []
        return [f"seed {seed.seed}: {_said(stated)} is stated, which is no trial of {TRIALS_FILE}"]
    chosen = _of_state(family, best.state, shape)
    if stated == chosen:
        return []
    return [
        f"seed {seed.seed}: the best trial of {TRIALS_FILE} is {_said(chosen)} with accuracy {best.value:.4f}, "
        f"{_said(stated)} is stated"
    ]


def _said(facts: Facts) -> str:
    """Such as `actions hflip+vflip`."""
    texts = (f"{name} {'+'.join(value) if isinstance(value, tuple) else value}" for name, value in facts if value)
    return ", ".join(texts) or "the plain network"


def _choices(offer: "Offer", large: bool, shape: TaskShape) -> list[Facts] | None:
    """The networks that a baseline can settle on; None where it searches a space."""
    from aenbench.models.family import BestOf, Fixed

    family = offer.family
    if isinstance(offer.baseline, Fixed):
        facts = offer.baseline.network(shape, offer.part, large and offer.baseline.has_sizes).facts
        return [_canonical(family, facts, shape)]
    if isinstance(offer.baseline, BestOf):
        return [_of_state(family, state, shape)[:-1] for state in offer.baseline.states]
    return None


@lru_cache(maxsize=4_096)
def _of_state(family: "ModelFamily", state: str, shape: TaskShape) -> Facts:
    """The canonical facts and the augmentations of a state; raises InvalidArgumentError where the space has none."""
    assert family.space is not None, "what chooses among states has a space"
    space = family.space(shape)
    if len(state) != space.bits:
        raise InvalidArgumentError(f"a state has {space.bits} bits, {TRIALS_FILE} has one of {len(state)}.")
    candidate = space.candidate(state)
    facts = _canonical(family, candidate.architecture.facts, shape)
    return (*facts, ("augmentations", candidate.augmentation.names))


def _canonical(family: "ModelFamily", facts: Mapping[str, Any], shape: TaskShape) -> Facts:
    rebuilt = _rebuilt(family, tuple((name, facts[name]) for name in family.facts), shape)
    assert rebuilt is not None, "a network was rebuilt for this shape before"
    return rebuilt[0]


@lru_cache(maxsize=4_096)
def _rebuilt(family: "ModelFamily", facts: Facts, shape: TaskShape) -> tuple[Facts, int] | None:
    """The canonical facts and the free parameters of a network; None where its family does not rebuild it."""
    network = family.rebuild(dict(facts), shape)
    if network is None:
        return None
    return tuple((name, network.facts[name]) for name in family.facts), network.parameter_count


def _off_grid(entry: Entry, family: "ModelFamily", images: Images) -> list[str]:
    """Whether each `chosen_by` is a share of the images that choices are made by."""
    protocol, dataset = entry.task.protocol, images.dataset
    try:
        recipe = family.budget(protocol, entry.budget).final
    except (InvalidArgumentError, UnknownNameError):
        return []  # a budget in the author's words
    available = images.test_images if protocol.chooses_on_test else dataset.validation
    count = min(available, recipe.chosen_by or available)
    shares = {seed.seed: seed.chosen_by for seed in entry.seeds if seed.chosen_by is not None}
    return [
        f"seed {seed}: chosen_by is no share of the {count:,} images that choices are made by, {share:.6f} is stated"
        for seed, share in shares.items()
        if abs(share * count - round(share * count)) > _TOLERANCE
    ]
