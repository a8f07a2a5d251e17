"""What a method finds in the images of a task, and the answer that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aenbench.track.chain import Chain
from aenbench.track.submission import MAX_WEIGHTED, Answer
from aenbench.track.tasks import PIXELS
from gdatasets.groups.permutation_groups import Permutations

Moves = Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Finding:
    """What a method found.

    Attributes:
        symmetries: names of the candidates that are symmetries; they generate the group.
        confidences: for each candidate, how sure it is that it is a symmetry, 0..1.
        generators: gather indices (k, 784) of further symmetries, which are no candidates.
        elements: gather indices (k, 784) of weighted elements, the identity among them; where they are given they are
            the answer, and symmetries and generators are not looked at.
        weights: 0..1, of those.
    """

    symmetries: tuple[str, ...] = ()
    confidences: Mapping[str, float] = field(default_factory=dict)
    generators: Permutations | None = None
    elements: Permutations | None = None
    weights: Sequence[float] = ()


def as_answer(found: Finding, moves: Moves, seconds: float) -> tuple[Answer, Permutations]:
    """The answer to a task with one group, and its array.

    Args:
        found: what was found.
        moves: the candidates.
        seconds: of processor time that it took.

    Raises:
        ValueError: moves that are no permutations, or weights that are none.
        KeyError: a symmetry that is no candidate.
    """
    rows = _rows(found, moves)
    return _answer(found, seconds), rows


def as_answer_by_class(found: Mapping[int, Finding], moves: Moves, seconds: float) -> tuple[Answer, Permutations]:
    """The answer to a task whose classes have groups of their own, from the finding of each class; as `as_answer`."""
    rows = [_rows(each, moves) for each in found.values()]
    weighted = [each.elements is not None for each in found.values()]
    if any(weighted) and not all(weighted):
        raise ValueError("expected weighted elements of all classes, or of none")
    by_class = tuple(number for number, each in zip(found, rows, strict=True) for _ in each)
    weights = tuple(weight for each in found.values() for weight in each.weights)
    every = Finding(elements=np.concatenate(rows) if all(weighted) else None, weights=weights)
    return _answer(every, seconds, by_class), np.concatenate(rows)


def _answer(found: Finding, seconds: float, by_class: tuple[int, ...] = ()) -> Answer:
    return Answer(
        kind="generators" if found.elements is None else "elements",
        weights=() if found.elements is None else tuple(float(weight) for weight in found.weights),
        by_class=by_class,
        confidences={name: round(float(value), 6) for name, value in found.confidences.items()},
        seconds=round(seconds, 3),
    )


def _rows(found: Finding, moves: Moves) -> Permutations:
    """The moves that stand for a finding, int64 (k, 784)."""
    if found.elements is not None:
        rows = _permutations(found.elements)
        weights = np.asarray(found.weights, dtype=float)
        fits = weights.shape == (len(rows),) and (weights >= 0).all() and 0 < weights.max(initial=0) <= 1
        if not fits or len(rows) > MAX_WEIGHTED:
            raise ValueError(f"expected at most {MAX_WEIGHTED:,} elements, each with a weight from 0 to 1, not all 0")
        return rows
    own = [] if found.generators is None else list(np.asarray(found.generators, dtype=np.int64))
    rows = _permutations([*(moves[name] for name in found.symmetries), *own])
    return _irredundant(rows.tobytes())


def _permutations(rows: ArrayLike) -> Permutations:
    found = np.array(rows, dtype=np.int64).reshape(-1, PIXELS)
    if not np.array_equal(np.sort(found, axis=1), np.broadcast_to(np.arange(PIXELS), found.shape)):
        raise ValueError(f"expected moves that are permutations of 0..{PIXELS - 1}")
    return found


@lru_cache(maxsize=32)
def _irredundant(content: bytes) -> Permutations:
    """Those rows that are no products of rows before, as far as the budget of a chain can tell."""
    rows = np.frombuffer(content, dtype=np.int64).reshape(-1, PIXELS)
    chosen = rows[:0]
    for number, row in enumerate(rows):
        chain = Chain(chosen)
        if not chain.is_complete:
            return np.concatenate([chosen, rows[number:]])
        if not chain.contain(row[None])[0]:
            chosen = np.concatenate([chosen, row[None]])
    return chosen
