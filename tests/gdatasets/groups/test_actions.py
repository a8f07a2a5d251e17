import sys

import numpy as np
import pytest

from gdatasets.errors import InvalidArgumentError, UnknownNameError
from gdatasets.groups.actions import (
    ACTION_REGISTRY,
    ACTIONS,
    Action,
    act,
    actions_from_bits,
    bits_from_actions,
    find_action,
)
from gdatasets.groups.group import Group, parse_group
from gdatasets.groups.permutation_groups import enumerate_elements


@pytest.fixture
def transpose():
    ACTION_REGISTRY.register("transpose", lambda x, _: x.swapaxes(1, 2))
    yield "transpose"
    ACTION_REGISTRY.unregister("transpose")


def some_images(size):
    return np.random.default_rng(0).integers(0, 256, (3, size, size, 2), dtype=np.uint8)


def test_twelve_names_are_in_the_bit_order_of_every_state_string():
    assert ",".join(ACTIONS) == (
        "rotation,hflip,vflip,htrans,vtrans,scramble1,scramble2,scramble3,scramble4,scramble5,scramble6,scramble7"
    )


@pytest.mark.parametrize("step", [1, 4])
@pytest.mark.parametrize("name", ACTIONS)
def test_undo_restores_what_an_action_moved(name, step):
    x = some_images(8)
    moved = act(name, x, step)
    assert not np.array_equal(moved, x)
    assert np.array_equal(find_action(name).undo(moved, step), x)


@pytest.mark.parametrize("size", [6, 8, 28])
@pytest.mark.parametrize("name", ACTIONS)
def test_order_is_the_number_of_elements_that_an_action_generates(name, size):
    action = find_action(name)
    assert action.order(size, 4) == len(enumerate_elements(action.permutation(size, 4)[None]))


def test_a_registered_action_acts_and_is_undone_without_an_inverse_of_its_own(transpose):
    x = some_images(6)
    assert np.array_equal(act(transpose, x), x.swapaxes(1, 2))
    shear = Action(
        "shear-roll", lambda x, _: np.stack([np.roll(x[:, k], k, axis=1) for k in range(x.shape[1])], axis=1)
    )
    assert shear.order(6) == 6
    assert np.array_equal(shear.undo(shear(x)), x)
    assert not np.array_equal(shear(shear(x)), x)


def test_a_registered_action_generates_groups_like_any_other(transpose):
    group = Group([transpose, "hflip"], size=6)
    assert group.order == 8
    assert group.closure == ("rotation", "hflip", "vflip", "transpose")
    assert parse_group("transpose,hflip", 6) == group


def test_a_registered_action_has_no_place_in_the_bit_string(transpose):
    with pytest.raises(InvalidArgumentError, match="no place in the string of 12 bits"):
        bits_from_actions(["hflip", transpose])
    assert len(ACTIONS) == 12
    assert actions_from_bits("1" * 12) == ACTIONS


def test_an_action_is_found_at_its_import_path(tmp_path, monkeypatch):
    (tmp_path / "own_actions.py").write_text("def transpose(x, step):\n    return x.swapaxes(1, 2)\n")
    monkeypatch.chdir(tmp_path)
    path = "own_actions:transpose"
    assert Group([path], size=5).order == 2
    assert parse_group(f"hflip,{path}", 6).actions == ("hflip", path)
    sys.modules.pop("own_actions")


@pytest.mark.parametrize(
    ("move", "why"),
    [
        (lambda x, _: x[:, :-1], "must keep their shape"),
        (lambda x, _: np.zeros_like(x), "does not permute the pixels"),
    ],
)
def test_an_action_that_does_not_permute_pixels_is_refused(move, why):
    with pytest.raises(InvalidArgumentError, match=r"permute|keep their shape") as caught:
        Action("bad", move).permutation(4)
    assert why in f"{caught.value} {caught.value.__cause__}"


def test_what_is_no_function_cannot_be_registered():
    with pytest.raises(InvalidArgumentError, match="expected an Action, or a function"):
        ACTION_REGISTRY.register("mine", 3)


def test_unknown_action_suggests_a_close_name():
    with pytest.raises(UnknownNameError, match='Did you mean "rotation"'):
        act("rotatoin", some_images(4))
