"""The moves that keep a law: of words, of groups, and whether images let them be told."""

import numpy as np
import pytest

from aenbench.track.laws import Law, coin_law, on_free_orbits, stabilizer, uniform_law, word_law
from gdatasets import CONFIGURATIONS, Group
from gdatasets.groups.actions import ACTIONS

SIZE = 28


def actions_among(moves: np.ndarray, step: int) -> tuple[str, ...]:
    return Group.from_permutations(moves, (SIZE, SIZE), step).closure


@pytest.mark.parametrize(
    ("config", "order", "actions"),
    [
        ("aug1", 16, ("hflip", "vflip", "scramble2", "scramble6", "scramble7")),
        ("aug3", 2, ("scramble6",)),
        ("aug4", 1, ()),
        ("aug5", 8, ("scramble2", "scramble3", "scramble6", "scramble7")),
    ],
)
def test_what_the_words_of_the_paper_keep(config: str, order: int, actions: tuple[str, ...]) -> None:
    kept = stabilizer(word_law(CONFIGURATIONS[config], SIZE))
    assert len(kept) == order
    assert actions_among(kept, step=1) == actions


@pytest.mark.parametrize("config", ["c4", "d4", "v4", "roll", "d4-roll"])
def test_a_uniform_element_of_a_group_keeps_that_group(config: str) -> None:
    elements = Group(CONFIGURATIONS[config].actions, SIZE).elements()
    kept = stabilizer(uniform_law(elements))
    assert {row.tobytes() for row in kept} == {row.tobytes() for row in elements}
    assert np.array_equal(kept[0], np.arange(SIZE**2))


def test_the_stabilizer_is_that_of_a_search_through_all_words_and_no_more() -> None:
    law = coin_law(["vflip", "scramble4", "scramble2"], 4, 1)
    known = {word.tobytes(): weight for word, weight in zip(law.words, law.weights, strict=True)}
    group = Group(["vflip", "scramble4", "scramble2"], 4).elements()
    naive = {g.tobytes() for g in group if all(known.get(w[g].tobytes()) == known[w.tobytes()] for w in law.words)}
    assert {row.tobytes() for row in stabilizer(law)} == naive
    assert 1 < len(naive) < len(group)


def test_unequal_weights_break_a_symmetry() -> None:
    elements = Group(["rotation"], 4).elements()
    assert len(stabilizer(Law(elements, np.array([1, 1, 1, 1])))) == 4
    assert len(stabilizer(Law(elements, np.array([2, 1, 1, 1])))) == 1


def test_words_of_all_actions_are_of_probability_one() -> None:
    law = coin_law(ACTIONS[5:], 4, 1)
    assert law.weights.sum() == 2**7


def test_images_on_distinct_free_orbits_are_seen_and_others_are_not() -> None:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (6, 16)).astype(np.uint8)
    turns = Group(["rotation"], 4).elements()
    assert on_free_orbits(images, turns).all()
    images[1] = images[0][turns[2]]  # of the same orbit
    images[3] = 7  # not moved at all
    images[5] = np.tile(images[5].reshape(4, 4)[:2, :2], (1, 1)).repeat(2, axis=0).repeat(2, axis=1).ravel()
    assert on_free_orbits(images, turns).tolist() == [True, False, True, False, True, True]
    half = np.rot90(images[4].reshape(4, 4), 2) // 2 + images[4].reshape(4, 4) // 2
    images[5] = half.ravel()  # a half turn leaves it
    assert not on_free_orbits(images, turns)[5]
