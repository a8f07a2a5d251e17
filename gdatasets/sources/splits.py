"""Splits of sources that were published without them, or whose validation images must not share a group with others.

Every rule depends on the publisher's order, labels and groups only, so that everybody cuts alike.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.int64]

CUT_RULE = (
    "cut here, since none were published: of each class, in the publisher's order, the last fifth is `test`, and the "
    "tenth before it ends `train`, as its validation images; all three parts mixed"
)
"""What `cut_each_class` does, in words."""


def fixed_order(key: str, count: int) -> Order:
    """An order of samples, int64 (count,), that depends on the key and the count, and on no library's version."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:16], "little")
    return np.argsort(np.random.Philox(key=seed).random_raw(count), kind="stable")


def cut_each_class(name: str, labels: NDArray[np.int64]) -> Mapping[str, Order]:
    """Which samples `train` and `test` have of a source that has one published set.

    Of each class, in the publisher's order: the last fifth is `test`, the tenth before it ends `train` as its
    validation images, what comes first is learned from. Consecutive images, which may be of one place or recording, so
    stay together but at two cuts. Learning and validation images are each mixed by `fixed_order`.

    Args:
        name: of the source; it keys the mixing.
        labels: int64 (n,), in the publisher's order.
    """
    parts: list[list[Order]] = [[], [], []]
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        test, held_out = len(members) // 5, len(members) // 10
        cuts = (len(members) - test - held_out, len(members) - test)
        for part, chosen in zip(parts, np.split(members, cuts), strict=True):
            part.append(chosen)
    learned, held_out_images, tested = (_mixed(name, np.concatenate(part)) for part in parts)
    return {"train": np.concatenate([learned, held_out_images]), "test": tested}


def hold_out_groups(name: str, labels: Sequence[int], groups: Sequence[str]) -> tuple[Order, int]:
    """An order of training samples whose end is whole groups, and how many samples that end has.

    In each class every tenth group is held out, counted in the order of their names; in a class of fewer than ten the
    last one, unless it is the only one. Both parts are mixed by `fixed_order`.

    Args:
        name: of the source; it keys the mixing.
        labels: the class of each sample, in the publisher's order.
        groups: the group of each, whose name is not used by another class.
    """
    members: dict[int, set[str]] = {}
    for label, group in zip(labels, groups, strict=True):
        members.setdefault(label, set()).add(group)
    held_out = {chosen for each in map(sorted, members.values()) for chosen in each[9::10] or each[1:][-1:]}
    is_held_out = np.fromiter((group in held_out for group in groups), dtype=bool, count=len(groups))
    parts = [_mixed(name, np.flatnonzero(is_held_out == wanted)) for wanted in (False, True)]
    return np.concatenate(parts), len(parts[1])


def _mixed(name: str, samples: Order) -> Order:
    return np.sort(samples)[fixed_order(f"gdatasets-order-1/{name}", len(samples))]
