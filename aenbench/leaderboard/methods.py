"""Whether an entry's method exists, and what it can have settled on.

The families are imported when they are asked: they need torch, which a submission's free text does not.
"""

import re
from typing import TYPE_CHECKING

from aenbench.errors import InvalidArgumentError
from aenbench.leaderboard.entry import Origin, SeedResult
from gdatasets.errors import UnknownNameError
from gdatasets.groups.actions import ACTION_REGISTRY

if TYPE_CHECKING:
    from aenbench.models.family import Offer
    from aenbench.tasks.task import TaskShape


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
