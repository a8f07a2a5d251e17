"""What entries say of their networks, as the model families tell it.

The families are imported when they are asked: they need torch, which a command that only reads entries does not.
"""

from typing import TYPE_CHECKING, Any

from aenbench.leaderboard.entry import Entry, SeedResult
from aenbench.tasks.task import TaskShape
from gdatasets.errors import UnknownNameError

if TYPE_CHECKING:
    from aenbench.models.family import ModelFamily


def format_networks(entry: Entry) -> str:
    """Each seed's network; once where the seeds agree. The method, where it is none of ours.

    Raises:
        InvalidArgumentError: there is no such network for images of the size that the entry states.
    """
    if entry.origin != "baseline" or not states_network(entry):
        return entry.method
    return "; ".join(dict.fromkeys(_describe(seed, entry) for seed in entry.seeds))


def _describe(seed: SeedResult, entry: Entry) -> str:
    """Such as `rotation+hflip` or `d4 large, augmented by scale`: what the family says of it, and the augmentations."""
    family = _family_of(entry, seed)
    shape = TaskShape(entry.task.protocol, image_size=entry.image_size)
    network = family.describe({name: getattr(seed, name) for name in family.facts}, shape)
    return ", augmented by ".join([network, *(["+".join(seed.augmentations)] if seed.augmentations else [])])


def _family_of(entry: Entry, seed: SeedResult) -> "ModelFamily":
    """That of the baseline; of a group's networks, and where the baseline is registered elsewhere, by the facts."""
    from aenbench.models.registry import registered_offer

    try:
        offer = registered_offer(entry.method)
    except UnknownNameError:
        offer = None
    return family_of(seed) if offer is None else offer.family


def family_name(entry: Entry) -> str:
    """The model family of an entry: its name where it is registered here, else what the method names or the origin."""
    from aenbench.models.registry import registered_offer

    if entry.origin != "baseline":
        return entry.origin
    try:
        offer = registered_offer(entry.method)
    except UnknownNameError:
        offer = None
    return offer.family.name if offer else entry.method.partition(":")[0]


def stated_facts(seed: SeedResult) -> dict[str, Any]:
    """What a seed states of its network, by field, in the fields of all families that state something."""
    return {name: getattr(seed, name) for family in _stating() for name in family.facts}


def network_facts(seed: SeedResult) -> tuple[object, ...]:
    """What a seed states of its network, in the fields of all families that state something."""
    return tuple(stated_facts(seed).values())


def family_of(seed: SeedResult) -> "ModelFamily":
    """The family whose facts a seed states; the first one where it states none, as the plain network does."""
    families = _stating()
    stated = [each for each in families if _states(seed, each)]
    return stated[-1] if stated else families[0]


def states_network(entry: Entry) -> bool:
    """Whether the seeds of an entry say what their networks are; those of a family without facts only have a name.

    So do networks of a group outside the twelve actions.
    """
    from aenbench.models.registry import registered_offer

    if entry.method.startswith("group:"):
        return any(seed.actions for seed in entry.seeds)
    try:
        offer = registered_offer(entry.method)
    except UnknownNameError:
        return True
    if offer is None:  # of a family that was registered where the entry was made
        return any(_states(seed, family) for seed in entry.seeds for family in _stating())
    return bool(offer.family.facts)


def of_one_family(one: Entry, other: Entry) -> bool:
    """Whether two entries were made with one model family, as their methods say it.

    For one at an import path `package.module:family` is the same, for one by name what is before the colon. Groups of a
    user's own are no family.
    """
    parts = {"baseline": 1, "model": 2}.get(one.origin, 0)
    if one.origin != other.origin or not parts or one.method.startswith("group:"):
        return False
    return one.method.split(":")[:parts] == other.method.split(":")[:parts]


def _stating() -> "list[ModelFamily]":
    """The families with facts; of those with the same facts only the first, so that one's own changes no page."""
    from aenbench.models.registry import FAMILIES

    fields = SeedResult.model_fields
    found: dict[tuple[str, ...], ModelFamily] = {}
    for family in FAMILIES.values():
        if family.facts and all(name in fields for name in family.facts):
            found.setdefault(family.facts, family)
    return list(found.values())


def _states(seed: SeedResult, family: "ModelFamily") -> bool:
    fields = SeedResult.model_fields
    return any(getattr(seed, name) != fields[name].default for name in family.facts)
