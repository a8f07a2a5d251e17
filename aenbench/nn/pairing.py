"""Which input and output permutations are one generator, and whether together they describe one group.

A layer is equivariant to a group that acts on its inputs only if the outputs are moved by the same group: each product
of generators that leaves every input in place must leave every output in place. Where it does not, the two sides are
joined in a larger group, whose layers share more weights than was meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aenbench.errors import InvalidArgumentError
from gdatasets.groups.group import Group
from gdatasets.groups.permutation_groups import Permutations, check_permutations, permutation_order

Representation = Group | Mapping[str, ArrayLike] | ArrayLike
"""How generators move the units of one side: a `Group`, a mapping from name to gather indices (units,), or gather
indices (generators, units)."""

_PRODUCTS = 4_000  # of two elements, at most, to find out whether the relations of both sides agree
_VALUES = 1 << 24  # indices gathered for that, at most


@dataclass(frozen=True, eq=False)
class Pairing:
    """The generators on both sides, row by row the same.

    Attributes:
        names: of the generators.
        inputs: gather indices (generators, n_in).
        outputs: gather indices (generators, n_out).
    """

    names: tuple[str, ...]
    inputs: Permutations
    outputs: Permutations


def permutations_of(side: Representation) -> Permutations:
    """The gather indices (generators, units) of one side, in the order given."""
    return _parts(side)[1]


def pair(inputs: Representation, outputs: Representation, joint: bool = False) -> Pairing:
    """The generators on both sides: by name where both sides are named, in the order of the inputs; else by position.

    Args:
        inputs: how the inputs move.
        outputs: how the outputs move.
        joint: accept outputs on which the generators satisfy other relations than on the inputs; the layer is then
            equivariant to the larger group that they generate on both sides together.

    Raises:
        InvalidArgumentError: names are missing on one side, the numbers of generators differ, a row is no permutation;
            or, unless `joint`, the order of a generator on the outputs does not divide its order on the inputs, or a
            product of generators moves outputs but no input (looked for in small groups).
    """
    in_names, into, in_named = _parts(inputs)
    out_names, out, out_named = _parts(outputs)
    if in_named and out_named:
        _check_names(in_names, out_names)
        out = out[[out_names.index(name) for name in in_names]].reshape(len(in_names), out.shape[1])
    elif len(into) != len(out):
        raise InvalidArgumentError(
            f"Expected one input and one output permutation for each generator, got {len(into)} and {len(out)}."
        )
    names = out_names if out_named and not in_named else in_names
    if not joint and not np.array_equal(into, out):
        _check_orders(names, into, out)
        _check_relations(names, into, out)
    return Pairing(names, into, out)


def _parts(side: Representation) -> tuple[tuple[str, ...], Permutations, bool]:
    """Names, permutations, and whether the names were given."""
    if isinstance(side, Mapping):
        side = Group.from_permutations(side) if side else np.zeros((0, 0), dtype=np.int64)
    if isinstance(side, Group):
        return side.names, side.permutations, side.is_named
    rows = check_permutations(side)
    return tuple(f"generator {k}" for k in range(len(rows))), rows, False


def _check_names(in_names: tuple[str, ...], out_names: tuple[str, ...]) -> None:
    for where, missing in (
        ("outputs", [name for name in in_names if name not in out_names]),
        ("inputs", [name for name in out_names if name not in in_names]),
    ):
        if missing:
            raise InvalidArgumentError(
                f"The {where} have no generator {', '.join(missing)}; give every generator on both sides."
            )


def _check_orders(names: tuple[str, ...], into: Permutations, out: Permutations) -> None:
    for name, p, q in zip(names, into, out, strict=True):
        on_outputs = permutation_order(q)
        if on_outputs > 1 and (on_inputs := permutation_order(p)) % on_outputs:
            raise InvalidArgumentError(
                f"{name} has order {on_outputs} on the outputs, which does not divide its order {on_inputs} on the "
                "inputs; pair the generators by name, or give joint=True for the larger group."
            )


def _check_relations(names: tuple[str, ...], into: Permutations, out: Permutations) -> None:
    """Close the inputs, with the outputs that belong to each element; two different ones are a contradiction."""
    degree = into.shape[1]
    both = np.concatenate([into, out + degree], axis=1)
    if (out == np.arange(out.shape[1])).all():
        return  # trivial outputs
    identity = np.arange(both.shape[1])
    found: dict[bytes, NDArray[np.int64]] = {identity[:degree].tobytes(): identity}
    queue, left = [identity], min(_PRODUCTS, _VALUES // max(1, both.shape[1]))
    for element in queue:
        left -= len(both)
        if left < 0:
            return  # too large to look at every element
        for product in element[both]:
            known = found.setdefault(product[:degree].tobytes(), product)
            if known is product:
                queue.append(product)
            elif not np.array_equal(known, product):
                raise InvalidArgumentError(
                    f"A product of {', '.join(names)} moves outputs but no input, so the two sides are not one group; "
                    "pair the generators by name, or give joint=True for the larger group."
                )
