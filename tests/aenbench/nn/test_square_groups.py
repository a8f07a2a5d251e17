"""The ten groups: closed, acting as groups do, and the same as those of the datasets."""

from itertools import chain, combinations

import numpy as np
import pytest

from aenbench.errors import InvalidArgumentError
from aenbench.nn.square_groups import MOVES, SQUARE_GROUPS, SquareGroup, group_from_bits, group_generated_by
from gdatasets.errors import UnknownNameError
from gdatasets.groups.group import Group

every_group = pytest.mark.parametrize("group", [SquareGroup(name) for name in SQUARE_GROUPS], ids=lambda g: g.name)
ORDERS = {"trivial": 1, "c4": 4, "v4": 4, "v4-diagonal": 4, "d4": 8}


@every_group
def test_products_make_a_group(group):
    products, elements = group.products, range(group.order)
    assert group.order == ORDERS.get(group.name, 2)
    assert (products[0] == elements).all()
    assert (products[:, 0] == elements).all()
    assert (products[elements, group.inverses] == 0).all()
    assert (products[group.inverses, elements] == 0).all()
    for g in elements:
        assert sorted(products[g]) == list(elements)
        assert (products[products[g]] == products[g][products]).all()  # (g h) k = g (h k)


@every_group
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_pixels_and_features_are_actions(group, size):
    rng = np.random.Generator(np.random.PCG64(size))
    for permutations in (group.pixels(size), group.features(size)):
        x = rng.normal(size=permutations.shape[1])
        for g in range(group.order):
            for h in range(group.order):
                np.testing.assert_array_equal(
                    x[permutations[h]][permutations[g]], x[permutations[group.products[g, h]]]
                )


@every_group
def test_features_move_elements_and_pixels(group):
    x = np.random.Generator(np.random.PCG64(0)).normal(size=(group.order, 5 * 5))
    pixels, features = group.pixels(5), group.features(5)
    for g in range(group.order):
        moved = x.ravel()[features[g]].reshape(x.shape)
        for h in range(group.order):
            np.testing.assert_array_equal(moved[group.products[g, h]], x[h][pixels[g]])


@pytest.mark.parametrize("size", [2, 3, 8, 28])
@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("trivial", ()),
        ("hflip", ("hflip",)),
        ("vflip", ("vflip",)),
        ("c4", ("rotation",)),
        ("v4", ("hflip", "vflip")),
        ("d4", ("rotation", "vflip")),
    ],
)
def test_groups_are_those_of_the_datasets(name, actions, size):
    ours = {row.tobytes() for row in SquareGroup(name).pixels(size)}
    assert ours == {row.tobytes() for row in Group(actions, size).elements()}


def test_moves_do_what_numpy_does():
    x = np.arange(9).reshape(3, 3)
    by_numpy = {
        "rotation": np.rot90(x),
        "half-turn": np.rot90(x, 2),
        "hflip": np.fliplr(x),
        "vflip": np.flipud(x),
        "diagonal": x.T,
        "antidiagonal": np.rot90(x, 2).T,
    }
    assert set(by_numpy) == set(MOVES)
    for move, expected in by_numpy.items():
        np.testing.assert_array_equal(group_generated_by([move]).pixels(3)[1], expected.ravel())


def test_every_set_of_moves_generates_one_of_the_ten_groups():
    subsets = list(chain.from_iterable(combinations(MOVES, k) for k in range(len(MOVES) + 1)))
    found = {group_generated_by(subset).name for subset in subsets}
    assert found == set(SQUARE_GROUPS)
    assert len({frozenset(row.tobytes() for row in SquareGroup(name).pixels(2)) for name in SQUARE_GROUPS}) == 10


def test_three_bits_name_the_group_that_they_generate():
    names = {f"{code:03b}": group_from_bits(f"{code:03b}").name for code in range(8)}
    assert names == {
        "000": "trivial",
        "001": "vflip",
        "010": "hflip",
        "011": "v4",
        "100": "c4",
        "101": "d4",
        "110": "d4",
        "111": "d4",
    }


def test_flips_act_on_grids_that_are_not_square_and_rotations_do_not():
    x = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(SquareGroup("hflip").pixels(2, 3)[1], np.fliplr(x).ravel())
    np.testing.assert_array_equal(SquareGroup("c2").pixels(2, 3)[1], x.ravel()[::-1])
    for name in ("c4", "diagonal", "d4"):
        with pytest.raises(InvalidArgumentError, match="square grids only; got 2 x 3"):
            SquareGroup(name).pixels(2, 3)


def test_unknown_names_are_errors():
    with pytest.raises(UnknownNameError, match="Choose from: trivial, c2"):
        SquareGroup("c8")
    with pytest.raises(UnknownNameError, match="Choose from: rotation"):
        group_generated_by(["shear"])
    for bits in ("11", "012", ""):
        with pytest.raises(InvalidArgumentError, match="three characters"):
            group_from_bits(bits)
