"""Laws of random moves, and the moves that keep them: the truth of a task is computed from how its images were moved.

An image x that was moved by w is `x[w]`, and then by g `x[w[g]]`. A move g keeps the law nu of the words iff nu(w[g]) =
nu(w) for every word w. Then w[g] is a word for any one word w, so all such g are found among the inverses of w followed
by words: at most as many as there are words.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdatasets.generation.specs import Configuration
from gdatasets.groups.actions import find_action
from gdatasets.groups.permutation_groups import Permutations, inverse

_HASHED = 1 << 35  # times 255 a pixel, times 784 pixels: below 2**53, so that sums of floats are exact


@dataclass(frozen=True, eq=False)
class Law:
    """A law of moves.

    Attributes:
        words: the moves, gather indices int64 (n, degree), all different.
        weights: how often each of them comes, integers (n,); a probability is a share of their sum.
    """

    words: Permutations
    weights: NDArray[np.int64]


def coin_law(actions: Sequence[str], size: int, step: int) -> Law:
    """Each action is applied with probability 1/2, in this order, as in the configurations of the family paper."""
    counts = Counter({np.arange(size**2).tobytes(): 1})
    for name in actions:
        move = find_action(name).permutation(size, step)
        moved: Counter[bytes] = Counter()
        for word, count in counts.items():
            moved[np.frombuffer(word, dtype=np.int64)[move].tobytes()] += count
        counts += moved
    words = np.array([np.frombuffer(word, dtype=np.int64) for word in counts])
    return Law(words, np.array(list(counts.values())))


def word_law(config: Configuration, size: int) -> Law:
    """The law of a configuration of the family paper without its rotation by any angle, which permutes no pixels."""
    return coin_law([name for name in config.actions if name != "rotation"], size, config.step)


def uniform_law(elements: Permutations) -> Law:
    return Law(elements, np.ones(len(elements), dtype=np.int64))


def stabilizer(law: Law) -> Permutations:
    """Every move that keeps the law, int64 (n, degree), the identity first: a group.

    Candidates are sieved by sums of random numbers along the words, which exclude for certain; what is left is compared
    word by word.
    """
    words, weights = law.words, law.weights
    first = int(np.argmin(weights))
    back = inverse(words[first])
    candidates = back[words[weights == weights[first]]]
    codes = np.random.default_rng(0).integers(0, _HASHED, words.shape[1]).astype(np.float64)
    sums = words @ codes
    moved = np.empty((words.shape[1], len(candidates)))
    np.put_along_axis(moved.T, candidates, np.broadcast_to(codes, candidates.shape), axis=1)
    expected = _sorted_pairs(sums, weights)
    likely = [g for g, column in zip(candidates, (words @ moved).T, strict=True) if _same(column, weights, expected)]
    known = {word.tobytes(): weight for word, weight in zip(words, weights.tolist(), strict=True)}
    kept = [g for g in likely if all(known.get(w[g].tobytes()) == n for w, n in zip(words, weights, strict=True))]
    return np.array(sorted(kept, key=lambda g: not np.array_equal(g, np.arange(len(g)))))


def _sorted_pairs(
    sums: NDArray[np.float64], weights: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    order = np.argsort(sums, kind="stable")
    return sums[order], weights[order]


def _same(
    sums: NDArray[np.float64],
    weights: NDArray[np.int64],
    expected: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> bool:
    found = _sorted_pairs(sums, weights)
    return bool(np.array_equal(found[0], expected[0]) and np.array_equal(found[1], expected[1]))


def on_free_orbits(images: NDArray[np.uint8], moves: Permutations) -> NDArray[np.bool_]:
    """Which images the moves make all different things of, none of which they make of an image before, bool (n,).

    Where that is so of all images, a move keeps the law of the moved images iff it keeps the law of the moves, as long
    as it takes none of these moved images to another image's. Images with unequal sums of random numbers are unequal
    for certain; those with equal sums, which different images have but by chance (2**-40 a pair), count as equal.

    Args:
        images: uint8 (n, degree).
        moves: the elements of a group or the words of a law, gather indices (m, degree).
    """
    codes = np.random.default_rng(1).integers(0, _HASHED, images.shape[1]).astype(np.float64)
    weights = np.empty((images.shape[1], len(moves)))
    np.put_along_axis(weights.T, moves, np.broadcast_to(codes, moves.shape), axis=1)
    sums = images.astype(np.float64) @ weights  # (images, moves)
    _, seen_first = np.unique(sums, return_index=True)
    new: NDArray[np.int64] = np.bincount(seen_first // len(moves), minlength=len(images))
    return np.equal(new, len(moves))
