"""What entries say of their networks, as the model families tell it.

The families are imported when they are asked: they need torch, which a command that only reads entries does not.
"""

from typing import TYPE_CHECKING

from aenbench.leaderboard.entry import Entry, SeedResult
from gdatasets.errors import UnknownNameError

if TYPE_CHECKING:
    from aenbench.models.family import ModelFamily


def network_facts(seed: SeedResult) -> tuple[object, ...]:
    """What a seed states of its network, in the fields of all families that state something."""
    return tuple(getattr(seed, name) for family in _stating() for name in family.facts)


def family_of(seed: SeedResult) -> "ModelFamily":
    """The family whose facts a seed states; the first one where it states none, as the plain network does."""
    fields = SeedResult.model_fields
    families = _stating()
    stated = [each for each in families if any(getattr(seed, name) != fields[name].default for name in each.facts)]
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
    return offer is None or bool(offer.family.facts)


def _stating() -> "list[ModelFamily]":
    from aenbench.models.registry import FAMILIES

    fields = SeedResult.model_fields
    return [family for family in FAMILIES.values() if family.facts and all(name in fields for name in family.facts)]
