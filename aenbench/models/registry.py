"""The model families by name, and a user's own by import path.

To build one in takes its own file and its line here. One of your own is registered by `FAMILIES.register(name, family)`
for this process, or found at its import path by every process; what is found so is registered under its name too.
"""

from typing import Any

from aenbench.errors import InvalidArgumentError
from aenbench.models.aen import AEN_FAMILY
from aenbench.models.custom import CUSTOM_FAMILY
from aenbench.models.escnn_c8 import ESCNN_FAMILY
from aenbench.models.family import ModelFamily, Offer, offer_of
from aenbench.models.gcnn import GCNN_FAMILY
from aenbench.models.p4cnn import P4CNN_FAMILY
from aenbench.models.resnet import CNN_FAMILY, RESNET_FAMILY
from aenbench.models.space import Factor, SearchSpace
from gdatasets.errors import UnknownNameError
from gdatasets.registry import Registry
from gdatasets.user_code import locate_module

_ELSEWHERE = ("group", "group:<name>")  # baselines of no family: `aenbench.runs.group_baseline`


def _form(key: str) -> tuple[str, bool]:
    """What tells baselines apart: the name before the colon, and whether there is a part after it."""
    head, colon, _ = key.partition(":")
    return head, bool(colon)


def _check(name: str, value: Any) -> ModelFamily:
    if not isinstance(value, ModelFamily):
        raise InvalidArgumentError(f'Expected "{name}" to be an aenbench ModelFamily, got {type(value).__name__}.')
    if ":" not in name and name != value.name:
        raise InvalidArgumentError(f'This model family is called "{value.name}"; register it under that name.')
    others = [family for family in FAMILIES.values() if family.name != value.name]
    taken = {_form(key): key for key in [*_ELSEWHERE, *(key for family in others for key in family.baselines)]}
    for key in value.baselines:
        if _form(key) in taken:
            raise InvalidArgumentError(f'There is a baseline "{taken[_form(key)]}" already; choose another name.')
    return value


FAMILIES: Registry[ModelFamily] = Registry(
    "model family",
    {
        family.name: family
        for family in (AEN_FAMILY, GCNN_FAMILY, P4CNN_FAMILY, CNN_FAMILY, RESNET_FAMILY, ESCNN_FAMILY, CUSTOM_FAMILY)
    },
    _check,
)
DEFAULT_FAMILY = AEN_FAMILY
_FOUND_AT: set[str] = set()  # import paths of families: a module may be called as its family is


def find_family(name: str) -> ModelFamily:
    """The family of a name or at an import path; the latter is then registered under its own name.

    Raises:
        UnknownNameError: it is neither.
        InvalidArgumentError: the import path gives no family, or there is another one of its name.
    """
    family = FAMILIES.find(name)
    if ":" in name:
        _FOUND_AT.add(name)
    if family.name not in FAMILIES:
        FAMILIES.register(family.name, family)
    elif FAMILIES[family.name] != family:
        raise InvalidArgumentError(f'There is another model family "{family.name}"; rename the one at "{name}".')
    return family


def find_space(name: str) -> ModelFamily:
    """As `find_family`, of a family that has a search space; raises UnknownNameError for others."""
    if ":" not in name and name not in spaces():
        raise UnknownNameError("space", name, [*spaces(), '"package.module:family" of your own'])
    family = find_family(name)
    if family.space is None:
        raise InvalidArgumentError(f'The model family "{name}" has no search space.')
    return family


def spaces() -> tuple[str, ...]:
    """Names of the families that have a search space."""
    return tuple(name for name, family in FAMILIES.items() if family.space is not None)


def space_of(name: str) -> type[SearchSpace]:
    """The space of a registered family; raises UnknownNameError."""
    family = FAMILIES.get(name)
    if family is None or family.space is None:
        raise UnknownNameError("space", name, spaces())
    return family.space


def find_recipe(name: str) -> ModelFamily:
    """The family whose final training has this name, or that is at this import path."""
    named = {each: family for each, family in FAMILIES.items() if family.budgets}
    if name in named or ":" not in name:
        if name not in named:
            raise UnknownNameError("recipe", name, named)
        return named[name]
    return find_family(name)


def factors_of(space: SearchSpace) -> tuple[Factor, ...]:
    """The factors of a space, all combinations of whose levels exist.

    Raises:
        InvalidArgumentError: a space of no registered family.
    """
    for family in FAMILIES.values():
        if family.space is type(space):
            return family.factors(space)
    raise InvalidArgumentError(
        f"The factors of {type(space).__name__} are not known; expected the space of a family: {', '.join(spaces())}."
    )


def baselines() -> tuple[str, ...]:
    """Names of all baselines, as they are listed."""
    return tuple(key for family in FAMILIES.values() for key in family.baselines)


def registered_offer(name: str) -> Offer | None:
    """The baseline of this name of a registered family; nothing is imported.

    Raises:
        UnknownNameError: the part after the colon does not exist.
    """
    return next((offer for family in FAMILIES.values() if (offer := offer_of(family, name)) is not None), None)


def is_import_path(name: str) -> bool:
    """Whether `find_offer` imports, or has imported, a module for this baseline."""
    heads = {key.partition(":")[0] for key in baselines()}
    return ":" in name and (_path_of(name) in _FOUND_AT or name.partition(":")[0] not in heads)


def _path_of(name: str) -> str:
    """A baseline's import path, without the part after it."""
    return ":".join(name.split(":", 2)[:2])


def find_offer(name: str) -> Offer:
    """The baseline of this name; of a family at an import path it is `package.module:family` or one more `:part`.

    Raises:
        UnknownNameError: there is none.
        InvalidArgumentError: the import path gives no family.
    """
    if not is_import_path(name):
        offer = registered_offer(name)
    elif locate_module(name):
        family = find_family(_path_of(name))
        offer = offer_of(family, family.name + name.removeprefix(_path_of(name)))
        if offer is None:
            raise UnknownNameError(f"baseline of {family.name}", name, list(family.baselines))
    else:
        offer = None
    if offer is None:
        raise UnknownNameError("baseline", name, baselines())
    return offer


def family_with(method: str) -> ModelFamily:
    """The family of an entry's baseline by its name, nothing imported; raises UnknownNameError for others."""
    offer = registered_offer(method)
    if offer is None:
        raise UnknownNameError("baseline", method, [*baselines(), '"--space package.module:family" of your own'])
    return offer.family
