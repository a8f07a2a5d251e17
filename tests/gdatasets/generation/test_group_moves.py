import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdatasets import Group, Transform
from gdatasets.errors import InvalidArgumentError
from gdatasets.generation.group_moves import GroupConfiguration, move_by_group, undo_group
from gdatasets.generation.specs import DatasetSpec
from gdatasets.groups.numbering import Numbering

SPEC = DatasetSpec("mine", "Mine", "1.0.0", "mine")
KLEIN = Group.from_permutations({"columns": [2, 1, 0, 5, 4, 3], "rows": [3, 4, 5, 0, 1, 2]}, shape=(2, 3))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.permutations(range(6)), max_size=3))
def test_element_k_is_the_kth_in_lexicographic_order(rows):
    group = Group.from_permutations(np.array(rows, dtype=int).reshape(-1, 6), (2, 3))
    numbered = Numbering(group).elements(np.arange(group.order))
    assert numbered.tolist() == sorted(group.elements().tolist())


def test_numbers_depend_on_the_group_and_not_on_its_generators():
    one, other = Group(["rotation", "hflip"], size=6), Group(["vflip", "rotation"], size=6)
    numbers = np.arange(8)
    assert np.array_equal(Numbering(one).elements(numbers), Numbering(other).elements(numbers))
    assert GroupConfiguration(one).name == GroupConfiguration(other).name
    assert GroupConfiguration(one).name != GroupConfiguration(Group(["rotation"], size=6)).name


def some_images(n, channels=()):
    return np.random.default_rng(0).integers(0, 256, (n, 2, 3, *channels), dtype=np.uint8)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_undo_restores_every_image(channels):
    images, numbers = some_images(40, channels), np.arange(40) % 4
    moved = move_by_group(images, KLEIN, numbers)
    assert np.array_equal(undo_group(moved, KLEIN, numbers), images)
    assert not np.array_equal(undo_group(moved, KLEIN, (numbers + 1) % 4), images)


def test_transform_moves_each_sample_by_its_own_element_in_any_order_and_batch():
    transform = pickle.loads(pickle.dumps(Transform(SPEC, KLEIN, "train")))
    images = some_images(4_000)
    whole = transform({"image": images}, range(4_000))
    order = np.random.default_rng(1).permutation(4_000)[:50]
    part = transform({"image": images[order]}, order)
    assert np.array_equal(part["image"], whole["image"][order])
    assert np.array_equal(part["element"], whole["element"][order])
    assert np.array_equal(transform.undo(whole)["image"], images)
    counts = np.bincount(whole["element"], minlength=4)
    assert abs(counts - 1_000).max() < 120  # about four standard deviations
    assert set(whole) == {"image", "source_index", "element"}


def test_samples_of_a_group_are_the_same_on_every_machine():
    numbers = GroupConfiguration(KLEIN).draw(SPEC, "train", np.arange(8))
    assert numbers.tolist() == [2, 0, 2, 1, 2, 2, 0, 1]


def test_every_element_of_a_large_group_can_be_undone():
    group = Group(["rotation", "htrans", "scramble4"], size=8)
    images = np.random.default_rng(0).integers(0, 256, (64, 8, 8), dtype=np.uint8)
    moved = Transform(SPEC, group, "test")({"image": images}, range(64))
    assert group.order > 64
    assert all(row in group for row in Numbering(group).elements(moved["element"])[:3])
    assert np.array_equal(undo_group(moved["image"], group, moved["element"]), images)


def test_what_does_not_fit_is_an_error():
    with pytest.raises(InvalidArgumentError, match="rows, columns"):
        GroupConfiguration(Group.from_permutations([[1, 0]]))
    with pytest.raises(InvalidArgumentError, match=r"images of shape \(2, 3\)"):
        Transform(SPEC, KLEIN, "train")({"image": np.zeros((2, 3, 3), dtype=np.uint8)}, range(2))
    cycle = [*range(1, 24), 0]
    with pytest.raises(InvalidArgumentError, match="too many to number"):
        GroupConfiguration(Group.from_permutations([cycle, [1, 0, *range(2, 24)]], (4, 6)))
