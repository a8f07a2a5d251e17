"""What entries say of their networks, as the model families tell it.

The families are imported when they are asked: they need torch, which a command that only reads entries does not.
"""

import re
from typing import TYPE_CHECKING

from aenbench.errors import InvalidArgumentError
from aenbench.leaderboard.entry import Entry, Origin, SeedResult
from gdatasets.errors import UnknownNameError
from gdatasets.groups.actions import ACTION_REGISTRY

if TYPE_CHECKING:
    from aenbench.models.family import ModelFamily, Offer
    from aenbench.tasks.task import TaskShape


def network_facts(seed: SeedResult) -> tuple[object, ...]:
    """What a seed states of its network, in the fields of all families that state something."""
    return tuple(getattr(seed, name) for family in _stating() for name in family.facts)


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


def settles_on(method: str, seed: SeedResult, shape: "TaskShape") -> bool:
    """Whether a registered baseline can have settled on the network that a seed states.

    A search may settle on any network of its family; other baselines on the one, or the few, that they name. A family
    without facts states nothing, so it is believed; of a search at an import path nothing is known, so it is not.
    """
    from aenbench.models.family import BestOf, Fixed
    from aenbench.models.registry import registered_offer
    from aenbench.search.registry import SEARCHES

    offer = None if method_problem(method, "baseline") or method.startswith("group:") else registered_offer(method)
    if offer is None or offer.family.space is None:
        return False
    try:
        if isinstance(offer.baseline, Fixed):
            found = [offer.baseline.network(shape, offer.part, seed.large).facts]
        elif isinstance(offer.baseline, BestOf):
            space = offer.family.space(shape)
            found = [space.candidate(space.canonical(state)).architecture.facts for state in offer.baseline.states]
        else:
            return not offer.part or offer.part in SEARCHES
    except InvalidArgumentError:  # it has no network for these images
        return False
    stated = {name: getattr(seed, name) for name in offer.family.facts}
    return any({name: facts.get(name) for name in stated} == stated for facts in found)


def of_one_family(one: Entry, other: Entry) -> bool:
    """Whether two entries were made with one model family at an import path: `package.module:family` is the same."""
    return (
        one.origin == other.origin == "model"
        and one.method.count(":") > 0
        and one.method.split(":")[:2] == other.method.split(":")[:2]
    )


def method_problem(method: str, origin: Origin) -> str:
    """What is wrong with a method's name, in a sentence; empty where nothing is.

    A baseline's method names one that is registered here. Of a search at an import path only the form is looked at. A
    submission's method is free text, unless it is written as a baseline's name is: `gcnn:c4`, `aen:greedy`.
    """
    if origin == "model" or (origin == "submission" and not re.fullmatch(r"[A-Za-z0-9._-]+(:\S*)?", method)):
        return ""
    from aenbench.models.registry import baselines, registered_offer

    heads = {key.partition(":")[0] for key in baselines()} | {"group"}
    head, _, part = method.partition(":")
    if origin == "submission" and head not in heads:
        return ""
    if head == "group":
        return "" if _is_group(part) else f'"{method}" names no group of the twelve actions'
    try:
        offer = registered_offer(method)
    except UnknownNameError:
        offer = None
    if offer is None or (offer.part and not _is_part(offer)):
        return f'there is no baseline "{method}"; the baselines are {", ".join(baselines())}'
    return ""


def _is_part(offer: "Offer") -> bool:
    """Whether the part of a baseline's name is one of its parts, a registered search, or has the form of a path."""
    from aenbench.models.family import Searched
    from aenbench.search.registry import SEARCHES

    return not isinstance(offer.baseline, Searched) or offer.part in SEARCHES or ":" in offer.part


def _is_group(part: str) -> bool:
    """Whether `group:<part>` is what a baseline of a group of one's own is called."""
    if part == "trivial" or re.fullmatch("sha256-[0-9a-f]{64}", part):
        return True
    return all(name in ACTION_REGISTRY or re.fullmatch(r"[\w.]+:[\w.]+", name) for name in part.split(","))


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
